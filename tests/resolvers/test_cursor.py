"""Cursors lead back to their place, and nowhere else."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import BadCursor, BadUserInput
from adapters.question import Datasets
from resolvers import cursor
from resolvers.node import node_id, parts_of

DIGEST = cursor.bound(Datasets(("raw",)), "datasets", "hsc")
plain = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


def written(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@given(st.lists(plain, min_size=1, max_size=8))
def test_a_key_comes_back_exactly(values: list[str | int | float | None]) -> None:
    text = cursor.write(DIGEST, values)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    found = cursor.key(cursor.read(text, DIGEST))
    assert found == tuple(values)
    assert [type(one) for one in found] == [type(one) for one in values]


def test_another_question_field_or_repository_has_other_cursors() -> None:
    text = cursor.write(DIGEST, ["raw", 1])
    for other in (
        cursor.bound(Datasets(("calexp",)), "datasets", "hsc"),
        cursor.bound(Datasets(("raw",)), "versions", "hsc"),
        cursor.bound(Datasets(("raw",)), "datasets", "lsst"),
        cursor.bound(Datasets(("raw",)), "datasets", "hsc", "lsst"),
    ):
        with pytest.raises(BadCursor, match="another question"):
            cursor.read(text, other)


@given(st.text(max_size=60))
def test_no_text_does_worse_than_bad_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        cursor.read(text, DIGEST)


@pytest.mark.parametrize(
    "content",
    [
        [1, DIGEST], [2, DIGEST, ["x"]], [True, DIGEST, ["x"]], ["1", DIGEST, ["x"]], [1, DIGEST, "x"], {"a": 1}, 5, None,
        [1, DIGEST, []], [1, DIGEST, [[1]]], [1, DIGEST, [2**63]], [1, DIGEST, ["\ud800"]],
        [1, DIGEST, ["a\0"]], [1, DIGEST, [float("nan")]],
    ],
)  # fmt: skip
def test_damaged_cursors_are_bad_cursors(content: object) -> None:
    with pytest.raises(BadCursor):
        cursor.key(cursor.read(written(content), DIGEST))


def test_endless_nesting_is_a_bad_cursor() -> None:
    with pytest.raises(BadCursor):
        cursor.read(base64.urlsafe_b64encode(b"[" * 9_000).decode(), DIGEST)


def test_node_ids_come_back() -> None:
    for parts in (("Repository", "hsc"), ("Collection", "hsc", "u/ö[1]"), ("Dataset", "hsc", "a" * 32)):
        assert parts_of(node_id(*parts)) == list(parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        written(["Dataset", "hsc", "x"]),
        written(["Repository"]),
        written(["Nothing", "hsc"]),
        written([1, 2]),
        written({}),
        "YQ",
        "Y",
    ],
)
def test_what_was_never_a_node_id_is_refused(text: str) -> None:
    with pytest.raises(BadUserInput, match="node"):
        parts_of(text)
