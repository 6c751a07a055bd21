"""What an explanation of a missing association needs to know, by statements on the registry's tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..caller import Call
from ..question import Kinship, Question, Regions, Related, Timespans
from ..rows import Rows
from . import links
from .data_ids import DataIdQueries
from .reach import Reach
from .related import RelatedQueries, Target
from .untied import Ends, Looked, alike


@dataclass(slots=True)
class SqlWays:
    """``untied.Ways`` within a session of the store."""

    related: RelatedQueries
    data_ids: DataIdQueries

    def ask(self, question: Question, call: Call) -> Rows:
        match question:
            case Regions():
                return self.data_ids.regions(question, call)
            case Timespans():
                return self.data_ids.timespans(question, call)
        assert isinstance(question, Related)
        return self.related.page(question, call)

    def types(self, question: Related, call: Call) -> Sequence[str]:
        return [record.name for record in self.related.names.types(question.types, call)]

    def looked_for(self, question: Related, call: Call) -> Sequence[Looked]:
        here = self.related.tables.universe.conform(question.dimensions)
        return [
            Looked(
                one.record.name,
                one.record.info.is_calibration,
                one.kinship,
                tuple(collection.name for _, collection in one.path),
                alike(here, one.record.group),
            )
            for one in self.related.targets(question, call)
        ]

    def ranges(self, question: Related, name: str, call: Call) -> Iterable[Ends]:
        target: Target = next(one for one in self.related.targets(question, call) if one.record.name == name)
        record, tables = target.record, self.related.tables
        here = tables.universe.conform(question.dimensions)
        tied = links.by_data_id(tables, here, question.dimensions, record.group)
        names = tuple(record.group.names)
        any_time = Reach(
            tables, replace(question, order=()), record, Kinship.CALIBRATION, target.path, False, names
        )
        statement = any_time.statement(tied, cut=False)
        values = {**tables.dialect.packed("keys", question.keys), "most": call.max_rows}
        rows = [] if statement is None else self.related.store.rows(statement, call, values)
        begin = 5 + len(names) + 3
        return [(row[begin], row[begin + 1]) for row in rows]
