"""Identifiers of datasets that other services hand out."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, unquote, urlsplit

from adapters.errors import BadUserInput

from .context import Context
from .dataset import Dataset, dataset_of
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

    A bare UUID is looked for in every visible repository, and the first in their order that holds it answers;
    where none does and one of them failed, that error is raised: it might have had it.
    """
    label, dataset = parsed(identifier)
    if label is not None:
        scope = context.scopes.get(label)
        return None if scope is None else await dataset_of(scope, dataset)
    answers = await asyncio.gather(
        *(dataset_of(scope, dataset) for scope in context.scopes.values()), return_exceptions=True
    )
    for answer in answers:
        if isinstance(answer, Dataset):
            return answer
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return None
