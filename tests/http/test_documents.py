"""Documents are prepared once, the cache stays bounded, and no limit is weaker for it."""

from __future__ import annotations

import httpx2
import pytest

from adapters.errors import TooComplex
from gateway.http import documents
from gateway.http.documents import Documents, InvalidDocument
from gateway.limits import Limits
from tests.http.conftest import Way
from tests.http.service import schema, serve, service


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were parsed."""
    texts: list[str] = []
    parse = documents.parse

    def counted(text: str, **options: int) -> object:
        texts.append(text)
        return parse(text, **options)

    monkeypatch.setattr(documents, "parse", counted)
    return texts


def test_the_same_text_is_parsed_and_validated_once_and_gives_the_same_nodes(prepared: list[str]) -> None:
    kept = Documents(schema, Limits())
    first = kept.get("{ hello }")
    assert kept.get("{ hello }") is first
    assert kept.get("{  hello }") is not first
    assert prepared == ["{ hello }", "{  hello }"]


def test_a_request_is_parsed_once_over_http(prepared: list[str], way: Way) -> None:
    with serve(service(**way)[0]) as found, httpx2.Client(base_url=found, timeout=60) as client:
        for name in "abc":
            body = {"query": "query ($n: String) { hello(name: $n) }", "variables": {"n": name}}
            assert client.post("/graphql", json=body).json() == {"data": {"hello": f"hello {name}"}}
    assert len(prepared) == 1


def test_the_least_recently_used_document_is_forgotten(prepared: list[str]) -> None:
    kept = Documents(schema, Limits(document_cache=2))
    for text in ("{ a: hello }", "{ b: hello }", "{ a: hello }", "{ c: hello }", "{ a: hello }"):
        kept.get(text)
    assert len(kept) == 2
    assert prepared == ["{ a: hello }", "{ b: hello }", "{ c: hello }"]


def test_long_documents_do_not_fill_the_memory() -> None:
    kept = Documents(schema, Limits())
    for number in range(100):
        kept.get(f"{{ a{number}: hello }} {' ' * 30_000}")
    assert sum(len(text) for text in kept._kept) <= 500_000
    before = len(kept)
    kept.get("{ hello }" + " " * 60_000)
    assert len(kept) == before


def test_what_is_refused_or_invalid_is_refused_every_time_and_not_kept() -> None:
    kept = Documents(schema, Limits(max_depth=3))
    for _ in range(3):
        with pytest.raises(TooComplex):
            kept.get("{ tree { child { child { name } } } }")
        with pytest.raises(InvalidDocument):
            kept.get("{ nonsense }")
    assert len(kept) == 0


def test_a_limit_is_checked_before_validation_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "validate", lambda *_, **__: pytest.fail("validated"))
    with pytest.raises(TooComplex):
        Documents(schema, Limits(max_aliases=1)).get("{ a: nonsense b: nonsense }")


def test_two_operations_of_a_kept_document_are_told_apart(prepared: list[str], way: Way) -> None:
    document = "query A { a: hello } mutation B { touch }"
    with serve(service(**way)[0]) as found, httpx2.Client(base_url=found, timeout=60) as client:

        def ask(name: str | None) -> dict[str, object]:
            return client.post("/graphql", json={"query": document, "operationName": name}).json()

        assert ask("A") == {"data": {"a": "hello world"}}
        assert ask("B") == {"data": {"touch": "touched"}}
        assert "Must provide operation name" in ask(None)["errors"][0]["message"]
    assert len(prepared) == 1
