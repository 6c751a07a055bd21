"""Runs by name, without looking up what is known: a dataset in a RUN has that collection as its run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from .names import CollectionRecord
from .tables import Tables

Column = sa.ColumnElement[Any]


class Homes:
    """The collections in which datasets are found. ``told``: each of them is its datasets' run; ``only``: the name of a single one."""

    def __init__(self, collections: Iterable[CollectionRecord]) -> None:
        found = {c.id: c for c in collections}
        self.told = all(c.type == "RUN" for c in found.values())
        self.only = next(iter(found.values())).name if self.told and len(found) == 1 else None

    def join(
        self, tables: Tables, clause: sa.FromClause, identifier: Column, home: Column | None, *, dated: bool
    ) -> tuple[Column, Column | None, sa.FromClause]:
        """The run's name and, where ``dated``, the ingest date of datasets with this id in a clause; ``home``: the number of the collection
        that each was found in, needed where this tells of its run and is not the ``only`` one."""
        date: Column | None = None
        if dated or not self.told:
            dataset = tables.dataset.alias()
            clause = clause.join(dataset, dataset.c.id == identifier)
            date = dataset.c.ingest_date if dated else None
            home = home if self.told else dataset.c.run_id
        if self.only is not None:
            return sa.literal(self.only, sa.Text()), date, clause
        run = tables.collection.alias()
        return run.c.name, date, clause.join(run, run.c.collection_id == home)
