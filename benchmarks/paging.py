"""What a page of 100 datasets costs: page 1 and page 500 of a registry of 1,000,000 against page 1 of one of 10,000."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from adapters.butler import open_repository
from adapters.caller import Call
from adapters.protocol import Repository, Settings
from adapters.question import Constraint, Datasets, Op, Page
from benchmarks.synthetic import DETECTORS

_RUNS = 9
_PAGE = 100


def questions(count: int) -> Iterator[tuple[str, Datasets]]:
    """The filters that the figures are asked for, each with more than 500 pages where a million datasets are there."""
    visits = count // DETECTORS
    constraints = {
        "no filter": (),
        "instrument and detector": (
            Constraint("instrument", Op.EQ, "Bench"),
            Constraint("detector", Op.EQ, 3),
        ),
        "visit (a range)": (Constraint("visit", Op.GE, visits // 20),),
        "visit (one)": (Constraint("visit", Op.EQ, visits // 2),),
    }
    for find_first in (True, False):
        for label, given in constraints.items():
            words = f"{label}, findFirst {str(find_first).lower()}"
            yield words, Datasets(("calexp",), constraints=given, find_first=find_first, page=Page(_PAGE))


async def page_costs(root: str, count: int) -> dict[str, tuple[float, float | None]]:
    """Milliseconds (median) of page 1 and of page 500, None where the answer has fewer."""
    repository = open_repository("bench", Settings(uri=root, collections=("bench/all",)))
    found = {}
    try:
        for words, question in questions(count):
            first = await _median(repository, question)
            deep = await _page_500(repository, question)
            found[words] = (first, None if deep is None else await _median(repository, deep))
    finally:
        await repository.close()
    return found


async def _median(repository: Repository, question: Datasets) -> float:
    times = []
    await repository.ask(question, Call())
    for _ in range(_RUNS):
        begin = time.perf_counter()
        await repository.ask(question, Call())
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e3


async def _page_500(repository: Repository, question: Datasets) -> Datasets | None:
    """The question for page 500, reached by way of larger pages."""
    behind = replace(question, page=Page(10_000))
    for size in (10_000,) * 4 + (9_900,):
        rows = await repository.ask(replace(behind, page=Page(size, behind.page.after)), Call())
        if not rows.more or rows.key is None:
            return None
        behind = replace(behind, page=Page(size, rows.key(rows.rows[-1])))
    return replace(question, page=Page(_PAGE, behind.page.after))


def report(small: str, large: str, count: int) -> list[str]:
    """Lines of a table: page 1 of the small registry, pages 1 and 500 of the large one, and the ratio to the former."""
    base = asyncio.run(page_costs(small, 10_000))
    costs = asyncio.run(page_costs(large, count))
    lines = []
    for words, (first, deep) in costs.items():
        floor = base[words][0]
        shown = f"{deep:.1f} ms ({deep / floor:.2f} x)" if deep is not None else "fewer pages"
        lines.append(f"| {words} | {floor:.1f} ms | {first:.1f} ms ({first / floor:.2f} x) | {shown} |")
    return lines
