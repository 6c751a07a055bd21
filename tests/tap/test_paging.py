"""Orders are total, NULL comes last, and pages join without a gap or a repetition."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.errors import AdapterError
from adapters.question import (
    CollectionDatasetTypes,
    Collections,
    CollectionsByName,
    Constraint,
    Datasets,
    DatasetTypes,
    DatasetTypesByName,
    Kinship,
    Op,
    Order,
    Related,
    Sky,
)
from tests.adapters.asker import everything

from .asking import Opened

RAWS = Datasets(("raw", "calexp", "flat"))
COLUMNS = {
    "visit": "lsst_visit",
    "timespan.begin": "t_min",
    "t_exptime": "t_exptime",
    "band": "lsst_band",
    "run": "obs_collection",
    "obs_publisher_did.s_ra": "s_ra",
}


@pytest.mark.parametrize(
    "order",
    [
        (),
        (Order("visit"),),
        (Order("visit", True), Order("timespan.begin")),
        (Order("timespan.begin", True), Order("band")),
        (Order("t_exptime", True),),
        (Order("run"), Order("obs_publisher_did.s_ra", True)),
    ],
)
def test_pages_join_to_the_whole_list_in_order(
    order: tuple[Order, ...], tap: Opened, table: list[dict[str, Any]]
) -> None:
    rows = [one for one in table if one["dataproduct_subtype"] in RAWS.types]
    # The test's PostgreSQL sorts by code point, as Python does.
    rows.sort(key=lambda one: one["obs_publisher_did"])
    for term in reversed(order):
        column = COLUMNS[term.name]
        known = [one for one in rows if one.get(column) is not None]
        known.sort(key=lambda one: one[column], reverse=term.descending)
        rows = known + [one for one in rows if one.get(column) is None]
    question = Datasets(RAWS.types, order=order)
    found = everything(tap, question, [7, 50, 1_000])
    assert [one["obs_publisher_did"] for one in found] == [one["obs_publisher_did"] for one in rows]


def test_pages_join_where_rows_have_to_be_looked_at(tap: Opened) -> None:
    question = Datasets(("calexp", "deepCoadd"), sky=Sky("RANGE 0 0.3 -0.3 0"))
    whole = tap.ask(question.paged(10_000))
    found = everything(tap, question, [3, 5, 1_000])
    assert [one["id"] for one in found] == [row[0] for row in whole.rows] and len(found) == tap.count(
        question
    )


@pytest.mark.parametrize("key", [(), (1, "x"), ("a'b", 2), ("x", None), ("x\x00", "y")])
def test_a_key_of_another_list_is_a_bad_cursor(key: tuple[Any, ...], tap: Opened) -> None:
    with pytest.raises(AdapterError) as raised:
        tap.ask(Datasets(("raw",), order=(Order("run"),)).paged(5, key))
    assert raised.value.code in ("BAD_CURSOR", "BAD_USER_INPUT")


def test_pages_of_one_parent_join(tap: Opened) -> None:
    rows = tap.ask(Datasets(("calexp",), sky=Sky("CIRCLE 0 0 5")).paged(3))
    dids = [row[rows.index("obs_publisher_did")] for row in rows.rows]

    def asked(*dids: str) -> Related:
        keys = tuple((did,) for did in dids)
        return Related(
            ("obs_publisher_did",),
            keys,
            ("calexp", "deepCoadd"),
            by=Kinship.SPATIAL,
            order=(Order("band", True),),
        )

    together = tap.ask(asked(*dids).paged(4))
    counts = [sum(row[0] == parent for row in together.rows) for parent in range(3)]
    assert counts == [5, 5, 5], "one more than the page says that there are more"
    for parent, did in enumerate(dids):
        whole = [row[1] for row in tap.ask(asked(did).paged(1_000)).rows]
        assert [row[1] for row in together.rows if row[0] == parent] == whole[:5]
        assert [one["id"] for one in everything(tap, asked(did), [4, 1_000])] == whole


def test_collections_and_types_come_in_pages_by_name(tap: Opened, table: list[dict[str, Any]]) -> None:
    names = sorted({one["obs_collection"] for one in table})
    assert [one["name"] for one in everything(tap, Collections(), [2, 3, 100])] == names
    assert [one["name"] for one in everything(tap, Collections(("HSC/*", "refcats")), [100])] == [
        name for name in names if name.startswith("HSC/") or name == "refcats"
    ]
    assert not tap.ask(Collections(types=("CHAINED",))).rows
    types = sorted({one["dataproduct_subtype"] for one in table})
    assert [one["name"] for one in everything(tap, DatasetTypes(), [3, 100])] == types
    held = sorted({one["dataproduct_subtype"] for one in table if one["obs_collection"] == "HSC/runs/w01"})
    found = everything(tap, DatasetTypes(collections=("HSC/runs/w01",)), [100])
    assert [one["name"] for one in found] == held
    assert [row[0] for row in tap.ask(CollectionsByName(("nowhere", "refcats"))).rows] == ["refcats"]
    assert [row[0] for row in tap.ask(DatasetTypesByName(("raw", "nothing"))).rows] == ["raw"]
    rows = tap.ask(CollectionDatasetTypes(("HSC/runs/w01", "nowhere", "refcats")).paged(2)).rows
    assert [row[:2] for row in rows] == [*((0, name) for name in held[:3]), (2, "gaia_dr3")]


def test_a_dataproduct_type_means_all_of_its_subtypes(tap: Opened, table: list[dict[str, Any]]) -> None:
    images = [one for one in table if one["dataproduct_type"] == "image"]
    assert tap.count(Datasets(("image",))) == len(images)


def test_numbers_of_single_precision_page_and_compare(tap: Opened, table: list[dict[str, Any]]) -> None:
    rows = everything(tap, Datasets(("*",), order=(Order("t_exptime"),)), [50, 1_000])
    assert len(rows) == len(table)
    few = Datasets(("*",), constraints=(Constraint("t_exptime", Op.LT, 1.05),))
    assert tap.count(few) == sum(one["t_exptime"] < 1.05 for one in table)
