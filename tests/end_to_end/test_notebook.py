"""A notebook: the gql library, page after page, into an astropy Table."""

from __future__ import annotations

from typing import Any

from astropy.table import Table
from gql import Client, gql
from gql.transport.httpx import HTTPXTransport
from graphql import GraphQLObjectType

from tests.end_to_end.asking import Asker

RAWS = """
query Raws($query: DatasetQuery!, $first: Int!, $after: String) {
  repository(name: "hsc") {
    datasets(query: $query, first: $first, after: $after) {
      nodes { uuid run dataId { instrument exposure detector band } timespan { begin } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


def test_gql_reads_the_schema_and_pages_through_all_raws_into_a_table(asker: Asker) -> None:
    transport = HTTPXTransport(url=f"{asker.address}/graphql", timeout=60, trust_env=False)
    with Client(transport=transport, fetch_schema_from_transport=True) as session:
        assert session.client.schema is not None
        assert isinstance(session.client.schema.type_map["Dataset"], GraphQLObjectType)
        rows, after, pages = [], None, 0
        while True:
            request = gql(RAWS)
            request.variable_values = {"query": {"type": ["raw"]}, "first": 10, "after": after}
            found: Any = session.execute(request)["repository"]["datasets"]
            rows += [
                {**node["dataId"], "uuid": node["uuid"], "begin": node["timespan"]["begin"]}
                for node in found["nodes"]
            ]
            pages += 1
            if not found["pageInfo"]["hasNextPage"]:
                break
            after = found["pageInfo"]["endCursor"]
    table = Table(rows)
    assert (pages, len(table), len(set(table["uuid"]))) == (4, 37, 37)
    assert table["exposure"].dtype == "int64"
    assert table["exposure"].max() == 2025120200440
    assert set(table["instrument"]) == {"HSC", "LSSTCam"}
    assert set(table["band"]) == {"r", "i", "z"}
