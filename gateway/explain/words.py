"""Questions and work in words: names as they are, values only counted - they may be a caller's secrets."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from adapters.notes import By, Work
from adapters.question import Among, Constraint, Order, Page, Question
from gateway.explain.observed import Asked

_WIDTH = 110
_MOST_NAMES = 8
_LONG = 200  # characters of a text from which on its length is told

# Fields whose strings are names of the registry's own things.
_NAMES = frozenset(
    (
        *("types", "type", "source", "collections", "runs", "match", "names", "having", "lacking", "tasks"),
        *("dimensions", "wanted", "element", "direction", "role", "by", "way", "statuses"),
    )
)
_NOTHING: tuple[object, ...] = (None, False, (), frozenset())
_PARENTS = ("keys", "ids", "names", "pairs")


def parents(question: Question) -> int:
    """For how many objects it is asked at once."""
    many = [getattr(question, name) for name in _PARENTS if hasattr(question, name)]
    return len(many[0]) if many else 1


def words(question: Question) -> str:
    """The question in Butler's words, without what it leaves as it is by itself."""
    given = {name: value for name, value in _given(question) if name not in ("keys", "ids", "pairs", "page")}
    found = [f"{name}: {_value(name, value)}" for name, value in given.items()]
    if isinstance(page := getattr(question, "page", None), Page):
        found.append(f"first: {page.first}" + (", behind a cursor" if page.after else ""))
    return f"{type(question).__name__}({'; '.join(found)})"


def _given(one: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a dataclass that are not left as they are by themselves."""
    for field in fields(one):
        value = getattr(one, field.name)
        if field.default is MISSING or value != field.default:
            yield field.name, value


def _value(name: str, value: Any) -> str:
    match value:
        case None | bool() | int():
            return str(value)
        case str() if name in _NAMES:
            return value
        case (Constraint(), *_):
            return _listed(f"{one.name} {one.op}" for one in value)
        case (Order(), *_):
            return _listed(f"{one.name} descending" if one.descending else one.name for one in value)
        case (str(), *_) if name in _NAMES:
            return _listed(value)
        case tuple():
            return f"{len(value)} values"
        case Among():
            return f"{len(value.rows)} values"
    if is_dataclass(value):
        return _listed(part for part, said in _given(value) if said not in _NOTHING) or "nothing"
    return "given"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def told(number: int, asked: Asked) -> Iterator[str]:
    """One question: itself, then what was done for it."""
    what = "" if asked.what == "rows" else f"{asked.what} of "
    count = parents(asked.question)
    yield f"{number}. {asked.label}: {what}{words(asked.question)}"
    got = f"failed: {asked.failed or 'a fault'}" if asked.rows is None else plural(asked.rows, "row")
    yield f"   {plural(count, 'parent')}, {got}, {milliseconds(asked.seconds)}"
    for work in asked.work:
        if work.by is By.SQL:
            yield from _statement(work)
        elif work.by is By.API:
            yield f"   asked of Butler's API: {work.what}, {milliseconds(work.seconds)}"
        elif work.by is By.SERVICE:
            yield f"   asked of the service: {work.what}, {milliseconds(work.seconds)}"
        elif work.by is By.PYTHON:
            yield f"   worked out in Python: {work.what}, {milliseconds(work.seconds)}"
    if known := _known(asked.work):
        yield f"   known from before: {known}"


def _known(work: Iterable[Work]) -> str:
    return ", ".join(sorted({one.what for one in work if one.by is By.MEMORY}))


def _statement(work: Work) -> Iterator[str]:
    text = " ".join(work.what.split())
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="   SQL  ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    rows = "" if work.rows is None else f"{plural(work.rows, 'row')}, "
    yield f"        {_parameters(work.values)}{rows}{milliseconds(work.seconds)}"


def _parameters(values: object) -> str:
    """What the parameters are, without what they hold."""
    kinds = Counter(_kind(value) for value in _flat(values))
    listed = ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))
    return f"parameters: {listed}; " if listed else ""


def _flat(values: object) -> Iterator[object]:
    """The parameters of one statement; a driver may have them as a sequence of such."""
    if isinstance(values, Mapping):
        yield from values.values()
    elif isinstance(values, Sequence) and not isinstance(values, str | bytes):
        for value in values:
            if isinstance(value, Mapping | tuple | list):
                yield from _flat(value)
            else:
                yield value


def _kind(value: object) -> str:
    if isinstance(value, str) and len(value) >= _LONG:
        return f"text of {len(value):,} characters"
    return {"str": "text", "int": "integer", "NoneType": "null"}.get(
        type(value).__name__, type(value).__name__
    )


def in_all(asked: Sequence[Asked]) -> Iterator[str]:
    """What all questions cost, and what of it was not SQL."""
    work = [piece for one in asked for piece in one.work]
    sql = [piece for piece in work if piece.by is By.SQL]
    rows = sum(piece.rows or 0 for piece in sql)
    yield (
        f"{plural(len(asked), 'question')}, {plural(len(sql), 'statement')} "
        f"({plural(rows, 'row')}, {milliseconds(sum(piece.seconds for piece in sql))})"
    )
    for by, sentence in (
        (By.API, "asked of Butler's API, not pushed down into SQL"),
        (By.SERVICE, "asked of services"),
        (By.PYTHON, "worked out in Python, not pushed down into SQL"),
        (By.MEMORY, "known from before, and not asked"),
    ):
        seconds: dict[str, float] = {}
        for piece in work:
            if piece.by is by:
                seconds[piece.what] = seconds.get(piece.what, 0.0) + piece.seconds
        listed = ", ".join(
            what if by is By.MEMORY else f"{what} ({milliseconds(took)})" for what, took in seconds.items()
        )
        if listed or by is not By.SERVICE:
            yield f"{sentence}: {listed or 'nothing'}"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
