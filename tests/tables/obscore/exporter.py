"""Rubin's own exporter as the judge: its rows for a repository and a configuration, by identifier."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from lsst.daf.butler import Butler, CollectionType, DatasetRef
from lsst.daf.butler.registry.obscore import (
    ObsCoreConfig,
    ObsCoreSchema,
    RecordFactory,
    RegionTypeWarning,
    SpatialObsCorePlugin,
)
from lsst.dax.obscore import ExporterConfig, ObscoreExporter

DID = "ivo://org.example/judged?repo=judged&id={id}"
Records = dict[str, list[dict[str, Any]]]


def exported(butler: Butler, content: Mapping[str, Any]) -> Records:
    """The exporter's rows of every run. It leaves out what has no region where its dimensions could have one, and gives an exposure
    once for each of its visits."""
    found: Records = {}
    for run, types in _held(butler, content).items():
        config = ExporterConfig.model_validate(
            {**content, "collections": [run], "obs_publisher_did_fmt": DID}
        )
        # The exporter cannot ask for the regions of pixels, which are in no table.
        config.select_dataset_types(name for name in types if not _pixels(butler, name))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RegionTypeWarning)
            for record in ObscoreExporter(butler, config).iter_records():
                found.setdefault(record["obs_publisher_did"], []).append(record)
    return found


def made(butler: Butler, content: Mapping[str, Any]) -> Records:
    """What the exporter makes of each dataset by itself, those that it leaves out among them; exposures have no region here."""
    config = ObsCoreConfig.model_validate({**content, "obs_publisher_did_fmt": DID})
    plugins = SpatialObsCorePlugin.load_plugins(config.spatial_plugins, None)
    kind = RecordFactory.get_record_type_from_universe(butler.dimensions)
    factory = kind(config, ObsCoreSchema(config, plugins), butler.dimensions, plugins)
    found: Records = {}
    for run, types in _held(butler, content).items():
        for name in types:
            for ref in _datasets(butler, name, run):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RegionTypeWarning)
                    record = factory(ref)
                assert record is not None
                found[str(record["obs_publisher_did"])] = [record]
    return found


def _held(butler: Butler, content: Mapping[str, Any]) -> dict[str, list[str]]:
    """The configured dataset types that each run holds."""
    found = {}
    for info in butler.collections.query_info(
        "*", include_summary=True, collection_types={CollectionType.RUN}
    ):
        found[info.name] = [name for name in content["dataset_types"] if name in (info.dataset_types or ())]
    return found


def _pixels(butler: Butler, name: str) -> bool:
    return bool(butler.get_dataset_type(name).dimensions.skypix)


def _datasets(butler: Butler, name: str, run: str) -> Iterator[DatasetRef]:
    with butler.query() as query:
        yield from query.datasets(name, run, find_first=False).with_dimension_records()
