"""Links of fifty datasets cost as many SQL statements as links of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.config import from_mapping
from gateway.demo.repository import configuration
from tests.demonstration import demonstration
from tests.opened import remembered

DATASETS = """{ repository(name: "hsc") {
  datasets(query: { type: ["calexp", "demo_calexp", "raw"], findFirst: false }, first: 200) { nodes { ivoid type { name } } }
} }"""


class Counted:
    """The gateway in this process, the identifiers in its repository by type, and the statements that its engine runs."""

    def __init__(self, client: TestClient, opened: list[Any]) -> None:
        self._client = client
        self._statements: list[str] = []
        nodes = client.post("/graphql", json={"query": DATASETS}).json()["data"]["repository"]["datasets"][
            "nodes"
        ]
        self.identifiers: dict[str, list[str]] = {}
        for node in nodes:
            self.identifiers.setdefault(node["type"]["name"], []).append(node["ivoid"])
        sa.event.listen(opened[0]._opened.store.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self._statements.append(statement)

    def cost(self, identifiers: list[str]) -> int:
        """What is cached is cached."""
        for _ in range(2):
            self._statements.clear()
            answer = self._client.post("/datalink/links", data={"ID": identifiers})
            assert answer.status_code == 200
            assert "Fault" not in answer.text
        return len(self._statements)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    state = tmp_path_factory.mktemp("state")
    with remembered() as opened:
        content = configuration(demonstration(), str(state))
        content["repositories"]["hsc"]["services"] = {"cutout": "https://data.example.org/cutout"}
        app = create_app(from_mapping(content, state))
    with TestClient(app) as client:
        yield Counted(client, opened)


@pytest.mark.parametrize("type", ["raw", "demo_calexp", "calexp"])
def test_many_datasets_of_a_type_cost_what_one_costs(counted: Counted, type: str) -> None:
    identifiers = counted.identifiers[type]
    assert len(identifiers) > 30
    assert counted.cost(identifiers[:50]) == counted.cost(identifiers[:1]) <= 15


def test_many_datasets_of_several_types_cost_what_one_of_each_costs(counted: Counted) -> None:
    few = [of_type[0] for of_type in counted.identifiers.values()]
    many = [one for of_type in counted.identifiers.values() for one in of_type[:17]]
    assert len(many) == 51
    assert counted.cost(many) == counted.cost(few) <= 25
