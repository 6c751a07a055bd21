"""Datasets with the columns of ObsCore, of one repository or of several that are configured in different ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from adapters.caller import Call
from gateway.tables.obscore.obscore import BESIDE, ObsCore
from gateway.tables.pages import Part


class ObservedColumns:
    """``cores`` by the labels of the repositories. Further columns of one are null in rows of another; where two mean different things by a name, the
    first one's is kept."""

    def __init__(self, cores: Mapping[str, ObsCore]) -> None:
        self._cores = cores
        found: dict[str, pa.Field] = {}
        for core in cores.values():
            for field in core.schema:
                found.setdefault(field.name, field)
        self.fields: Sequence[pa.Field] = tuple(found.values())
        named = {name for core in cores.values() for name in core.beside.fields}
        self.beside = replace(BESIDE, fields=tuple(sorted(named)))
        """What is best asked along with the datasets."""

    async def values(self, part: Part, call: Call) -> list[pa.Array]:
        """An array for each field."""
        batch = await self._cores[part.repository.name].batch(part.repository, part.rows, call)
        own = dict(zip(batch.schema.names, batch.columns, strict=True))
        return [
            own[field.name]
            if field.name in own and own[field.name].type == field.type
            else pa.nulls(batch.num_rows, field.type)
            for field in self.fields
        ]
