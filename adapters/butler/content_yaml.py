"""YAML of unknown origin, looked at before it is loaded.

Loading goes down into what is nested by recursion, in C: a file that is nested deeply enough ends the process. Parsing does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""A safe loader: it makes plain values, and refuses tags that name anything else."""

DEEPEST = 100


def events(content: str | bytes) -> Iterator[yaml.Event]:
    """What stands in it, one after the other. Raises ValueError for what is no YAML, or nested too deeply to be loaded."""
    depth = 0
    try:
        for event in yaml.parse(content, Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST:
                    raise ValueError(f"nested more than {DEEPEST} levels deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            yield event
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error


def loaded(content: str | bytes, loader: Any = Loader) -> Any:
    """The values in it. Raises ValueError."""
    for _ in events(content):
        pass
    try:
        return yaml.load(content, loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("no plain YAML") from error
