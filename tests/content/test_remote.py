"""Behind a Butler server: contents from the signed links that it gives, with the token shown to the server alone. Behind TAP: none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.butler.content_parquet import ParquetTable
from adapters.capability import Capability
from adapters.content import Content, Shape, Structure
from adapters.errors import BadUserInput, NotFound, Unsupported
from adapters.protocol import Settings
from adapters.rows import TypeInfo
from adapters.tap import open_repository as open_tap
from tests.content.bucket import Bucket
from tests.remote.asker import call, opened
from tests.remote.server import ButlerServer


@pytest.fixture(scope="module")
def signing(
    stored_elsewhere: Path, store: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ButlerServer]:
    """A server over the repository whose files are in a bucket."""
    server = ButlerServer(
        {"lab": str(stored_elsewhere)},
        tmp_path_factory.mktemp("server") / "log",
        S3_ENDPOINT_URL=store.origin,
        AWS_ACCESS_KEY_ID="who",
        AWS_SECRET_ACCESS_KEY="signs",
    )
    yield server
    server.stop()


def test_contents_are_read_from_signed_links(
    signing: ButlerServer, store: Bucket, ids: dict[str, str]
) -> None:
    async def run() -> None:
        repository = opened(signing.uri("lab"))

        async def read(name: str, component: str | None = None, *columns: str) -> Content:
            identifier = ids.get(name, name).replace("-", "")
            return await repository.read(identifier, component, columns or None, call())

        classes = ("ArrowAstropy", "StructuredDataDict", "ExposureF", "NumpyArray")
        types = [TypeInfo(name, (), (), name, False) for name in classes]
        shapes = await repository.shapes(types, call())
        assert list(shapes.values()) == [Shape.TABLE, Shape.STRUCTURE, Shape.FILE, Shape.FILE]
        table = await read("astropy", None, "mag", "id")
        assert isinstance(table, ParquetTable) and table.schema.names == ["mag", "id"]
        assert next(table.batches()).to_pydict()["id"] == [1, 2, 3, 2**62, -5]
        table.close()
        counted = await read("frame", "rowcount")
        assert not isinstance(counted, Structure) and next(counted.batches()).to_pylist() == [{"rowcount": 3}]
        written = await read("ecsv")
        assert not isinstance(written, Structure) and next(written.batches()).to_pydict()["n"] == [1, None, 3]
        structure = await read("structure")
        assert isinstance(structure, Structure) and structure.value["name"] == "π"
        with pytest.raises(BadUserInput):
            await read("astropy", None, "nonsense")
        for trap in ("pickled", "disguised", "tagged", "image"):
            with pytest.raises(Unsupported) as caught:
                await read(trap)
            assert caught.value.details["forms"] == ["NATIVE"]
        for absent in ("gone", "unheard", "0" * 32):
            with pytest.raises(NotFound):
                await read(absent)
        await repository.close()

    asyncio.run(run())
    assert store.heard and "gt-alice" not in "".join(store.heard)


def test_a_tap_service_gives_its_files_and_nothing_else() -> None:
    async def run() -> None:
        service = open_tap("archive", Settings("http://127.0.0.1:9/tap"))
        one = TypeInfo("image", (), (), "", False)
        assert await service.shapes([one], call()) == {"image": Shape.FILE}
        with pytest.raises(Unsupported) as caught:
            await service.read("0" * 32, None, None, call())
        assert caught.value.details == {"capability": "CONTENT", "forms": ["NATIVE"]}
        assert Capability.CONTENT not in service.capabilities
        await service.close()

    asyncio.run(run())
