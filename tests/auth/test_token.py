"""A token shows itself to nobody by accident."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import traceback

import pytest

from adapters.caller import Call, Caller
from adapters.token import Token

CANARY = "gt-canary0canary0canary00.canary1canary1canary11"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, "{!s}".format, lambda x: f"{[x]}"])
def test_no_repr_and_no_format_shows_a_token(show: object) -> None:
    token = Token(CANARY)
    for thing in (token, Caller("alice", frozenset(), token), Call(Caller("alice", frozenset(), token))):
        assert "canary" not in show(thing)  # type: ignore[operator]


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy, lambda x: x.__reduce_ex__(4)])
def test_no_pickle_and_no_copy_holds_a_token(write: object) -> None:
    with pytest.raises(TypeError, match="not written"):
        write(Token(CANARY))  # type: ignore[operator]


def test_a_caller_as_a_dictionary_holds_no_token() -> None:
    with pytest.raises(TypeError, match="not written"):
        dataclasses.asdict(Caller("alice", frozenset(), Token(CANARY)))


def test_a_token_has_no_attributes_that_a_dump_would_walk() -> None:
    assert not hasattr(Token(CANARY), "__dict__")


def test_equal_secrets_are_equal_tokens_whose_fingerprint_says_nothing() -> None:
    one, same, other = Token(CANARY), Token(CANARY), Token(CANARY + "x")
    assert one == same and hash(one) == hash(same) and one.fingerprint == same.fingerprint
    assert one != other and one.fingerprint != other.fingerprint and one != CANARY
    assert b"canary" not in one.fingerprint and len(one.fingerprint) == 32
    assert {one: 1}[same] == 1


def test_a_traceback_does_not_show_a_token() -> None:
    try:
        token = Token(CANARY)
        token.reveal(1)  # type: ignore[call-arg]
    except TypeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "canary" not in shown.replace("CANARY", "")


def test_callers_are_the_same_whatever_token_they_came_with() -> None:
    one = Caller("alice", frozenset({"g"}), Token("a"))
    assert one == Caller("alice", frozenset({"g"}), Token("b")) == Caller("alice", frozenset({"g"}))


def test_who_is_among_which_groups() -> None:
    alice, nobody = Caller("alice", frozenset({"g_hsc"})), Caller(None, frozenset())
    assert (
        alice.among(["g_hsc", "x"]) and alice.among(["*"]) and not alice.among(["x"]) and not alice.among([])
    )
    assert not nobody.among(["*"]) and not Caller(None, frozenset({"x"})).among(["x"])
