"""A request of a generated document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Request:
    """``afters``: variables that take a cursor, and the key in the answer of the list that each goes on with."""

    text: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation: str | None = None
    afters: Mapping[str, str] = field(default_factory=dict)
    introspects: bool = False

    @property
    def plannable(self) -> bool:
        """Whether a plan has to cover it: it does not where a condition that no answer comes to is null."""
        nulls = any(value is None for name, value in self.variables.items() if name.startswith("if"))
        return not self.introspects and not nulls

    def given(self, **variables: Any) -> Request:
        return replace(self, variables={**self.variables, **variables})

    def __repr__(self) -> str:
        return f"operation {self.operation}, variables {dict(self.variables)}\n{self.text}\n"
