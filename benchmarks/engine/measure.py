"""How it is measured: servers take turns in one run, what is compared are medians, and only answers that were proved equal count.

Each answer is first read, checked for errors and compared with the floor's, row by row; from then on every body must be the same
bytes. Then each server is asked until it is warm (compilers of JavaScript and of queries, plans, caches), and timed in rounds,
each beginning with another server, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import gc
import multiprocessing
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.engine import load, work
from benchmarks.engine.servers.all import FLOOR, OURS, REST, Contender, Field
from benchmarks.engine.servers.remote_butler import Remote, rows_of

THROUGH_CLIENT = "RemoteButler, through its client"
_CONNECTIONS, _CLIENTS = 8, 10
_PATIENCE = 20.0  # seconds for one server and one question
_PER_TURN = 0.02  # seconds: quick answers are asked for several times in one turn
_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Effort:
    """How long a run takes."""

    rounds: int
    warm: float
    """Seconds for which a server is asked before its first time is taken, for each question."""
    seconds: float
    """Of one turn of requests a second."""
    turns: int
    times: int
    """Answers that each of the clients of the heavy load asks for."""


FULL, QUICK = Effort(15, 2.0, 3.0, 5, 3), Effort(5, 0.5, 1.0, 2, 1)


@dataclass(frozen=True)
class Asked:
    """A checked question: the request, and the bytes that every answer must have."""

    request: bytes
    expected: bytes


@dataclass(frozen=True)
class Heavy:
    """A server under the heavy load: MB resident before, at the most and after, seconds."""

    before: float
    peak: float
    after: float
    stall: float
    """The longest that a small question waited."""
    beside: float
    """The same of an idle server on the same machine at the same time: so much is the machine's."""
    took: float | None
    """None where it did not give the answers; ``error`` says why."""
    error: str = ""


def checked(
    contenders: tuple[Contender, ...], question: str, values: work.Values
) -> tuple[dict[str, Asked], work.Rows]:
    """The question for each server, proved to have the rows of the first."""
    found: dict[str, Asked] = {}
    rows: work.Rows = []
    for contender in contenders:
        request = contender.language.request(question, values)
        with _client(contender.server.port) as client:
            body = client.ask(request)
        answered = contender.language.read(question, body)
        rows = rows or answered
        _same(contender.name, question, answered, rows)
        found[contender.name] = Asked(request, body)
    return found, rows


def _same(name: str, question: str, answered: work.Rows, rows: work.Rows) -> None:
    if answered != rows:
        pairs = zip(answered, rows, strict=False)
        first = next(((mine, right) for mine, right in pairs if mine != right), (len(answered), len(rows)))
        raise RuntimeError(
            f"{name} answers {question} differently: {first[0]!r} where the floor has {first[1]!r}"
        )


def latencies(field: Field, question: str, values: work.Values, effort: Effort) -> dict[str, float]:
    """Median seconds of one client's question, by server."""
    asked, _ = checked(field.contenders, question, values)
    with ExitStack() as stack:
        ways = {}
        for contender in field.contenders:
            client = stack.enter_context(_client(contender.server.port))
            ways[contender.name] = _timer(client, asked[contender.name])
        return _in_turn(ways, effort)


def remote_latencies(field: Field, first: int, effort: Effort) -> dict[str, float]:
    """Median seconds of raws with flats from the gateway and from RemoteButler, by REST alone and through its client."""
    values = {"first": first}
    asked, rows = checked(field.contenders[:2], work.RAWS_WITH_FLATS, values)
    (ours,) = (contender for contender in field.contenders if contender.name == OURS)
    remote = Remote(field.remote.port)
    path, payload = remote.call(first)
    found = remote.ask(first)
    _same(THROUGH_CLIENT, work.RAWS_WITH_FLATS, work.remote_rows(found), rows)
    with _client(ours.server.port) as mine, _client(field.remote.port) as bare:
        request = load.post(path, payload, accept="*/*")
        body = bare.ask(request)
        _same(REST, work.RAWS_WITH_FLATS, work.remote_rows(rows_of(body, list(found[0]))), rows)

        def through_client() -> float:
            begin = time.perf_counter()
            remote.ask(first)
            return time.perf_counter() - begin

        ways = {OURS: _timer(mine, asked[OURS]), REST: _timer(bare, Asked(request, body))}
        return _in_turn(ways | {THROUGH_CLIENT: through_client}, effort)


def requests_a_second(field: Field, effort: Effort, count: int = 500) -> dict[str, float]:
    """Median answers a second over eight connections that ask for one dataset each, out of many."""
    _, rows = checked(field.contenders[:1], work.RAWS_WITH_FLATS, {"first": count})
    asked: dict[str, list[Asked]] = {contender.name: [] for contender in field.contenders}
    for row in rows:
        one, found = checked(field.contenders, work.BY_ID, {"id": row[0]})
        if found != [row[:-1]]:
            raise RuntimeError(f"{row[0]} is {found} by id and {row} in the list")
        for name, question in one.items():
            asked[name].append(question)
    rates: dict[str, list[float]] = {contender.name: [] for contender in field.contenders}
    for turn in range(-1, effort.turns):
        for contender in _rotated(field.contenders, turn):
            pairs = [(one.request, one.expected) for one in asked[contender.name]]
            rate = load.throughput(contender.server.port, pairs, _CONNECTIONS, effort.seconds)
            if turn >= 0:
                rates[contender.name].append(rate)
    return {name: statistics.median(found) for name, found in rates.items()}


def heavy_loads(field: Field, first: int, effort: Effort) -> Iterator[tuple[str, Heavy]]:
    """Each server while ten clients fetch so many raws with their flats at once."""
    asked, _ = checked(field.contenders, work.RAWS_WITH_FLATS, {"first": first})
    by_name = {contender.name: contender for contender in field.contenders}
    for contender in field.contenders:
        idle = by_name[OURS if contender.name == FLOOR else FLOOR]
        yield contender.name, _heavy(contender, idle, asked[contender.name], effort.times)


def _heavy(contender: Contender, idle: Contender, asked: Asked, times: int) -> Heavy:
    server, stop = contender.server, _spawn.Event()
    before = server.resident()
    watches = []
    for port in (server.port, idle.server.port):
        here, there = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=load.watch, args=(port, "/healthz", stop, there), daemon=True)
        process.start()
        watches.append((here, process))
    time.sleep(2)  # both have begun to ask
    here, there = _spawn.Pipe(duplex=False)
    arguments = (server.port, asked.request, asked.expected, _CLIENTS, times, there)
    clients = _spawn.Process(target=load.heavy, args=arguments, daemon=True)
    clients.start()
    peak = before
    while not here.poll(0.01) and clients.is_alive():
        peak = max(peak, server.resident())
    result = here.recv()
    stop.set()
    slowest = [max(pipe.recv()) for pipe, _ in watches]
    for process in (clients, *(process for _, process in watches)):
        process.join(10)
    time.sleep(2)
    took, error = (None, result) if isinstance(result, str) else (result, "")
    stall, beside = slowest
    return Heavy(before, peak, server.resident(), stall, beside, took, error)


def _in_turn(ways: Mapping[str, Any], effort: Effort) -> dict[str, float]:
    """Medians of rounds in which each takes its turn."""
    quick: dict[str, int] = {}
    for name, once in ways.items():
        until, taken = time.monotonic() + effort.warm, [once(), once()]
        while time.monotonic() < until:
            taken.append(once())
        quick[name] = max(1, round(_PER_TURN / statistics.median(taken)))
    times: dict[str, list[float]] = {name: [] for name in ways}
    gc.disable()
    for turn in range(effort.rounds):
        gc.collect()
        for name in _rotated(tuple(ways), turn):
            if turn >= 3 and sum(times[name]) > _PATIENCE:
                continue
            times[name] += [ways[name]() for _ in range(quick[name])]
    gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}


def _rotated(items: tuple[Any, ...], turn: int) -> tuple[Any, ...]:
    start = turn % len(items)
    return items[start:] + items[:start]


def _timer(client: load.Client, asked: Asked) -> Any:
    return lambda: client.timed(asked.request, asked.expected)


@contextmanager
def _client(port: int) -> Iterator[load.Client]:
    client = load.Client(port)
    try:
        yield client
    finally:
        client.close()
