"""What astropy wrote about a table's columns, in YAML, read as plain data.

The reader of astropy itself builds objects from such a header, numpy arrays of any type among them: one of type object, made from bytes of the file,
ends the process. So a header is looked at here before astropy may see it, and what is not plain is left out, or refused.
"""

from __future__ import annotations

from typing import Any

import yaml

from .content_yaml import Loader, events, loaded

_HARMLESS = (
    "tag:yaml.org,2002:",
    "!astropy.units.",
    "!astropy.table.SerializedColumn",
)
"""Tags whose constructors make numbers, text, lists, units and astropy's own columns."""
_PYTHON = "tag:yaml.org,2002:python/"


class _Plain(Loader):  # type: ignore[misc]
    """A safe loader to which a tag that it does not know stands for nothing."""


def _unit(loader: Any, node: yaml.Node) -> str | None:
    """A unit as astropy writes one that has no plain name: ``!astropy.units.Unit {unit: m / s}``."""
    said = loader.construct_mapping(node) if isinstance(node, yaml.MappingNode) else {}
    return said.get("unit")


_Plain.add_multi_constructor("!astropy.units.", lambda loader, _, node: _unit(loader, node))
_Plain.add_multi_constructor("", lambda _loader, _suffix, _node: None)


def columns_said(header: bytes | None) -> dict[str, dict[str, str]]:
    """Unit and description of each column, by its name; nothing where there is no header, or none that can be read."""
    if not header:
        return {}
    try:
        columns = loaded(header, _Plain)["datatype"]
        return {str(column["name"]): _words(column) for column in columns}
    except (TypeError, KeyError, ValueError):
        return {}


def _words(column: dict[str, Any]) -> dict[str, str]:
    """Text alone: anything else may stand for far more of it than it takes here."""
    return {key: column[key] for key in ("unit", "description") if isinstance(column.get(key), str)}


def harmless(header: str) -> bool:
    """Whether astropy may be given this header (an ECSV file's, without the comment signs)."""
    try:
        for event in events(header):
            tag = getattr(event, "tag", None)
            if tag not in (None, "!") and (tag.startswith(_PYTHON) or not tag.startswith(_HARMLESS)):
                return False
    except ValueError:
        return False
    return True
