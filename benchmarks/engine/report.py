"""The tables: every figure with its ratio to the floor and to the gateway, and each target with what was reached."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.measure import Heavy
from benchmarks.engine.servers.all import FLOOR, MERCURIUS, OURS, PEERS, POSTGRAPHILE, REST

THOUSAND, TEN_THOUSAND, HUNDRED = "1,000 raws, each with its flat", "10,000 of the same", "100 of the same"
NESTED = "50 flats with 20 raws each"
RATE = "one dataset by id, 8 connections"
REMOTE = "1,000 raws with flats, RemoteButler"


@dataclass(frozen=True)
class Results:
    """Medians by work and server, in seconds; answers a second; the heavy load."""

    seconds: dict[str, dict[str, float]]
    rates: dict[str, float]
    heavy: dict[str, Heavy]


def machine(node: str, postgres: str) -> str:
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    return f"Python {platform.python_version()}, {node}, PostgreSQL {postgres}, {os.cpu_count()} cores ({model}), shared by servers, PostgreSQL and clients"


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text().splitlines() if path.exists() else []


def tables(results: Results) -> Iterator[str]:
    """Markdown, line by line."""
    yield "| work | server | median | x floor | the gateway is |"
    yield "|---|---|---|---|---|"
    for title, found in results.seconds.items():
        floor, ours = found.get(FLOOR), found[OURS]
        for name, seconds in found.items():
            ratio = "" if floor is None else f"{seconds / floor:.2f}"
            compared = "" if name in (OURS, FLOOR) else _faster(seconds / ours)
            shown = title if name == next(iter(found)) else ""
            yield f"| {shown} | {name} | {seconds * 1e3:,.2f} ms | {ratio} | {compared} |"
    yield ""
    yield f"| {RATE} | requests/s | x floor | the gateway is |"
    yield "|---|---|---|---|"
    for name, rate in results.rates.items():
        compared = "" if name in (OURS, FLOOR) else _faster(results.rates[OURS] / rate)
        yield f"| {name} | {rate:,.0f} | {rate / results.rates[FLOOR]:.2f} | {compared} |"
    yield ""
    yield "| 10 clients, 10,000 raws with flats each | memory before | at the most | after | longest stall | an idle server beside it | took |"
    yield "|---|---|---|---|---|---|---|"
    for name, load in results.heavy.items():
        memory = " | ".join(f"{size:,.0f} MB" for size in (load.before, load.peak, load.after))
        stalls = f"{load.stall * 1e3:,.0f} ms | {load.beside * 1e3:,.0f} ms"
        took = f"failed: {load.error[:120]}" if load.took is None else f"{load.took:.1f} s"
        yield f"| {name} | {memory} | {stalls} | {took} |"


def _faster(ratio: float) -> str:
    return f"{ratio:.2f} x faster" if ratio >= 1 else f"{1 / ratio:.2f} x slower"


def targets(results: Results) -> Iterator[str]:
    """Each target, what was measured, and whether it was reached."""
    yield "| work | target | measured | |"
    yield "|---|---|---|---|"
    for work, target, measured, reached in _targets(results):
        yield f"| {work} | {target} | {measured} | {'reached' if reached else '**not reached**'} |"


def _targets(results: Results) -> Iterator[tuple[str, str, str, bool]]:
    seconds = results.seconds
    for work, limit in ((THOUSAND, 1.2), (TEN_THOUSAND, 1.1), (HUNDRED, 1.4), (NESTED, 1.3)):
        ratio = seconds[work][OURS] / seconds[work][FLOOR]
        yield work, f"at most {limit} x floor", f"{ratio:.2f} x", ratio <= limit
        if work == THOUSAND:
            for peer, least in ((POSTGRAPHILE, 2.5), (MERCURIUS, 1.8)):
                times = seconds[work][peer] / seconds[work][OURS]
                yield work, f"at least {least} x faster than {peer}", _faster(times), times >= least
        elif work != TEN_THOUSAND:
            best = min(PEERS, key=lambda peer: seconds[work][peer])
            times = seconds[work][best] / seconds[work][OURS]
            yield work, "no peer faster", f"{_faster(times)} than {best}", times >= 1
    share = results.rates[OURS] / results.rates[FLOOR]
    yield RATE, "at least 0.7 of the bare handler's", f"{share:.2f}", share >= 0.7
    best = max(PEERS, key=lambda peer: results.rates[peer])
    times = results.rates[OURS] / results.rates[best]
    yield RATE, "no peer faster", f"{_faster(times)} than {best}", times >= 1
    times = seconds[REMOTE][REST] / seconds[REMOTE][OURS]
    yield REMOTE, "at least 5 x faster than its REST, batched", _faster(times), times >= 5
    load = results.heavy[OURS]
    answered = load.took is not None
    work = "10 clients fetch 10,000 each"
    yield work, "below 400 MB", f"{load.peak:,.0f} MB", answered and load.peak < 400
    back = f"{load.before:,.0f} MB before, {load.after:,.0f} MB after"
    yield work, "and back after (within a quarter)", back, answered and load.after <= 1.25 * load.before
    stall = f"{load.stall * 1e3:,.0f} ms ({load.beside * 1e3:,.0f} ms of an idle server)"
    yield work, "longest stall below 50 ms", stall, answered and load.stall < 0.05
