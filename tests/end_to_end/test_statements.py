"""A list of thirty costs as many SQL statements as a list of one: nested fields are asked for all parents at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.config import from_mapping
from gateway.demo.repository import configuration
from tests.demonstration import PLANS, demonstration
from tests.opened import remembered

DATASETS = """query Q($first: Int!) { repository(name: "hsc") {
  datasets(query: { type: ["demo_calexp"], findFirst: false }, first: $first) { nodes { %s } pageInfo { hasNextPage } }
} }"""
COLLECTIONS = """query Q($first: Int!) { repository(name: "hsc") {
  collections(types: [CHAINED], first: $first) { nodes { %s } }
} }"""

# Statements of the whole query, for a list of 1 and of 30 alike. A list of datasets takes one by itself: its type, the
# collections, the chains and summaries of them are known from an earlier request as long as nobody commits to the registry, and times
# and regions come along with it. A number that grows here says that something is asked for once more.
COSTS = [
    (DATASETS, "uuid run ingestDate ivoid dataId { map required }", 1),
    (DATASETS, "region { sRegion }", 1),
    (DATASETS, "timespan { begin }", 1),
    (DATASETS, "collections { name type }", 3),
    (DATASETS, "files { uri size }", 2),
    (DATASETS, "versions { nodes { uuid run } }", 2),
    (DATASETS, 'dataId { record(element: "visit") { fields } }', 2),
    (DATASETS, "type { name components } repository { name }", 1),
    (DATASETS, 'region { area } timespan { end } collections { name } files { url } versions { nodes { uuid } } dataId { record(element: "detector") { fields } }', 6),
    (COLLECTIONS, "name type documentation", 1),
    (COLLECTIONS, "children { nodes { name } }", 2),
    (COLLECTIONS, "parents { nodes { name } }", 2),
    (COLLECTIONS, "datasetTypes { nodes { name } }", 5),
    (COLLECTIONS, "children { nodes { name parents { nodes { name datasetTypes { nodes { name } } } } } }", 7),
]  # fmt: skip


class Counted:
    """The gateway in this process, and the statements that its repository's engine runs."""

    def __init__(self, client: TestClient, opened: list[Any]) -> None:
        self.client = client
        self.statements: list[str] = []
        self.ask(DATASETS % "uuid", 1)  # opens the repository and reads the names
        sa.event.listen(opened[0]._opened.store.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.statements.append(statement)

    def ask(self, document: str, first: int) -> list[Any]:
        """The nodes of the list; what it cost is in ``statements``."""
        self.statements.clear()
        answer = self.client.post("/graphql", json={"query": document, "variables": {"first": first}}).json()
        assert "errors" not in answer, answer["errors"]
        (connection,) = answer["data"]["repository"].values()
        nodes: list[Any] = connection["nodes"]
        return nodes


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    state = tmp_path_factory.mktemp("state")
    with remembered() as opened:
        content = {**configuration(demonstration(), str(state)), "server": {"plans": PLANS}}
        app: Starlette = create_app(from_mapping(content, state))
    with TestClient(app) as client:
        yield Counted(client, opened)


@pytest.mark.parametrize(("document", "fields", "statements"), COSTS, ids=[fields for _, fields, _ in COSTS])
def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(
    counted: Counted, document: str, fields: str, statements: int
) -> None:
    counted.ask(document % fields, 30)  # what is cached is cached
    assert len(counted.ask(document % fields, 1)) == 1
    one = list(counted.statements)
    many = counted.ask(document % fields, 30)
    assert len(many) == (30 if document is DATASETS else 3)
    assert len(counted.statements) == len(one), "\n\n".join(counted.statements)
    assert len(one) == statements, "\n\n".join(one)
