"""Links of the schema open, and say before they are opened what they are."""

from __future__ import annotations

import json
import math

import pytest

from tests.content.asking import Contents
from tests.content.holdings import PUT, STRUCTURE

ALL = ["NATIVE", "VOTABLE", "PARQUET", "ARROW", "CSV", "ECSV", "FITS", "JSON"]


def test_dataset_types_say_their_forms(contents: Contents) -> None:
    found = contents.data(
        '{ repository(name: "tables") { datasetTypes(first: 100) { nodes { name storageClass forms } } } }'
    )
    forms = {one["name"]: one["forms"] for one in found["repository"]["datasetTypes"]["nodes"]}
    for name in PUT:
        assert forms[name] == (["NATIVE", "JSON"] if name in ("structure", "list", "number") else ALL), name
    assert forms["pickled"] == forms["image"] == ["NATIVE"]


@pytest.mark.parametrize("form", ALL)
def test_a_link_opens_and_is_of_its_media_type(contents: Contents, form: str) -> None:
    link = contents.node("astropy", f"content(form: {form}) {{ url mediaType }}")["content"]
    response = contents.http.get(link["url"])
    assert response.status_code == 200
    assert response.headers["content-type"] == link["mediaType"]


def test_a_link_carries_component_and_columns(contents: Contents) -> None:
    link = contents.node("levels", """content(form: CSV, columns: ["('meas', 'g', 'y')"]) { url }""")[
        "content"
    ]
    assert contents.http.get(link["url"]).text.splitlines()[1:] == ["2", "4"]
    link = contents.node("frame", 'content(form: JSON, component: "schema", columns: ["name"]) { url }')[
        "content"
    ]
    assert {"name": "source"} in contents.http.get(link["url"]).json()


def test_many_links_of_one_list(contents: Contents) -> None:
    """By plan or not, each dataset has its own."""
    document = """{ repository(name: "tables") { datasets(query: {type: ["astropy", "frame", "numpy"]}) {
        nodes { uuid type { name forms } content(form: JSON) { url mediaType } } } } }"""
    nodes = contents.data(document)["repository"]["datasets"]["nodes"]
    assert len(nodes) == 3
    for node in nodes:
        assert node["uuid"] in node["content"]["url"] and node["content"]["mediaType"] == "application/json"
        assert contents.http.get(node["content"]["url"]).status_code == 200


@pytest.mark.parametrize(
    ("name", "arguments", "code", "forms"),
    [
        ("image", "form: FITS", "UNSUPPORTED", ["NATIVE"]),
        ("structure", "form: CSV", "UNSUPPORTED", ["NATIVE", "JSON"]),
        ("astropy", 'form: NATIVE, columns: ["id"]', "BAD_USER_INPUT", None),
        ("astropy", "form: CSV, columns: []", "BAD_USER_INPUT", None),
        ("astropy", 'form: CSV, component: "colums"', "BAD_USER_INPUT", None),
    ],
)
def test_what_cannot_be_had_is_said_before_there_is_a_link(
    contents: Contents, name: str, arguments: str, code: str, forms: list[str] | None
) -> None:
    error = contents.error(
        f'{{ repository(name: "tables") {{ datasets(query: {{type: "{name}"}}) {{ nodes {{ content({arguments}) {{ url }} }} }} }} }}'
    )
    assert (error["code"], error.get("forms")) == (code, forms)


def test_a_structure_is_json(contents: Contents) -> None:
    found = json.loads(contents.content("structure", "JSON"))
    assert math.isnan(STRUCTURE["not a number"])  # type: ignore[arg-type]
    assert found == {**STRUCTURE, "not a number": None}
    assert json.loads(contents.content("list", "JSON")) == [1, {"a": "ä"}]
    assert json.loads(contents.content("number", "JSON")) == 7
