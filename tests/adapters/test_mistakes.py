"""Exceptions of Butler and of the database, in the adapter's words, with no secret in them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from lsst.daf.butler import Butler, InvalidQueryError, LabeledButlerFactory, MissingDatasetTypeError
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from adapters.butler.api import ButlerApi
from adapters.butler.mistakes import butlers_mistakes, translated
from adapters.caller import Call
from adapters.errors import BackendUnavailable, BadUserInput, NotFound, Timeout, TooComplex
from adapters.guarded import FAILURES
from adapters.question import Collections, Constraint, Datasets, DatasetTypes, Op

from .asker import AdapterAsker
from .repositories import Repository

SECRET = "SELECT secret FROM t /var/lib/hidden.sqlite3 password=hunter2"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (
            OperationalError(SECRET, {}, Exception("could not connect to server at 10.0.0.1: " + SECRET)),
            BackendUnavailable,
        ),
        (
            OperationalError(SECRET, {}, Exception("Expression tree is too large (maximum depth 1000)")),
            TooComplex,
        ),
        (OperationalError(SECRET, {}, Exception("interrupted")), Timeout),
        (DataError(SECRET, {}, Exception("bigint out of range " + SECRET)), BadUserInput),
        (sa.exc.TimeoutError("QueuePool limit " + SECRET), BackendUnavailable),
        (FileNotFoundError(SECRET), BackendUnavailable),
        (OverflowError("Python int too large to convert to SQLite INTEGER"), BadUserInput),
        (InvalidQueryError("No such thing"), BadUserInput),
        (MissingDatasetTypeError("no type 'x'"), NotFound),
    ],
)
def test_translated(raised: Exception, expected: type[Exception]) -> None:
    found = translated(raised, "hsc")
    assert type(found) is expected
    assert found is not None
    shown = f"{found.message} {found.details}"
    assert (
        "hunter2" not in shown and "SELECT" not in shown and "hidden" not in shown and "10.0.0.1" not in shown
    )


def test_bugs_stay_bugs() -> None:
    assert translated(AssertionError("x"), "hsc") is None
    assert translated(IntegrityError(SECRET, {}, Exception("x")), "hsc") is None
    with pytest.raises(ZeroDivisionError), butlers_mistakes("hsc"):
        _ = 1 / 0
    with pytest.raises(KeyError), butlers_mistakes("hsc"):
        raise KeyError("x")
    with (
        pytest.raises(BadUserInput, match="Unknown name 'foo'"),
        butlers_mistakes("hsc", careless=(LookupError,)),
    ):
        raise KeyError("foo")


def test_a_repository_that_vanished(tmp_path: Path) -> None:
    Butler.makeRepo(tmp_path / "repo")
    factory = LabeledButlerFactory({"gone": str(tmp_path / "repo")})
    api = ButlerApi(lambda: factory.create_butler("gone"), "gone", ["x"])
    with pytest.raises(NotFound):
        api.ask(Datasets(("raw",)), Call())
    for found in tmp_path.rglob("*.sqlite3"):
        found.write_bytes(b"this is no database" * 100)
    with pytest.raises(BackendUnavailable) as caught:
        api.ask(Datasets(("raw",)), Call())
    assert str(tmp_path) not in f"{caught.value.message}{caught.value.details}"
    factory.close()


@pytest.mark.parametrize("place", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda names: Collections(names),
        lambda names: DatasetTypes(names),
        lambda names: Datasets(names),
        lambda names: Datasets(("raw",), names),
    ],
)
def test_a_question_that_names_too_much_is_the_callers_matter(
    butler_repo: Callable[..., Repository], place: str, ask: Callable[[tuple[str, ...]], Any]
) -> None:
    """And no failure of the database, after which nobody would be answered for a while."""
    asker = AdapterAsker(butler_repo(place))
    try:
        for _ in range(FAILURES + 1):
            with suppress(TooComplex):
                asker.ask(ask(tuple(f"a{number}*" for number in range(3_000))).paged(10))
        assert asker.ask(Collections()).rows
    finally:
        asker.close()


@pytest.mark.parametrize(("dataset_type", "pixels"), [("raw", "htm7"), ("calexp", "healpix9")])
def test_pixels_that_nothing_joins_are_told_of(
    butler_repo: Callable[..., Repository], dataset_type: str, pixels: str
) -> None:
    asker = AdapterAsker(butler_repo("sqlite", 8, 1))
    try:
        question = Datasets((dataset_type,), ("*",), constraints=(Constraint(pixels, Op.EQ, 5),))
        with pytest.raises(BadUserInput, match="ask with sky"):
            asker.ask(question)
    finally:
        asker.close()
