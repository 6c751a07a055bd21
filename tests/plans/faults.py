"""A repository that fails, lies or dawdles, the same way each time it is asked the same kind of question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf, nan
from typing import Any

from hypothesis import strategies as st

from adapters import errors
from adapters.rows import Rows

ERRORS: tuple[Exception, ...] = (
    errors.BadUserInput("no such thing", unknown="x"),
    errors.BadCursor("no cursor"),
    errors.NotFound("nothing there", nearest=["a", "b"]),
    errors.Unsupported("not here", capability="TIME"),
    errors.TooComplex("too much", limit=1, actual=2),
    errors.Timeout("too late"),
    errors.BackendUnavailable("gone", repository="x"),
    errors.AdapterError("its own fault"),
    RuntimeError("no AdapterError"),
    KeyError("x"),
    ValueError(),
    TimeoutError(),
)
VALUES: tuple[Any, ...] = (
    None,
    nan,
    inf,
    2**53,
    2**31,
    -1,
    True,
    1.5,
    1,
    "",
    "x",
    b"x",
    (),
    ["x"],
    {"a": 1},
    10**400,
    '\u00e9"\\\n\u2028,',
    "\ud800",
    " " * 32,
    "AB" * 16,
    "0" * 32,
    -0.0,
    1e16,
    5e-324,
)
KINDS = [
    "Datasets",
    "DatasetsById",
    "Versions",
    "Memberships",
    "Files",
    "Certifications",
    "DataIds",
    "Records",
    "RecordsByKey",
    "Regions",
    "Timespans",
    "Collections",
    "CollectionsByName",
    "CollectionLinks",
    "DatasetTypes",
    "DatasetTypesByName",
    "CollectionDatasetTypes",
    "Related",
    "RelatedDataIds",
    "Lineage",
    "Recorded",
    "Used",
    "Quanta",
    "QuantaById",
    "QuantumDatasets",
]
COLUMNS = [
    "id",
    "type",
    "run",
    "ingest_date",
    "instrument",
    "detector",
    "visit",
    "exposure",
    "band",
    "patch",
    "name",
    "documentation",
    "collection",
    "rank",
    "kind",
    "overlap",
    "valid_begin",
    "valid_end",
    "begin",
    "end",
    "region",
    "task",
    "status",
    "data_id",
    "producer",
    "used",
    "parent",
]


@dataclass(frozen=True)
class Fault:
    """``way``: ask, count, explain or facets; ``kind``: the question's; ``step``: 1 for every row, or answer, 2 for every other one."""

    way: str
    kind: str
    raised: Exception | None = None
    column: str = ""
    value: Any = None
    step: int = 1
    seconds: float = 0.0

    def meets(self, way: str, question: Any) -> bool:
        return way == self.way and type(question).__name__ == self.kind


class Faulty:
    """A real repository with faults."""

    def __init__(self, repository: Any, faults: Sequence[Fault]) -> None:
        self.repository = repository
        self.faults = faults
        self.met = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.repository, name)
        return self._faulty(name, found) if name in ("ask", "count", "explain", "facets") else found

    def _faulty(self, way: str, found: Callable[..., Any]) -> Any:
        async def answer(question: Any, *more: Any) -> Any:
            faults = [fault for fault in self.faults if fault.meets(way, question)]
            for fault in faults:
                self.met += 1
                await asyncio.sleep(fault.seconds)
                if fault.raised is not None:
                    raise fault.raised
            rows = await found(question, *more)
            for fault in faults:
                rows = _spoiled(rows, fault)
            return rows

        return answer


def _spoiled(answer: Any, fault: Fault) -> Any:
    if fault.way == "count":
        return fault.value
    if isinstance(answer, list):
        return [fault.value, *answer]
    if not isinstance(answer, Rows):
        return replace(answer, rows=[(*row[:-1], fault.value) for row in answer.rows])
    place = answer.places.get(fault.column)
    if place is None:
        return answer
    rows = [
        (*row[:place], fault.value, *row[place + 1 :]) if number % fault.step == 0 else row
        for number, row in enumerate(answer.rows)
    ]
    return replace(answer, rows=rows)


_OTHERS = st.sampled_from(
    [("count", kind) for kind in ("Datasets", "Related", "Versions")]
    + [("explain", "Datasets"), ("facets", "Datasets")]
)
_ASKED = st.tuples(st.just("ask"), st.sampled_from([*KINDS, *["Datasets", "Related", "DatasetsById"] * 4]))
_PLACES = st.one_of(_ASKED, _ASKED, _ASKED, _OTHERS)
RAISED = st.builds(lambda place, raised: Fault(*place, raised=raised), _PLACES, st.sampled_from(ERRORS))
SPOILED = st.builds(
    lambda place, column, value, step: Fault(*place, column=column, value=value, step=step),
    _PLACES,
    st.sampled_from(COLUMNS),
    st.sampled_from(VALUES),
    st.sampled_from([1, 2, 3]),
)
