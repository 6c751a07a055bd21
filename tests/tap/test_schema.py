"""The service through the schema: what a client writes for a Butler repository is answered by ObsCore."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.protocol import Settings
from adapters.tap import open_repository
from tests.adapters.repositories import Repository
from tests.resolvers.conftest import Gateway

from . import dachs
from .obscore import IVOID
from .proxy import Proxy
from .test_protocol import strange


@pytest.fixture(scope="module")
def gateway(service: dachs.Dachs, repository: Repository) -> Iterator[Gateway]:
    options = {"table": "lsst.obscore"}
    # The template names the repository that the table was made from.
    ivoid = IVOID.replace("{repository}", repository.name)
    opened = Gateway(
        {"archive": open_repository("archive", Settings(service.uri, ivoid=ivoid, options=options))}
    )
    yield opened
    opened.close()


DATASETS = """query($query: DatasetQuery!, $after: String) { repository(name: "archive") { adapter capabilities
  datasets(query: $query, first: 4, after: $after) { totalCount pageInfo { hasNextPage endCursor }
    facets(by: ["band"]) { items { value count } }
    nodes { uuid ivoid run type { name storageClass } dataId { instrument visit detector band map required
      record(element: "obs_publisher_did") { fields } }
      region { sRegion ra dec } timespan { begin end } files { uri url size }
      related(type: ["deepCoadd"], by: SPATIAL, first: 2) { edges { kind overlap node { ivoid } } } } } } }"""


def test_a_list_of_datasets_with_what_belongs_to_them(gateway: Gateway, table: list[dict[str, Any]]) -> None:
    query = {
        "type": ["calexp"],
        "dataId": {"instrument": {"eq": "HSC"}, "detector": {"lt": 2}},
        "sky": {"circle": {"ra": 0, "dec": 0, "radius": 3}},
    }
    first = gateway.good(DATASETS, query=query)["repository"]
    assert first["adapter"] == "tap" and "CALIBRATION" not in first["capabilities"]
    told = {one["obs_publisher_did"]: one for one in table}
    found = first["datasets"]
    assert found["totalCount"] == sum(facet["count"] for facet in found["facets"]["items"]) > 4
    for node in found["nodes"]:
        one = told[node["ivoid"]]
        assert node["run"] == one["obs_collection"] and node["type"]["name"] == "calexp"
        assert node["dataId"]["visit"] == one["lsst_visit"] and node["dataId"]["required"] == {
            "obs_publisher_did": node["ivoid"]
        }
        assert (
            node["region"]["sRegion"].startswith("POLYGON ICRS")
            and node["timespan"]["begin"] < node["timespan"]["end"]
        )
        assert [file["uri"] for file in node["files"]] == ([one["access_url"]] if one["access_url"] else [])
        assert all(edge["kind"] == "SPATIAL" for edge in node["related"]["edges"])
    second = gateway.good(DATASETS, query=query, after=found["pageInfo"]["endCursor"])["repository"][
        "datasets"
    ]
    assert not {one["uuid"] for one in second["nodes"]} & {one["uuid"] for one in found["nodes"]}


def test_what_it_cannot_say_is_an_error_of_that_field_alone(gateway: Gateway) -> None:
    answer = gateway(
        """{ repository(name: "archive") { datasets(query: {type: ["raw"]}, first: 1) { nodes { run
            calibration(type: "flat") { node { uuid } } producer { id } } }
          collections(first: 2) { nodes { name } } } }"""
    )
    assert set(answer.codes) == {"UNSUPPORTED"}
    (node,) = answer.data["repository"]["datasets"]["nodes"]
    assert node["run"] and node["producer"] is None and answer.data["repository"]["collections"]["nodes"]


RESOLVE = "query($ivoid: String!) { resolve(identifier: $ivoid) { uuid ivoid id run } }"
LISTED = """{ repository(name: "archive") { datasets(query: {type: ["*"], collections: ["*"]}, first: 3) {
  nodes { uuid ivoid id run } } } }"""


@pytest.mark.parametrize("template", ["ivo://elsewhere.example/x?repo={repository}&id={id}", IVOID])
def test_a_dataset_is_called_what_its_publisher_calls_it_and_found_by_that(
    service: dachs.Dachs, table: list[dict[str, Any]], template: str
) -> None:
    """Whatever the configuration says of identifiers: those of the table name another repository than the label."""
    options = {"table": "lsst.obscore"}
    opened = Gateway(
        {"archive": open_repository("archive", Settings(service.uri, ivoid=template, options=options))}
    )
    dids = {one["obs_publisher_did"] for one in table}
    nodes = opened.good(LISTED)["repository"]["datasets"]["nodes"]
    assert len(nodes) == 3
    for node in nodes:
        assert node["ivoid"] in dids and node["uuid"] in node["ivoid"]
        assert opened.good(RESOLVE, ivoid=node["ivoid"])["resolve"] == node
        assert opened.good(RESOLVE, ivoid=node["uuid"])["resolve"] == node
        ours = template.replace("{repository}", "archive").replace("{id}", node["uuid"])
        assert opened.good(RESOLVE, ivoid=ours)["resolve"] == node
    unknown = nodes[0]["ivoid"].replace(nodes[0]["uuid"], "00000000-0000-0000-0000-000000000000")
    assert opened.good(RESOLVE, ivoid=unknown)["resolve"] is None
    opened.close()


def test_a_dataset_without_a_uuid_has_none_and_is_found_by_its_identifier() -> None:
    with Proxy(behaviour=strange) as proxy:
        opened = Gateway({"archive": open_repository("archive", Settings(proxy.uri))})
        (node,) = opened.good(LISTED)["repository"]["datasets"]["nodes"]
        assert (node["uuid"], node["ivoid"]) == (None, "ivo://org.gavo.dc/~?califa/V1200/NGC1.fits")
        assert opened.good(RESOLVE, ivoid=node["ivoid"])["resolve"] == node
        assert opened.good(RESOLVE, ivoid="ivo://org.gavo.dc/~?another")["resolve"] is None
        opened.close()
