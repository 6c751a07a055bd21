"""The public audit suite of GraphQL over HTTP."""

from __future__ import annotations

from tests.http.audit import audit


def test_every_public_audit_of_graphql_over_http_passes(address: str) -> None:
    result = audit(f"{address}/graphql")
    print("{audits} audits: {ok} ok, {notice} notice, {warn} warn, {error} error".format(**result))
    assert result["failed"] == []
    assert (result["audits"], result["ok"]) == (61, 61)
