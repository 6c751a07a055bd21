"""What is wrong with a configuration, in one line that names the key and says what it should be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import is_dataclass
from typing import Any, get_type_hints

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from adapters.errors import nearest


class ConfigError(Exception):
    """The configuration cannot be used; the message is one line, for the operator."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class UniqueKeys(yaml.SafeLoader):
    """YAML in which a key stands once: PyYAML takes the last of two, and a repository would be gone unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for name, _ in node.value:
            if name.tag != "tag:yaml.org,2002:merge":
                if name.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {name.value} stands twice", problem_mark=name.start_mark
                    )
                seen.add(name.value)
        return super().construct_mapping(node, deep)


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The line for a key that does not exist: the nearest that do, or all of them where none is near."""
    *above, name = key.split(".")
    known = list(known)
    near = nearest(name, known)
    if near:
        return f"{key}: unknown key; did you mean {' or '.join('.'.join([*above, n]) for n in near)}?"
    return f"{key}: unknown key; it should be one of {', '.join(known)}"


def broken_yaml(error: yaml.YAMLError) -> str:
    """Where a text stops being YAML, and why, without the excerpt that would take more lines."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        if mark is not None:
            return f"line {mark.line + 1}, column {mark.column + 1}: not usable YAML: {words}"
    return f"not usable YAML: {' '.join(str(error).split())}"


def first_mistake(error: ValidationError, tree: type[BaseModel]) -> str:
    """The line for the first mistake that pydantic found, and how many more there are.

    A key that should not be there goes first: a misspelt key is often missed under its right name as well.
    """
    mistakes = sorted(error.errors(), key=lambda mistake: mistake["type"] not in _UNEXPECTED)
    line = _describe(mistakes[0], tree)
    more = len(mistakes) - 1
    return f"{line} (and {more} more)" if more else line


_UNEXPECTED = {"extra_forbidden", "unexpected_keyword_argument"}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "path": "a path",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping",
    "model": "a mapping",
    "dataclass": "a mapping",
}


def _describe(mistake: ErrorDetails, tree: type[BaseModel]) -> str:
    place = [part for part in mistake["loc"] if part != "[key]"]
    key = ".".join(str(part) for part in place)
    kind = mistake["type"]
    if kind in _UNEXPECTED:
        return unknown_key(key, fields_of(_at(tree, place[:-1])[0]))
    meaning = _at(tree, place)[1]
    if kind == "missing":
        return f"{key}: missing; it should be {meaning}"
    if kind == "value_error":  # of our own validators, and of Limits, which names its key itself
        said = mistake["msg"].removeprefix("Value error, ")
        if key == "limits":
            name, _, said = said.partition(" ")
            key = f"{key}.{name}"
        return f"{key}: {said}"
    if kind.endswith("too_short"):
        return f"{key}: it should not be empty ({meaning})"
    should = _KINDS.get(kind.split("_")[0]) if kind.endswith(_WRONG_TYPE) else None
    if should is None:
        should = re.sub(r"^(Input|Value|Dictionary|Tuple) should (be|have) ", "", mistake["msg"])
    return f"{key}: it should be {should} ({meaning}), not {_shown(mistake['input'])}"


_WRONG_TYPE = ("_type", "_parsing", "_from_float")


def _shown(value: Any) -> str:
    """The value as the operator wrote it, cut where it is long."""
    if isinstance(value, dict | list | tuple):
        return ("a mapping" if isinstance(value, dict) else "a list") if value else "empty"
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _at(tree: type[Any], place: Sequence[int | str]) -> tuple[Any, str]:
    """The type that stands at a place of the tree, and what it means: the first sentence of its description.

    The meaning of an entry of a mapping or of a list is that of the whole.
    """
    annotation: Any = tree
    meaning = ""
    for part in place:
        fields = fields_of(annotation)
        if part in fields:
            annotation, meaning = fields[str(part)]
        else:
            arguments = getattr(annotation, "__args__", ())
            annotation = arguments[-1] if arguments else None
    sentence = meaning.split(". ")[0].rstrip(".").replace("``", "")
    return annotation, sentence[:1].lower() + sentence[1:]


def fields_of(annotation: Any) -> dict[str, tuple[Any, str]]:
    """Type and description of every field of a settings class, or of a dataclass that documents its parameters
    in its docstring as numpydoc has it; empty for anything else."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {n: (f.annotation, f.description or "") for n, f in annotation.model_fields.items()}
    if isinstance(annotation, type) and is_dataclass(annotation):
        text = annotation.__doc__ or ""
        said = re.findall(r"^    (\w+)\n((?:        .*\n)+)", text, re.MULTILINE)
        words = {name: " ".join(lines.split()) for name, lines in said}
        return {name: (kind, words.get(name, "")) for name, kind in get_type_hints(annotation).items()}
    return {}
