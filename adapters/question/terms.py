"""What questions are made of: constraints, ranges, pages, and what they have in common."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

Value = str | int | float | bool
KeyValue = str | int | float | None


class Op(StrEnum):
    """How a constraint compares. GLOB is the shell's: ``*``, ``?``, ``[abc]``, ``[!abc]``; case matters."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    GLOB = "glob"
    GE = "gte"
    GT = "gt"
    LE = "lte"
    LT = "lt"


@dataclass(frozen=True, slots=True)
class Constraint:
    """``name`` is a dimension (``visit``), an alternate key or another field of a dimension record
    (``exposure.obs_id``), or, about the dataset itself, ``run``. A NULL satisfies no constraint."""

    name: str
    op: Op
    value: Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of time, nanoseconds of TAI; None is unbounded. An instant is a span of one
    nanosecond."""

    begin: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Sky:
    """A region of the sky, ICRS degrees, as IVOA POS text (CIRCLE, POLYGON, RANGE); a point is a circle of
    radius 0."""

    shape: str


@dataclass(frozen=True, slots=True)
class Bind:
    """A value for ``:name`` in a where expression. ``kind`` is one of string, long, float, strings, longs,
    time (ns), timespan (Span), region (POS text), uuid (hex)."""

    name: str
    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Where:
    """Butler's own query expression."""

    text: str
    binds: tuple[Bind, ...] = ()


@dataclass(frozen=True, slots=True)
class Among:
    """Data IDs from elsewhere, one tuple of values each in the order of ``names``."""

    names: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True, slots=True)
class Order:
    """``name``: a dimension, ``element.field``, ``timespan.begin``, ``timespan.end``, ``ingest_date`` or
    ``run``. NULLs sort last either way; strings by code point."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """``first`` rows behind the row whose key is ``after`` (see ``Rows.key``). ``turned``: they are read by columns, and an adapter may keep
    them so (``turned.Turned``)."""

    first: int
    after: tuple[KeyValue, ...] | None = None
    turned: bool = field(default=False, compare=False, repr=False)


FIRST_PAGE = Page(100)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is wanted of each dataset of an answer, besides what identifies it.

    Its timespan, its region, the calibrations that are valid for it (a dataset type, and the collections to search), ``fields`` of its dimension
    records (``visit.exposure_time``): an adapter gives along what it has at hand and says so (``Rows.beside``); the rest is asked for by
    itself. ``dimensions``: of the implied dimensions only these are wanted (None: all), and ``ingest_date`` may be unwanted: an adapter
    may leave out the columns of the others.
    """

    timespan: bool = False
    region: bool = False
    calibrations: tuple[tuple[str, tuple[str, ...] | None], ...] = ()
    dimensions: frozenset[str] | None = None
    ingest_date: bool = True
    fields: tuple[str, ...] = ()


class Question:
    """Base of all questions."""

    __slots__ = ()

    def digest(self) -> str:
        """16 hex digits that identify the question without its page: what a cursor is bound to."""
        bare = replace(self, page=Page(0)) if hasattr(self, "page") else self  # type: ignore[type-var]
        return hashlib.blake2b(repr(bare).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    def paged(self, first: int, after: tuple[KeyValue, ...] | None = None, *, turned: bool = False) -> Self:
        return replace(self, page=Page(first, after, turned))  # type: ignore[type-var]
