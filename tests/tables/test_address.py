"""What an address of a table answers: DALI's parameters, errors, questions that are too long, and addresses that somebody made up."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.butler import open_repository
from adapters.caller import Call, Caller
from adapters.errors import BackendUnavailable, BadUserInput
from adapters.protocol import Repository, Settings
from adapters.question import Among, Datasets, Question
from adapters.rows import Rows
from gateway.limits import Limits
from gateway.tables import pages, written
from gateway.tables.kept import Kept
from gateway.tables.reading import read
from resolvers.asked import Asked
from tests.demonstration import demonstration
from tests.end_to_end.asking import Asker

RAWS = 'datasets(query: {type: ["raw"]}) { totalCount table { url mediaType expires } }'


def link(asker: Asker, selection: str = RAWS) -> str:
    found: str = asker.hsc(selection)["datasets"]["table"]["url"]
    return found


def status(response: httpx2.Response) -> list[tuple[str, str]]:
    """Every QUERY_STATUS of a VOTable and its text, in order."""
    document = votable.parse(io.BytesIO(response.content), verify="exception")
    infos = [
        info
        for resource in document.resources
        for info in [*resource.infos, *(i for t in resource.tables for i in t.infos)]
    ]
    return [(info.value, info.content or "") for info in infos if info.name == "QUERY_STATUS"]


def test_a_table_is_a_votable_where_nothing_else_is_said(asker: Asker) -> None:
    url = link(asker).replace("RESPONSEFORMAT=votable", "")
    response = asker.http.get(url)
    assert response.headers["content-type"] == "application/x-votable+xml"
    assert response.headers["content-disposition"] == 'attachment; filename="hsc_raw.vot"'
    assert "no-store" in response.headers["cache-control"]
    assert status(response) == [("OK", "")]


def test_the_format_is_what_responseformat_says_last(asker: Asker) -> None:
    plain = link(asker).partition("&RESPONSEFORMAT")[0]
    for name, beginning in (
        ("csv", b"obs_publisher_did,"),
        ("application/vnd.apache.parquet", b"PAR1"),
        ("ecsv", b"# %ECSV"),
        ("jsonl", b"{"),
        ("VOTable", b"<?xml"),
    ):
        response = asker.http.get(f"{plain}&responseFormat={quote(name, safe='')}")
        assert response.content.startswith(beginning), name


def test_maxrec_cuts_and_says_so_only_where_rows_are_missing(asker: Asker) -> None:
    count = asker.hsc(RAWS)["datasets"]["totalCount"]
    url = link(asker)
    huge = 10**19
    for most, expected in (
        (0, 0),
        (1, 1),
        (count - 1, count - 1),
        (count, count),
        (count + 1, count),
        (huge, count),
    ):
        response = asker.http.get(f"{url}&MAXREC={most}")
        table = votable.parse_single_table(io.BytesIO(response.content)).to_table()
        assert len(table) == expected
        assert [value for value, _ in status(response)] == ["OK", *(["OVERFLOW"] if most < count else [])]


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"RESPONSEFORMAT": "fits"}, 400, "votable"),
        ({"MAXREC": "many"}, 400, "MAXREC"),
        ({"MAXREC": "-1"}, 400, "MAXREC"),
        ({"OBSCORE": "perhaps"}, 400, "OBSCORE"),
        ({"KEPT": "0" * 32}, 400, "QUESTION"),
    ],
)
def test_an_error_is_a_votable_that_says_what_would_be_right(
    asker: Asker, parameters: dict[str, str], code: int, words: str
) -> None:
    url = link(asker).replace("RESPONSEFORMAT=votable", "")
    response = asker.http.get(f"{url}&{urlencode(parameters)}")
    assert response.status_code == code
    assert response.headers["content-type"].startswith("application/x-votable+xml")
    ((value, text),) = status(response)
    assert value == "ERROR"
    assert words in text


def misspelt(asker: Asker) -> str:
    """The address of a table of a type that does not exist; GraphQL would not give it."""
    question = written.write(Asked(("hsc",), (Datasets(("raww",)),)))
    return f"{asker.address}/tables?{urlencode({'QUESTION': question, 'RESPONSEFORMAT': 'votable'})}"


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ('datasets(query: {type: ["raww"]}) { table { url } }', "raw"),
        (
            'datasets(query: {type: ["raw"], collections: ["HSC/rwa"]}) { table(format: CSV) { url } }',
            "HSC/raw",
        ),
        ('datasets(query: {type: ["raw"], orderBy: ["exposre"]}) { table { url } }', "exposure"),
        ('datasets(query: {type: ["raw"], orderBy: ["exposre"]}) { totalCount }', "exposure"),
        ('datasets(query: {type: ["raw"], orderBy: ["timespan.start"]}) { totalCount }', "timespan.begin"),
        (
            'datasets(query: {type: ["raw"], orderBy: ["timespan.begin DESC"]}) { totalCount }',
            "'-timespan.begin'",
        ),
        (
            'datasets(query: {type: ["raw"], orderBy: ["exposre"]}) { facets(by: ["detector"]) { complete } }',
            "exposure",
        ),
        ('dataIds(dimensions: ["visit"], orderBy: ["exptim"]) { totalCount }', "no dimension or field"),
        ('dataIds(dimensions: ["visit"], orderBy: ["exptim"]) { table { url } }', "no dimension or field"),
    ],
)
def test_a_mistake_is_told_though_no_row_is_asked_for(asker: Asker, field: str, word: str) -> None:
    """Whoever follows the address of a table is told in a file, if at all."""
    error = asker.refused(field)
    assert error["code"] in ("NOT_FOUND", "BAD_USER_INPUT")
    assert word in error["message"]


def test_what_is_wrong_with_a_question_is_told_before_any_row(asker: Asker) -> None:
    response = asker.http.get(misspelt(asker))
    assert response.status_code == 404
    assert "raw" in status(response)[0][1]
    response = asker.http.get("/tables")
    assert response.status_code == 400
    assert "QUESTION" in status(response)[0][1]
    response = asker.http.get("/tables", params=[("QUESTION", "a"), ("question", "b")])
    assert "more than once" in status(response)[0][1]


def test_head_has_the_headers_alone(asker: Asker) -> None:
    response = asker.http.head(link(asker))
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "application/x-votable+xml"


def test_pyvo_reads_rows_and_errors(asker: Asker) -> None:
    import pyvo

    results = pyvo.dal.DALResults.from_result_url(link(asker))
    assert len(results) == asker.hsc(RAWS)["datasets"]["totalCount"]
    assert results[0].getbyucd("meta.ref.ivoid").startswith("ivo://")
    with pytest.raises(Exception, match="raw"):
        pyvo.dal.DALResults.from_result_url(misspelt(asker))


AMONG = """query Q($among: [DataIdMap!]) { repository(name: "hsc") { datasets(query: {type: ["raw"], among: $among}) {
    nodes { uuid } table(format: PARQUET) { url expires } } } }"""


def test_a_question_that_is_too_long_for_an_address_is_kept(asker: Asker) -> None:
    among = [{"exposure": 903344 + number, "detector": number * 7919 % 1000} for number in range(5_000)]
    found = asker.data(AMONG, among=among)["repository"]["datasets"]
    assert found["table"]["expires"] is not None
    assert len(found["table"]["url"]) < 200
    assert asker.data(AMONG, among=among)["repository"]["datasets"]["table"]["url"] == found["table"]["url"]
    rows = pq.read_table(io.BytesIO(asker.http.get(found["table"]["url"]).content))
    assert rows["id"].to_pylist() == [node["uuid"] for node in found["nodes"]] != []
    short = asker.data(AMONG, among=among[:1])["repository"]["datasets"]["table"]
    assert short["expires"] is None


def packed(content: Any) -> str:
    text = json.dumps(content).encode()
    return base64.urlsafe_b64encode(zlib.compress(text)).rstrip(b"=").decode()


def unpacked(url: str) -> Any:
    text = httpx2.URL(url).params["QUESTION"]
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


@pytest.mark.parametrize(
    "content",
    [
        [],
        [1, ["hsc"], []],
        [2, ["hsc"], [["Datasets", {"types": ["raw"]}]]],
        [1, ["hsc"], [["Files", {"ids": []}]]],
        [1, ["hsc"], [["Datasets", {"types": []}]]],
        [1, ["hsc"], [["Datasets", {"types": ["raw"], "page": {"first": 1}}]]],
        [1, ["hsc"], [["Datasets", {"types": ["raw"], "surprise": 1}]]],
        [1, ["hsc"], [["Datasets", {"types": ["raw\0"]}]]],
        [1, ["hsc"], [["Datasets", {"types": ["raw"], "ingested_before": 2**70}]]],
        [1, ["hsc", "hsc"], [["Datasets", {"types": ["raw"]}]]],
        [1, ["hsc", "small"], [["Records", {"element": "exposure"}]]],
        [1, ["hsc"], [["Lineage", {"ids": ["0" * 32, "1" * 32], "way": "UPSTREAM"}]]],
        [True, ["hsc"], [["Datasets", {"types": ["raw"]}]]],
        [1.0, ["hsc"], [["Datasets", {"types": ["raw"]}]]],
        [1, "hsc", [["Datasets", {"types": ["raw"]}]]],
        {"1": 1, "hsc": 1, "raw": 1},
        [1, ["hsc"], [["Datasets", {"types": ["raw"]}], ["Records", {"element": "visit"}]]],
        [1, ["hsc"], [["Datasets", {"types": ["raw"]}], ["Datasets", {"types": ["flat"]}]]],
        [1, ["hsc"], [["Lineage", {"ids": ["0" * 32], "way": "UPSTREAM"}]] * 2],
        [
            1,
            ["hsc"],
            [
                ["Lineage", {"ids": ["0" * 32], "way": "UPSTREAM"}],
                ["Lineage", {"ids": ["1" * 32], "way": "DOWNSTREAM"}],
            ],
        ],
        [1, ["hsc"], [["Datasets", {"types": ["raw"], "among": {"names": [], "rows": [[]]}}]]],
        [1, ["hsc"], [["Datasets", {"types": ["raw"], "among": {"names": ["visit"], "rows": []}}]]],
        [1, ["hsc"], [["Versions", {"keys": [["*", "HSC", 0, 903344]]}]]],
        *(
            [1, ["hsc"], [["Related", {"types": ["*"], "dimensions": dimensions, "keys": [key], **more}]]]
            for dimensions, key, more in (
                (["zzz"], ["HSC"], {}),
                (["instrument", "detector"], ["HSC", "HSC"], {}),
                (["instrument", "detector"], [1, 1], {}),
                (["detector", "detector"], [1, 1], {}),
                (["exposure"], [903344], {}),
                (["instrument", "detector"], ["HSC", 1], {"source": "raw", "ids": ["0" * 32]}),
                (["instrument", "detector"], ["HSC", 1], {"ids": ["0" * 32]}),
                (["instrument", "detector", "exposure"], ["HSC", 1, 903344], {"source": "raw"}),
            )
        ),
        [
            1,
            ["hsc"],
            [["RelatedDataIds", {"dimensions": ["zzz"], "keys": [["HSC"]], "wanted": ["patch"]}]],
        ],
        [
            1,
            ["hsc"],
            [["Datasets", {"types": ["raw"], "constraints": [{"name": "visit", "op": "drop", "value": 1}]}]],
        ],
        [
            1,
            ["hsc"],
            [
                [
                    "Datasets",
                    {
                        "types": ["raw"],
                        "where": {
                            "text": "visit > :a",
                            "binds": [{"name": "a", "kind": "long", "value": {}}],
                        },
                    },
                ]
            ],
        ],
    ],
)
def test_an_address_that_somebody_made_up_is_refused(asker: Asker, content: Any) -> None:
    response = asker.http.get("/tables", params={"QUESTION": packed(content)})
    assert response.status_code == 400
    assert status(response)[0][0] == "ERROR"


def test_an_address_asks_only_what_may_be_asked_of_a_repository(asker: Asker) -> None:
    for label in ("nowhere", "/etc/passwd", "../hsc", ""):
        content = [1, [label], [["Datasets", {"types": ["raw"]}]]]
        response = asker.http.get("/tables", params={"QUESTION": packed(content)})
        assert response.status_code == 404
        assert "/etc" not in status(response)[0][1].replace("/etc/passwd", "")


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
_WHOLE = [
    'datasets(query: {type: ["raw", "*oadd"], collections: ["*"], dataId: {detector: {in: [1]}, band: {glob: "r*"}}, '
    'where: "visit > :v", bind: [{name: "v", value: {long: 1}}], sky: {circle: {ra: 1, dec: 2, radius: 3}}, '
    'time: {beginMjd: 50000}, among: [{detector: 1}], orderBy: ["-detector"], findFirst: false}) { table { url } }',
    'datasets: dataIds(dimensions: ["visit"], having: ["raw"], where: "detector = 1") { table { url } }',
    'datasets: records(element: "visit", sky: {point: {ra: 1, dec: 2}}) { table { url } }',
]
_DATA_ID = {"dimensions": ["instrument", "detector", "visit"], "keys": [["HSC", 0, 903344]]}
_OF_ONE: list[list[Any]] = [
    ["Related", {"types": ["*"], **_DATA_ID}],
    ["RelatedDataIds", {"wanted": ["patch"], **_DATA_ID}],
    ["Versions", {"keys": [["calexp", "HSC", 0, 903344]]}],
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_an_address_is_answered_or_refused(asker: Asker, data: st.DataObject) -> None:
    drawn = data.draw(st.sampled_from([*_WHOLE, *_OF_ONE]))
    content = unpacked(link(asker, drawn)) if isinstance(drawn, str) else [1, ["hsc"], [deepcopy(drawn)]]
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in range(len(value)) if isinstance(value, list) else list(value):
            places.append((value, key))
            if isinstance(value[key], list | dict):
                walk(value[key])

    walk(content)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(_VALUES)
    response = asker.http.get("/tables", params={"QUESTION": packed(content), "MAXREC": "3"})
    assert response.status_code in (200, 400, 404), (content, response.text)
    assert status(response)[0][0] in ("OK", "ERROR")


def test_a_bomb_is_not_unpacked() -> None:
    text = base64.urlsafe_b64encode(zlib.compress(b" " * (written.LONGEST + 1))).decode()
    with pytest.raises(BadUserInput):
        written.read(text)


def test_an_address_says_no_more_than_this_service_puts_into_one(asker: Asker) -> None:
    """Anybody may write one, and reading it costs in proportion to what it says."""
    many = Among(("exposure",), tuple((number,) for number in range(20_000)))
    text = written.write(Asked(("hsc",), (Datasets(("raw",), among=many),)))
    response = asker.http.get("/tables", params={"QUESTION": text})
    assert response.status_code == 400 and "4,000" in response.text
    alike = Among(("exposure",), ((903344,),) * 20_000)
    text = written.write(Asked(("hsc",), (Datasets(("raw",), among=alike),)))
    assert len(text) < 4_000
    response = asker.http.get("/tables", params={"QUESTION": text})
    assert response.status_code == 400 and "damaged" in response.text
    url = asker.data(AMONG, among=[{"exposure": 903344}] * 20_000)["repository"]["datasets"]["table"]["url"]
    assert "KEPT=" in url
    assert asker.http.get(url).status_code == 200


def test_kept_questions_of_who_does_not_come_back_go_too(tmp_path: Path) -> None:
    async def main() -> None:
        early = Kept(tmp_path, seconds=0.2, most=1_000)
        identifier, _ = await early.keep(Caller("ada"), "a")
        assert await early.find(Caller("ada"), identifier) == "a"
        await asyncio.sleep(0.3)
        await early.keep(Caller("bob"), "b")
        assert [file.read_text() for file in tmp_path.glob("*/*")] == ["b"]

    asyncio.run(main())


@pytest.mark.parametrize("damage", [b"", b"\xff", b"another question"])
def test_a_kept_question_that_was_damaged_is_kept_anew(tmp_path: Path, damage: bytes) -> None:
    async def main() -> None:
        kept = Kept(tmp_path, seconds=3600, most=1_000)
        identifier, _ = await kept.keep(Caller("ada"), "a question")
        (file,) = tmp_path.glob("*/*")
        file.write_bytes(damage)
        with pytest.raises(BadUserInput, match="ask for 'table' again"):
            await kept.find(Caller("ada"), identifier)
        assert (await kept.keep(Caller("ada"), "a question"))[0] == identifier
        assert await kept.find(Caller("ada"), identifier) == "a question"

    asyncio.run(main())


# in this process, where one can look at what is asked


class Counted:
    """A repository that counts what it is asked for, and fails at a page where a test wants it to."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.pages = 0
        self.fails_at = 10**9

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    async def ask(self, question: Question, call: Call) -> Rows:
        if isinstance(question, Datasets):
            self.pages += 1
            if self.pages >= self.fails_at:
                raise BackendUnavailable("The registry went away.", repository="hsc", retry=True)
        return await self._repository.ask(question, call)


@asynccontextmanager
async def counted() -> AsyncIterator[Counted]:
    repository = open_repository(
        "hsc", Settings(uri=str(demonstration()), collections=("HSC/defaults", "LSSTCam/defaults"))
    )
    try:
        yield Counted(repository)
    finally:
        await repository.close()


ALL = Asked(("hsc",), (Datasets(("*",), ("*",), find_first=False),))


def opened(repository: Counted) -> Mapping[str, Repository]:
    return {"hsc": repository}  # type: ignore[dict-item]


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "FIRST", 10)
    monkeypatch.setattr(pages, "THEN", 20)


@pytest.mark.usefixtures("short_pages")
def test_rows_leave_before_the_last_one_is_read() -> None:
    async def run() -> None:
        async with counted() as repository:
            table = await read(ALL, opened(repository), Caller(), Limits(), datalink=str)
            assert repository.pages == 1
            first = await anext(table.batches)
            assert (first.num_rows, repository.pages) == (10, 2)  # the next one is on its way
            rest = [batch.num_rows async for batch in table.batches]
            assert set(rest[:-1]) == {20}
            assert repository.pages == len(rest) + 1

    asyncio.run(run())


@pytest.mark.usefixtures("short_pages")
def test_who_leaves_ends_the_work() -> None:
    async def run() -> None:
        async with counted() as repository:
            table = await read(ALL, opened(repository), Caller(), Limits(), datalink=str)
            await anext(table.batches)
            await table.batches.aclose()
            asked = repository.pages
            await asyncio.sleep(0.2)
            assert repository.pages == asked

    asyncio.run(run())


@pytest.mark.usefixtures("short_pages")
def test_a_table_that_breaks_off_does_not_pass_for_a_whole_one() -> None:
    import uvicorn
    from starlette.applications import Starlette

    from gateway.http import middleware
    from gateway.limits.house import House
    from gateway.tables.route import tables_route

    async def run() -> None:
        async with counted() as repository:
            repository.fails_at = 4

            async def enter(_: object) -> tuple[Mapping[str, Repository], Caller, str]:
                return opened(repository), Caller(), "http://localhost"

            async def table(*_: object) -> Any:
                return await read(ALL, opened(repository), Caller(), Limits(), datalink=str)

            route = tables_route(enter, table, House(1, 1, 1), timeout=60, waiting=60)
            server = uvicorn.Server(
                uvicorn.Config(Starlette(routes=[route], middleware=middleware()), port=0, log_config=None)
            )
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            try:
                for format in ("votable", "parquet", "arrow", "csv", "ecsv", "jsonl"):
                    repository.pages = 0
                    seen = b""
                    async with httpx2.AsyncClient(trust_env=False, timeout=120) as client:
                        with pytest.raises(httpx2.RemoteProtocolError):
                            url = f"http://127.0.0.1:{port}/tables?RESPONSEFORMAT={format}"
                            async with client.stream(
                                "GET", url, headers={"Accept-Encoding": "identity"}
                            ) as answer:
                                assert answer.status_code == 200
                                async for part in answer.aiter_bytes():
                                    seen += part
                    if format == "votable":
                        assert re.search(rb'name="QUERY_STATUS" value="ERROR"[^>]*>[^<]*went away', seen)
                        assert seen.rstrip().endswith(b"</VOTABLE>")
            finally:
                server.should_exit = True
                await serving

    asyncio.run(run())


def test_a_written_question_reads_as_it_was() -> None:
    question = Datasets(("raw",), among=Among(("visit",), tuple((n,) for n in range(10_000))))
    asked = Asked(("hsc", "small"), (question,))
    assert written.read(written.write(asked)) == asked
