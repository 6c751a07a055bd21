"""A table from which rows are missing says so, in every format, or is no whole document."""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

import httpx2
import pytest

from adapters.butler import open_repository
from adapters.caller import Call, Caller
from adapters.errors import AdapterError, BackendUnavailable
from adapters.protocol import Settings
from adapters.question import Datasets, Order, Question
from adapters.rows import Rows
from gateway.limits import Limits
from gateway.tables import pages, reading
from gateway.tables.table import End
from resolvers.asked import Asked
from tests.demonstration import COMMAND, configuration_file, demonstration, running
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


class Failing:
    """A real repository that fails when it is asked for datasets: at the questions whose numbers ``fails`` takes, the first is 1."""

    def __init__(
        self,
        name: str,
        collection: str,
        fails: Callable[[int], bool] = lambda _: False,
        error: type = AdapterError,
    ) -> None:
        self.repository = open_repository(name, Settings(str(demonstration()), collections=(collection,)))
        self.fails = fails
        self.error = error
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.repository, name)

    async def ask(self, question: Question, call: Call) -> Rows:
        if isinstance(question, Datasets):
            self.asked += 1
            if self.fails(self.asked):
                raise self.error("It fails here.")
        return await self.repository.ask(question, call)


FLATS = ("HSC/calib/flat/2013-06-01", "HSC/calib/flat/2013-06-17")


def searched(b: Failing) -> tuple[list[dict[str, Any]], End]:
    """Every row of a search over two repositories by detector, and what is said at the end."""

    async def run() -> tuple[list[dict[str, Any]], End]:
        a = Failing("a", FLATS[0])
        question = Datasets(("flat",), find_first=False, order=(Order("detector"),))
        opened: Any = {"a": a, "b": b}
        try:
            table = await reading.read(
                Asked(("a", "b"), (question,)), opened, Caller(), Limits(), datalink=str
            )
            rows = [row async for batch in table.batches for row in batch.to_pylist()]
            return rows, table.end
        finally:
            for one in (a, b):
                await one.repository.close()

    return asyncio.run(run())


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "FIRST", 4)
    monkeypatch.setattr(pages, "THEN", 4)


@pytest.mark.usefixtures("small_pages")
def test_one_that_fails_once_inside_a_search_is_asked_again_and_nothing_is_missing() -> None:
    whole, _ = searched(Failing("b", FLATS[1]))
    for at in (2, 3):
        rows, end = searched(Failing("b", FLATS[1], at.__eq__, BackendUnavailable))
        assert rows == whole
        assert (end.overflow, end.unavailable) == (None, ())


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(("failures", "asked"), [({1}, 1), ({3, 4}, 4)])
def test_one_that_stays_silent_is_left_out_from_there_on(failures: Collection[int], asked: int) -> None:
    """It would answer again, but its rows would come too late for their order."""
    whole, _ = searched(Failing("b", FLATS[1]))
    b = Failing("b", FLATS[1], failures.__contains__, BackendUnavailable)
    rows, end = searched(b)
    assert b.asked == asked
    places = [whole.index(row) for row in rows]
    assert places == sorted(places) and len(rows) < len(whole)
    assert [row for row in rows if row["repository"] == "a"] == [
        row for row in whole if row["repository"] == "a"
    ]
    assert end.unavailable == ("b",) and "did not answer: b" in (end.overflow or "")


@pytest.mark.usefixtures("small_pages")
def test_a_page_that_fails_beside_the_one_before_it_leaves_no_error_that_nobody_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unseen: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        second = asyncio.Event()

        def fails(asked: int) -> bool:
            if asked > 1:
                second.set()
            return asked > 1

        async def unwritable(*_: object) -> None:
            await second.wait()
            for _ in range(10):
                await asyncio.sleep(0)  # the page behind it has failed by then
            raise AdapterError("It cannot be written.")

        monkeypatch.setattr(reading, "batch", unwritable)
        a = Failing("a", FLATS[0], fails)
        try:
            asked, opened = Asked(("a",), (Datasets(("flat",)),)), {"a": a}
            table = await reading.read(asked, opened, Caller(), Limits(), datalink=str)  # type: ignore[arg-type]
            with pytest.raises(AdapterError, match="It cannot be written"):
                async for _ in table.batches:
                    pass
            del table
            gc.collect()
            await asyncio.sleep(0)
        finally:
            await a.repository.close()

    asyncio.run(run())
    assert not unseen
