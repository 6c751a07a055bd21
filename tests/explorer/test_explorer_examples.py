"""Example files: how they are read, and what the gateway's own ones promise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate

from gateway.explorer import Example, load_examples
from gateway.explorer.example import FOLDER, ExampleError

ROOT = Path(__file__).parents[2]
EXAMPLES = load_examples()


def _schema() -> GraphQLSchema | None:
    """The project's own schema; before it is printed, the contract that it is written to."""
    found = [
        path
        for path in (ROOT / "schema.graphql", ROOT.parent / "shared/design/contract.graphql")
        if path.is_file()
    ]
    return build_schema(found[0].read_text()) if found else None


def test_title_question_query_and_variables_are_read(tmp_path: Path) -> None:
    (tmp_path / "02-b.graphql").write_text("# Second\n# Why?\n{ b }\n")
    text = "# First one\n#\n# What is it,\n# and where?\nquery A($n: Int!) {\n  # not this\n  a(n: $n)\n}\n"
    (tmp_path / "01-a.graphql").write_text(text)
    (tmp_path / "01-a.json").write_text('{"n": 3}')
    (tmp_path / "notes.txt").write_text("not an example")
    first, second = load_examples(tmp_path)
    assert first == Example("01-a", "First one", "What is it, and where?", text, {"n": 3})
    assert first.body == {"query": text, "variables": {"n": 3}}
    assert (second.name, second.variables, second.body) == ("02-b", {}, {"query": second.query})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.graphql": "{ a }"}, "a.graphql: the first line must be a comment"),
        ({"a.graphql": "# Title only\n{ a }"}, "a.graphql: a second comment line must ask"),
        ({"a.graphql": "# T\n# Q\n{ a }", "a.json": "{"}, "a.json: not JSON"),
        ({"a.graphql": "# T\n# Q\n{ a }", "a.json": "[1]"}, "a.json: must be one JSON object"),
    ],
)
def test_a_file_in_another_form_is_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ExampleError, match=re.escape(message)):
        load_examples(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="no such folder"):
        load_examples(tmp_path / "nowhere")


def test_there_are_examples_and_each_has_its_own_title() -> None:
    assert len(EXAMPLES) >= 6
    assert len({example.title for example in EXAMPLES}) == len(EXAMPLES)
    stray = {path.stem for path in FOLDER.glob("*.json")} - {example.name for example in EXAMPLES}
    assert not stray, f"variables of no example: {stray}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_one_named_operation_with_the_variables_it_takes(example: Example) -> None:
    operations = [
        node for node in parse(example.query).definitions if isinstance(node, OperationDefinitionNode)
    ]
    (operation,) = operations
    assert operation.name is not None  # GraphiQL's tabs and history are called by it.
    assert {definition.variable.name.value for definition in operation.variable_definitions or ()} == set(
        example.variables
    )
    json.dumps(example.as_json())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_keeps_to_the_schema(example: Example) -> None:
    schema = _schema()
    if schema is None:
        pytest.skip("neither schema.graphql nor the contract is here")
    assert not validate(schema, parse(example.query))
