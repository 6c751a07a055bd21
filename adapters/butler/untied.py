"""Why a dataset has no association of a kind: what was looked for, and what is there instead."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..caller import Call
from ..instant import to_text
from ..question import Kinship, Regions, Related, Timespans
from . import links
from .data_ids import DataIdQueries
from .reach import Reach
from .related import RelatedQueries, Target

_SHOWN = 5  # validity ranges, collections


@dataclass(slots=True)
class Untied:
    """Explains an empty answer to Related for one parent."""

    related: RelatedQueries
    data_ids: DataIdQueries

    def explain(self, question: Related, call: Call) -> list[str]:
        """Sentences for people; empty where there is an association, or nothing to say."""
        if len(question.keys) != 1 or self.related.page(question.paged(1), call).rows:
            return []
        if question.used is not None:
            some = self.related.page(replace(question, used=None).paged(1), call).rows
            if some:
                word = "used" if question.used else "is known to have left unused"
                return [f"There are associations, but none that a recorded execution {word}."]
        if question.constraints:
            free = self.related.page(replace(question, constraints=()).paged(1), call).rows
            if free:
                return ["There are associations, but none that dataId leaves."]
        ready = self.related.targets(question, call)
        held = {target.record.name for target in ready}
        types = self.related.names.types(question.types, call)
        found = [
            f"None of the collections searched holds datasets of type '{record.name}'."
            for record in types
            if record.name not in held
        ]
        return found + [self._why(question, target, call) for target in ready]

    def _why(self, question: Related, target: Target, call: Call) -> str:
        record = target.record
        if target.kinship is Kinship.CALIBRATION and record.info.is_calibration:
            return self._not_valid(question, target, call)
        if target.kinship is Kinship.SPATIAL:
            own = self.data_ids.regions(Regions(question.dimensions, question.keys), call).rows
            if not own:
                return "Its region on the sky is not recorded, so that nothing can be said to overlap it."
            return f"No dataset of type '{record.name}' overlaps its region in {self._searched(target)}."
        if target.kinship is Kinship.CALIBRATION:
            return f"No dataset of type '{record.name}' was observed while it is certified, or an earlier collection has another."
        return f"No dataset of type '{record.name}' has a data ID that goes with this one in {self._searched(target)}."

    def _not_valid(self, question: Related, target: Target, call: Call) -> str:
        record, tables = target.record, self.related.tables
        observed = self.data_ids.timespans(Timespans(question.dimensions, question.keys), call).rows
        if not observed:
            return f"Its time is not recorded, so that no '{record.name}' can be said to be valid then."
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
        ranges = sorted(
            {(row[begin], row[begin + 1]) for row in rows}, key=lambda r: (r[0] is not None, r[0] or 0)
        )
        when = _range(observed[0][2], observed[0][3])
        if not ranges:
            return f"No '{record.name}' with this data ID is certified in {self._searched(target)}."
        shown = ", ".join(_range(*span) for span in ranges[:_SHOWN]) + (
            ", ..." if len(ranges) > _SHOWN else ""
        )
        return f"'{record.name}' is certified for this data ID for {shown}; the observation, {when}, is in none of them."

    @staticmethod
    def _searched(target: Target) -> str:
        names = [record.name for _, record in target.path]
        return ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")


def _range(begin: int | None, end: int | None) -> str:
    return f"[{'...' if begin is None else to_text(begin)}, {'...' if end is None else to_text(end)})"
