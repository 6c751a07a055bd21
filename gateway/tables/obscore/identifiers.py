"""IVOA identifiers of datasets and the addresses of their links, for many datasets at once."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pyarrow as pa

from gateway.tables.arrays import Uuids

_ONE, _OTHER = str(UUID(int=0)), str(UUID(int=2**128 - 1))


class Identifiers:
    """Of one repository."""

    def __init__(self, label: str, ivoid: str, datalink: Callable[[str], str]) -> None:
        before, _, after = ivoid.replace("{repository}", label).partition("{id}")
        self._ivoid = (before, after)
        self._datalink = datalink
        self._link = self._affixes(datalink)

    def ivoids(self, ids: Uuids) -> pa.StringArray:
        return ids.between(*self._ivoid)

    def links(self, ids: Uuids, given: pa.StringArray | None) -> pa.StringArray:
        """The addresses of the links of datasets; ``given``: identifiers that a configuration made for them."""
        own = self.ivoids(ids)
        if self._link is not None and (given is None or given.equals(own)):
            return ids.between(*self._link)
        return pa.array([one and self._datalink(one) for one in (given or own).to_pylist()], pa.string())

    def _affixes(self, datalink: Callable[[str], str]) -> tuple[str, str] | None:
        """What stands around the id in an address; None where the address is more than the identifier written into it."""
        found = set()
        before, after = self._ivoid
        for id in (_ONE, _OTHER):
            parts = datalink(before + id + after).split(id)
            found.add(tuple(parts))
        (first, *others) = found
        return (first[0], first[1]) if not others and len(first) == 2 else None
