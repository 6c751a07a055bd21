"""The process of a Butler server behind its ingress, on a free port of loopback, which it prints.

``python -m tests.remote.serve <JSON>``: repositories by label, with ``config_uri`` and ``authorized_groups``. The server is what
``lsst.daf.butler.remote_butler.server`` makes of them, under uvicorn; its hook for tests holds streaming queries for as long as is ordered.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys


def main() -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    port = listening.getsockname()[1]
    os.environ |= {
        "DAF_BUTLER_SERVER_REPOSITORIES": sys.argv[1],
        "DAF_BUTLER_SERVER_GAFAELFAWR_URL": f"http://127.0.0.1:{port}/auth",
        "DAF_BUTLER_SERVER_AUTHENTICATION": "rubin_science_platform",
        "SAFIR_PROFILE": "development",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    import uvicorn
    from lsst.daf.butler.remote_butler.server import create_app
    from lsst.daf.butler.remote_butler.server.handlers import _query_limits

    from tests.remote.ingress import Ingress

    ingress = Ingress(create_app())

    async def hold() -> None:
        await asyncio.sleep(ingress.orders.get("hold", 0.0))

    _query_limits._block_query_for_unit_test = hold
    config = uvicorn.Config(ingress, log_level="warning", access_log=False, lifespan="off")
    print(port, flush=True)
    os.dup2(2, 1)  # the server's log goes to standard output, which nobody reads any further
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
