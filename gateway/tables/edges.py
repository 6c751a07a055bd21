"""The columns of associations: which dataset the list began at, why the others belong to it, and they themselves."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from adapters.caller import Call
from adapters.protocol import Repository
from adapters.question import DatasetsById, DatasetsByIvoid, Kinship, Lineage, Related
from adapters.rows import PUBLISHED, TypeInfo
from gateway.tables.arrays import Uuids, named, read
from gateway.tables.columns import OVERLAP, Columns, Datalink, references
from gateway.tables.pages import Part
from gateway.tables.table import column
from gateway.tables.times import mjd
from resolvers.semantics import semantics

SOURCE = (
    column(
        "source_publisher_did",
        pa.string(),
        ucd="meta.ref.ivoid",
        description="IVOA identifier of the dataset that the association begins at",
    ),
    column("source_id", pa.string(), ucd="meta.id", description="Butler's id of that dataset, a UUID"),
    column("kind", pa.string(), ucd="meta.code", description="Why they belong together"),
    column(
        "semantics",
        pa.string(),
        ucd="meta.code",
        description="What this one is to that one, a term of http://www.ivoa.net/rdf/datalink/core",
    ),
)
SUPPLIED = (
    column("collection", pa.string(), ucd="meta.id", description="The collection that supplied this one"),
    column(
        "rank",
        pa.int64(),
        ucd="meta.number",
        description="Place of that collection in the search order, from 0",
    ),
    column(
        "valid_min",
        pa.float64(),
        unit="d",
        ucd="time.start",
        description="CALIBRATION: valid from then, MJD, UTC",
    ),
    column(
        "valid_max",
        pa.float64(),
        unit="d",
        ucd="time.end",
        description="CALIBRATION: valid until then, MJD, UTC",
    ),
    OVERLAP,
)
EXECUTED = (
    column(
        "quantum", pa.string(), ucd="meta.id", description="The last unit of execution between them, a UUID"
    ),
    column(
        "depth", pa.int64(), ucd="meta.number", description="How many units of execution are between them"
    ),
)


class EdgeColumns:
    """The columns of associations of one parent, and those of the datasets at their other ends. ``source``: the parent's type; None for a bare
    data ID."""

    def __init__(
        self, datasets: Columns, recorded: bool, source: TypeInfo | None, datalink: Datalink
    ) -> None:
        self._datasets = datasets
        self._recorded = recorded
        self._source = source
        self._datalink = datalink
        self.fields: Sequence[pa.Field] = (
            *SOURCE,
            *datasets.fields,
            *(EXECUTED if recorded else SUPPLIED),
        )

    async def values(self, part: Part, call: Call) -> list[pa.Array]:
        question, rows = part.question, part.rows
        assert isinstance(question, Related | Lineage)
        count = len(rows.rows)
        own = publisher_did(question)
        source = references(
            part.repository, question.ids or (None,), None if own is None else (own,), self._datalink
        )
        way = question.way if isinstance(question, Lineage) else None
        kinds = [Kinship(one or Kinship.PROVENANCE) for one in read(rows, "kind")]
        infos = [rows.types[name] for name in read(rows, "type")]
        terms = [semantics(kind, info, self._source, way) for kind, info in zip(kinds, infos, strict=True)]
        found = [
            _each(source.ivoids, count),
            _each(source.ids, count),
            pa.array([kind.name for kind in kinds], pa.string()),
            pa.array(terms, pa.string()),
            *await self._datasets.values(part, call),
        ]
        if self._recorded:
            return [*found, Uuids(read(rows, "quantum")).text, named(rows, "depth", pa.int64())]
        certified = pa.array([kind is Kinship.CALIBRATION for kind in kinds], pa.bool_())
        valid = [
            # What is tied in another way is none the less certified for some time, which is not why it is here.
            mjd(pc.if_else(certified, named(rows, name, pa.int64()), pa.scalar(None, pa.int64())))
            for name in ("valid_begin", "valid_end")
        ]
        return [
            *found,
            named(rows, "collection", pa.string()),
            named(rows, "rank", pa.int64()),
            *valid,
            named(rows, "overlap", pa.float64()),
        ]


def _each(one: pa.Array, count: int) -> pa.Array:
    return pa.repeat(one[0], count)


def publisher_did(question: Related | Lineage) -> str | None:
    """The identifier that the dataset which associations begin at came with; None where it has none of its own."""
    if isinstance(question, Lineage) or not question.ids or PUBLISHED not in question.dimensions:
        return None
    return str(question.keys[0][question.dimensions.index(PUBLISHED)])


async def source_of(repository: Repository, question: Related | Lineage, call: Call) -> TypeInfo | None:
    """The type of the dataset that associations begin at; None for a bare data ID, and where the dataset is gone."""
    if not question.ids:
        return None
    own = publisher_did(question)
    asked = DatasetsById(question.ids[:1]) if own is None else DatasetsByIvoid((own,))
    rows = await repository.ask(asked, call)
    return rows.types[rows.rows[0][rows.index("type")]] if rows.rows else None
