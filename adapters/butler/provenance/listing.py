"""Quanta: lists of them in their order, and by id."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...caller import Call
from ...errors import BadUserInput, TooComplex, unknown
from ...question import Constraint, Op, Quanta, QuantaById
from ...rows import Column, Kind, Rows
from .. import glob
from ..conditions import check as check_value
from ..order import check as check_key
from .facts import Status
from .names import Names
from .store import ProvenanceStore

COLUMNS = (
    Column("id", Kind.UUID),
    Column("task", Kind.STRING),
    Column("task_class", Kind.STRING),
    Column("run", Kind.STRING),
    Column("status", Kind.STRING),
    Column("message", Kind.STRING),
    Column("data_id", Kind.STRING),
)

_SELECT = "SELECT id, task, task_class, run, status, message, data_id FROM quantum"
_ORDER = "ORDER BY run, task, data_id, id LIMIT :first"
_AFTER = (
    "(run, task, data_id, id) > (:after0, :after1, :after2, :after3)",
    "(task, data_id, id) > (:after1, :after2, :after3)",
    "(data_id, id) > (:after2, :after3)",
)
"""The rows behind a key, by how many of its columns have one value throughout; the index is entered by what
is left of it."""

BY_ID = """
SELECT quantum.id, task, task_class, run, status, message, data_id
FROM json_each(:ids) AS j CROSS JOIN quantum ON quantum.id = j.value AND shown
GROUP BY j.value"""

_AMONG = "{n} IN (SELECT value FROM json_each(:{n}))"

_OPERATORS: Mapping[Op, str] = {
    Op.EQ: "json_extract(data_id, :path{n}) = :value{n}",
    Op.NE: "json_extract(data_id, :path{n}) <> :value{n}",
    Op.GLOB: "json_extract(data_id, :path{n}) GLOB :value{n}",
    Op.IN: "json_extract(data_id, :path{n}) IN (SELECT value FROM json_each(:value{n}))",
    Op.GE: "json_extract(data_id, :path{n}) >= :value{n}",
    Op.GT: "json_extract(data_id, :path{n}) > :value{n}",
    Op.LE: "json_extract(data_id, :path{n}) <= :value{n}",
    Op.LT: "json_extract(data_id, :path{n}) < :value{n}",
}


class Listing:
    """Quanta and QuantaById. ``dimensions``: those of the repository's universe, by name."""

    def __init__(self, store: ProvenanceStore, names: Names, dimensions: Mapping[str, Kind]) -> None:
        self._store = store
        self._names = names
        self._dimensions = dimensions

    def page(self, question: Quanta, call: Call) -> Rows:
        conditions, values = self._conditions(question, call)
        after = question.page.after
        if after is not None:
            check_key([Kind.STRING] * 4, after)
            fixed = 0
            while fixed < 2 and values.get(("run", "task")[fixed]) == after[fixed]:
                fixed += 1
            conditions.append(_AFTER[fixed])
            values |= {f"after{n}": value for n, value in enumerate(after)}
        values["first"] = question.page.first + 1
        rows = self._store.rows(" ".join((_SELECT, _where(conditions), _ORDER)), values, call)
        more = len(rows) > question.page.first
        return Rows(
            COLUMNS, rows[: question.page.first], more, key=lambda row: (row[3], row[1], row[6], row[0])
        )

    def count(self, question: Quanta, call: Call) -> int:
        """Raises TooComplex where there are more than ``call.max_rows``."""
        conditions, values = self._conditions(question, call)
        values["most"] = call.max_rows + 1
        parts = ("SELECT count(*) FROM (SELECT 1 FROM quantum", _where(conditions), "LIMIT :most)")
        ((number,),) = self._store.rows(" ".join(parts), values, call)
        if number > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} quanta: counting them passes the limit.",
                limit=call.max_rows,
                actual=number,
                what="quanta counted",
            )
        return int(number)

    def by_id(self, question: QuantaById, call: Call) -> Rows:
        return Rows(COLUMNS, self._store.rows(BY_ID, {"ids": json.dumps(question.ids)}, call))

    def _conditions(self, question: Quanta, call: Call) -> tuple[list[str], dict[str, Any]]:
        conditions, values = ["shown"], {}
        for column, wanted in (
            ("run", self._names.runs(question.runs or None, call)),
            ("task", self._names.tasks(question.tasks, call)),
            ("status", _statuses(question.statuses)),
        ):
            if wanted is not None and len(wanted) == 1:
                conditions.append(f"{column} = :{column}")  # an index is entered here, and keeps its order
                values[column] = wanted[0]
            elif wanted is not None:
                conditions.append(_AMONG.replace("{n}", column))
                values[column] = json.dumps(wanted)
        for number, constraint in enumerate(question.constraints):
            conditions.append(_OPERATORS[constraint.op].replace("{n}", str(number)))
            values[f"path{number}"] = f'$."{constraint.name}"'
            values[f"value{number}"] = self._value(constraint)
        return conditions, values

    def _value(self, constraint: Constraint) -> Any:
        """The value as SQLite compares it. Raises BadUserInput for what is no dimension, or a value of the
        wrong kind."""
        kind = self._dimensions.get(constraint.name)
        if kind is None:
            message, details = unknown("dimension", constraint.name, self._dimensions)
            raise BadUserInput(
                f"{message} A quantum has no more than the dimensions of its data ID.", **details
            )
        check_value(constraint, kind)
        if constraint.op is Op.IN:
            return json.dumps(constraint.value)
        return glob.to_sqlite(str(constraint.value)) if constraint.op is Op.GLOB else constraint.value


def _where(conditions: Sequence[str]) -> str:
    return "WHERE " + " AND ".join(conditions)


def _statuses(wanted: Sequence[str]) -> list[str] | None:
    for name in wanted:
        if name not in Status.__members__:
            message, details = unknown("status", name, Status.__members__)
            raise BadUserInput(f"{message} There are {', '.join(Status.__members__)}.", **details)
    return sorted(set(wanted)) or None
