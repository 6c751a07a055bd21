"""What comes along with a list of datasets is what a question of its own would have answered; and nothing else of the list changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from adapters.errors import AdapterError
from adapters.question import (
    Beside,
    Datasets,
    DatasetsById,
    Kinship,
    Page,
    Question,
    RecordsByKey,
    Regions,
    Related,
    Timespans,
)
from adapters.rows import Row, Rows

from .test_answers import effort
from .test_related import Associated, setting  # noqa: F401  a fixture

COLLECTIONS = (
    ("u/search",),
    ("HSC/raw/all",),
    ("HSC/runs/all",),
    ("HSC/calib",),
    ("HSC/calib", "u/split"),
    None,
)
CALIBRATIONS = st.tuples(
    st.sampled_from(["flat", "bias", "raw", "nonsense", "f*"]),
    st.sampled_from(
        [("HSC/calib",), ("u/split",), ("HSC/calib/alt", "HSC/calib"), ("u/search",), ("nowhere",), None]
    ),
)
DIMENSIONS = st.none() | st.frozensets(
    st.sampled_from(["band", "physical_filter", "visit", "day_obs", "detector", "patch"])
)
FIELDS = st.sampled_from(
    [
        "visit.exposure_time",
        "visit.name",
        "exposure.target_name",
        "exposure.exposure_time",
        "exposure.has_simulated",
        "detector.full_name",
        "patch.cell_x",
        "visit.nonsense",
        "band.name",
    ]
)
BESIDES = st.builds(
    Beside,
    st.booleans(),
    st.booleans(),
    st.lists(CALIBRATIONS, max_size=3, unique=True).map(tuple),
    DIMENSIONS,
    st.booleans(),
    st.lists(FIELDS, max_size=4, unique=True).map(tuple),
)


def key(rows: Rows, row: Row) -> tuple[Any, ...]:
    return tuple(row[rows.places[name]] for name in rows.types[row[rows.places["type"]]].required)


def alone(here: Associated, question: Question) -> dict[int, list[dict[str, Any]]]:
    """Rows of a question with keys, by parent."""
    answer = here.asker.ask(question)
    found: dict[int, list[dict[str, Any]]] = {}
    for row in answer.rows:
        named = {name: row[place] for name, place in answer.places.items()}
        found.setdefault(named.pop("parent"), []).append(named)
    return found


def own(rows: Rows, of: Rows) -> list[tuple[Any, ...]]:
    """The columns of the datasets themselves that ``of`` has too."""
    names = [column.name for column in of.columns if column.name in rows.places]
    return [tuple(row[rows.places[name]] for name in names) for row in rows.rows]


def complete(rows: Rows, plain: Rows, beside: Beside) -> None:
    """What was wanted is there."""
    missing = {column.name for column in plain.columns} - rows.places.keys()
    assert beside.ingest_date is False or "ingest_date" not in missing
    if beside.dimensions is None:
        assert missing <= {"ingest_date"}
    else:
        assert not missing & beside.dimensions
    for info in rows.types.values():
        assert not missing & set(info.required)


def check(here: Associated, rows: Rows, beside: Beside) -> None:
    """Everything that came along, against questions of its own."""
    for what, joined in rows.beside.items():
        for place, row in enumerate(rows.rows):
            info = rows.types[row[rows.places["type"]]]
            parents: Any = (info.required, (key(rows, row),))
            if what == "timespan":
                there, begin, end = joined.places
                found = (
                    [{"source": joined.source, "begin": row[begin], "end": row[end]}] if row[there] else []
                )
                assert found == alone(here, Timespans(*parents)).get(0, [])
            elif what == "region":
                (text,) = joined.places
                found = [{"source": joined.source, "region": row[text]}] if row[text] is not None else []
                assert found == alone(here, Regions(*parents)).get(0, [])
            elif isinstance(what, str):
                (value,) = joined.places
                element, _, field = what.partition(".")
                required = here.judge.butler.dimensions[element].required.names
                data_id = tuple(row[rows.places[name]] for name in required)
                (record,) = alone(here, RecordsByKey(element, (data_id,))).get(0, [{field: None}])
                assert (row[value], joined.source) == (record[field], element)
            else:
                assert isinstance(what, tuple)
                (kind, collections), whole = what, joined.rows
                assert whole is not None
                asked = Related(
                    *parents,
                    (kind,),
                    info.name,
                    (row[rows.places["id"]],),
                    Kinship.CALIBRATION,
                    collections,
                    page=Page(1),
                )
                found = []
                if row[joined.places[0]] is not None:
                    found = [{name: row[at] for name, at in whole.places.items()}]
                    event("a calibration")
                expected = alone(here, asked).get(0, [])
                for one in [*found, *expected]:
                    if not beside.ingest_date:
                        one.pop("ingest_date", None)
                assert (
                    found == [{name: one[name] for name in found[0]} for one in expected]
                    if found
                    else not expected
                )
            if place > 20:
                break


@effort(40)
@given(data=st.data())
def test_of_a_list(setting: Associated, data: st.DataObject) -> None:  # noqa: F811
    types = data.draw(
        st.sampled_from([("raw",), ("calexp",), ("flat",), ("deepCoadd",), ("raw", "calexp"), ("*",)])
    )
    collections = data.draw(st.sampled_from(COLLECTIONS))
    question = Datasets(types, collections, page=Page(data.draw(st.integers(0, 40))))
    try:
        plain = setting.asker.ask(question)
    except AdapterError:
        event("refused")
        return
    beside = data.draw(BESIDES)
    rows = setting.asker.ask(replace(question, beside=beside))
    complete(rows, plain, beside)
    assert own(rows, rows) == own(plain, rows)
    assert rows.more == plain.more
    if rows.rows and rows.key and plain.key:
        assert rows.key(rows.rows[-1]) == plain.key(plain.rows[-1])
    check(setting, rows, beside)


@effort(20)
@given(data=st.data())
def test_of_datasets_by_id(setting: Associated, data: st.DataObject) -> None:  # noqa: F811
    ids = data.draw(st.lists(st.sampled_from([row["id"] for row in setting.everything]), max_size=8))
    plain = setting.asker.ask(DatasetsById(tuple(ids)))
    beside = data.draw(BESIDES)
    rows = setting.asker.ask(DatasetsById(tuple(ids), beside))
    complete(rows, plain, beside)
    assert sorted(own(rows, rows), key=repr) == sorted(own(plain, rows), key=repr)
    check(setting, rows, beside)


@effort(20)
@given(data=st.data())
def test_of_associations(setting: Associated, data: st.DataObject) -> None:  # noqa: F811
    source = data.draw(st.sampled_from(["raw", "calexp", "flat", "deepCoadd"]))
    parents = data.draw(st.lists(st.sampled_from(setting.by_type.get(source) or [None]), max_size=4))
    target = data.draw(st.sampled_from(["raw", "calexp", "flat", "deepCoadd", "*"]))
    if not parents or None in parents:
        return
    info = setting.asker.ask(DatasetsById((parents[0]["id"],))).types[source]
    question = Related(
        info.required,
        tuple(tuple(row[name] for name in info.required) for row in parents),
        (target,),
        source,
        tuple(row["id"] for row in parents),
        collections=("u/search",),
        page=Page(data.draw(st.integers(0, 40))),
    )
    try:
        plain = setting.asker.ask(question)
    except AdapterError:
        event("refused")
        return
    beside = data.draw(BESIDES)
    rows = setting.asker.ask(replace(question, beside=beside))
    complete(rows, plain, beside)
    assert own(rows, rows) == own(plain, rows)
    check(setting, rows, beside)


def test_a_calibration_that_is_ambiguous_does_not_come_along(setting: Associated) -> None:  # noqa: F811
    """Its own question says which ranges clash; the list itself is as long as without it."""
    question = Datasets(
        ("raw",), ("HSC/raw/all",), page=Page(1000), beside=Beside(calibrations=(("flat", ("u/split",)),))
    )
    rows = setting.asker.ask(question)
    assert len({row[0] for row in rows.rows}) == len(rows.rows) > 0
    plain = setting.asker.ask(replace(question, beside=None))
    assert len(plain.rows) == len(rows.rows)
