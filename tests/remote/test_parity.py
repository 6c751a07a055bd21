"""What a Butler server's repository answers is what SQL answers on its registry: names that look like globs, refusals, keys of pages, records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, CollectionType, Timespan

from adapters.capability import Capability
from adapters.errors import AdapterError, BadCursor, BadUserInput, NotFound, Unsupported
from adapters.question import (
    Certifications,
    CollectionDatasetTypes,
    CollectionLinks,
    Collections,
    Constraint,
    DataIds,
    Datasets,
    DatasetTypes,
    FindDataset,
    Lineage,
    Op,
    Order,
    Quanta,
    QuantaById,
    QuantumDatasets,
    Recorded,
    Records,
    RecordsByKey,
    Related,
    RelatedDataIds,
    Used,
    Versions,
    Way,
    Where,
)
from adapters.rows import Rows
from tests.adapters.asker import AdapterAsker, ApiAsker, Asker, named
from tests.adapters.repositories import ODD_RUN, Repository, build

from .asker import RemoteAsker
from .server import ButlerServer

MANY = 1000
ODD_CALIB = "calib/[a-c]?*"


@dataclass(frozen=True)
class Both:
    """One registry, asked with SQL and through its server."""

    sql: Asker
    remote: Asker

    def agreed(self, question: Any) -> Rows:
        """The answer that both give, on one page."""
        found = [asker.ask(question) for asker in (self.sql, self.remote)]
        told = [[named(rows, row) for row in rows.rows] for rows in found]
        assert told[0] == told[1]
        if found[0].rows:
            assert found[0].columns == found[1].columns
        return found[1]

    def refused(self, question: Any) -> AdapterError:
        """The error in whose words both refuse."""
        errors = []
        for asker in (self.sql, self.remote):
            with pytest.raises(AdapterError) as caught:
                asker.ask(question)
            errors.append(caught.value)
        assert (type(errors[0]), errors[0].message) == (type(errors[1]), errors[1].message)
        return errors[1]


@pytest.fixture(scope="module")
def both(lab: Repository, server: ButlerServer) -> Iterator[Both]:
    found = Both(AdapterAsker(lab), RemoteAsker(server.uri("lab"), lab.name))
    yield found
    found.sql.close()
    found.remote.close()


def equals(name: str, value: Any) -> tuple[Constraint, ...]:
    return (Constraint(name, Op.EQ, value),)


@pytest.fixture(scope="module")
def raw(both: Both) -> tuple[tuple[str, ...], tuple[Any, ...], str]:
    """A raw that has associations: its dimensions, their values, its id."""
    rows = both.sql.ask(Datasets(("raw",), constraints=equals("instrument", "HSC")).paged(1))
    required = rows.types["raw"].required
    return required, tuple(rows.rows[0][rows.index(name)] for name in required), rows.rows[0][0]


@pytest.mark.parametrize(
    "searched",
    [(ODD_RUN,), (ODD_RUN, "HSC/runs/w01"), ("HSC/runs/*", ODD_RUN), ("u/o'neil/%odd_[[]1]é",), ("outer",)],
)
def test_an_exact_name_means_itself_whatever_it_looks_like(both: Both, searched: tuple[str, ...]) -> None:
    for question in (
        Datasets(("calexp",), searched),
        Datasets(("calexp",), searched, find_first=True),
        Datasets(("calexp",), searched, where=Where("detector > 0")),
        DataIds(("visit", "detector"), having=("calexp",), collections=searched),
        DatasetTypes((), searched),
        FindDataset("packages", (), searched),
        Collections(searched, flatten=True),
        CollectionDatasetTypes(searched[:1]),
        CollectionLinks(searched[-1:], "parents"),
    ):
        asked = question.paged(MANY) if hasattr(question, "page") else question
        found = both.agreed(asked)
        if ODD_RUN in searched and isinstance(question, Datasets):
            place = found.index("run")
            assert any(row[place] == ODD_RUN for row in found.rows)


def test_associations_are_searched_by_an_exact_name(both: Both, raw: Any) -> None:
    required, key, identifier = raw
    tied = Related(required, (key,), ("calexp",), "raw", (identifier,), collections=(ODD_RUN,))
    found = both.agreed(tied.paged(MANY))
    assert {row[found.index("run")] for row in found.rows} <= {ODD_RUN}
    both.refused(Certifications((ODD_RUN,), "flat"))


def test_collections_are_found_by_an_exact_name(both: Both) -> None:
    assert [row[0] for row in both.remote.ask(Collections((ODD_RUN,))).rows] == [ODD_RUN]
    both.refused(Datasets(("calexp",), (ODD_RUN, "nowhere")))
    both.refused(Certifications(("no[where]",), "flat"))
    assert not both.agreed(Datasets(("calexp",), ("no[where]",))).rows


def test_a_calibration_collection_may_look_like_a_glob(tmp_path: Path) -> None:
    repository = build(tmp_path / "repository", seed=3, exposures=2)
    with Butler.from_config(repository.uri, writeable=True) as butler:
        butler.collections.register(ODD_CALIB, CollectionType.CALIBRATION)
        refs = butler.query_datasets("flat", "HSC/calib/gen/e0", limit=None)
        butler.registry.certify(ODD_CALIB, refs, Timespan(None, None))
        butler.collections.register("calib/about", CollectionType.CALIBRATION)
    asked = Both(AdapterAsker(repository), ApiAsker(repository))
    assert len(asked.agreed(Certifications((ODD_CALIB,), "flat").paged(MANY)).rows) == len(refs)
    assert len(asked.agreed(Datasets(("flat",), (ODD_CALIB,)).paged(MANY)).rows) == len(refs)
    asked.sql.close()
    repository.close()


@pytest.mark.parametrize(
    ("collection", "dataset_type", "constraints"),
    [
        ("HSC/calib", "f*", ()),
        ("HSC/calib", "nosuch*", ()),
        ("HSC/calib", "nosuch", ()),
        ("HSC/calib", "calexp.wcs", ()),
        ("HSC/calib", "raw", ()),
        ("HSC/calib", "flat", equals("exposure", 1)),
        ("HSC/calib", "flat", equals("tract", 1)),
        ("HSC/calib", "flat", equals("visit.name", "v")),
        ("HSC/defaults", "flat", ()),
        ("HSC/runs/w01", "raw", equals("tract", 1)),
        ("nowhere", "flat", ()),
    ],
)
def test_what_has_no_certifications_is_refused(
    both: Both, collection: str, dataset_type: str, constraints: tuple[Constraint, ...]
) -> None:
    both.refused(Certifications((collection,), dataset_type, constraints))


def test_a_glob_of_types_is_refused_where_one_is_meant(both: Both) -> None:
    both.refused(FindDataset("f*", ()))
    for lists in ({"having": ("c*e*",)}, {"lacking": ("c*e*",)}):
        assert both.agreed(DataIds(("visit", "detector"), **lists).paged(MANY)).rows  # type: ignore[arg-type]


LISTS: list[Any] = [
    Datasets(("raw",), ("*",)),
    Datasets(("raw", "flat"), ("*",), order=(Order("run"), Order("ingest_date", True))),
    Datasets(("raw",), ("*",), order=(Order("exposure.exposure_time"),)),
    DataIds(("visit", "detector")),
    DataIds(("visit",), order=(Order("visit.zenith_angle", True), Order("band"))),
    Records("exposure", order=(Order("timespan.begin"),)),
    Collections(),
    DatasetTypes(),
    CollectionLinks(("outer",), "children"),
    CollectionLinks((ODD_RUN,), "parents"),
    CollectionDatasetTypes(("HSC/defaults",)),
    Certifications(("HSC/calib",), "flat"),
    "versions",
    "related",
    "related, ordered",
    "related data IDs",
]


@pytest.fixture(params=LISTS, ids=lambda one: one if isinstance(one, str) else type(one).__name__)
def paged(request: pytest.FixtureRequest, raw: Any) -> Any:
    """A question with a page."""
    required, key, identifier = raw
    tied = (required, (key,), ("*",), "raw", (identifier,))
    return {
        "versions": Versions((("raw", *key),)),
        "related": Related(*tied, collections=("outer",)),
        "related, ordered": Related(*tied, collections=("outer",), order=(Order("run", True),)),
        "related data IDs": RelatedDataIds(required, (key,), ("visit", "patch")),
    }.get(request.param, request.param)


def test_a_key_leads_on_whoever_made_it(both: Both, paged: Any) -> None:
    found = both.agreed(paged.paged(2))
    assert found.key is not None
    for row in found.rows:
        both.agreed(paged.paged(2, found.key(row)))


def test_a_key_of_another_list_is_refused(both: Both, paged: Any) -> None:
    found = both.remote.ask(paged.paged(1))
    assert found.key is not None
    key = found.key(found.rows[0])
    assert len(both.remote.ask(paged.paged(MANY, key)).rows) < MANY
    mistaken: list[tuple[Any, ...]] = [
        (),
        key[:-1],
        (*key, 1),
        *((value,) * len(key) for value in (None, "x", 1, 1.5, 2**63 - 1)),
        (*key[:-1], None),
        (*key[:-1], 0.5),
        (*key[:-1], 5 if isinstance(key[-1], str) else "x"),
    ]
    for after in mistaken:
        if after == ("x",):  # a name may be any
            continue
        with pytest.raises(BadCursor):
            both.remote.ask(paged.paged(2, after))


@pytest.mark.parametrize(
    "element",
    [
        "exposure",
        "visit",
        "visit_definition",
        "visit_detector_region",
        "visit_system_membership",
        "physical_filter",
        "patch",
    ],
)
def test_records_have_every_dimension(both: Both, server: ButlerServer, element: str) -> None:
    """Those that others imply too, and in one call."""
    both.remote.ask(Records(element).paged(1))
    server.records()
    found = both.agreed(Records(element).paged(MANY))
    paths = Counter(record["path"].rpartition("/")[2] for record in server.records())
    assert found.rows and paths["execute"] == 1
    if element in ("exposure", "visit", "visit_definition"):
        assert all(row[found.index("band")] and row[found.index("day_obs")] for row in found.rows)
    assert found.key is not None
    server.records()
    by_key = both.remote.ask(RecordsByKey(element, tuple(found.key(row) for row in found.rows)))
    assert Counter(record["path"].rpartition("/")[2] for record in server.records())["execute"] == 1
    assert [row[1:] for row in by_key.rows] == found.rows


@pytest.mark.parametrize(
    "question",
    [
        Recorded(("0" * 32,)),
        Lineage(("0" * 32,), Way.UPSTREAM),
        Used((("0" * 32, "1" * 32),)),
        Quanta(),
        QuantaById(("0" * 32,)),
        QuantumDatasets(("0" * 32,), "inputs"),
    ],
    ids=lambda question: type(question).__name__,
)
def test_what_was_executed_is_refused_by_the_capabilitys_name(both: Both, question: Any) -> None:
    with pytest.raises(Unsupported, match="This repository's server tells nothing") as caught:
        both.remote.ask(question)
    assert caught.value.details == {"capability": Capability.PROVENANCE.value}


@pytest.mark.parametrize("dimensions", [(), ("htm7",), ("visti",)])
def test_what_has_no_list_of_data_ids_is_refused(both: Both, dimensions: tuple[str, ...]) -> None:
    assert isinstance(both.refused(DataIds(dimensions)), BadUserInput)


@pytest.mark.parametrize("kind", ["having", "lacking"])
def test_a_glob_that_means_no_type_is_no_condition_that_holds(both: Both, kind: str) -> None:
    refused = both.refused(DataIds(("exposure",), **{kind: ("Raw*",)}))
    assert isinstance(refused, NotFound) and "raw" in refused.details["nearest"]


def test_the_first_is_found_in_named_collections_whatever_their_names_look_like(both: Both) -> None:
    searched = (ODD_RUN, "HSC/runs/w01", "HSC/runs/w02")
    left_out = both.agreed(Datasets(("calexp",), searched).paged(MANY))
    assert len(left_out.rows) == len(
        both.agreed(Datasets(("calexp",), searched, find_first=True).paged(MANY)).rows
    )
    every = both.agreed(Datasets(("calexp",), searched, find_first=False).paged(MANY))
    assert len(left_out.rows) < len(every.rows), "or this shows nothing"


@pytest.mark.parametrize("where", [Where("this is )( not"), Where("detector = :x")])
def test_where_is_read_where_nothing_is_searched_too(both: Both, where: Where) -> None:
    assert isinstance(both.refused(Datasets(("bias",), ("HSC/runs/w01",), where=where)), BadUserInput)
