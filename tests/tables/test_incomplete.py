"""A table from which rows are missing says so, in every format, or is no whole document."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.demonstration import COMMAND, configuration_file, running
from tests.end_to_end.asking import Asker
from tests.end_to_end.conftest import demo_entry

SEARCH = '{ datasets(repositories: ["hsc", "down"], query: {type: "raw"}) { table(format: FORMAT) { url } } }'
SAVE = """mutation { saveResult(repositories: ["hsc"], query: {type: "raw"}) {
    phase completeness { state } table(format: FORMAT) { url }
} }"""
WHOLE = 5
"""Rows of a saved result here, at most."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """Two repositories, one of which never answers."""
    home = tmp_path_factory.mktemp("incomplete")
    broken = home / "down"
    broken.mkdir()
    (broken / "butler.yaml").write_text("registry: {db: 'sqlite:////nowhere/at/all.sqlite3'}\n")
    config = configuration_file(
        home, repositories={"hsc": demo_entry(), "down": {"uri": str(broken)}}, results={"max_rows": WHOLE}
    )
    with running([COMMAND, "serve", "--config", config, "--port", 0]) as process:
        asker = Asker(process.address)
        yield asker
        asker.http.close()


def address(asker: Asker, document: str, format: str) -> str:
    found = asker.data(document.replace("FORMAT", format))
    while "table" not in found:
        (found,) = (one for one in found.values() if isinstance(one, dict))
    url: str = found["table"]["url"]
    return url


def broken_off(asker: Asker, url: str) -> bytes:
    """What comes before the connection is closed."""
    seen = b""
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        asker.http.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        assert answer.status_code == 200
        for part in answer.iter_bytes():
            seen += part
    return seen


def rows(format: str, content: bytes) -> list[Any]:
    if format == "JSONL":
        return [json.loads(line) for line in content.splitlines()]
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


@pytest.mark.parametrize("format", ["CSV", "JSONL"])
def test_what_has_no_place_to_say_so_is_refused_and_no_fewer_rows_make_up_for_it(
    gateway: Asker, format: str
) -> None:
    url = address(gateway, SEARCH, format)
    for limit in ("", "&MAXREC=3", "&MAXREC=0"):
        refused = gateway.http.get(f"{url}{limit}")
        assert refused.status_code == 501
        assert b"did not answer: down" in refused.content and b"MAXREC" not in refused.content


@pytest.mark.parametrize("format", ["VOTABLE", "ECSV"])
def test_what_has_a_place_says_so_there_and_is_whole(gateway: Asker, format: str) -> None:
    content = gateway.http.get(address(gateway, SEARCH, format)).content
    assert b"OVERFLOW" in content and b"down" in content


@pytest.mark.parametrize("format", ["CSV", "JSONL"])
def test_who_asks_for_so_many_rows_gets_them(gateway: Asker, format: str) -> None:
    url = address(gateway, SEARCH.replace(', "down"', ""), format)
    whole = rows(format, gateway.http.get(url).content)
    assert len(whole) > 3
    assert rows(format, gateway.http.get(f"{url}&MAXREC=3").content) == whole[:3]


@pytest.mark.parametrize("format", ["CSV", "JSONL"])
def test_a_result_that_was_cut_is_refused_before_its_first_row_unless_no_more_is_asked_for(
    gateway: Asker, format: str
) -> None:
    url = address(gateway, SAVE, format)
    refused = gateway.http.get(url)
    assert refused.status_code == 501
    assert b"MAXREC" in refused.content and b"more rows than the 5" in refused.content
    assert len(rows(format, gateway.http.get(f"{url}&MAXREC={WHOLE}").content)) == WHOLE
    seen = broken_off(gateway, f"{url}&MAXREC={WHOLE + 1}")
    assert b"QUERY_STATUS=ERROR" in seen.splitlines()[-1] and b"more rows than the 5" in seen.splitlines()[-1]
    with pytest.raises((csv.Error, ValueError)):
        assert len({len(row) for row in rows(format, seen)}) == 1
