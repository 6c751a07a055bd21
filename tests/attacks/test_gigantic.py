"""Lists and variables of any size: answered or refused by name, with other requests answered meanwhile, in memory that has a bound."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.demonstration import COMMAND, configuration_file, running

AMONG = """query Q($among: [DataIdMap!]) { repository(name: "hsc") {
  datasets(query: {type: "raw", collections: ["*"], findFirst: false, among: $among}, first: 5) { nodes { uuid dataId { map } } } } }"""
TEN = (
    'query Q($among: [DataIdMap!]) { repository(name: "hsc") {'
    + "".join(
        f'l{n}: datasets(query: {{type: "raw", collections: ["*"], findFirst: false, among: $among}}, first: {n + 1}) {{ nodes {{ uuid }} }} '
        for n in range(10)
    )
    + "} }"
)
MEGABYTES = 1_200
"""That the process may come to hold at its peak; it has some 300 when it has answered its first question."""


class Victim:
    def __init__(self, address: str, process: int) -> None:
        self.http = httpx2.Client(base_url=address, timeout=120)
        self._process = process

    def post(self, body: str | bytes) -> httpx2.Response:
        return self.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})

    def ask(self, document: str, among: Any) -> Any:
        return self.post(json.dumps({"query": document, "variables": {"among": among}})).json()

    def peak(self) -> float:
        """Megabytes that it has held at most so far."""
        status = Path(f"/proc/{self._process}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    file = configuration_file(tmp_path_factory.mktemp("gigantic"))
    with running([COMMAND, "serve", "--config", file, "--port", 0]) as gateway:
        found = Victim(gateway.address, gateway.process.pid)
        assert found.ask(AMONG, known())["data"]["repository"]["datasets"]["nodes"]
        yield found
        if Path("/proc/self/status").exists():
            assert found.peak() < MEGABYTES
        found.http.close()
        assert "Traceback" not in "".join(gateway.lines)


def known() -> list[dict[str, Any]]:
    return [{"instrument": "HSC", "detector": detector} for detector in range(200)]


def rows(count: int) -> list[dict[str, Any]]:
    """Data IDs of which few exist."""
    return [{"instrument": "HSC", "detector": number} for number in range(count)]


def code(answer: Any) -> tuple[str, Any]:
    """Of the errors, which are few: of many rows that are wrong some are named."""
    errors = answer["errors"]
    assert 1 <= len(errors) <= 60
    ((found, limit),) = {(error["extensions"]["code"], error["extensions"].get("limit")) for error in errors}
    return found, limit


def test_as_many_as_are_allowed_are_answered_as_few_are(victim: Victim) -> None:
    assert victim.ask(AMONG, rows(100_000)) == victim.ask(AMONG, known())


def test_one_more_is_refused_by_the_number(victim: Victim) -> None:
    for count in (100_001, 300_000):
        assert code(victim.ask(AMONG, rows(count))) == ("QUERY_TOO_COMPLEX", 100_000)


def test_a_million_are_refused_before_they_are_read(victim: Victim) -> None:
    text = json.dumps({"query": AMONG, "variables": {"among": rows(600_000)}})
    assert len(text) > 16_000_000
    answer = victim.post(text)
    assert answer.status_code == 413
    assert code(answer.json())[1] == 16_000_000


def test_a_gigantic_list_in_ten_lists_is_answered_or_refused(victim: Victim) -> None:
    answer = victim.ask(TEN, rows(100_000))
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert codes <= {"TIMEOUT", "QUERY_TOO_COMPLEX"}
    assert codes or all(one["nodes"] for one in answer["data"]["repository"].values())


@pytest.mark.parametrize(
    "among",
    [
        pytest.param([{f"k{n}": 1} for n in range(100_000)], id="every row with a key of its own"),
        pytest.param([{f"k{n}": n for n in range(100_000)}], id="a row with very many keys"),
        pytest.param([{"detector": "x" * 10_000_000}], id="a very long value"),
        pytest.param([{"x" * 1_000_000: 1}], id="a very long key"),
        pytest.param([{"detector": 10**4_000}] * 100, id="very long numbers"),
        pytest.param([{"detector": [0] * 100_000}], id="a list for a value"),
        pytest.param([{}] * 200_000, id="empty rows"),
        pytest.param([{"detector": 1}] * 99_999 + [{"visit": 1}], id="one that differs at the end"),
        pytest.param([[[[[[[[{"detector": 1}]]]]]]]] * 1_000, id="lists in lists"),
    ],
)
def test_lists_of_odd_forms_are_refused_in_few_words(victim: Victim, among: Any) -> None:
    answer = victim.post(json.dumps({"query": AMONG, "variables": {"among": among}}))
    assert code(answer.json())[0] in ("BAD_USER_INPUT", "QUERY_TOO_COMPLEX")
    assert len(answer.content) < 40_000


@pytest.mark.parametrize("depth", [60, 5_000, 1_000_000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"detector":', "}")], ids=["lists", "objects"])
def test_deep_variables_are_refused_by_name(victim: Victim, depth: int, pair: tuple[str, str]) -> None:
    left, right = pair
    body = f'{{"query": {json.dumps(AMONG)}, "variables": {{"among": [{left * depth}1{right * depth}]}}}}'
    answer = victim.post(body)
    assert answer.status_code in (200, 400, 413)
    assert code(answer.json())[0] in (
        "BAD_USER_INPUT",
        "QUERY_TOO_COMPLEX",
        "BAD_REQUEST",
        "PAYLOAD_TOO_LARGE",
    )
    assert len(answer.content) < 2_000


def test_others_are_answered_meanwhile(victim: Victim) -> None:
    found: list[Any] = []
    body = json.dumps({"query": TEN, "variables": {"among": rows(100_000)}})
    asking = threading.Thread(target=lambda: found.append(victim.post(body)))
    asking.start()
    times = 0
    while asking.is_alive():
        assert victim.http.get("/healthz").status_code == 200
        times += 1
    asking.join()
    assert times > 1
    assert found[0].status_code in (200, 504)
