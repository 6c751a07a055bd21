"""
Example queries: a question in an astronomer's words, and the query that answers it.

One file each, `NN-name.graphql`, in the order of their names:

    # Which repositories can I see?
    # A line or two more: what is asked, as someone would ask it, and what to notice in the answer.
    query Repositories { ... }

The first comment line is the title, the comment lines after it are the question. Variables, if any, are a JSON object
in `NN-name.json` beside it. The whole file, comments included, is what the page puts into its editor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "examples"


class ExampleError(ValueError):
    """An example file that is not written as this module's docstring says; the message names the file."""


@dataclass(frozen=True)
class Example:
    """One example; `query` is the whole text of its file, `variables` is empty where the query takes none."""

    name: str
    title: str
    question: str
    query: str
    variables: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What the page is given."""
        return {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            "query": self.query,
            "variables": self.variables,
        }

    @property
    def body(self) -> dict[str, Any]:
        """The body of the POST request that asks it."""
        return {"query": self.query} | ({"variables": self.variables} if self.variables else {})


def load_examples(folder: Path = FOLDER) -> list[Example]:
    """
    Every example of a folder, in the order of the file names.

    Read anew each time: a dozen small files, and an edit shows at the next reload of the page. A file that does not
    keep to the form is an ExampleError (a test loads them all), and so is a folder that is not there.
    """
    if not folder.is_dir():
        raise ExampleError(f"{folder}: no such folder of examples")
    return [_read(path) for path in sorted(folder.glob("*.graphql"))]


def _read(path: Path) -> Example:
    text = path.read_text(encoding="utf-8").strip() + "\n"
    comments = _leading_comments(text)
    if not comments or not comments[0]:
        raise ExampleError(f"{path.name}: the first line must be a comment, which is the title")
    question = " ".join(line for line in comments[1:] if line)
    if not question:
        raise ExampleError(f"{path.name}: a second comment line must ask the question")
    return Example(path.stem, comments[0], question, text, _variables(path.with_suffix(".json")))


def _leading_comments(text: str) -> list[str]:
    comments = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comments.append(line.lstrip("#").strip())
    return comments


def _variables(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        variables = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ExampleError(f"{path.name}: not JSON: {error}") from error
    if not isinstance(variables, dict):
        raise ExampleError(f"{path.name}: must be one JSON object, the variables by name")
    return variables
