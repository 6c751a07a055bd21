"""schema.graphql is what the code says, and what clients were promised."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_schema as parsed
from graphql import find_breaking_changes, is_input_object_type, is_object_type
from graphql.utilities import find_dangerous_changes

from adapters.capability import Capability as Declared
from resolvers.capability import Capability
from resolvers.schema import build_schema, sdl

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT.parent / "shared" / "design" / "contract.graphql"

LATER_TYPES = {
    "Subscription",
    "StageInput",
    "DestinationInput",
    "CertifyInput",
    "StagedState",
    "StagedDataset",
    "CommitResult",
    "Placement",
}
LATER_FIELDS = {"Mutation.stage", "Mutation.commit", "Mutation.discard"}


def test_the_committed_text_is_printed_from_the_code() -> None:
    assert (ROOT / "schema.graphql").read_bytes() == sdl().encode(), (
        "run: butler-gateway schema > schema.graphql"
    )


def test_the_text_ends_in_one_newline_and_says_what_everything_means() -> None:
    text = sdl()
    assert text.endswith(("}\n", "URL\n"))
    assert not text.endswith("\n\n")
    schema = build_schema()._schema
    for name, type in schema.type_map.items():
        if name.startswith("__") or name in ("Int", "Float", "String", "Boolean", "ID"):
            continue
        assert type.description, name
        for field, definition in getattr(type, "fields", {}).items():
            if name != "DataIdFilter":  # its fields are the dimensions
                assert definition.description, f"{name}.{field}"
            for argument, meaning in getattr(definition, "args", {}).items():
                assert meaning.description, f"{name}.{field}({argument})"


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract is not at hand")
def test_whatever_the_contract_has_more_belongs_to_a_later_issue() -> None:
    contract, here = parsed(CONTRACT.read_text()), parsed(sdl())
    missing = {
        change.description.removeprefix("Field ").split(" ")[0]
        for change in find_breaking_changes(contract, here)
        if change.type.name in ("TYPE_REMOVED", "FIELD_REMOVED")
    }
    others = [
        change.description
        for change in find_breaking_changes(contract, here)
        if change.type.name not in ("TYPE_REMOVED", "FIELD_REMOVED")
    ]
    assert others == []
    assert missing == LATER_TYPES | LATER_FIELDS
    assert find_dangerous_changes(contract, here) == []


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract is not at hand")
def test_nullability_is_exactly_the_contracts() -> None:
    contract, here = parsed(CONTRACT.read_text()), parsed(sdl())
    for name, type in here.type_map.items():
        promised = contract.type_map[name]
        if is_object_type(type) or is_input_object_type(type):
            for field, definition in type.fields.items():
                assert str(definition.type) == str(promised.fields[field].type), f"{name}.{field}"
                for argument, taken in getattr(definition, "args", {}).items():
                    assert str(taken.type) == str(promised.fields[field].args[argument].type)


def test_the_capabilities_of_the_schema_are_those_of_the_adapters() -> None:
    assert [one.name for one in Capability] == [one.value for one in Declared]
