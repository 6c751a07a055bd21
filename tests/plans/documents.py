"""Documents generated from the schema itself: every field of every type, with aliases, merged fields, fragments, directives and variables.

A key of the answer stands for the same field with the same arguments wherever it occurs in a document: so all selections can be merged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
)
from hypothesis import strategies as st

from resolvers.schema import build_schema

from .arguments import Arguments, Place
from .dice import Dice
from .requests import Request
from .variables import Variables
from .words import Words

SCHEMA = build_schema()._schema
Composite = GraphQLObjectType | GraphQLInterfaceType
OFTEN = {
    "repository": 4,
    "datasets": 5,
    "nodes": 6,
    "edges": 4,
    "node": 3,
    "related": 5,
    "calibration": 3,
    "dataId": 2,
}
ONCE = ("dimensions", "universe", "repositories")
DEEPEST = 12
STRANGE = ("id", "name", "run", "nodes", "x", "data", "__x")
INTROSPECTION = (
    "__schema { queryType { name } }",
    '__type(name: "Dataset") { name kind }',
    "s: __schema { types { name } }",
)


@dataclass(frozen=True)
class Field:
    """A field as it was written: its key, and what follows it up to its own selections."""

    key: str
    head: str
    type: Any
    place: Place
    variables: frozenset[str]


@dataclass
class Used:
    """Variables and fragments of a definition."""

    variables: set[str] = field(default_factory=set)
    fragments: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Fragment:
    name: str
    type: str
    text: str
    place: Place
    used: Used


class Writer:
    """Writes one document of about ``size`` fields."""

    def __init__(self, words: Words, dice: Dice, size: int, pages: bool) -> None:
        self.dice = dice
        self.pages = pages
        self.left = size
        self.arguments = Arguments(words, dice)
        self.variables = Variables(dice)
        self.fragments: dict[str, Fragment] = {}
        self.keys: dict[str, tuple[str, str]] = {}  # what stands behind a key, and its type
        self.introspects = False

    def request(self) -> Request:
        dice = self.dice
        assert SCHEMA.query_type is not None
        many = dice.chance(12)
        operations: list[tuple[str, set[str]]] = []
        for number in range(dice.pick([2, 3]) if many else 1):
            used = Used()
            self.left = max(self.left, 6)
            text = self.selections(SCHEMA.query_type, Place(), 0, [], used)
            names = used.variables.union(*(self.fragments[name].used.variables for name in used.fragments))
            declared = self.variables.declared(names)
            title = f"query Q{number}" if many else "query" if declared or dice.chance(20) else ""
            operations.append((f"{title}{declared} {text}".strip(), names))
        number = dice.pick(range(len(operations)))
        operation = f"Q{number}" if many else None
        if dice.wrong() and dice.chance(30):
            operation = dice.pick(["Q7", "", None])
        definitions = [text for text, _ in operations]
        fragments = [f"fragment {one.name} on {one.type} {one.text}" for one in self.fragments.values()]
        names = operations[number][1]
        return Request(
            "\n".join([*fragments, *definitions] if dice.chance(50) else [*definitions, *fragments]),
            self.variables.values(names),
            operation,
            {name: key for name, key in self.variables.afters.items() if name in names},
            self.introspects,
        )

    def selections(self, type: Composite, place: Place, depth: int, seen: list[Field], used: Used) -> str:
        """``seen``: fields written so far at this place."""
        dice = self.dice
        written: list[str] = []
        for _ in range(dice.pick([2, 1, 3, 3, 4, 5])):
            if not written or self.left > 0:
                written.append(self.selection(type, place, depth, seen, used))
        if self.pages and "pageInfo" in type.fields and dice.chance(60):
            written.append("pageInfo { endCursor }")
        if dice.chance(10):
            written.insert(0, f"__typename{self.directive(used)}")
        if depth == 0 and dice.chance(2):
            self.introspects = True
            written.append(dice.pick(INTROSPECTION))
        return "{ " + " ".join(written) + " }"

    def selection(self, type: Composite, place: Place, depth: int, seen: list[Field], used: Used) -> str:
        dice = self.dice
        often = 35 if isinstance(type, GraphQLInterfaceType) else 8
        if depth < DEEPEST and dice.chance(often):
            on = self.condition(type)
            condition = "" if on is type and dice.chance(50) else f" on {on.name}"
            own = seen if on is type else []
            return f"...{condition}{self.directive(used)} {self.selections(on, place, depth + 1, own, used)}"
        if depth < DEEPEST and dice.chance(often):
            return self.spread(self.condition(type), place, depth, used)
        if seen and dice.chance(12):
            return self.written(dice.pick(seen), depth, used)
        return self.written(self.field(type, place, depth, seen), depth, used)

    def condition(self, type: Composite) -> Composite:
        """A type that a fragment here may be on."""
        if isinstance(type, GraphQLInterfaceType):
            return self.dice.pick([*SCHEMA.get_possible_types(type), type])
        return self.dice.pick([type, *type.interfaces])

    def spread(self, on: Composite, place: Place, depth: int, used: Used) -> str:
        dice = self.dice
        known = [
            one
            for one in self.fragments.values()
            if one.type == on.name and (dice.mess or one.place == place)
        ]
        if known and dice.chance(60):
            one = dice.pick(known)
        else:
            inner = Used()
            text = self.selections(on, place, depth + 1, [], inner)
            inner.fragments.update(*(self.fragments[name].used.fragments for name in inner.fragments))
            inner.variables.update(*(self.fragments[name].used.variables for name in inner.fragments))
            one = Fragment(f"F{len(self.fragments)}", on.name, text, place, inner)
            self.fragments[one.name] = one
        used.fragments.add(one.name)
        used.fragments |= one.used.fragments
        return f"...{one.name}{self.directive(used)}"

    def written(self, one: Field, depth: int, used: Used) -> str:
        used.variables |= one.variables
        text = one.head + self.directive(used)
        bare = get_named_type(one.type)
        if is_leaf_type(bare):
            return text
        self.left -= 1
        return f"{text} {self.selections(bare, one.place, depth + 1, [], used)}"

    def field(self, type: Composite, place: Place, depth: int, seen: list[Field]) -> Field:
        """A field of this type, with its arguments."""
        dice = self.dice
        name = self.chosen(type, place, depth)
        if name is None:
            return Field("__typename", "__typename", SCHEMA.type_map["String"], place, frozenset())
        definition = type.fields[name]
        given = self.given(type.name, name, definition, place)
        used: set[str] = set()
        shown, afters = self.variables.arguments(definition, given, used)
        told = name + (f"({', '.join(shown)})" if shown else "")
        kept = (told, str(definition.type))
        key = name
        if dice.chance(15):
            key = dice.pick([*STRANGE, *(known for known, one in self.keys.items() if one == kept)])
            key = key if not key.startswith("__") else f"a{len(self.keys)}"
        if self.keys.setdefault(key, kept) != kept:
            key = f"a{len(self.keys)}"
            self.keys[key] = kept
        for after in afters:
            self.variables.afters[after] = key
        self.left -= 1
        head = told if key == name else f"{key}: {told}"
        one = Field(key, head, definition.type, self.arguments.then(name, given, place), frozenset(used))
        seen.append(one)
        return one

    def chosen(self, type: Composite, place: Place, depth: int) -> str | None:
        """The name of a field; None where only __typename will do."""
        deep = depth >= DEEPEST or self.left <= 0
        names: list[str] = []
        for name, definition in type.fields.items():
            leaf = is_leaf_type(get_named_type(definition.type))
            if (leaf or not deep) and self.arguments.takes(type.name, name, place):
                names += [name] * (
                    1 if leaf or name in ONCE else OFTEN.get(name, 2) * (2 if depth < 7 else 1)
                )
        if type is SCHEMA.query_type and not deep:
            names = [*["repository", "datasets"] * 5, *names]
        return self.dice.pick(names) if names else None

    def given(self, parent: str, name: str, definition: GraphQLField, place: Place) -> dict[str, Any]:
        """Its arguments, as JSON."""
        dice = self.dice
        found = self.arguments.of(parent, name, place)
        for argument, declared in definition.args.items():
            if argument == "after":
                if dice.chance(70 if self.pages else 12):
                    found[argument] = None
            elif argument not in found and (
                is_required_argument(declared) or argument == "first" or (dice.mess and dice.chance(20))
            ):
                bare = get_named_type(declared.type)
                if isinstance(bare, GraphQLEnumType):
                    one = dice.pick(list(bare.values))
                    found[argument] = [one] if is_list_type(get_nullable_type(declared.type)) else one
                else:
                    found[argument] = self.arguments.value(parent, name, argument, place)
        return found

    def directive(self, used: Used) -> str:
        """Now and then @skip or @include, or both."""
        dice = self.dice
        found = ""
        for name in ("include", "skip"):
            if dice.chance(6):
                found += f" @{name}(if: {self.variables.condition(used.variables)})"
        return found


def requests(words: Words, mess: int = 0, pages: bool = False) -> st.SearchStrategy[Request]:
    """Valid documents and their variables; ``mess``: how often, of a hundred times, something in them is wrong; ``pages``: most lists take
    a cursor and give some."""

    def write(size: int, seed: int) -> Request:
        return Writer(words, Dice(seed, mess), size, pages).request()

    return st.builds(write, st.sampled_from([20, 2, 5, 10, 40, 40, 60]), st.integers(0, 2**64 - 1))
