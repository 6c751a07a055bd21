"""A table names the services that take its rows: those of images where each of its rows is one, as DataLink does for a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pyvo

from tests.demonstration import COMMAND, configuration_file, running
from tests.end_to_end.asking import Asker
from tests.end_to_end.conftest import demo_entry

CUTOUT = "https://data.example.org/cutout"
ASKED = {"tap": "https://data.example.org/tap", "sia": "https://data.example.org/sia/hsc/"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    home = tmp_path_factory.mktemp("descriptors")
    config = configuration_file(
        home,
        repositories={
            "hsc": {**demo_entry(), "services": {"cutout": CUTOUT}},
            "other": demo_entry(),
            "asked": {**demo_entry(), "services": ASKED},
        },
    )
    with running([COMMAND, "serve", "--config", config, "--port", 0]) as process:
        asker = Asker(process.address)
        yield asker
        asker.http.close()


def standards(url: str) -> list[str]:
    """What services a table of it names, as pyvo finds them."""
    results = pyvo.dal.sia2.SIA2Results.from_result_url(url)
    found: list[str] = []
    for service in results.iter_adhocservices():
        (named,) = (param.value for param in service.params if param.name == "standardID")
        found.append(str(named).partition("#")[0])
    return found


DATALINK, SODA = "ivo://ivoa.net/std/DataLink", "ivo://ivoa.net/std/SODA"
SIA, TAP = "ivo://ivoa.net/std/SIA", "ivo://ivoa.net/std/TAP"


@pytest.mark.parametrize("obscore", ["false", "true"])
@pytest.mark.parametrize(
    ("types", "cut"),
    [
        (["raw"], True),
        (["raw", "calexp"], True),
        (["flat"], False),
        (["raw", "skyMap"], False),
        (["*"], False),
    ],
)
def test_cutouts_are_offered_where_all_types_are_images(
    gateway: Asker, types: list[str], cut: bool, obscore: str
) -> None:
    document = (
        'query($query: DatasetQuery!) { repository(name: "hsc") { datasets(query: $query) { '
        f"table(obscore: {obscore}) {{ url }} }} }} }}"
    )
    query = {"type": types, "collections": ["*"], "findFirst": False}
    url = gateway.data(document, query=query)["repository"]["datasets"]["table"]["url"]
    assert standards(f"{url}&MAXREC=5") == [DATALINK, *([SODA] if cut else [])]


@pytest.mark.parametrize(("types", "cut"), [(["raw"], True), (["flat"], False), (["raw", "flat"], False)])
def test_a_saved_result_offers_them_by_what_is_in_it(gateway: Asker, types: list[str], cut: bool) -> None:
    document = """mutation($query: DatasetQuery!) { saveResult(repositories: ["hsc"], query: $query) {
        phase table { url } } }"""
    query = {"type": types, "collections": ["*"], "findFirst": False}
    saved: dict[str, Any] = gateway.data(document, query=query)["saveResult"]
    assert standards(saved["table"]["url"]) == [DATALINK, *([SODA] if cut else [])]


def test_what_is_linked_to_a_dataset_has_types_of_its_own(gateway: Asker) -> None:
    (raw,) = gateway.hsc(
        'datasets(query: {type: ["raw"]}, first: 1) { nodes { related(type: ["flat"]) { table { url } } } }'
    )["datasets"]["nodes"]
    assert SODA not in standards(raw["related"]["table"]["url"])


def test_several_repositories_offer_them_where_one_service_is_that_of_all(gateway: Asker) -> None:
    found = gateway.data(
        '{ datasets(repositories: ["hsc", "other"], query: {type: "raw"}) { table { url } } }'
    )
    assert SODA not in standards(found["datasets"]["table"]["url"])


@pytest.mark.parametrize(
    ("labels", "type", "named"),
    [
        (["asked"], "raw", [DATALINK, SIA, TAP]),
        (["asked"], "flat", [DATALINK, TAP]),
        (["asked", "other"], "raw", [DATALINK]),
    ],
)
def test_services_that_know_the_datasets_are_named(
    gateway: Asker, labels: list[str], type: str, named: list[str]
) -> None:
    document = "query($labels: [String!]!, $query: DatasetQuery!) { datasets(repositories: $labels, query: $query) { table { url } } }"
    query = {"type": type, "collections": ["*"], "findFirst": False}
    url = f"{gateway.data(document, labels=labels, query=query)['datasets']['table']['url']}&MAXREC=2"
    assert standards(url) == named
    results = pyvo.dal.sia2.SIA2Results.from_result_url(url)
    for service in results.iter_adhocservices():
        said = {param.name: param.value for param in service.params}
        (inputs,) = service.groups
        if said["standardID"].startswith(SIA):
            (id,) = inputs.entries
            assert said["accessURL"] == "https://data.example.org/sia/hsc/query"
            assert (id.name, id.ref) == ("ID", "obs_publisher_did")
        if said["standardID"].startswith(TAP):
            assert said["accessURL"] == f"{ASKED['tap']}/sync"
            assert {one.name: one.value for one in inputs.entries} == {"LANG": "ADQL", "QUERY": ""}
