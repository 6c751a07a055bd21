"""VOTable, as astropy, pyvo, STILTS and a plain XML parser read it."""

from __future__ import annotations

import csv
import io
import math
import re
import subprocess
import warnings
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from astropy.io.votable import parse
from astropy.io.votable.tree import VOTableFile
from astropy.table import Table as AstropyTable
from hypothesis import given, settings
from pyvo.dal import DALOverflowWarning, DALQueryError, DALResults
from pyvo.dal.adhoc import DatalinkResultsMixin

from gateway.tables.formats import FORMATS
from gateway.tables.formats.document import refusal
from gateway.tables.table import Table, column

from .tables import (
    NASTY,
    NASTY_TEXTS,
    any_tables,
    broken,
    nasty_rows,
    nasty_table,
    rows,
    same,
    table,
    written,
)

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NONE = re.compile("[\ufffe\uffff]")
_V = "{http://www.ivoa.net/xml/VOTable/v1.3}"


def _astropy(document: bytes) -> VOTableFile:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return parse(io.BytesIO(document), verify="exception")


def _votlint(document: bytes, folder: Path) -> str:
    """What STILTS finds wrong: nothing."""
    path = folder / "table.vot"
    path.write_bytes(document)
    command = ["stilts", "votlint", f"votable={path}", "ucd=true", "unit=true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _clean(text: str | None) -> str:
    return _FORBIDDEN.sub("\ufffd", text or "")


def _cells(document: bytes) -> list[list[str]]:
    return [[td.text or "" for td in tr] for tr in ET.fromstring(document).iter(f"{_V}TR")]


def _expected(value: Any) -> Any:
    """A value as astropy's reader can give it back: NaN is its null, and so is the empty string."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


@settings(max_examples=80)
@given(any_tables())
def test_astropy_reads_the_rows_that_were_written(whole: tuple[Table, list[pa.RecordBatch]]) -> None:
    given_table, batches = whole
    found = _astropy(written("VOTABLE", *whole)).get_first_table().array
    wanted = rows(*batches)
    assert len(found) == len(wanted)
    for field in given_table.schema:
        for read, row in zip(found[field.name], wanted, strict=True):
            value, read = _expected(row[field.name]), None if read is np.ma.masked else read
            if pa.types.is_list(field.type):
                # JSON escapes control characters, and so they survive in a list; U+FFFE and U+FFFF do not.
                assert (orjson.loads(read) if read else None) == (
                    value and [_NONE.sub("\ufffd", v) for v in value]
                )
            elif pa.types.is_string(field.type):
                assert (read or "").strip() == _clean(value).strip()  # astropy strips blanks
            else:
                assert (read if read != "" else None) == value


@settings(max_examples=80)
@given(any_tables())
def test_a_text_is_in_its_cell_to_the_last_blank(whole: tuple[Table, list[pa.RecordBatch]]) -> None:
    given_table, batches = whole
    cells = _cells(written("VOTABLE", *whole))
    for read, row in zip(cells, rows(*batches), strict=True):
        for cell, field in zip(read, given_table.schema, strict=True):
            if pa.types.is_string(field.type):
                assert cell == _clean(row[field.name])
            assert (cell == "") == (row[field.name] in (None, ""))


def test_votlint_is_silent(tmp_path: Path) -> None:
    for document in (
        written("VOTABLE", nasty_table(), [nasty_rows()], "more than the 12 rows & so on"),
        written("VOTABLE", nasty_table(), []),
        broken("VOTABLE", nasty_table(), [nasty_rows()], "the <repository> is gone"),
        refusal("no such <thing>"),
    ):
        assert _votlint(document, tmp_path) == ""


def test_stilts_reads_the_nasty_values(tmp_path: Path) -> None:
    (tmp_path / "table.vot").write_bytes(written("VOTABLE", nasty_table(), [nasty_rows()]))
    subprocess.run(
        ["stilts", "tpipe", f"in={tmp_path}/table.vot", f"out={tmp_path}/t.csv", "ofmt=csv"], check=True
    )
    with (tmp_path / "t.csv").open(newline="") as file:
        csv.field_size_limit(10**6)
        found = list(csv.DictReader(file))
    for read, row in zip(found, rows(nasty_rows()), strict=True):
        for name in ("size", "detector", "small"):
            assert read[name] == ("" if row[name] is None else str(row[name]))
        assert read["good"] == ("" if row["good"] is None else str(row["good"]).lower())
        if row["s_ra"] is None or math.isnan(row["s_ra"]):
            assert read["s_ra"] == ""
        else:
            assert float(read["s_ra"]) == row["s_ra"]
        assert "".join(read["obs_title"].split()) == "".join(_clean(row["obs_title"]).split())


def test_nulls_are_empty_for_every_type() -> None:
    nothing = pa.RecordBatch.from_pylist([{}], NASTY)
    document = written("VOTABLE", nasty_table(), [nothing])
    assert _cells(document) == [[""] * len(NASTY)]
    assert b"<VALUES" not in document


def test_a_column_of_addresses_is_ascii() -> None:
    document = written("VOTABLE", nasty_table(), [nasty_rows()])
    fields = {f.name: f for f in _astropy(document).get_first_table().fields}
    assert {name for name, f in fields.items() if f.datatype == "unicodeChar"} == {"obs_title", "dimensions"}
    assert _cells(document)[0][NASTY.names.index("obs_publisher_did")] == "ivo://x/y?repo=a&id=%C3%A9"


def test_what_a_column_means_travels_with_it() -> None:
    document = written("VOTABLE", nasty_table(), [])
    fields = {f.name: f for f in _astropy(document).get_first_table().fields}
    did, ra = fields["obs_publisher_did"], fields["s_ra"]
    assert (did.ucd, did.utype) == ("meta.ref.uri;meta.curation", "obscore:Curation.PublisherDID")
    assert (ra.ID, str(ra.unit), ra.datatype) == ("s_ra", "deg", "double")
    assert fields["s_region"].xtype == "adql:REGION"
    assert fields["ingested"].xtype == "timestamp"
    assert fields["obs_title"].description.split() == ["<b>bold</b>", "&", '"quoted"', "next", "line"]


def test_positions_refer_to_icrs_and_instants_to_utc() -> None:
    document = written("VOTABLE", nasty_table(), [])
    votable = _astropy(document)
    (frame,) = votable.iter_coosys()
    (clock,) = votable.iter_timesys()
    assert (frame.system, clock.timescale, clock.timeorigin) == ("ICRS", "UTC", "MJD-origin")
    assert b"refposition" not in document.partition(b"<COOSYS")[2].partition(b">")[0]
    refs = {f.name: f.ref for f in votable.get_first_table().fields}
    assert {name for name, ref in refs.items() if ref == frame.ID} == {"s_ra", "s_region"}
    assert {name for name, ref in refs.items() if ref == clock.ID} == {"t_min"}


def test_frames_are_left_out_where_nothing_refers_to_them() -> None:
    document = written("VOTABLE", table(pa.schema([column("a", pa.int32())])), [])
    assert b"COOSYS" not in document
    assert b"TIMESYS" not in document


def test_every_identifier_is_there_once() -> None:
    ids = [e.get("ID") for e in ET.fromstring(written("VOTABLE", nasty_table(), [])).iter() if e.get("ID")]
    assert len(ids) == len(set(ids))
    assert set(NASTY.names) - {"2 strange <name>"} <= set(ids)


def test_astropy_calls_columns_as_it_would_have_written_them() -> None:
    names = ["x y", "x_y", "1a", "a.b-c", "é", "column", ""]
    rows = pa.table({name: [place] for place, name in enumerate(names)})
    document = written("VOTABLE", table(rows.schema), rows.to_batches())
    found = AstropyTable.read(io.BytesIO(document), format="votable")
    wanted = ["x_y_2", "x_y", "_1a", "a.b-c", "__", "column", "_"]
    assert {name: found[name][0] for name in found.colnames} == {n: p for p, n in enumerate(wanted)}


def test_description_is_first_and_status_before_all() -> None:
    results = ET.fromstring(written("VOTABLE", nasty_table(), [])).find(f"{_V}RESOURCE")
    assert results is not None
    assert results[0].attrib == {"name": "QUERY_STATUS", "value": "OK"}
    place = results.find(f"{_V}TABLE")
    assert place is not None
    assert place[0].tag == f"{_V}DESCRIPTION"
    infos = {info.get("name"): info.get("value") for info in results.findall(f"{_V}INFO")}
    assert infos["query"] == 'where a < "b"\n  and c & d'
    assert infos["control"] == "\ufffd"


def test_pyvo_finds_the_services_and_their_column() -> None:
    votable = _astropy(written("VOTABLE", nasty_table(), [nasty_rows()]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = type("Results", (DatalinkResultsMixin, DALResults), {})(
            votable, url="https://data.example.org/"
        )
        service = results.get_adhocservice_by_ivoid("ivo://ivoa.net/std/datalink")
        cutout = results.get_adhocservice_by_ivoid("ivo://ivoa.net/std/soda#sync")
    assert {p.name: p.value for p in service.params}["accessURL"] == "https://data.example.org/links?a=1&b=2"
    (group,) = service.groups
    assert [(p.name, p.ref) for p in group.entries] == [("ID", "obs_publisher_did")]
    assert cutout.ID != "s_ra"
    assert [p.name for p in cutout.groups[0].entries] == ["ID", "CIRCLE"]


def test_overflow_is_said_behind_the_table() -> None:
    document = written("VOTABLE", nasty_table(), [nasty_rows()], "12 rows & no more")
    with pytest.warns(DALOverflowWarning):
        results = DALResults(_astropy(document))
    assert results.status == ("OVERFLOW", "12 rows & no more")
    assert len(results) == nasty_rows().num_rows


def test_a_whole_table_says_so() -> None:
    assert DALResults(_astropy(written("VOTABLE", nasty_table(), [nasty_rows()]))).status == ("OK", None)


def test_an_error_behind_the_rows_reaches_the_caller_of_pyvo() -> None:
    document = broken("VOTABLE", nasty_table(), [nasty_rows()], "the <repository> is gone")
    with pytest.raises(DALQueryError, match="the <repository> is gone"):
        DALResults(_astropy(document))


def test_a_refusal_reaches_the_caller_of_pyvo() -> None:
    with pytest.raises(DALQueryError, match="no such <thing>"):
        DALResults(_astropy(refusal("no such <thing>")))


def test_rows_leave_with_their_batch() -> None:
    encoder = FORMATS["VOTABLE"].encoder(nasty_table())
    assert encoder.begin().rstrip().endswith(b"<TABLEDATA>")
    assert encoder.rows(nasty_rows()).count(b"<TR>") == nasty_rows().num_rows
    assert encoder.rows(nasty_rows().slice(3, 2)).count(b"<TR>") == 2
    assert encoder.end(None).startswith(b"</TABLEDATA>")


def test_many_rows_are_the_rows_one_by_one() -> None:
    """Rows are written in pieces; where one ends and the next begins shows nowhere."""
    batch = pa.record_batch(
        {"n": pa.array(range(10_000), pa.int64()), "s": [f"<{n}>" for n in range(10_000)]}
    )
    cells = _cells(written("VOTABLE", table(batch.schema), [batch.slice(1)]))
    assert cells == [[str(n), f"<{n}>"] for n in range(1, 10_000)]


def test_long_texts_come_whole() -> None:
    cells = _cells(written("VOTABLE", nasty_table(), [nasty_rows()]))
    assert cells[NASTY_TEXTS.index("x" * 200_000)][0] == "x" * 200_000


def test_a_batch_of_other_columns_is_not_written() -> None:
    encoder = FORMATS["VOTABLE"].encoder(nasty_table())
    with pytest.raises(ValueError, match="columns"):
        encoder.rows(pa.record_batch({"a": [1]}))


def test_floats_come_back_to_the_last_bit() -> None:
    numbers = np.random.default_rng(1).random(5000) * 360
    batch = pa.record_batch({"a": pa.array(numbers), "b": pa.array(numbers.astype("f4"))})
    found = _astropy(written("VOTABLE", table(batch.schema), [batch])).get_first_table().array
    assert np.array_equal(found["a"].data, numbers)
    assert same(found["b"].data.tolist(), numbers.astype("f4").tolist())
