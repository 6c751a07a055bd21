"""The columns of datasets of one type: first what the configuration says, then what the dimensions' records say, which goes above it.

In the order, and with the precedence, of ``RecordFactory`` of lsst.daf.butler.registry.obscore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from adapters.errors import AdapterError
from adapters.media_types import DATALINK
from gateway.tables.arrays import Same, Uuids, array, butlers, mapped
from gateway.tables.obscore.configuration import TYPES, Configured, Extra
from gateway.tables.obscore.facts import STANDARD, Facts, Part
from gateway.tables.obscore.footprints import footprints
from gateway.tables.obscore.identifiers import Identifiers
from gateway.tables.obscore.template import Source, Template, Values, listed
from gateway.tables.times import mjd

_DIMENSIONS = {
    "lsst_visit": "visit",
    "lsst_detector": "detector",
    "lsst_tract": "tract",
    "lsst_patch": "patch",
    "lsst_band": "band",
    "lsst_filter": "physical_filter",
}
_READ: dict[str, Callable[[str], Any]] = {"bool": lambda text: bool(int(text)), "int": int, "float": float}
_THOUSAND = 1000  # VOUnits 1.0: kbyte


class Filling:
    """One part of a batch, on its way to columns."""

    def __init__(
        self,
        part: Part,
        facts: Facts,
        identifiers: Identifiers,
        schema: pa.Schema,
        configured: Configured | None,
        same: Same,
    ) -> None:
        self.part = part
        self.product = part.product
        self.facts = facts
        self.identifiers = identifiers
        self.schema = schema
        self.same = same
        self.config = configured.config if configured is not None else None
        self.count = len(part.rows)
        self._known: dict[Source, Values] = {}
        self._read: dict[str, pa.Array] = {}

    def columns(self, sizes: Mapping[str | None, int | None]) -> list[pa.Array]:
        """A column for each of the schema. ``sizes``: bytes, by dataset."""
        found = self._said()
        found["access_estsize"] = self._size(sizes)
        found.update(self._extras())
        found.update(self._observed(found))
        found.update(self._already())
        return [
            found[one.name] if one.name in found else self.same.column(None, one.type, self.count)
            for one in self.schema
        ]

    def _size(self, sizes: Mapping[str | None, int | None]) -> pa.Int64Array:
        if not sizes:
            return self.same.column(None, pa.int64(), self.count)
        size = array(list(map(sizes.get, self.part.ids)), pa.int64())
        # Rounded up: integers are divided towards nothing.
        return pc.divide(pc.add(size, _THOUSAND - 1), _THOUSAND)

    def _already(self) -> dict[str, pa.Array]:
        """Where the repository is an ObsCore table itself: what it says, as it is."""
        name = self.product.already
        if name is None:
            return {}
        found = {name: self._own(name)}
        for column in self.schema:
            values = self.facts.field(Source(column.name, name), self.part)
            if values is not None:
                found[column.name] = _typed(values, column.type)
        return found

    # what the configuration says

    def _said(self) -> dict[str, pa.Array]:
        product = self.product
        names = ("dataproduct_type", "dataproduct_subtype", "o_ucd", "calib_level", "obs_collection")
        found = {name: self._same(name, product.said[name]) for name in names}
        found |= {
            name: self._same(name, product.said[name])
            for name in ("s_xel1", "s_xel2")
            if name in product.said
        }
        for name, own in (("obs_id", product.own_id), ("obs_title", product.own_title)):
            found[name] = own.fill(self._column, self.count)
        obs_id = self._filled(product.obs_id)
        if obs_id is not None:
            found["obs_id"] = pc.coalesce(obs_id, found["obs_id"])
            self._known[Source("obs_id")] = found["obs_id"]
        found |= self._references()
        found |= {
            "run": self._own("run"),
            "dataset_type": self._same("dataset_type", product.info.name),
        }
        found |= {"lsst_run": found["run"], "lsst_dataset_type": found["dataset_type"]}
        for name, dimension in _DIMENSIONS.items():
            place = product.dimension(Source(dimension))
            if place is not None:
                found[name] = _typed(self._own(place), self.schema.field(name).type)
        return found

    def _references(self) -> dict[str, pa.Array]:
        """The identifier, and the address that leads from it to everything else."""
        did, link = self._filled(self.product.did), self._filled(self.product.link)
        if self.product.already is not None:
            did = self._own(self.product.already)
        ivoids = self.identifiers.ivoids(self._ids)
        if did is not None:
            ivoids = pc.coalesce(did, ivoids)
        if link is None or link.null_count:
            own = self.identifiers.links(self._ids, None if did is None else ivoids)
            link = own if link is None else pc.coalesce(link, own)
            form = DATALINK
        else:
            form = self.product.access_format or DATALINK
        access = self.same.column(form, pa.string(), self.count)
        if link.null_count:
            access = pc.if_else(link.is_valid(), access, pa.scalar(None, pa.string()))
        return {"obs_publisher_did": ivoids, "access_url": link, "access_format": access}

    def _extras(self) -> dict[str, pa.Array]:
        found = {}
        for name, extra in self.product.extras.items():
            type = self.schema.field(name).type
            if extra.template is None:
                found[name] = self.same.column(extra.value, type, self.count)
            elif self._has(extra.template):
                found[name] = self._made(name, extra, extra.template).cast(type)
        return found

    def _made(self, name: str, extra: Extra, template: Template) -> pa.Array:
        """What the texts of a template are; null where it takes something that is null."""
        type = TYPES[extra.kind]
        if template.plain:
            try:
                values = self._column(template.sources[0])
                same = isinstance(values, pa.Array) and values.type == type
                return values if same else pa.array(listed(values), type)
            except (pa.ArrowInvalid, pa.ArrowTypeError):
                pass  # values of another kind, of which the text may still be one
        texts = template.fill(lambda source: self._handled(source, template), self.count)
        if type == texts.type:
            return texts
        read = _READ[extra.kind]
        try:
            return mapped(texts, lambda text: None if text is None else read(text), type)
        except ValueError as error:
            raise AdapterError(
                f"The configuration of ObsCore makes {name} of type {extra.kind}, which its template does not give for "
                f"datasets of type '{self.product.info.name}': {error}."
            ) from error

    # what the records say

    def _observed(self, standing: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        found = self._instrument()
        times = mjd(pa.concat_arrays(self.facts.observed(self.part)))  # begins and ends
        above = {
            "t_min": times[: self.count],
            "t_max": times[self.count :],
            **footprints(self.facts.lying(self.part)).columns,
            **self._spectral(),
        }
        for name, values in above.items():
            found[name] = pc.coalesce(values, standing[name]) if name in standing else values
        if self.product.observed is not None:
            for name, field in zip(("t_exptime", "target_name"), STANDARD, strict=True):
                values = self.facts.column(Source(field, self.product.observed), self.part)
                if values is not None:
                    found[name] = _typed(values, self.schema.field(name).type)
        if "band" in self.product.info.dimensions:
            found["em_filter_name"] = self._own("band")
        return found

    def _instrument(self) -> dict[str, pa.Array]:
        config = self.config
        if "instrument" in self.product.info.dimensions:
            names = self._own("instrument")
        else:
            names = self._same("instrument_name", config.fallback_instrument if config is not None else None)
        found = {"instrument_name": names}
        if config is not None:
            facilities, default = config.facility_map, config.facility_name
            found["facility_name"] = mapped(
                names, lambda one: facilities.get(one or "", default), pa.string()
            )
        return found

    def _spectral(self) -> dict[str, pa.Array]:
        """The range of the filter, else that of the band."""
        dimensions = self.product.info.dimensions
        if self.config is None or "band" not in dimensions:
            return {}
        ranges = self.config.spectral_ranges
        bands = self._own("band")
        filters = self._own("physical_filter") if "physical_filter" in dimensions else bands
        known = mapped(filters, lambda one: bool(ranges.get(one)), pa.bool_())
        found = {}
        for place, name in enumerate(("em_min", "em_max")):

            def end(one: str, place: int = place) -> float | None:
                return (ranges.get(one) or (None, None))[place]

            found[name] = pc.if_else(known, *(mapped(one, end, pa.float64()) for one in (filters, bands)))
        return found

    # where the values are

    def _same(self, name: str, value: Any) -> pa.Array:
        return self.same.column(value, self.schema.field(name).type, self.count)

    def _own(self, name: str) -> pa.Array:
        if name not in self._read:
            self._read[name] = self.facts.own(name, self.part)
        return self._read[name]

    @cached_property
    def _ids(self) -> Uuids:
        already = self.product.already
        if already is None:
            return Uuids(self.part.ids)
        return Uuids(butlers(self.part.ids, self._own(already).to_pylist()))

    def _filled(self, template: Template | None) -> pa.Array | None:
        """None where there is no template, or none that these datasets can fill: then the gateway's own holds, as it does for
        rows that are null here."""
        if template is None or not self._has(template):
            return None
        return template.fill(lambda source: self._handled(source, template), self.count)

    def _has(self, template: Template) -> bool:
        try:
            for source in template.sources:
                self._column(source)
        except KeyError:
            return False
        return True

    def _handled(self, source: Source, template: Template) -> Values:
        values = self._column(source)
        if source == Source("id") and source in template.handled:
            return [one and UUID(one) for one in listed(values)]
        return values

    def _column(self, source: Source) -> Values:
        """Raises KeyError where datasets of this type have no such thing."""
        if source not in self._known:
            self._known[source] = self._looked_up(source)
        return self._known[source]

    def _looked_up(self, source: Source) -> Values:
        dimension = self.facts.dimension(source, self.product)
        if dimension is not None:
            return self._own(dimension)
        if source.element is not None:
            values = self.facts.column(source, self.part)
            if values is None:
                raise KeyError(str(source))
            return values
        if source.name == "id":
            return self._ids.text
        if source.name == "run":
            return self._own("run")
        value = self.product.info.name if source.name == "dataset_type" else self.product.said[source.name]
        return pa.repeat(pa.scalar(value), self.count)


def _typed(values: Values, type: pa.DataType) -> pa.Array:
    if not isinstance(values, pa.Array):
        return pa.array(values, type)
    return values if values.type == type else values.cast(type)
