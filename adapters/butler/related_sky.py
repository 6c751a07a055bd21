"""Datasets that overlap N others: one statement finds what overlaps what, one more the datasets there, which are then dealt to the parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ..caller import Call
from ..notes import By, noted
from ..question import Page
from ..rows import Row
from .beside import EDGE
from .direct import off_loop
from .kinship import Side
from .reach import Reach
from .sky_links import SkyLinks
from .store import Store


def spatial(
    store: Store, reach: Reach, here: Side, limit: int, call: Call, ids: Sequence[str] = ()
) -> list[Row]:
    """Rows of one target type that overlap the parents ``here``, at most ``limit`` a parent. ``ids``: the parents' own, which are left out.

    Raises
    ------
    TooComplex
        There is more than may be looked at.
    """
    off_loop()
    tables, question, target = reach.tables, reach.question, reach.record.group
    # Between observations of their own kind nothing else ties them: any filter, any detector.
    joined = not here.families & Side("", target).families
    near = SkyLinks(store, tables, here.group, question.dimensions, question.keys, target, joined, ids)

    def build() -> sa.Select[Any] | None:
        return reach.statement(near.table(), cut=False)

    bare = replace(question, keys=(), ids=(), page=Page(0))
    along = reach.along and reach.along.identity
    name = ("spatial", bare, reach.record, reach.path, reach.names, along, bool(ids))
    first = question.page.after is None
    statement = store.statements.again(name, build) if first else build()
    ties = near.ties(call)
    if statement is None or not ties.links:
        return []
    values = {**tables.dialect.packed("links", list(ties.links)), "most": ties.most(limit, call)}
    rows = store.rows(statement, call, values)
    place = 4 + len(reach.names) + len(EDGE)  # parent, id, type, run, ingest date, dimensions, edge
    with noted(call.notes, By.PYTHON, "what overlaps each parent, and how much"):
        return ties.deal(rows, place, limit, call, measure=question.overlap)
