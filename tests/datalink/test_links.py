"""What DataLink says of datasets, read by clients that others wrote."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest
import pyvo
from astropy.config import set_temp_cache
from astropy.io import votable
from astropy.utils.data import import_file_to_cache
from pyvo.utils import vocabularies

from adapters.errors import Forbidden
from gateway.datalink.secret import kept_secret
from gateway.datalink.signature import Signatures
from tests.demonstration import COMMAND, configuration_file, running
from tests.end_to_end.asking import Asker
from tests.end_to_end.conftest import demo_entry

NOTHING = "ivo://org.example/butler?repo=hsc&id=00000000-0000-0000-0000-000000000000"


def some(asker: Asker, type: str = "demo_calexp", first: int = 1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asker.hsc(
        f'datasets(query: {{type: ["{type}"], collections: ["*"]}}, first: {first}) {{ nodes {{ uuid ivoid datalink '
        'files { size url } calibration(type: "flat") { node { ivoid } } inputs { nodes { ivoid } } } }'
        if type == "demo_calexp"
        else f'datasets(query: {{type: ["{type}"], collections: ["*"]}}, first: {first}) {{ nodes {{ uuid ivoid datalink }} }}'
    )["datasets"]["nodes"]
    return found


def address(asker: Asker, *identifiers: str) -> str:
    return f"{asker.address}/datalink/links?" + "&".join(f"ID={quote(one, safe='')}" for one in identifiers)


def rows(response: httpx2.Response) -> list[dict[str, Any]]:
    table = votable.parse_single_table(io.BytesIO(response.content), verify="exception").to_table()
    return [dict(zip(table.colnames, row, strict=True)) for row in table]


def complaints(response: httpx2.Response, folder: Path) -> list[str]:
    """What STILTS says is wrong. Its own copy of the vocabulary, which it falls back on where the IVOA cannot be reached, is older than #coderived."""
    file = folder / "links.vot"
    file.write_bytes(response.content)
    said = subprocess.run(
        ["stilts", "datalinklint", file], capture_output=True, text=True, timeout=120, check=True
    )
    assert "Totals:" in said.stdout
    lint = subprocess.run(
        ["stilts", "votlint", "ucd=true", "unit=true", file],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    wrong = re.findall(r"^[EWF]-\w+-\d+ .*$", said.stdout, re.MULTILINE) + lint.stdout.splitlines()
    return [one for one in wrong if "'coderived'" not in one]


def test_stilts_finds_nothing_wrong(asker: Asker, tmp_path: Path) -> None:
    calexp, coadd = some(asker)[0]["ivoid"], some(asker, "demo_coadd")[0]["ivoid"]
    for identifiers in ((calexp,), (calexp, coadd, NOTHING, "nonsense & <more>"), (NOTHING,), ()):
        response = asker.http.get(address(asker, *identifiers))
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/x-votable+xml;content=datalink"
        assert complaints(response, tmp_path) == []


def test_the_links_of_a_dataset_are_its_file_and_what_belongs_to_it(asker: Asker) -> None:
    (calexp,) = some(asker)
    found = rows(asker.http.get(calexp["datalink"]))
    by_term: dict[str, list[str]] = {}
    for row in found:
        assert row["ID"] == calexp["ivoid"]
        assert sum(bool(row[name]) for name in ("access_url", "service_def", "error_message")) == 1
        by_term.setdefault(row["semantics"], []).append(row["access_url"])
    (this,) = (row for row in found if row["semantics"] == "#this")
    assert this["content_length"] == calexp["files"][0]["size"]
    linked = {
        f"{asker.address}/datalink/links?ID={quote(one['ivoid'], safe='')}"
        for one in calexp["inputs"]["nodes"]
    }
    assert set(by_term["#progenitor"]) == linked
    flat = quote(calexp["calibration"]["node"]["ivoid"], safe="")
    assert by_term["#flat"] == [f"{asker.address}/datalink/links?ID={flat}"]
    assert {"#bias", "#derivation", "#coderived"} <= by_term.keys()


def test_rows_stand_by_identifier_in_the_order_asked_and_each_has_some(asker: Asker) -> None:
    ids = [one["ivoid"] for one in some(asker, "raw", 5)]
    asked = [
        ids[3],
        NOTHING,
        ids[0],
        "nonsense",
        ids[1].replace("ivo://org.example/butler", "ivo://another/authority"),
    ]
    found = [row["ID"] for row in rows(asker.http.get(address(asker, *asked)))]
    assert list(dict.fromkeys(found)) == asked
    assert found == sorted(found, key=asked.index)


def test_get_and_post_answer_the_same(asker: Asker) -> None:
    ids = [one["ivoid"] for one in some(asker, "raw", 30)]
    posted = asker.http.post("/datalink/links", data={"id": ids})
    assert re.sub(rb"expires=\d+&amp;signature=[\w-]+", b"", posted.content) == re.sub(
        rb"expires=\d+&amp;signature=[\w-]+", b"", asker.http.get(address(asker, *ids)).content
    )


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        (NOTHING, "NotFoundFault"),
        ("ivo://x?repo=nowhere&id=00000000-0000-0000-0000-000000000000", "NotFoundFault"),
        ("ivo://x?repo=/etc/passwd&id=00000000-0000-0000-0000-000000000000", "NotFoundFault"),
        ("butler://hsc/00000000-0000-0000-0000-000000000000", "NotFoundFault"),
        ("ivo://x?repo=hsc", "UsageFault"),
        ("00000000-0000-0000-0000-000000000000", "UsageFault"),
        ("x\r\nSet-Cookie: a=b", "UsageFault"),
        ("' OR 1=1 --", "UsageFault"),
    ],
)
def test_an_identifier_that_names_nothing_is_a_row_that_says_so(
    asker: Asker, identifier: str, words: str
) -> None:
    response = asker.http.get(address(asker, identifier))
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    (row,) = rows(response)
    assert row["error_message"].startswith(words)
    assert words != "UsageFault" or "ivo://<authority>?repo=<label>&id=<uuid>" in row["error_message"]
    assert "or a bare UUID" not in row["error_message"]


def test_of_too_many_identifiers_the_first_are_answered_and_the_document_says_so(asker: Asker) -> None:
    response = asker.http.post(
        "/datalink/links", data={"ID": [f"{NOTHING[:-3]}{one:03}" for one in range(501)]}
    )
    assert response.status_code == 200
    assert [row["ID"] for row in rows(response)] == [f"{NOTHING[:-3]}{one:03}" for one in range(500)]
    assert b'value="OVERFLOW"' in response.content


@pytest.mark.parametrize("format", ["fits", "parquet", "nonsense; a=b"])
def test_links_are_written_as_votable_only(asker: Asker, format: str) -> None:
    response = asker.http.get("/datalink/links", params={"ID": NOTHING, "RESPONSEFORMAT": format})
    assert response.status_code == 400
    assert "Links are written as VOTable only: leave RESPONSEFORMAT out." in response.text
    assert "csv" not in response.text


def test_a_form_without_end_is_refused_and_an_empty_identifier_is_none(asker: Asker) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    response = asker.http.post("/datalink/links", content="ID=a&" * 200_001, headers=form)
    assert response.status_code == 400
    assert b"UsageFault" in response.content
    for nothing in ("", "?ID=", "?ID=&id="):
        assert rows(asker.http.get(f"/datalink/links{nothing}")) == []


def test_pyvo_follows_the_links_of_a_table_longer_than_one_request_may_be(asker: Asker) -> None:
    found = asker.hsc('datasets(query: {type: ["*"]}) { totalCount table { url } }')["datasets"]
    table = pyvo.dal.sia2.SIA2Results.from_result_url(found["table"]["url"])
    assert len(table) == found["totalCount"] > 500
    linked = {str(row["ID"]) for links in table.iter_datalinks() for row in links}
    assert linked == set(map(str, table["obs_publisher_did"]))


def test_pyvo_follows_links_from_rows_of_a_table(asker: Asker) -> None:
    link = asker.hsc('datasets(query: {type: ["raw"]}) { table(obscore: true) { url } }')["datasets"][
        "table"
    ]["url"]
    table = pyvo.dal.sia2.SIA2Results.from_result_url(link)
    links = list(table.iter_datalinks())
    assert len(links) == len(table) > 30
    for one in links:
        (this,) = one.bysemantics("#this", include_narrower=False)
        assert this.access_url
    alone = table[0].getdatalink()
    assert [row.semantics for row in alone] == [row.semantics for row in links[0]]


def test_the_file_of_a_link_needs_no_token_and_is_the_stored_one(asker: Asker) -> None:
    (calexp,) = some(asker)
    (this,) = pyvo.dal.adhoc.DatalinkResults.from_result_url(calexp["datalink"]).bysemantics(
        "#this", include_narrower=False
    )
    stored = asker.http.get(calexp["files"][0]["url"]).content
    response = asker.http.get(this.access_url)
    assert response.content == stored
    assert asker.http.get(this.access_url, headers={"Range": "bytes=0-9"}).content == stored[:10]


def test_an_address_that_nobody_signed_leads_nowhere(asker: Asker) -> None:
    first, second = some(asker, "raw", 2)

    def this(dataset: dict[str, Any]) -> str:
        found = rows(asker.http.get(dataset["datalink"]))
        return str(next(row["access_url"] for row in found if row["semantics"] == "#this"))

    good = this(first)
    assert asker.http.get(good).status_code == 200
    query = urlsplit(good).query
    for changed in (
        good.replace("signature=", "signature=A"),
        re.sub(r"expires=\d+", "expires=99999999999", good),
        good.partition("?")[0],
        f"{good.partition('?')[0].replace(first['uuid'], second['uuid'])}?{query}",
        good.replace("/hsc/", "/small/"),
        f"{good}&component=wcs",
    ):
        assert asker.http.get(changed).status_code == 403, changed


def test_a_signature_ends_and_its_secret_survives_a_restart(tmp_path: Path) -> None:
    now = 1_000.0
    signatures = Signatures(lambda: kept_secret(tmp_path), 60, lambda: now)
    query = httpx2.URL(signatures.address("http://x", "hsc", "ab" * 16, None)).params
    again = Signatures(lambda: kept_secret(tmp_path), 60, lambda: now)
    again.check("hsc", "ab" * 16, None, query["expires"], query["signature"])
    now = 1_061.0
    with pytest.raises(Forbidden, match="expired"):
        again.check("hsc", "ab" * 16, None, query["expires"], query["signature"])
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


@pytest.fixture
def vocabulary(tmp_path: Path) -> Iterator[None]:
    """What pyvo would fetch from the IVOA: the one term of it that it needs here, in its own cache (Vocabularies in the VO 2.1, section 3.2.2)."""
    file = tmp_path / "core.desise"
    term = {"label": "this", "description": "the dataset itself", "narrower": {}, "wider": []}
    file.write_text(json.dumps({"uri": "http://www.ivoa.net/rdf/datalink/core", "terms": {"this": term}}))
    with set_temp_cache(tmp_path):
        import_file_to_cache(f"{vocabularies.IVOA_VOCABULARY_ROOT}datalink/core", str(file), replace=True)
        yield
    vocabularies.get_vocabulary.cache_clear()


@pytest.mark.usefixtures("vocabulary")
@pytest.mark.parametrize("obscore", ["false", "true"])
def test_pyvo_gets_the_dataset_of_a_row(asker: Asker, obscore: str) -> None:
    (found,) = asker.hsc(
        f'datasets(query: {{type: ["raw"]}}, first: 1) {{ table(obscore: {obscore}) {{ url }} nodes {{ ivoid files {{ url }} }} }}'
    ).values()
    (node,) = found["nodes"]
    table = pyvo.dal.sia2.SIA2Results.from_result_url(found["table"]["url"])
    (row,) = (one for one in table if one["obs_publisher_did"] == node["ivoid"])
    assert row.getdataset().read() == asker.http.get(node["files"][0]["url"]).content


def test_where_there_are_more_links_than_fit_the_last_one_leads_to_a_table_of_all(tmp_path: Path) -> None:
    config = configuration_file(tmp_path, repositories={"hsc": demo_entry()}, datalink={"max_links": 1})
    with running([COMMAND, "serve", "--config", config, "--port", 0]) as gateway:
        asker = Asker(gateway.address)
        try:
            (coadd, *_) = asker.hsc(
                'datasets(query: {type: ["demo_coadd"], collections: ["*"]}) { nodes { datalink inputs { totalCount nodes { ivoid } } } }'
            )["datasets"]["nodes"]
            response = asker.http.get(coadd["datalink"])
            inputs = [row for row in rows(response) if row["semantics"] == "#progenitor"]
            assert len(inputs) == 2 < coadd["inputs"]["totalCount"]
            shown, whole = inputs
            assert shown["content_type"] == "application/x-votable+xml;content=datalink"
            assert whole["content_type"] == "application/x-votable+xml"
            assert "more than these 1" in whole["description"]
            assert complaints(response, tmp_path) == []
            table = votable.parse_single_table(io.BytesIO(asker.http.get(whole["access_url"]).content))
            expected = {one["ivoid"] for one in coadd["inputs"]["nodes"]}
            assert set(table.to_table()["obs_publisher_did"]) == expected
            assert str(shown["access_url"]).partition("ID=")[2] in {quote(one, safe="") for one in expected}
        finally:
            asker.http.close()
