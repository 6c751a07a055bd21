"""The tables of docs/configuration.md, made from the settings themselves.

``python -m tests.docs.reference`` writes them anew between their marks; a test holds the file against them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from gateway.auth.settings import AuthConfig
from gateway.config import Config, LogConfig, RepositoryConfig, ServerConfig
from gateway.datalink.settings import DatalinkConfig
from gateway.limits import Limits
from gateway.misconfigured import fields_of
from gateway.results.settings import ResultsConfig
from gateway.services import DiscoveryConfig, ServicesConfig
from gateway.tables.settings import TablesConfig
from tests.demonstration import ROOT

FILE = ROOT / "docs" / "configuration.md"
GROUPS: dict[str, type[Any]] = {
    "top": Config,
    "repository": RepositoryConfig,
    "auth": AuthConfig,
    "limits": Limits,
    "server": ServerConfig,
    "services": ServicesConfig,
    "tables": TablesConfig,
    "discovery": DiscoveryConfig,
    "datalink": DatalinkConfig,
    "results": ResultsConfig,
    "log": LogConfig,
}


def defaults(group: type[Any]) -> dict[str, str]:
    """How the default of each key is written in the table."""
    if issubclass(group, BaseModel):
        return {name: written(field.default) for name, field in group.model_fields.items()}
    return {field.name: written(field.default) for field in dataclasses.fields(group)}


def written(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
        return "see below"
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`"
    return "`{}`" if value == {} else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def table(group: type[Any]) -> str:
    standard = defaults(group)
    rows = [
        f"| `{name}` | {standard[name]} | {words(said)} |" for name, (_, said) in fields_of(group).items()
    ]
    return "\n".join(["| key | default | meaning |", "| --- | --- | --- |", *rows])


def words(description: str) -> str:
    return description.replace("``", "`").replace("|", "\\|")


def renewed(text: str) -> str:
    """The file's text with every table made anew."""

    def replace(found: re.Match[str]) -> str:
        return f"<!-- {found[1]} -->\n{table(GROUPS[found[1]])}\n<!-- /{found[1]} -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- /\1 -->", replace, text, flags=re.DOTALL)


def keys() -> Iterator[str]:
    for group in GROUPS.values():
        yield from fields_of(group)


if __name__ == "__main__":
    FILE.write_text(renewed(FILE.read_text()))
