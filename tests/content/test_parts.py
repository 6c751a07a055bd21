"""A dataset that is stored in several files, one for each of its components."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest
import pyvo
import yaml
from lsst.daf.butler import Butler

from adapters.butler import open_repository
from adapters.caller import Call
from adapters.protocol import Settings
from adapters.question import Files, Sizes
from tests.content.asking import Contents
from tests.content.holdings import PARTS


def stored(root: Path, contents: Contents) -> dict[str, bytes]:
    """What Butler says is stored of each component."""
    with Butler.from_config(str(root)) as butler:
        ref = butler.get_dataset(UUID(contents.ids["parted"]))
        assert ref is not None
        return {name: place.read() for name, place in butler.getURIs(ref).componentURIs.items()}


def test_each_file_has_its_component_and_an_address_that_works(contents: Contents, root: Path) -> None:
    files = contents.node("parted", "files { component url mediaType size storageClass }")["files"]
    expected = stored(root, contents)
    assert [file["component"] for file in files] == sorted(PARTS) == sorted(expected)
    for file in files:
        response = contents.http.get(file["url"])
        assert response.content == expected[file["component"]]
        assert response.headers["content-type"] == file["mediaType"]
        assert len(response.content) == file["size"]


def test_datalink_has_a_link_to_each_file_that_works_alone(contents: Contents, root: Path) -> None:
    links = pyvo.dal.adhoc.DatalinkResults.from_result_url(contents.node("parted", "datalink")["datalink"])
    found = list(links.bysemantics("#this", include_narrower=False))
    expected = stored(root, contents)
    assert len(found) == len(expected) == len(links)
    for link, component in zip(found, sorted(expected), strict=True):
        assert f"Component {component} of" in link.description
        response = contents.http.get(link.access_url)
        assert response.content == expected[component]
        assert link.content_length == len(response.content)
        assert link.content_type == response.headers["content-type"]


@pytest.mark.parametrize("component", PARTS)
def test_a_component_can_be_had_as_it_is_and_converted(contents: Contents, component: str) -> None:
    native = contents.content("parted", "NATIVE", component=component)
    assert (json.loads(native) if component == "data" else yaml.safe_load(native)) == PARTS[component]
    assert json.loads(contents.content("parted", "JSON", component=component)) == PARTS[component]


@pytest.mark.parametrize("form", [None, "NATIVE", "JSON"])
def test_the_whole_is_no_file_and_the_parts_are_named(contents: Contents, form: str | None) -> None:
    told = contents.refusal("parted", form, 501)
    assert (told["code"], told["components"]) == ("UNSUPPORTED", sorted(PARTS))


def test_its_size_is_that_of_all_files(contents: Contents, root: Path) -> None:
    async def run() -> None:
        repository = open_repository("tables", Settings(str(root), collections=("tables",)))
        try:
            id = UUID(contents.ids["parted"]).hex
            files = await repository.ask(Files((id,)), Call())
            sizes = await repository.ask(Sizes((id,)), Call())
            assert len(files.rows) == len(PARTS)
            assert sizes.rows == [(id, sum(row[files.index("size")] for row in files.rows))]
        finally:
            await repository.close()

    asyncio.run(run())
