"""Identifiers of datasets that other services hand out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from urllib.parse import parse_qs, unquote, urlsplit

from adapters.errors import BadUserInput
from adapters.protocol import publishes
from adapters.question import DatasetsByIvoid

from .context import Context, Scope
from .dataset import Dataset, dataset_of, datasets
from .scalars import uuid_in

_FORMS = "write ivo://<authority>?repo=<label>&id=<uuid>, butler://<label>/<uuid> or a bare UUID"


def parsed(identifier: str) -> tuple[str | None, str]:
    """Label of the repository (None: not said) and id (32 hex digits). Raises BadUserInput."""
    text = identifier.strip()
    try:
        parts = urlsplit(text)
        if parts.scheme == "ivo":
            query = parse_qs(parts.query)
            labels, ids = query.get("repo", []), query.get("id", [])
            if len(labels) == 1 and len(ids) == 1:
                return labels[0], uuid_in(ids[0])
        elif parts.scheme == "butler":
            label, _, rest = text.partition("://")[2].partition("/")
            if label:
                return unquote(label), uuid_in(rest)
        elif not parts.scheme:
            return None, uuid_in(text)
    except ValueError:
        pass
    raise BadUserInput(f"{identifier[:200]!r} is no identifier of a dataset; {_FORMS}.")


async def resolved(context: Context, identifier: str) -> Dataset | None:
    """The dataset of an identifier. A repository that does not exist, or is not this caller's to see, has none.

    An IVOA identifier may be a publisher's own. A bare UUID is looked for in every visible repository, and the first in their order that
    holds it answers; where none does and one of them failed, that error is raised: it might have had it.
    """
    text = identifier.strip()
    try:
        label, dataset = parsed(text)
    except BadUserInput:
        if not is_ivoid(text) or not _publishing(context):
            raise
        return (await published(context, (text,))).get(text)
    if label is None:
        return await _first([dataset_of(scope, dataset) for scope in context.scopes.values()])
    scope = context.scopes.get(label)
    if is_ivoid(text) and (scope is None or publishes(scope.repository)):
        found = (await published(context, (text,))).get(text)
        if found is not None:
            return found
    return None if scope is None else await dataset_of(scope, dataset)


def is_ivoid(identifier: str) -> bool:
    return identifier[:6].lower() == "ivo://"


async def published(context: Context, ivoids: Sequence[str]) -> dict[str, Dataset]:
    """Datasets whose publisher calls them so, in visible repositories that have identifiers of their own, each from the first that has it.
    Where one of them failed that is raised, unless all were found."""
    found: dict[str, Dataset] = {}
    failed = None
    asked = (_by_ivoid(scope, ivoids) for scope in _publishing(context))
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(answer, BaseException):
            failed = failed or answer
        else:
            found = answer | found
    if failed is not None and len(found) < len(set(ivoids)):
        raise failed
    return found


def _publishing(context: Context) -> list[Scope]:
    return [one for one in context.scopes.values() if publishes(one.repository)]


async def _by_ivoid(scope: Scope, ivoids: Sequence[str]) -> dict[str, Dataset]:
    rows = await scope.ask(DatasetsByIvoid(tuple(ivoids)), len(ivoids), 1)
    return {one.identifier(): one for one in await datasets(scope, rows)}


async def _first(asked: Sequence[Awaitable[Dataset | None]]) -> Dataset | None:
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, Dataset):
            return answer
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return None
