"""A stored table has the same rows in every form, as the libraries of its users read them."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import astropy.table
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from lsst.daf.butler import Butler

from gateway.content.writing import _FORMATS
from resolvers.content import MEDIA_TYPES, ContentForm
from tests.content.asking import READERS, Contents, plain
from tests.content.holdings import LONG, RUN

PARQUET = ["astropy", "frame", "levels", "arrow", "numpy", "dict", "empty"]


@pytest.fixture(scope="module")
def judged(root: Path) -> dict[str, pa.Table]:
    """The tables as Butler itself reads them."""
    with Butler.from_config(str(root), collections=[RUN]) as butler:
        return {name: butler.get(name, storageClass="ArrowTable") for name in PARQUET}


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("name", PARQUET)
def test_rows_are_those_that_butler_reads(
    contents: Contents, judged: dict[str, pa.Table], name: str, form: str
) -> None:
    if (name, form) == ("arrow", "FITS"):
        refused = contents.refusal(name, form, 501)
        assert "'huge'" in refused["message"] and refused["forms"] == ["NATIVE", "PARQUET", "ARROW"]
        table = judged[name].drop_columns("huge")
        content = contents.content(name, form, columns=",".join(table.column_names))
    else:
        table = judged[name]
        content = contents.content(name, form)
    with warnings.catch_warnings(action="ignore"):  # of names with blanks, and of null among truth values
        found = READERS[form](content)
    expected = table.to_pydict()
    if form == "JSON" and not len(table):
        assert json.loads(content) == []
        return
    if form == "VOTABLE" and name == "levels":
        expected = dict(zip(found, expected.values(), strict=True))  # astropy names columns by their IDs
    if form == "FITS" and "yes" in expected:
        expected["yes"] = [bool(value) for value in expected["yes"]]  # astropy says that it makes null False
    assert list(found) == list(expected)
    for column in expected:
        assert [plain(v, form) for v in found[column]] == [plain(v, form) for v in expected[column]], column


@pytest.mark.parametrize("form", READERS)
def test_astropys_own_tables_are_read_too(contents: Contents, form: str) -> None:
    found = READERS[form](contents.content("ecsv", form))
    if form == "ECSV":
        found["at"] = [f"{time.isot}000000" for time in found["at"]]  # the stored file, whose times are Times
    assert [plain(v, form) for v in found["n"]] == [1, None, 3]
    assert [plain(v, form) for v in found["words"]] == ["a b", "ß", "c"]
    assert [plain(v, form) for v in found["list"]] == [[1, 2], [3], [4, 5, 6]]
    assert found["at"][2] == "2017-06-30T23:59:59.000000000"
    distances = READERS[form](contents.content("quantities", form))
    assert [plain(v, form) for v in distances["d"]] == [1.0, 2.0]


@pytest.mark.parametrize("form", READERS)
def test_a_long_table_is_whole(contents: Contents, form: str) -> None:
    found = READERS[form](contents.content("long", form, columns="n,word"))
    assert list(found) == ["n", "word"]
    assert np.array_equal(np.array(found["n"]), np.arange(LONG))
    assert found["word"][-1] == f"w{(LONG - 1) % 97}"


def test_units_and_descriptions_are_kept(contents: Contents) -> None:
    votable = astropy.table.Table.read(io.BytesIO(contents.content("astropy", "VOTABLE")), format="votable")
    ecsv = astropy.table.Table.read(contents.content("astropy", "ECSV").decode(), format="ascii.ecsv")
    binary = astropy.table.Table.read(io.BytesIO(contents.content("astropy", "FITS")), format="fits")
    for table in (votable, ecsv, binary):
        assert str(table["ra"].unit) == "deg" and str(table["mag"].unit) == "mag"
    for table in (votable, ecsv):
        assert table["ra"].description == "Right ascension (ICRS)"
        assert table["name"].description == "Ein Name — mit Strich"
    with fits.open(io.BytesIO(contents.content("astropy", "FITS"))) as file:
        assert file[1].header["TCOMM2"] == "Right ascension (ICRS)"
        assert file[1].header["TCOMM4"].isascii()
        file.verify("exception")
    columns = pq.read_schema(io.BytesIO(contents.content("astropy", "PARQUET", columns="ra,mag")))
    assert columns.field("ra").metadata[b"unit"] == b"deg"
    assert (
        pa.ipc.open_stream(contents.content("astropy", "ARROW")).schema.field("ra").metadata[b"unit"]
        == b"deg"
    )
    counts = astropy.table.Table.read(
        io.BytesIO(contents.content("ecsv", "FITS", columns="n")), format="fits"
    )
    assert str(counts["n"].unit) == "adu"


def test_arrays_keep_their_shape_in_fits(contents: Contents) -> None:
    table = astropy.table.Table.read(io.BytesIO(contents.content("astropy", "FITS")), format="fits")
    assert table["shape"].shape == (5, 2, 3)
    assert np.array_equal(np.asarray(table["shape"]).ravel(), np.arange(30.0))


def test_pandas_reads_json_as_it_is(contents: Contents) -> None:
    frame = pd.read_json(io.BytesIO(contents.content("long", "JSON", columns="n")))
    assert frame["n"].tolist() == list(range(LONG))


def test_a_table_in_its_own_form_is_the_stored_file(contents: Contents, root: Path) -> None:
    """With all that it holds, and in ranges."""
    with Butler.from_config(str(root), collections=[RUN]) as butler:
        stored = {name: Path(butler.getURI(name).ospath).read_bytes() for name in ("astropy", "ecsv")}
    assert contents.content("astropy", "PARQUET") == stored["astropy"]
    assert contents.content("ecsv", "ECSV") == stored["ecsv"]
    part = contents.http.get(
        f"/content/tables/{contents.ids['astropy']}?form=parquet", headers={"Range": "bytes=0-3"}
    )
    assert (part.status_code, part.content) == (206, b"PAR1")
    assert contents.content("astropy", "PARQUET", columns="ra") != stored["astropy"]


def test_columns_come_as_they_were_asked_for(contents: Contents) -> None:
    def names(columns: str, name: str = "astropy") -> list[str]:
        return list(READERS["ARROW"](contents.content(name, "ARROW", columns=columns)))

    assert names("mag,id") == ["mag", "id"]
    assert names("mag, id,mag") == ["mag", "id"]
    assert names("*a*") == ["ra", "mag", "name", "shape", "small"]
    assert names("id,m*") == ["id", "mag"]
    assert names("\"('meas', 'g', 'y')\"", "levels") == ["('meas', 'g', 'y')"]
    assert names("list", "ecsv") == ["list"]


@pytest.mark.parametrize("name", ["astropy", "ecsv"])
def test_an_unknown_column_is_told_with_the_nearest(contents: Contents, name: str) -> None:
    near = {"astropy": ("coumt", "count"), "ecsv": ("wrds", "words")}[name]
    refused = contents.refusal(name, "CSV", 400, columns=near[0])
    assert (refused["code"], refused["nearest"]) == ("BAD_USER_INPUT", [near[1]])


@pytest.mark.parametrize("columns", ["", ",", "a,,b", '"', 'a"b"c,"'])
def test_columns_that_are_no_list_are_refused(contents: Contents, columns: str) -> None:
    assert contents.refusal("astropy", "CSV", 400, columns=columns)["code"] == "BAD_USER_INPUT"


def test_components_of_a_table_are_tables(contents: Contents) -> None:
    def objects(component: str, name: str = "astropy") -> Any:
        return json.loads(contents.content(name, "JSON", component=component))

    assert objects("rowcount") == [{"rowcount": 5}]
    assert [one["name"] for one in objects("columns")] == [
        "id",
        "ra",
        "mag",
        "name",
        "good",
        "shape",
        "small",
        "count",
    ]
    schema = {one["name"]: one for one in objects("schema")}
    assert schema["ra"] == {
        "name": "ra",
        "type": "double",
        "unit": "deg",
        "description": "Right ascension (ICRS)",
    }
    assert schema["id"]["unit"] is None
    assert READERS["FITS"](contents.content("astropy", "FITS", component="rowcount")) == {"rowcount": [5]}
    assert objects("rowcount", "frame") == [{"rowcount": 3}]


def test_an_unknown_component_is_told_with_the_nearest(contents: Contents) -> None:
    refused = contents.refusal("astropy", "CSV", 400, component="column")
    assert (refused["code"], refused["nearest"][0]) == ("BAD_USER_INPUT", "columns")
    assert contents.refusal("structure", "JSON", 400, component="columns")["code"] == "BAD_USER_INPUT"


def test_media_types_are_those_that_the_schema_promises(contents: Contents) -> None:
    for form, media_type in MEDIA_TYPES.items():
        assert contents.get("numpy", form.name, columns="i").headers["content-type"] == media_type
        if form is not ContentForm.FITS:
            assert _FORMATS[form].media_type == media_type
