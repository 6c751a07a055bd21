"""Questions as text: for the address of a table, and for those that are kept.

The text is opaque to clients: base64url (RFC 4648, section 5, without padding) of zlib (RFC 1950) of compact JSON. It holds what was asked and
nothing about who asked, is no secret and proves nothing: it is read as strictly as a document of GraphQL, and answered for whoever shows it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adapters.errors import BadUserInput
from adapters.question import (
    Bind,
    DataIds,
    Datasets,
    Lineage,
    Op,
    QuantumDatasets,
    Question,
    Records,
    Related,
    RelatedDataIds,
    Span,
    Versions,
    Way,
    Where,
)
from resolvers.asked import Asked

LONGEST = 64_000_000  # bytes of JSON: 100,000 data IDs of several dimensions are some 10 MB
_DEEPEST = 12
_ID = re.compile(r"[0-9a-f]{32}")
_VERSION = 1

_KINDS: tuple[type[Question], ...] = (
    DataIds,
    Datasets,
    Lineage,
    QuantumDatasets,
    Records,
    Related,
    RelatedDataIds,
    Versions,
)
_QUESTIONS: Mapping[str, TypeAdapter[Any]] = MappingProxyType(
    {kind.__name__: TypeAdapter(kind) for kind in _KINDS}
)
_BINDS: Mapping[str, TypeAdapter[Any]] = MappingProxyType(
    {
        "string": TypeAdapter(str),
        "long": TypeAdapter(int),
        "float": TypeAdapter(float),
        "strings": TypeAdapter(tuple[str, ...]),
        "longs": TypeAdapter(tuple[int, ...]),
        "time": TypeAdapter(int),
        "timespan": TypeAdapter(Span),
        "region": TypeAdapter(str),
        "uuid": TypeAdapter(str),
    }
)
# Of a list, whatever its page; what is wanted beside its rows is the table's own matter.
_LEFT_OUT = {"page", "beside"}


def write(asked: Asked) -> str:
    """The text of a list."""
    return packed(content(asked))


def content(asked: Asked) -> bytes:
    """A list as JSON."""
    questions = [[type(question).__name__, _plain(question)] for question in asked.questions]
    return json.dumps([_VERSION, asked.repositories, questions], separators=(",", ":")).encode()


def packed(content: bytes) -> str:
    """The text of such JSON."""
    return base64.urlsafe_b64encode(zlib.compress(content, 9)).rstrip(b"=").decode()


def read(text: str, most: int = LONGEST) -> Asked:
    """The list of a text, whose JSON has at most so many bytes. Raises BadUserInput for what is none. Of a long one it takes a second or more: in a
    thread."""
    try:
        return _asked(json.loads(_unpacked(text, most), parse_constant=_no_constant))
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error, binascii.Error):
        raise BadUserInput(
            "This address of a table is damaged, or of another version of this service: ask for 'table' again."
        ) from None


def _plain(question: Question) -> Any:
    kind = _QUESTIONS[type(question).__name__]
    return kind.dump_python(question, mode="json", exclude=_LEFT_OUT, exclude_defaults=True)


def _unpacked(text: str, most: int) -> str:
    if not text.isascii():
        raise ValueError("no base64url")
    packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, most)
    if not unpacking.eof:
        raise ValueError("too long, or cut")
    return content.decode()


def _asked(content: Any) -> Asked:
    match content:
        case [version, [_, *_] as repositories, [_, *_] as questions] if (
            type(version) is int and version == _VERSION
        ):
            _check(content, _DEEPEST)
        case _:
            raise ValueError("no list")
    asked = Asked(
        TypeAdapter(tuple[str, ...]).validate_python(tuple(repositories), strict=True),
        tuple(_question(name, body) for name, body in questions),
    )
    if len(set(asked.repositories)) < len(asked.repositories):
        raise ValueError("a repository twice")
    if len(asked.repositories) > 1 and not isinstance(asked.questions[0], Datasets):
        raise ValueError("only datasets are searched for in several repositories")
    first, *others = asked.questions
    if others and not (
        isinstance(first, Lineage)
        and first.way is Way.UPSTREAM
        and others == [replace(first, way=Way.DOWNSTREAM)]
    ):
        raise ValueError("only what one dataset was made from, and what from it, stand one behind the other")
    return asked


def _question(name: str, body: Any) -> Question:
    if not isinstance(body, dict) or _LEFT_OUT & body.keys():
        raise ValueError("no question")
    try:
        found: Question = _QUESTIONS[name].validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        raise ValueError("no question") from error
    _check_known(body, _QUESTIONS[name].dump_python(found, mode="json"))
    _check_parent(found)
    if isinstance(found, Datasets | Related) and not found.types:
        raise ValueError("no dataset type")
    for one in getattr(found, "constraints", ()):
        if isinstance(one.value, tuple) != (one.op is Op.IN) or (
            one.op is Op.GLOB and not isinstance(one.value, str)
        ):
            raise ValueError("a value that does not go with its comparison")
    among = getattr(found, "among", None)
    if among is not None and (
        len(set(among.names)) < len(among.names)
        or bool(among.names) != bool(among.rows)  # both empty: nothing is among them
        or {len(row) for row in among.rows} - {len(among.names)}
    ):
        raise ValueError("data IDs that are none")
    where = getattr(found, "where", None)
    return found if where is None else replace(found, where=_bound(where))  # type: ignore[type-var]


def _check_known(given: Any, read: Any) -> None:
    """Refuse what nobody read."""
    if isinstance(given, dict) and isinstance(read, dict):
        if not given.keys() <= read.keys():
            raise ValueError("unknown members")
        for key, value in given.items():
            _check_known(value, read[key])
    elif isinstance(given, list) and isinstance(read, list):
        for one, other in zip(given, read, strict=True):
            if not isinstance(one, dict | list):
                break  # of one kind, and many where they are data IDs
            _check_known(one, other)


def _check_parent(question: Question) -> None:
    """A list begins at one dataset or data ID at most, and questions that need one have it."""
    keys, ids = getattr(question, "keys", None), getattr(question, "ids", None)
    if any(not _ID.fullmatch(one) for one in ids or ()):
        raise ValueError("no id")
    if isinstance(question, Related):
        if bool(ids) != (question.source is not None):
            raise ValueError("a dataset has a type")
        ids = ids or None  # a bare data ID has none
    for members in (keys, ids):
        if members is not None and len(members) != 1:
            raise ValueError("a list has one parent")
    if isinstance(question, Related | RelatedDataIds) and not (
        len(question.keys[0]) == len(question.dimensions) == len(set(question.dimensions))
    ):
        raise ValueError("no data ID")
    if isinstance(question, Versions):
        type = (question.keys[0] or (None,))[0]
        if not isinstance(type, str) or set("*?[") & set(type):
            raise ValueError("no dataset type")


def _bound(where: Where) -> Where:
    """The binds of an expression with values of their kinds, which the dataclass leaves open."""
    binds = []
    for bind in where.binds:
        try:
            value = _BINDS[bind.kind].validate_json(json.dumps(bind.value), strict=True)
        except ValidationError as error:
            raise ValueError("no value") from error
        binds.append(Bind(bind.name, bind.kind, value))
    return Where(where.text, tuple(binds))


def _check(value: Any, depth: int) -> None:
    """Refuse what GraphQL's own inputs refuse: numbers past 64 bits, text that no registry holds, and what is nested too deep."""
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError("too deep")
        for one in value if isinstance(value, list) else [*value, *value.values()]:
            _check(one, depth - 1)
    elif isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("no text")
    elif type(value) is int and not -(2**63) <= value < 2**63:
        raise ValueError("no 64-bit integer")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("no number")


def _no_constant(name: str) -> None:
    raise ValueError(name)
