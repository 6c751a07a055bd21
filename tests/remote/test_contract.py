"""The contract of the direct adapter, passed through a Butler server: the same promises, tests and judge, with fewer examples.

Associations are also asked of the public API without a server, as registries are whose tables the SQL is not tested on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.question import Beside, Datasets, DatasetsById, Order, Page, Related
from tests.adapters import test_answers as answers
from tests.adapters import test_lookups as lookups
from tests.adapters import test_related as related
from tests.adapters.asker import ApiAsker, Asker, named
from tests.adapters.repositories import Repository

from .asker import RemoteAsker
from .server import ButlerServer


@pytest.fixture(scope="module")
def setting(request: pytest.FixtureRequest, lab: Repository) -> Iterator[related.Associated]:
    """Asked through the server, unless a test says otherwise."""
    asker: Asker
    if getattr(request, "param", "server") == "server":
        server: ButlerServer = request.getfixturevalue("server")
        asker = RemoteAsker(server.uri("lab"), lab.name)
    else:
        asker = ApiAsker(lab)
    yield related.Associated(lab, asker)  # type: ignore[arg-type]
    asker.close()


def fewer(test: Any, examples: int) -> Callable[..., None]:
    """A test of random questions, with so many of them."""
    inner = test.hypothesis.inner_test
    found: Callable[..., None] = settings(max_examples=examples)(given(data=st.data())(inner))
    return found


both_ways = pytest.mark.parametrize("setting", ["server", "api"], indirect=True)

test_datasets = fewer(answers.test_datasets, 25)
test_datasets_are_counted = fewer(answers.test_datasets_are_counted, 6)
test_data_ids = fewer(answers.test_data_ids, 15)
test_records = fewer(answers.test_records, 15)
test_certifications = fewer(answers.test_certifications, 8)

test_find_dataset = fewer(lookups.test_find_dataset, 12)
test_by_id = lookups.test_by_id
test_memberships = lookups.test_memberships
test_versions = lookups.test_versions
test_alternate_keys = lookups.test_alternate_keys
test_records_by_key = lookups.test_records_by_key
test_regions_and_timespans = lookups.test_regions_and_timespans
test_collections = lookups.test_collections
test_collections_by_name_and_links = lookups.test_collections_by_name_and_links
test_dataset_types = lookups.test_dataset_types
test_dataset_types_by_name_and_of_collections = lookups.test_dataset_types_by_name_and_of_collections
test_unknown_names_are_not_found = lookups.test_unknown_names_are_not_found
test_an_instant_is_found = lookups.test_an_instant_is_found

test_of_many_parents = both_ways(fewer(related.test_of_many_parents, 40))
test_pages_of_one_parent = both_ways(fewer(related.test_pages_of_one_parent, 12))
test_a_flat_is_valid_for_the_warps_that_its_detector_is_in = both_ways(
    related.test_a_flat_is_valid_for_the_warps_that_its_detector_is_in
)
test_the_first_of_a_data_id_is_not_replaced_by_the_next = both_ways(
    related.test_the_first_of_a_data_id_is_not_replaced_by_the_next
)
test_related_data_ids = both_ways(fewer(related.test_data_ids, 20))
test_types_that_share_nothing_are_refused = related.test_types_that_share_nothing_are_refused
test_the_sky_has_no_flats = related.test_the_sky_has_no_flats
test_what_has_no_time_has_no_calibration = related.test_what_has_no_time_has_no_calibration
test_unknown_names_bring_the_nearest = related.test_unknown_names_bring_the_nearest


def test_ingest_dates_that_are_not_wanted_are_left_out(setting: related.Associated) -> None:
    """All else stays, also where the order or a limit needs them."""
    undated = Beside(ingest_date=False)
    raws = Datasets(("raw", "flat"), ("*",), order=(Order("ingest_date"),), page=Page(1000))
    dates = sorted({row["ingest_date"] for row in setting.everything})
    rows = setting.by_type["raw"][:5]
    required = tuple(setting.judge.types["raw"].dimensions.required)
    keys = tuple(tuple(row[name] for name in required) for row in rows)
    flats = Related(
        required, keys, ("flat",), "raw", tuple(row["id"] for row in rows), collections=("outer",)
    )
    for question in (
        raws,
        replace(raws, order=()),
        replace(raws, ingested_before=dates[len(dates) // 2]),
        DatasetsById(tuple(row["id"] for row in rows)),
        flats,
        replace(flats, order=(Order("ingest_date", True),)),
    ):
        dated = setting.asker.ask(question)
        found = setting.asker.ask(replace(question, beside=undated))
        assert found.rows and "ingest_date" not in found.places
        wanted = [{n: v for n, v in named(dated, row).items() if n != "ingest_date"} for row in dated.rows]
        assert [named(found, row) for row in found.rows] == wanted
        if dated.key is not None and found.key is not None:
            assert [dated.key(row) for row in dated.rows] == [found.key(row) for row in found.rows]
