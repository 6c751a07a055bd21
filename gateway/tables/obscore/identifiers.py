"""IVOA identifiers of datasets and the addresses of their links, for many datasets at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

_ONE, _OTHER = "0" * 32, "f" * 32
_DASHES = (8, 12, 16, 20)


def dashed(id: str) -> str:
    """32 hex digits as a UUID is written."""
    return f"{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:]}"


class Identifiers:
    """Of one repository. Ids are 32 hex digits, or None where a backend has none: then there is no identifier either."""

    def __init__(self, label: str, ivoid: str, datalink: Callable[[str], str]) -> None:
        before, _, after = ivoid.replace("{repository}", label).partition("{id}")
        self._ivoid = (before, after)
        self._datalink = datalink
        self._link = self._affixes(datalink)

    def ivoids(self, ids: Sequence[str | None]) -> pa.StringArray:
        return _between(*self._ivoid, ids)

    def links(self, ids: Sequence[str | None], ivoids: pa.StringArray) -> pa.StringArray:
        """The addresses of the links of datasets that have these ``ivoids`` as a configuration made them, or else the repository's own."""
        if self._link is not None and ivoids.equals(self.ivoids(ids)):
            return _between(*self._link, ids)
        return pa.array([one and self._datalink(one) for one in ivoids.to_pylist()], pa.string())

    def _affixes(self, datalink: Callable[[str], str]) -> tuple[str, str] | None:
        """What stands around the id in an address; None where the address is more than the identifier written into it."""
        found = set()
        before, after = self._ivoid
        for id in (_ONE, _OTHER):
            parts = datalink(before + dashed(id) + after).split(dashed(id))
            found.add(tuple(parts))
        (first, *others) = found
        return (first[0], first[1]) if not others and len(first) == 2 else None


def _between(before: str, after: str, ids: Sequence[str | None]) -> pa.StringArray:
    """``before``, the id with its dashes, ``after``: written as one table of bytes, since there may be a million of them."""
    if None in ids:
        return pa.array([one and before + dashed(one) + after for one in ids], pa.string())
    head, tail = before.encode(), after.encode()
    known = np.frombuffer("".join(ids).encode("ascii"), np.uint8).reshape(len(ids), 32)  # type: ignore[arg-type]
    width = len(head) + 36 + len(tail)
    written = np.empty((len(ids), width), np.uint8)
    written[:, : len(head)] = np.frombuffer(head, np.uint8)
    written[:, width - len(tail) :] = np.frombuffer(tail, np.uint8)
    middle = written[:, len(head) : len(head) + 36]
    middle[:] = ord("-")
    for number, (begin, end) in enumerate(zip((0, *_DASHES), (*_DASHES, 32), strict=True)):
        middle[:, begin + number : end + number] = known[:, begin:end]
    offsets = np.arange(0, (len(ids) + 1) * width, width, dtype=np.int64)
    long = pa.LargeStringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(written))
    return long.cast(pa.string())
