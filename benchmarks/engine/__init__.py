"""The gateway as it is served, beside what its answers cost without any of it and beside other servers for the same registry.

``python -m benchmarks.engine [--quick]`` does it all: see ``__main__``. What makes the comparison fair:

- One PostgreSQL registry, one machine, one run, servers in turns, medians. Every server is one process (``registry``, ``process``,
  ``measure``). Servers, PostgreSQL and clients share the machine's cores; read the ratios.
- The same rows: each answer is compared with the floor's, value by value and in order, before anything is timed, and each timed
  body with the bytes that were proved right. An error with HTTP 200 ends the run (``work``, ``load``).
- The gateway is asked over its real schema with the defaults of ``butler-gateway serve``. The floor is a bare handler with
  hand-written SQL (``servers.floor``, ``statements``); it gives the same data in the same shape and does nothing else.
- Peers get the best that their design allows: SQL written by hand with knowledge of the registry (``batches``), batching loaders,
  prepared statements, cached documents, JIT where there is one, no log of requests, production settings, Node of their newest
  supported line. They return flat objects and the registry's own integers for instants, where the gateway's schema has
  nested objects and UTC. Nobody compresses.
- Nobody bakes values into a statement or caches answers. Pages are planned with their values (PostgreSQL's plan for any length of a
  page is several times slower), look-ups by id once; PostGraphile makes its own
  statements, with the length of a page in them.
- Exposure ids pass 2^31 and instants have nanoseconds, so that a server that rounds is found out.
"""
