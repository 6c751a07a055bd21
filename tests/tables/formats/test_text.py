"""CSV, ECSV and JSON lines, as Python, pandas, pyarrow and astropy read them."""

from __future__ import annotations

import csv
import io
import json
import math
import warnings
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from astropy.table import Table as AstropyTable
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import Unsupported
from gateway.tables.formats import FORMATS
from gateway.tables.table import Table, column

from .tables import NASTY, TYPES, any_tables, broken, nasty_rows, nasty_table, rows, same, table, written

csv.field_size_limit(10**6)
_PLAIN = tuple(type for type in TYPES if not pa.types.is_nested(type))
# astropy reads ECSV line by line, with Python's idea of a line, and strips blanks.
_ECSV_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Zs"]), max_size=12)


def _instant(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@settings(max_examples=80)
@given(any_tables(types=_PLAIN))
def test_arrow_reads_csv_to_the_same_rows(whole: tuple[Table, list[pa.RecordBatch]]) -> None:
    """Null and the empty string included."""
    schema = whole[0].schema
    read = pyarrow.csv.read_csv(
        io.BytesIO(written("CSV", *whole)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={c.name: c.type for c in schema},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    assert same(read.to_pylist(), rows(*whole[1]))


@settings(max_examples=80)
@given(any_tables())
def test_python_reads_csv_to_the_same_rows(whole: tuple[Table, list[pa.RecordBatch]]) -> None:
    text = written("CSV", *whole).decode()
    header, *found = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == whole[0].schema.names
    for read, row in zip(found, rows(*whole[1]), strict=True):
        for cell, value in zip(read, row.values(), strict=True):
            match value:
                case None:
                    assert cell == ""
                case bool():
                    assert cell == str(value).lower()
                case float():
                    assert same(float(cell), value) or np.float32(cell) == np.float32(value)
                case datetime():
                    assert cell == _instant(value)
                case list():
                    assert json.loads(cell) == value
                case _:
                    assert cell == str(value)


def test_pandas_reads_the_nasty_csv() -> None:
    batch = nasty_rows().slice(0, 4)
    text = written("CSV", nasty_table(), [batch])
    frame = pd.read_csv(io.BytesIO(text), dtype={"size": "Int64", "good": "boolean"})
    assert list(frame.columns) == NASTY.names
    assert frame["size"].tolist() == [2**53 + 1, 2**63 - 1, -(2**63), 0]
    assert frame["s_ra"].tolist()[1:] == [math.inf, -math.inf, 0.0]
    assert frame["good"].tolist()[:2] == [True, False]
    assert frame["obs_title"][0] == rows(batch)[0]["obs_title"]


def test_lines_of_csv_end_as_rfc_4180_has_it() -> None:
    batch = pa.record_batch({"a b": ["x", "", None], "n": pa.array([1, None, 3], pa.int64())})
    assert written("CSV", table(batch.schema), [batch]) == b'"a b",n\r\n"x",1\r\n"",\r\n,3\r\n'


@pytest.mark.parametrize("name", ["CSV", "ECSV"])
def test_a_row_of_one_null_is_a_row(name: str) -> None:
    batch = pa.record_batch({"a": ["x", None, "y"]})
    text = written(name, table(batch.schema), [batch])
    assert len(pd.read_csv(io.BytesIO(text), comment="#")) == 3


def _ecsv(document: bytes) -> AstropyTable:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return AstropyTable.read(document.decode(), format="ascii.ecsv")


@settings(max_examples=60)
@given(any_tables(texts=_ECSV_TEXTS))
def test_astropy_reads_ecsv_to_the_same_rows(whole: tuple[Table, list[pa.RecordBatch]]) -> None:
    read = _ecsv(written("ECSV", *whole))
    wanted = rows(*whole[1])
    assert len(read) == len(wanted)
    assert read.colnames == whole[0].schema.names
    for field in whole[0].schema:
        for cell, row in zip(read[field.name], wanted, strict=True):
            value = row[field.name]
            cell = None if cell is np.ma.masked else cell
            if pa.types.is_list(field.type):
                assert cell.tolist() == (value or [])
            elif pa.types.is_string(field.type):
                assert (cell or "") == (value or "")
            elif pa.types.is_timestamp(field.type):
                assert cell == (None if value is None else _instant(value))
            else:
                assert same(cell if cell is None else cell.item(), value)


def test_ecsv_keeps_types_units_and_meaning() -> None:
    read = _ecsv(written("ECSV", nasty_table(), []))
    kinds = {"s_ra": "f8", "seeing": "f4", "size": "i8", "detector": "i4", "small": "i2", "good": "b1"}
    assert {name: read[name].dtype.str[1:] for name in kinds} == kinds
    assert (str(read["s_ra"].unit), read["s_ra"].meta["ucd"]) == ("deg", "pos.eq.ra;meta.main")
    assert read["obs_title"].description == '<b>bold</b> & "quoted"\nnext line'
    assert read.meta["description"] == "All of <them> & more"
    assert read.meta["query"] == 'where a < "b"\n  and c & d'


def test_ecsv_says_behind_its_rows_that_some_are_missing() -> None:
    batch = nasty_rows().slice(0, 1)
    document = written("ECSV", nasty_table(), [batch], "no\nmore")
    assert document.endswith(b"\n# QUERY_STATUS=OVERFLOW: no more\n")
    assert len(_ecsv(document)) == 1


@settings(max_examples=80)
@given(any_tables())
def test_json_lines_are_the_same_rows(whole: tuple[Table, list[pa.RecordBatch]]) -> None:
    document = written("JSONL", *whole)
    found = [json.loads(line, parse_constant=pytest.fail) for line in document.split(b"\n")[:-1]]
    for read, row in zip(found, rows(*whole[1]), strict=True):
        assert list(read) == list(row)
        for type, cell, value in zip(whole[0].schema.types, read.values(), row.values(), strict=True):
            if isinstance(value, float) and not math.isfinite(value):
                assert cell is None
            elif isinstance(value, datetime):
                assert cell == _instant(value)
            elif type == pa.float32() and value is not None:
                assert np.float32(cell) == np.float32(value)
            else:
                assert cell == value


def test_pandas_reads_the_nasty_json_lines() -> None:
    frame = pd.read_json(io.BytesIO(written("JSONL", nasty_table(), [nasty_rows()])), lines=True)
    assert list(frame.columns) == NASTY.names
    assert frame["obs_title"].tolist()[:-1] == [row["obs_title"] for row in rows(nasty_rows())][:-1]


def test_integers_of_json_lines_keep_all_their_digits() -> None:
    batch = pa.record_batch({"n": pa.array([2**53 + 1, -(2**63)], pa.int64())})
    assert (
        written("JSONL", table(batch.schema), [batch])
        == b'{"n":9007199254740993}\n{"n":-9223372036854775808}\n'
    )


def _json(document: bytes) -> Any:
    return [json.loads(line) for line in document.splitlines()]


@pytest.mark.parametrize("batches", [0, 1])
def test_what_broke_off_cannot_be_read(batches: int) -> None:
    parts = [nasty_rows().slice(0, 1)] * batches
    message = 'the "repository"\nis gone'
    text = broken("CSV", nasty_table(), parts, message)
    assert b"is gone" in text
    with pytest.raises(pd.errors.ParserError):
        pd.read_csv(io.BytesIO(text))
    with pytest.raises(pa.ArrowInvalid):
        pyarrow.csv.read_csv(io.BytesIO(text))
    with pytest.raises(csv.Error):
        list(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))
    with pytest.raises(ValueError, match="inconsistent"):
        _ecsv(broken("ECSV", nasty_table(), parts, message))
    with pytest.raises(ValueError, match="Expecting value"):
        _json(broken("JSONL", nasty_table(), parts, message))


@pytest.mark.parametrize("name", FORMATS)
def test_no_rows_are_a_table_of_columns(name: str) -> None:
    """MAXREC=0, and an answer without rows: no batch, or one that is empty."""
    empty = nasty_rows().slice(0, 0)
    none, one = (written(name, nasty_table(), batches) for batches in ([], [empty]))
    if name == "ARROW":
        none, one = (pa.ipc.open_stream(document).read_all().to_pylist() for document in (none, one))
    assert none == one


@pytest.mark.parametrize("name", ["VOTABLE", "CSV", "ECSV", "JSONL"])
@pytest.mark.parametrize(
    "type",
    [
        pa.binary(),
        pa.duration("s"),
        pa.list_(pa.binary()),
        pa.list_(pa.decimal128(5, 2)),
        pa.list_(pa.timestamp("ns")),
        pa.list_(pa.list_(pa.time64("ns"))),
        pa.struct([("a", pa.dictionary(pa.int8(), pa.decimal128(5, 2)))]),
        pa.struct([("a", pa.int8()), ("a", pa.int8())]),
    ],
    ids=str,
)
def test_what_has_no_form_as_text_is_refused_by_name(name: str, type: pa.DataType) -> None:
    with pytest.raises(Unsupported, match="'raw'"):
        FORMATS[name].encoder(table(pa.schema([column("ok", pa.int32()), column("raw", type)])))


@pytest.mark.parametrize("name", FORMATS)
def test_every_other_type_of_arrow_is_written(name: str) -> None:
    """Those that Butler's own tables may have."""
    batch = pa.record_batch(
        {
            "dictionary": pa.array(["r", None, "g<"]).dictionary_encode(),
            "large": pa.array(["a", None, "&"], pa.large_string()),
            "view": pa.array(["a", None, '"'], pa.string_view()),
            "u8": pa.array([1, None, 255], pa.uint8()),
            "u64": pa.array([1, None, 2**64 - 1], pa.uint64()),
            "i8": pa.array([1, None, -128], pa.int8()),
            "day": pa.array([1, None, 3], pa.date32()),
            "numbers": pa.array([[1.5], None, []], pa.list_(pa.float64())),
            "struct": pa.array([{"a": 1}, None, {"a": None}]),
            "instants": pa.array([1, None, 3], pa.timestamp("ns")),
        }
    )
    assert len(written(name, table(batch.schema), [batch])) > 100


@pytest.mark.parametrize("name", ["VOTABLE", "CSV", "ECSV", "JSONL"])
def test_what_is_no_number_is_written_whatever_the_precision(name: str) -> None:
    texts = []
    for type in (pa.float16(), pa.float64()):
        batch = pa.record_batch({"a": pa.array([1.5, None, math.nan, math.inf, -math.inf], type)})
        texts.append(written(name, table(batch.schema), [batch]).split(b"1.5", 1)[1])
    assert texts[0] == texts[1]


_BEYOND = {
    "instant": pa.array([2**62], pa.timestamp("s")),
    "instant with a zone": pa.array([None, -(2**62)], pa.timestamp("s", "UTC")),
    "in a list": pa.array([[2**62]], pa.list_(pa.timestamp("ms"))),
    "in a struct": pa.StructArray.from_arrays([pa.array([2**62], pa.timestamp("s", "UTC"))], ["t"]),
    "day": pa.array([2**31 - 1], pa.date32()),
    "time of day": pa.array([90_000], pa.time32("s")),
}


@pytest.mark.parametrize("name", ["VOTABLE", "CSV", "ECSV", "JSONL"])
@pytest.mark.parametrize("beyond", _BEYOND)
def test_an_instant_that_is_out_of_range_is_refused_and_no_words_stand_for_it(name: str, beyond: str) -> None:
    batch = pa.record_batch({"a": _BEYOND[beyond]})
    with pytest.raises(Unsupported, match="out of range"):
        written(name, table(batch.schema), [batch])


def test_instants_of_any_zone_are_in_utc() -> None:
    batch = pa.record_batch({"a": pa.array([0, None], pa.timestamp("ms", "Europe/Berlin")), "n": [1, 2]})
    assert written("CSV", table(batch.schema), [batch]) == b'a,n\r\n"1970-01-01T00:00:00.000Z",1\r\n,2\r\n'
