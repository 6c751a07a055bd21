"""Datasets as rows of ObsCore 1.1: the same values as lsst.dax.obscore's exporter gives for the same repository and configuration.

docs/obscore.md says where each column comes from, and in what these rows differ from the exporter's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from adapters.caller import Call
from adapters.protocol import Repository
from adapters.question import Beside
from adapters.rows import Rows, TypeInfo
from gateway.tables.obscore.columns import OBSCORE, RUBIN
from gateway.tables.obscore.configuration import Configured
from gateway.tables.obscore.facts import Facts, Part, gather
from gateway.tables.obscore.filling import Filling
from gateway.tables.obscore.identifiers import Identifiers
from gateway.tables.obscore.product import Product, product

BESIDE = Beside(timespan=True, region=True, ingest_date=False)
"""What is best asked along with the datasets: what the rows do not bring is asked for by batch."""


class ObsCore:
    """How the datasets of one configured repository become ObsCore rows.

    ``label`` and ``ivoid`` (the template of identifiers) are the repository's; ``datalink`` gives the address of the links of a
    dataset by its identifier. Made in a millisecond, so that there may be one for each request. ``sizes``: whether access_estsize is
    looked up, which costs several times what all the rest does (0.2 s for 10,000 files).
    """

    def __init__(
        self,
        label: str,
        ivoid: str,
        datalink: Callable[[str], str],
        configured: Configured | None = None,
        *,
        sizes: bool = False,
    ) -> None:
        self.label = label
        self.configured = configured
        self.identifiers = Identifiers(label, ivoid, datalink)
        self.sizes = sizes
        self.schema = _schema(configured)
        self._products: dict[TypeInfo, Product] = {}

    async def batch(self, repository: Repository, rows: Rows, call: Call) -> pa.RecordBatch:
        """A row for each dataset, in their order, with the columns of ``schema``.

        The rows are as ``Datasets``, ``DatasetsById`` or ``Related`` answer, with all their dimensions, and best with ``BESIDE``. Costs the
        same number of questions whatever their number (``facts``). Raises what the repository's answers raise.
        """
        if not rows.rows:
            return pa.RecordBatch.from_pylist([], self.schema)
        parts = list(self._parts(rows).values())
        facts = await gather(repository, rows, parts, self.sizes, call)
        # Some 5 us a row: an event loop has others to answer.
        return await asyncio.to_thread(self._filled, parts, facts)

    def _filled(self, parts: list[Part], facts: Facts) -> pa.RecordBatch:
        whole = [
            Filling(part, facts, self.identifiers, self.schema, self.configured).columns() for part in parts
        ]
        arrays = [pa.concat_arrays([one[name] for one in whole]) for name in self.schema.names]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        if len(parts) == 1:
            return batch
        order = np.concatenate([part.stand for part in parts])
        return batch.take(pa.array(np.argsort(order, kind="stable")))

    def _parts(self, rows: Rows) -> dict[str, Part]:
        place = rows.places["type"]
        parts: dict[str, Part] = {}
        for stand, row in enumerate(rows.rows):
            name = row[place]
            part = parts.get(name)
            if part is None:
                part = parts[name] = Part(self._product(rows.types[name]))
            part.rows.append(row)
            part.stand.append(stand)
        return parts

    def _product(self, info: TypeInfo) -> Product:
        found = self._products.get(info)
        if found is None:
            found = self._products[info] = product(info, self.label, self.configured)
        return found


def _schema(configured: Configured | None) -> pa.Schema:
    extras = dict(configured.columns) if configured is not None else {}
    standing = [extras.pop(one.name, one) for one in (*OBSCORE, *RUBIN)]
    return pa.schema([*standing, *extras.values()])
