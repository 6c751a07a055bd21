"""Arguments as literals and as variables: with defaults, left out, or given null."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

from .dice import Dice

LEFT_OUT = object()
WRONG = (3.5, {"x": 1}, [[1]], True, "x", 2**60, None)


@dataclass(frozen=True)
class Variable:
    declared: str
    value: Any


class Variables:
    """Those of one document. ``afters``: the ones that take cursors, with the key of the list in the answer."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.known: dict[str, Variable] = {}
        self.afters: dict[str, str] = {}

    def declared(self, names: Iterable[str]) -> str:
        """The declarations, as they stand behind an operation's name."""
        texts = [f"${name}: {self.known[name].declared}" for name in sorted(names)]
        return f"({', '.join(texts)})" if texts else ""

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """The values of a request, and one that nobody asked for."""
        found = {name: self.known[name].value for name in sorted(names)}
        found = {name: value for name, value in found.items() if value is not LEFT_OUT}
        if self.dice.chance(5):
            found["unknown"] = [1]
        return found

    def condition(self, used: set[str]) -> str:
        """true, false or a variable."""
        dice = self.dice
        if dice.chance(40):
            return dice.pick(["true", "false"])
        conditions = [name for name in self.known if name.startswith("if")]
        if conditions and dice.chance(60):
            name = dice.pick(conditions)
        else:
            value = dice.pick([True, False])
            kind = dice.pick(["Boolean!", "Boolean! = true", "Boolean = false"])
            given = value if kind == "Boolean!" or dice.chance(50) else LEFT_OUT
            if kind == "Boolean = false" and dice.wrong():
                given = None
            name = self._new("if", Variable(kind, given))
        used.add(name)
        return f"${name}"

    def arguments(
        self, field: GraphQLField, given: dict[str, Any], used: set[str]
    ) -> tuple[list[str], list[str]]:
        """Arguments as they are written, and the variables among them that take cursors."""
        texts, afters = [], []
        for name, value in given.items():
            argument = field.args[name]
            if name == "after":
                text = f"${self._new('after', Variable('String', self.dice.pick([LEFT_OUT, None])))}"
                afters.append(text[1:])
                used.add(text[1:])
            else:
                text = self.text(argument.type, value, not is_required_argument(argument), used)
            texts.append(f"{name}: {text}")
        return texts, afters

    def text(self, type: Any, value: Any, default: bool, used: set[str], often: int = 18) -> str:
        """A value, or a variable in place of it. ``default``: the argument has one, so that a nullable variable will do; ``often``: of a hundred times, 0 in
        constants."""
        if often and self.dice.chance(often):
            name = self._variable(type, value, default)
            used.add(name)
            return f"${name}"
        if value is None:
            return "null"
        if is_non_null_type(type):
            type = type.of_type
        if is_list_type(type):
            values = value if isinstance(value, list) else [value]
            texts = [self.text(type.of_type, one, False, used, min(often, 2)) for one in values]
            alone = len(texts) == 1 and texts[0][0] != "$" and self.dice.chance(30)
            return texts[0] if alone else f"[{', '.join(texts)}]"
        if is_input_object_type(type):
            return self._object(type, value, used, often)
        if is_enum_type(type):
            return str(value)
        return _literal(value)

    def _object(self, type: GraphQLInputObjectType, value: dict[str, Any], used: set[str], often: int) -> str:
        definition = type.extensions.get("strawberry-definition")
        often = 0 if definition is not None and definition.is_one_of else min(often, 6)
        texts = [
            f"{name}: {self.text(type.fields[name].type, one, False, used, often)}"
            for name, one in value.items()
        ]
        return "{" + ", ".join(texts) + "}"

    def _variable(self, type: Any, value: Any, default: bool) -> str:
        dice = self.dice
        required = is_non_null_type(type)
        bare = type.of_type if required else type
        declared, given = str(type), value
        if required and default and dice.chance(40):
            declared = str(bare)
            given = dice.pick([value, LEFT_OUT]) if not dice.wrong() else None
        elif value is not None and dice.chance(30):
            declared += f" = {self.text(bare, value, False, set(), 0)}"
            given = dice.pick([value, LEFT_OUT])
        elif not required:
            given = dice.pick([value, value, value, LEFT_OUT, None])
        if dice.wrong() and dice.chance(25):
            given = dice.pick(WRONG)
        return self._new("v", Variable(declared, given))

    def _new(self, kind: str, variable: Variable) -> str:
        name = f"{kind}{len(self.known)}"
        self.known[name] = variable
        return name


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value)
