"""Every answer equals Butler's own, on random questions about random repositories.

Two implementations (Butler's public API; the adapter as the gateway opens it) on SQLite and PostgreSQL and three dimension universes, against
the judge. A failing example prints its question ("Draw 1: Datasets(...)").
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from lsst.sphgeom import Region

from adapters.errors import BadUserInput
from adapters.question import Datasets, Question

from . import questions
from .asker import DEFAULTS, AdapterAsker, ApiAsker, Asker, everything
from .judge import Judge
from .questions import Vocabulary
from .repositories import Repository
from .terms import ends

EFFORT = float(os.environ.get("ADAPTER_EFFORT", "1"))
PLACES = [("sqlite", 8, 1), ("sqlite", 5, 2), ("postgres", 8, 3), ("postgres", 7, 4)]
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=4).map(lambda sizes: [*sizes, 1000])


class Setting:
    """One repository, its judge, and the implementation at the bar."""

    def __init__(self, repository: Repository, asker: Asker) -> None:
        self.repository = repository
        self.asker = asker
        self.judge = Judge(repository.butler(), DEFAULTS)
        self.words = Vocabulary(self.judge, repository.moments)

    @cached_property
    def everything(self) -> list[dict[str, Any]]:
        """Every dataset, once."""
        return self.judge.datasets(Datasets(("*",), ("*",), find_first=False))


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: "-u".join(map(str, place[:2])))
def repository(request: pytest.FixtureRequest, butler_repo: Callable[..., Repository]) -> Repository:
    kind, universe, seed = request.param
    return butler_repo(kind, universe, seed)


@pytest.fixture(scope="module", params=["api", "adapter"])
def setting(request: pytest.FixtureRequest, repository: Repository) -> Iterator[Setting]:
    asker: Asker = ApiAsker(repository) if request.param == "api" else AdapterAsker(repository)
    yield Setting(repository, asker)
    asker.close()


def effort(examples: int) -> Any:
    return settings(max_examples=max(1, int(examples * EFFORT)))


def agree(
    setting: Setting,
    question: Any,
    expect: Callable[[Any], list[dict[str, Any]]],
    sizes: list[int],
    same: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> None:
    """The pages, put together, are what Butler says: the same rows in the same order; refused where they must be."""
    try:
        expected = expect(question)
    except BadUserInput:
        event("refused")
        with pytest.raises(BadUserInput):
            setting.asker.ask(question)
        return
    event("empty" if not expected else "some rows" if len(expected) < 20 else "many rows")
    found = [same(row) for row in everything(setting.asker, question, sizes)]
    wanted = [same(row) for row in expected]
    if found != wanted:
        missing = [row for row in wanted if row not in found]
        extra = [row for row in found if row not in wanted]
        pytest.fail(
            f"{len(found)} rows, Butler has {len(wanted)}; missing {missing[:3]}, too many {extra[:3]}"
            if missing or extra or len(found) != len(wanted)
            else f"another order: {found[:5]} for {wanted[:5]}"
        )


@effort(60)
@given(data=st.data())
def test_datasets(setting: Setting, data: st.DataObject) -> None:
    question = data.draw(questions.datasets(setting.words))
    agree(setting, question, setting.judge.datasets, data.draw(SIZES))


@effort(15)
@given(data=st.data())
def test_datasets_are_counted(setting: Setting, data: st.DataObject) -> None:
    question = data.draw(questions.datasets(setting.words))
    try:
        expected = len(setting.judge.datasets(question))
    except BadUserInput:
        return
    assert setting.asker.count(question) == expected


@effort(40)
@given(data=st.data())
def test_data_ids(setting: Setting, data: st.DataObject) -> None:
    question = data.draw(questions.data_ids(setting.words))
    agree(setting, question, setting.judge.data_ids, data.draw(SIZES))


@effort(40)
@given(data=st.data())
def test_records(setting: Setting, data: st.DataObject) -> None:
    question = data.draw(questions.records(setting.words))
    dimensions = set(setting.judge.butler.dimensions[question.element].dimensions.names)

    def same(row: dict[str, Any]) -> dict[str, Any]:
        # More dimensions than the element's own may be given (band of a visit): Butler's records do not carry them.
        universe = setting.judge.butler.dimensions.dimensions.names
        kept = {n: v for n, v in row.items() if n in dimensions or n not in universe}
        if isinstance(kept.get("region"), str):
            kept["region"] = Region.decode(b64decode(kept["region"]))
        return kept

    agree(setting, question, setting.judge.records, data.draw(SIZES), same)


@effort(20)
@given(data=st.data())
def test_certifications(setting: Setting, data: st.DataObject) -> None:
    question = data.draw(questions.certifications(setting.words))

    def expect(question: Any) -> list[dict[str, Any]]:
        judge = setting.judge
        rows = []
        found = judge.butler.registry.queryDatasetAssociations(
            question.type, collections=list(question.collections)
        )
        allowed = {row["id"] for row in judge.datasets(_everywhere(question))}
        for one in found:
            begin, end = ends(one.timespan)
            asked = question.validity
            if one.ref.id.hex in allowed and (asked is None or _overlap(begin, end, asked.begin, asked.end)):
                data_id = judge.butler.registry.expandDataId(one.ref.dataId)
                dates = judge.ingested(question.type)
                rows.append(
                    {"parent": 0, "id": one.ref.id.hex, "type": question.type, "run": one.ref.run}
                    | {"ingest_date": dates[one.ref.id], **dict(data_id.mapping)}
                    | {"valid_begin": begin, "valid_end": end}
                )
        required = judge.types[question.type].dimensions.required
        return sorted(rows, key=lambda r: (*(r[n] for n in required), r["valid_begin"] or -1, r["id"]))

    agree(setting, question, expect, data.draw(SIZES))


def _everywhere(question: Any) -> Question:
    return Datasets((question.type,), ("*",), question.constraints, find_first=False)


def _overlap(begin: int | None, end: int | None, first: int | None, last: int | None) -> bool:
    return (begin is None or last is None or begin < last) and (end is None or first is None or first < end)
