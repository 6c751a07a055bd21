"""Datasets as rows of ObsCore 1.1: the same values as lsst.dax.obscore's exporter gives for the same repository and configuration.

docs/obscore.md says where each column comes from, and in what these rows differ from the exporter's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from adapters.caller import Call
from adapters.protocol import Repository
from adapters.question import Beside
from adapters.rows import Rows, TypeInfo
from adapters.turned import taken
from gateway.tables.arrays import Same, read
from gateway.tables.obscore.columns import OBSCORE, RUBIN
from gateway.tables.obscore.configuration import Configured
from gateway.tables.obscore.facts import STANDARD, Part, gather, sizes
from gateway.tables.obscore.filling import Filling
from gateway.tables.obscore.identifiers import Identifiers
from gateway.tables.obscore.product import OBSERVED, Product, product
from gateway.tables.obscore.template import Source

BESIDE = Beside(
    timespan=True,
    region=True,
    ingest_date=False,
    fields=tuple(Source(name, element).field for element in OBSERVED for name in STANDARD),
)
"""What is best asked along with the datasets: what the rows do not bring is asked for by batch."""


class ObsCore:
    """How the datasets of one configured repository become ObsCore rows.

    ``label`` and ``ivoid`` (the template of identifiers) are the repository's; ``datalink`` gives the address of the links of a
    dataset by its identifier. Made in a millisecond, so that there may be one for each request.
    """

    def __init__(
        self,
        label: str,
        ivoid: str,
        datalink: Callable[[str], str],
        configured: Configured | None = None,
    ) -> None:
        self.label = label
        self.configured = configured
        self.identifiers = Identifiers(label, ivoid, datalink)
        self.schema = _schema(configured)
        self.beside = BESIDE if configured is None else _beside(configured)
        self._products: dict[TypeInfo, Product] = {}
        self._same = Same()

    async def batch(self, repository: Repository, rows: Rows, call: Call) -> pa.RecordBatch:
        """A row for each dataset, in their order, with the columns of ``schema``.

        The rows are as ``Datasets``, ``DatasetsById`` or ``Related`` answer, with all their dimensions, and best with ``beside``. Costs the
        same number of questions whatever their number (``facts``). Raises what the repository's answers raise.
        """
        if not rows.rows:
            return pa.RecordBatch.from_pylist([], self.schema)
        parts = self._parts(rows)
        facts = await gather(repository, rows, parts, call)
        fillings = [
            Filling(part, facts, self.identifiers, self.schema, self.configured, self._same) for part in parts
        ]
        known = await sizes(repository, parts, call)
        # Some 5 us a row: an event loop has others to answer.
        return await asyncio.to_thread(self._filled, fillings, known)

    def _filled(self, fillings: list[Filling], sizes: Mapping[str | None, int | None]) -> pa.RecordBatch:
        batches = [pa.RecordBatch.from_arrays(one.columns(sizes), schema=self.schema) for one in fillings]
        if len(batches) == 1:
            return batches[0]
        order = np.concatenate([one.part.stand for one in fillings])
        return pa.concat_batches(batches).take(pa.array(np.argsort(order, kind="stable")))

    def _parts(self, rows: Rows) -> list[Part]:
        ids = read(rows, "id")
        if len(rows.types) == 1:
            (only,) = rows.types.values()
            return [Part(self._product(only), rows.rows, ids, range(len(ids)))]
        stands: dict[str, list[int]] = {}
        for stand, name in enumerate(read(rows, "type")):
            stands.setdefault(name, []).append(stand)
        return [
            Part(
                self._product(rows.types[name]),
                taken(rows.rows, own),
                [ids[stand] for stand in own],
                own,
            )
            for name, own in stands.items()
        ]

    def _product(self, info: TypeInfo) -> Product:
        found = self._products.get(info)
        if found is None:
            found = self._products[info] = product(info, self.label, self.configured)
        return found


def _beside(configured: Configured) -> Beside:
    """The same with the fields that templates name."""
    named = {source.field for source in configured.sources if source.element is not None}
    return replace(BESIDE, fields=tuple(sorted({*BESIDE.fields, *named})))


def _schema(configured: Configured | None) -> pa.Schema:
    extras = dict(configured.columns) if configured is not None else {}
    standing = [extras.pop(one.name, one) for one in (*OBSCORE, *RUBIN)]
    return pa.schema([*standing, *extras.values()])
