"""Ids of datasets, and the identifiers that their publisher gave them.

Where an obs_publisher_did holds the UUID of a Butler dataset (``ivo://org.rubinobs/usdac/lsst-dp1?repo=dp1&id=<uuid>``), that is the id, and
leads back by the forms of identifiers that were seen here so far. Elsewhere the id is a UUID made of the identifier (RFC 9562, version 5): stable, but nothing leads back from it outside of the
request that met it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from ..caller import Call
from ..errors import Unsupported

_BUTLERS = re.compile(r"(.*[?&]id=)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(.*)", re.DOTALL | re.ASCII)

_MOST = 8  # forms of identifiers: a look-up by id asks for each


@dataclass(frozen=True, slots=True)
class Identity:
    """``templates``: what identifiers of Butler datasets look like, each as what stands before and behind the UUID; those of rows that come are
    added, a few at most. ``butlers``: whether the service's are such."""

    templates: list[tuple[str, str]]
    butlers: bool

    @classmethod
    def of(cls, template: str, sample: str | None, *, certain: bool = False) -> Identity:
        """``template`` with {id}; ``sample``: an identifier of the service, which may look otherwise, or None of an empty table;
        ``certain``: the configuration says that the service's look like the template."""
        before, _, behind = template.partition("{id}")
        found = [(before, behind)]
        match = _BUTLERS.fullmatch(sample or "")
        if match is not None and (match[1], match[3]) not in found:
            found.append((match[1], match[3]))
        return cls(found, certain or sample is None or match is not None)

    def id(self, did: str) -> str:
        """32 hex digits."""
        match = _BUTLERS.fullmatch(did)
        if match is None:
            return uuid5(NAMESPACE_URL, did).hex
        if (match[1], match[3]) not in self.templates and len(self.templates) < _MOST:
            self.templates.append((match[1], match[3]))
        return match[2].replace("-", "")

    def dids(self, ids: Iterable[str], repository: str, call: Call) -> list[str]:
        """Identifiers that these ids may have.

        Raises
        ------
        Unsupported
            Ids that this request did not meet, of a service whose identifiers hold none.
        """
        met, found = _met(repository, call), []
        for one in ids:
            if one in met:
                found.append(met[one])
            elif self.butlers:
                dashed = str(UUID(one))
                found += [f"{before}{dashed}{behind}" for before, behind in self.templates]
            else:
                raise Unsupported(
                    f"The identifiers of repository '{repository}' hold no UUID of a Butler: a dataset of it is found by its "
                    "obs_publisher_did, not by an id.",
                    capability="datasets by id",
                )
        return found

    def remember(self, pairs: Iterable[tuple[str, str]], repository: str, call: Call) -> None:
        """Ids and identifiers that this request met."""
        _met(repository, call).update(pairs)


def _met(repository: str, call: Call) -> dict[str, Any]:
    met: dict[str, Any] = call.memory.setdefault(("tap", "identifiers", repository), {})
    return met
