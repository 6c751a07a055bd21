"""Pages follow one another through cursors whatever a list is ordered by: truth values, and numbers of which some are none (NaN)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler

from adapters.question import Constraint, DataIds, Datasets, Op, Order, Records
from resolvers import cursor
from tests.postgres import Postgres

from .asker import AdapterAsker, ApiAsker, Asker, named
from .repositories import Repository, build

ANGLES = (float("nan"), 40.5, None, float("nan"), 12.25, float("inf"))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def angled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Repository]:
    """A repository whose exposures have odd zenith angles, and see the sky by turns."""
    url = postgres.database() if request.param == "postgres" else None
    root: Path = tmp_path_factory.mktemp("angled")
    repository = build(root, seed=3, url=url)
    with Butler.from_config(str(root), writeable=True) as butler:
        for place, record in enumerate(butler.query_dimension_records("exposure")):
            fields = record.toDict() | {
                "zenith_angle": ANGLES[place % len(ANGLES)],
                "can_see_sky": (True, False, None)[place % 3],
            }
            butler.registry.insertDimensionData("exposure", fields, replace=True)
    yield repository
    repository.close()


@pytest.fixture(scope="module", params=[AdapterAsker, ApiAsker])
def asker(request: pytest.FixtureRequest, angled: Repository) -> Iterator[Asker]:
    found: Asker = request.param(angled)
    yield found
    found.close()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("field", ["exposure.can_see_sky", "exposure.zenith_angle"])
@pytest.mark.parametrize(
    "question",
    [Records("exposure"), DataIds(("exposure",)), Datasets(("raw",), ("*",), find_first=False)],
    ids=["records", "dataIds", "datasets"],
)
def test_every_row_is_on_one_page(asker: Asker, question: Any, field: str, descending: bool) -> None:
    asked = type(question)(
        **{name: getattr(question, name) for name in question.__slots__ if name != "order"},
        order=(Order(field, descending),),
    )
    whole = asker.ask(asked.paged(1000))
    assert len(whole.rows) > len(ANGLES)
    walked: list[Any] = []
    after = None
    while True:
        page = asker.ask(asked.paged(2, after))
        walked += [named(page, row) for row in page.rows]
        if not page.more:
            break
        assert page.key is not None
        written = cursor.write("question", page.key(page.rows[-1]))
        after = cursor.key(cursor.read(written, "question"))
    assert Counter(map(repr, walked)) == Counter(repr(named(whole, row)) for row in whole.rows)
    assert list(map(repr, walked)) == [repr(named(whole, row)) for row in whole.rows]


def test_what_is_no_number_satisfies_no_constraint(angled: Repository) -> None:
    asker = AdapterAsker(angled)
    try:
        found = asker.ask(
            Records("exposure", constraints=(Constraint("exposure.zenith_angle", Op.GT, 20.0),)).paged(1000)
        )
        angles = {row[found.index("zenith_angle")] for row in found.rows}
        assert angles <= {40.5, float("inf")} and angles
    finally:
        asker.close()
