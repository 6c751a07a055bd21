"""Recorded datasets as the registry knows them: the columns of a dataset around what was found in the store.

What executions recorded outlives what they wrote. Datasets that are gone from the registry have no row, and
so a page is filled up by looking further on, in growing steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...caller import Call
from ...errors import BadUserInput, TooComplex
from ...question import DatasetsById, KeyValue
from ...rows import Column, Kind, Row, Rows
from .datasets import Ask

Found = tuple[Any, ...]
"""(parent, dataset id, ...): a dataset in the store, in the order of its list."""

Key = tuple[KeyValue, ...]
Look = Callable[[Sequence[tuple[int, Key | None]], int], list[Found]]
"""What follows for each of these parents behind a key (None: from the beginning), at most so many each; the
parents in order."""

_STEP_MOST = 20_000  # datasets of a parent that are looked for at once
_BATCH = 20_000  # datasets that the registry is asked for at once, when counting


@dataclass(slots=True)
class _List:
    """One parent's page while it fills."""

    rows: list[Found] = field(default_factory=list)
    last: Key | None = None
    ended: bool = False


class KnownDatasets:
    """Pages and counts of recorded datasets. ``ask`` answers DatasetsById."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def page(
        self,
        parents: Sequence[int],
        first: int,
        after: Key | None,
        look: Look,
        key: Callable[[Found], Key],
        more: Sequence[Column],
        hidden: int,
        call: Call,
    ) -> Rows:
        """Rows of (parent, a dataset's columns, then the columns ``more``, then ``hidden`` values that only
        the key reads), at most ``first + 1`` a parent. Of what was found, what is behind the id becomes
        those."""
        lists = {parent: _List(last=after) for parent in parents}
        width, gone, batches = first + 1, 0, []
        while open_lists := [(parent, one.last) for parent, one in lists.items() if not one.ended]:
            found = look(open_lists, width)
            batch = self._ask(DatasetsById(tuple(dict.fromkeys(row[1] for row in found))), call)
            batches.append(batch)
            there = {row[0] for row in batch.rows}
            by_parent: dict[int, list[Found]] = {}
            for row in found:
                by_parent.setdefault(row[0], []).append(row)
            for parent, _ in open_lists:
                one, own = lists[parent], by_parent.get(parent, [])
                kept = [row for row in own if row[1] in there]
                gone += len(own) - len(kept)
                one.rows += kept
                one.ended = len(own) < width or len(one.rows) > first
                if own:
                    one.last = key(own[-1])
            width = min(width * 4, _STEP_MOST)
        rows = self._dressed(
            [row for one in lists.values() for row in one.rows[: first + 1]], batches, more, hidden, call
        )
        rows.more = any(len(one.rows) > first for one in lists.values())
        if gone:
            rows.notes = (f"{gone} more are recorded and no longer in the registry.",)
        return rows

    def count(self, found: Iterable[Found], call: Call) -> int:
        """How many of them the registry has."""
        ids = [row[1] for row in found]
        if len(ids) > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} datasets: counting them passes the limit.",
                limit=call.max_rows,
                actual=len(ids),
                what="datasets counted",
            )
        there: set[str] = set()
        every = sorted(set(ids))
        for begin in range(0, len(every), _BATCH):
            batch = self._ask(DatasetsById(tuple(every[begin : begin + _BATCH])), call)
            there.update(row[0] for row in batch.rows)
        return sum(identifier in there for identifier in ids)

    def _dressed(
        self, found: Sequence[Found], batches: Sequence[Rows], more: Sequence[Column], hidden: int, call: Call
    ) -> Rows:
        """One set of columns for all: those of the only batch, or of all that is kept, asked for again."""
        known = batches[0] if batches else Rows((), [])
        if len(batches) > 1 or not batches:
            known = self._ask(DatasetsById(tuple(dict.fromkeys(row[1] for row in found))), call)
        columns = known.columns
        by_id = {row[0]: row[: len(columns)] for row in known.rows}
        rows: list[Row] = [
            (row[0], *by_id[row[1]], *row[2 : 2 + len(more) + hidden]) for row in found if row[1] in by_id
        ]
        return Rows((Column("parent", Kind.LONG), *columns, *more), rows, types=known.types)


def single(after: Key | None, parents: Sequence[object], what: str) -> Key | None:
    """``after`` belongs to one list. Raises BadUserInput where there are several."""
    if after is not None and len(parents) != 1:
        raise BadUserInput(f"after continues the list of one {what}, and {len(parents)} were given.")
    return after
