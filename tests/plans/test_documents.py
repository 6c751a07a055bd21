"""The generated documents leave nothing of the schema out."""

from __future__ import annotations

from typing import Any

from graphql import FieldNode, TypeInfo, TypeInfoVisitor, Visitor, parse, visit

from .both import SCHEMA
from .conftest import World
from .dice import Dice
from .documents import Writer


def test_every_field_with_every_argument_is_asked_for(demo: World) -> None:
    schema = SCHEMA._schema
    missing = {
        (type.name, field, argument)
        for type in schema.type_map.values()
        if not type.name.startswith("__") and hasattr(type, "interfaces") and type is not schema.mutation_type
        for field, declared in type.fields.items()
        for argument in ("", *declared.args)
    }
    assert len(missing) > 300
    for seed in range(3000):
        info = TypeInfo(schema)

        class Tick(Visitor):
            def enter_field(self, node: FieldNode, *_: Any, info: TypeInfo = info) -> None:
                parent = info.get_parent_type()
                for argument in ("", *(one.name.value for one in node.arguments or ())):
                    missing.discard((parent.name if parent else "", node.name.value, argument))

        text = Writer(demo.words, Dice(seed, mess=seed % 2 * 6), 40, pages=False).request().text
        visit(parse(text), TypeInfoVisitor(info, Tick()))
        if not missing:
            return
    assert missing == set()
