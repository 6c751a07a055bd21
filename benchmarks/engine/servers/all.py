"""Every server that takes part: how it is started, what language it is asked in, where it says that it lives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import install, work
from benchmarks.engine.batches import batches
from benchmarks.engine.known import Registry
from benchmarks.engine.process import Server, environment, free_port, python_module
from benchmarks.engine.servers import gateway, postgraphile, remote_butler

FLOOR, OURS = "bare handler", "gateway"
POSTGRAPHILE, MERCURIUS, APOLLO = "PostGraphile 5", "Mercurius with JIT", "Apollo Server 5, DataLoader"
STRAWBERRY = "strawberry, SQLAlchemy, DataLoader"
REST = "RemoteButler's REST call"
PEERS = (POSTGRAPHILE, MERCURIUS, APOLLO, STRAWBERRY)


@dataclass(frozen=True)
class Contender:
    """A server that answers all questions over HTTP."""

    server: Server
    language: work.Language

    @property
    def name(self) -> str:
        return self.server.name


@dataclass(frozen=True)
class Field:
    """All of them, the floor and the gateway first, and RemoteButler's server apart, which has one question only."""

    contenders: tuple[Contender, ...]
    remote: Server


@contextmanager
def running(known: Registry, folder: Path) -> Iterator[Field]:
    """All servers of a registry, each a process of its own; they are stopped at the end."""
    node = install.node()
    peers, butlers = install.peers(node), install.remote_butler()
    postgraphile.prepare(known)
    statements = {"ENGINE_STATEMENTS": json.dumps(batches(known))}

    with ExitStack() as stack:

        def start(name: str, port: int, command: list[str], more: dict[str, str]) -> Server:
            log = folder / f"{name.split()[0].strip(',')}.log"
            server = Server(name, command, port, log, environment(known, port) | more)
            stack.callback(server.stop)
            return server

        def written(name: str, command: list[str]) -> Server:
            return start(name, free_port(), command, statements)

        def of_node(name: str, file: str) -> Server:
            return written(name, [str(node.path / "node"), str(peers / file)])

        def of_python(name: str, module: str) -> Server:
            return written(name, python_module(f"benchmarks.engine.servers.{module}"))

        port = free_port()
        ours = start(OURS, port, gateway.command(known, folder, port), {})
        port = free_port()
        remote = start(REST, port, remote_butler.command(butlers, port), remote_butler.environment(known))
        contenders = (
            Contender(of_python(FLOOR, "floor"), work.FLOOR),
            Contender(ours, work.GATEWAY),
            Contender(of_node(POSTGRAPHILE, "postgraphile.mjs"), work.POSTGRAPHILE),
            Contender(of_node(MERCURIUS, "mercurius.mjs"), work.LOADERS),
            Contender(of_node(APOLLO, "apollo.mjs"), work.LOADERS),
            Contender(of_python(STRAWBERRY, "strawberry_sqlalchemy"), work.LOADERS),
        )
        for server in (remote, *(contender.server for contender in contenders)):
            server.ready()
        yield Field(contenders, remote)
