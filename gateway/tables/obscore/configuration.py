"""The file that says how datasets become ObsCore rows: the one that lsst.dax.obscore takes.

``ObsCoreConfig`` of lsst.daf.butler is what both read it into; keys that only the exporter knows (which collections and datasets it
exports, and how it writes them) are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from lsst.daf.butler import Config
from lsst.daf.butler.registry.obscore import DatasetTypeConfig, ExtraColumnConfig, ObsCoreConfig
from pydantic import ValidationError

from gateway.misconfigured import ConfigError, broken_yaml
from gateway.tables.names import is_legal
from gateway.tables.obscore.columns import OBSCORE, RUBIN
from gateway.tables.obscore.template import Source, Template, parse
from gateway.tables.table import column

TYPES = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "string": pa.string()}
_STANDARD = {one.name: one.type for one in (*OBSCORE, RUBIN[0], RUBIN[1])}
_KINDS = {pa.int32(): "int", **{type: kind for kind, type in TYPES.items()}}


@dataclass(frozen=True, slots=True)
class Extra:
    """A column of the configuration: a ``template`` whose text is read as ``kind``, or else the same ``value`` in every row."""

    kind: str
    template: Template | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Configured:
    """A configuration, its templates taken apart. By dataset type: ``obs_ids``, ``links`` and ``extras`` (the type's own ones before those of
    all types). ``columns``: of all extras."""

    config: ObsCoreConfig
    did: Template | None
    obs_ids: dict[str, Template]
    links: dict[str, Template]
    extras: dict[str, dict[str, Extra]]
    everywhere: dict[str, Extra]
    columns: dict[str, pa.Field] = field(default_factory=dict)

    @property
    def sources(self) -> set[Source]:
        """What the templates take."""
        extras = chain(self.everywhere.values(), *(one.values() for one in self.extras.values()))
        templates = [
            self.did,
            *self.obs_ids.values(),
            *self.links.values(),
            *(one.template for one in extras),
        ]
        return {source for one in templates if one is not None for source in one.sources}


def read(file: Path) -> Configured:
    """The configuration in a file, YAML with Butler's ``!include``. Raises ConfigError in one line."""
    try:
        file.read_bytes()
        content = Config(str(file)).toDict()
    except OSError as error:
        raise ConfigError(
            f"{str(file)!r} cannot be read: {(error.strerror or str(error)).lower()}"
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{str(file)!r}: {broken_yaml(error)}") from error
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{str(file)!r} is no configuration of ObsCore: {error}") from error
    try:
        return configured(content)
    except ValueError as error:
        raise ConfigError(f"{str(file)!r} is no configuration of ObsCore: {error}") from error


def configured(content: dict[str, Any]) -> Configured:
    """The configuration of a mapping. Raises ValueError in one line."""
    try:
        config = ObsCoreConfig.model_validate(content)
    except ValidationError as error:
        mistakes = error.errors()
        place = ".".join(str(part) for part in mistakes[0]["loc"])
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        raise ValueError(f"{place}: {mistakes[0]['msg'].lower()}{more}") from None
    types = config.dataset_types.items()
    made = Configured(
        config,
        did=_parsed("obs_publisher_did_fmt", config.obs_publisher_did_fmt),
        obs_ids=_templates(config, "obs_id_fmt"),
        links=_templates(config, "datalink_url_fmt"),
        extras={name: _extras(f"dataset_types.{name}.", one) for name, one in types},
        everywhere=_extras("", config),
    )
    _columns(made)
    return made


def _templates(config: ObsCoreConfig, key: str) -> dict[str, Template]:
    found = {}
    for name, one in config.dataset_types.items():
        template = _parsed(f"dataset_types.{name}.{key}", getattr(one, key))
        if template is not None:
            found[name] = template
    return found


def _parsed(key: str, text: str | None) -> Template | None:
    """An empty template is none, as to the exporter."""
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _extras(above: str, config: ObsCoreConfig | DatasetTypeConfig) -> dict[str, Extra]:
    found = {}
    for name, said in (config.extra_columns or {}).items():
        key = f"{above}extra_columns.{name}"
        if isinstance(said, ExtraColumnConfig):
            found[name] = Extra(said.type.value, _parsed(key, said.template) or parse(""))
        else:
            kind = {bool: "bool", int: "int", float: "float"}.get(type(said), "string")
            found[name] = Extra(kind, value=said)
    return found


def _every(made: Configured) -> Iterator[tuple[str, Extra, Any]]:
    """Every extra with what the configuration says of it, the first of a name first."""
    places: list[tuple[dict[str, Extra], ObsCoreConfig | DatasetTypeConfig]]
    places = [(made.everywhere, made.config)]
    places += [(extras, made.config.dataset_types[name]) for name, extras in made.extras.items()]
    for extras, config in places:
        for name, extra in extras.items():
            yield name, extra, (config.extra_columns or {})[name]


def _columns(made: Configured) -> None:
    """Describe the columns of all extras, and refuse what cannot be a column."""
    known = {one.name.lower(): one for one in (*OBSCORE, *RUBIN)}
    for name, extra, said in _every(made):
        key = f"extra_columns.{name}"
        if not is_legal(name):
            raise ValueError(
                f"{key}: it should be a name that ADQL takes: letters, digits and _, no reserved word"
            )
        if (name in _STANDARD) and not _fits(extra.kind, _STANDARD[name]):
            raise ValueError(f"{key}: this column of ObsCore should be of type {_KINDS[_STANDARD[name]]}")
        first = made.columns.get(name)
        if first is None:
            same = [
                one for one in (*known.values(), *made.columns.values()) if one.name.lower() == name.lower()
            ]
            if same and same[0].name != name:
                raise ValueError(f"{key}: to ADQL this is the column {same[0].name}; it should be spelt so")
            made.columns[name] = _described(name, extra, said, known.get(name.lower()))
        elif name not in _STANDARD and not _fits(extra.kind, first.type):
            raise ValueError(
                f"{key}: it should be of one type, not {_KINDS[first.type]} here and {extra.kind} there"
            )


def _fits(kind: str, type: pa.DataType) -> bool:
    return kind == _KINDS[type] or (kind == "int" and type == pa.float64())


def _described(name: str, extra: Extra, said: Any, standing: pa.Field | None) -> pa.Field:
    """The column of an extra. Where it has the name of one that stands here already, it keeps what that means; a standard column also its
    type."""
    document = getattr(said, "doc", None)
    if standing is None:
        return column(name, TYPES[extra.kind], description=document)
    metadata = {key.decode(): value.decode() for key, value in (standing.metadata or {}).items()}
    if document:
        metadata["description"] = document
    type = standing.type if name in _STANDARD else TYPES[extra.kind]
    return pa.field(name, type, metadata=metadata)


@cache
def of_file(file: Path | None) -> Configured | None:
    """What a file says, read once; None where there is none."""
    return None if file is None else read(file)
