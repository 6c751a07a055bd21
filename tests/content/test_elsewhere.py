"""Files in a bucket: as they are by a signed link, converted by reading no more of them than is asked for.

A folder behind a socket is the bucket (``bucket.py``): that the signature is right is boto3's promise; here is seen that the link leads to the store with
its signature whole, that nobody's token goes there, and that rows come out right.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.content.asking import READERS, Contents, plain
from tests.content.bucket import Bucket
from tests.content.conftest import TOKEN


@pytest.mark.parametrize(
    ("name", "form"), [("astropy", "NATIVE"), ("astropy", "PARQUET"), ("image", "NATIVE")]
)
def test_the_stored_file_is_a_signed_link(contents: Contents, store: Bucket, name: str, form: str) -> None:
    response = contents.get(name, form, "bucket", TOKEN)
    assert response.status_code == 307 and response.headers["cache-control"] == "no-store"
    link = urlsplit(response.headers["location"])
    assert f"{link.scheme}://{link.netloc}" == store.origin
    assert {"Signature", "X-Amz-Signature"} & parse_qs(link.query).keys()
    assert httpx2.get(response.headers["location"], trust_env=False).content == contents.content(
        name, "NATIVE"
    )
    assert "gt-canary" not in "".join(store.heard)


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("name", ["frame", "ecsv"])
def test_rows_are_the_same_as_those_of_a_file_here(contents: Contents, name: str, form: str) -> None:
    if (name, form) in (("frame", "PARQUET"), ("ecsv", "ECSV")):
        assert contents.get(name, form, "bucket").status_code == 307
        return
    found = READERS[form](contents.content(name, form, repository="bucket"))
    here = READERS[form](contents.content(name, form))
    assert {k: [plain(v, form) for v in c] for k, c in found.items()} == {
        k: [plain(v, form) for v in c] for k, c in here.items()
    }


def test_structures_and_components_come_from_there_too(contents: Contents) -> None:
    assert contents.content("structure", "JSON", repository="bucket") == contents.content("structure", "JSON")
    assert contents.content("astropy", "JSON", repository="bucket", component="rowcount").split() == [
        b"[",
        b'{"rowcount":5}',
        b"]",
    ]


def test_a_column_of_a_long_table_costs_little_more_than_itself(contents: Contents, store: Bucket) -> None:
    before = store.sent
    found = READERS["CSV"](contents.content("long", "CSV", repository="bucket", columns="word"))
    assert len(found["word"]) == 200_000
    whole = len(contents.content("long", "NATIVE"))
    assert store.sent - before < whole / 2


def test_a_file_that_is_gone_is_not_found(contents: Contents) -> None:
    assert contents.refusal("gone", "CSV", 404, repository="bucket")["code"] == "NOT_FOUND"
