"""Parquet and Arrow, as pyarrow, pandas and astropy read them."""

from __future__ import annotations

import io
import warnings

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse
from astropy.table import Table as AstropyTable
from hypothesis import given, settings

from gateway.tables.formats import FORMATS
from gateway.tables.table import Table, column, said

from .tables import NASTY, any_tables, broken, nasty_rows, nasty_table, rows, same, table, written


@settings(max_examples=60)
@given(any_tables())
def test_parquet_gives_the_rows_back(whole: tuple[Table, list[pa.RecordBatch]]) -> None:
    document = written("PARQUET", *whole)
    assert same(pq.read_table(io.BytesIO(document)).to_pylist(), rows(*whole[1]))
    assert len(pd.read_parquet(io.BytesIO(document))) == len(rows(*whole[1]))


@settings(max_examples=60)
@given(any_tables())
def test_arrow_gives_the_rows_back(whole: tuple[Table, list[pa.RecordBatch]]) -> None:
    read = pa.ipc.open_stream(written("ARROW", *whole)).read_all()
    assert same(read.to_pylist(), rows(*whole[1]))
    assert read.schema.types == whole[0].schema.types


@pytest.mark.parametrize("name", ["PARQUET", "ARROW"])
@pytest.mark.parametrize("count", [0, 1])
def test_columns_keep_their_types_and_meaning(name: str, count: int) -> None:
    document = written(name, nasty_table(), [nasty_rows()] * count)
    read = (
        pq.read_table(io.BytesIO(document)) if name == "PARQUET" else pa.ipc.open_stream(document).read_all()
    )
    assert same(read.to_pylist(), rows(*[nasty_rows()] * count))
    assert read.schema.types == NASTY.types
    assert [said(c) for c in read.schema] == [said(c) for c in NASTY]


def _footer(document: bytes) -> dict[bytes, bytes]:
    return pq.ParquetFile(io.BytesIO(document)).metadata.metadata  # type: ignore[no-any-return]


def test_the_footer_of_parquet_holds_a_votable_of_its_columns() -> None:
    footer = _footer(written("PARQUET", nasty_table(), [nasty_rows()], "no more"))
    assert footer[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    content = footer[b"IVOA.VOTable-Parquet.content"]
    assert b"<DATA" not in content
    votable = parse(io.BytesIO(content), verify="exception")
    fields = votable.get_first_table().fields
    assert [f.name for f in fields] == NASTY.names
    assert [f.ucd for f in fields] == [said(c).get("ucd") for c in NASTY]
    assert [i.value for i in votable.resources[0].infos if i.name == "QUERY_STATUS"] == ["OK", "OVERFLOW"]
    assert [r.utype for r in votable.resources[1:]] == ["adhoc:service"] * 2


@pytest.mark.parametrize("count", [0, 1, 2])
def test_astropy_reads_units_and_rows_of_parquet(count: int) -> None:
    """Of columns that it can join to their metadata: its reader knows no null truth values and no instants here."""
    plain = (pa.string(), pa.float64(), pa.float32(), pa.int64(), pa.int32(), pa.int16())
    chosen = [c.name for c in NASTY if c.type in plain and " " not in c.name]
    batch = nasty_rows().select(chosen)
    document = written("PARQUET", table(batch.schema), [batch] * count)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = AstropyTable.read(io.BytesIO(document), format="parquet.votable")
    assert len(read) == count * batch.num_rows
    assert read.colnames == chosen
    assert str(read["s_ra"].unit) == "deg"
    assert read["s_ra"].meta["ucd"] == "pos.eq.ra;meta.main"
    if count:
        assert read["obs_title"].tolist()[:3] == [row["obs_title"] for row in rows(batch)[:3]]


def test_row_groups_are_of_sane_size_and_leave_before_the_end() -> None:
    schema = pa.schema([column("n", pa.int64()), column("s", pa.string())])
    encoder = FORMATS["PARQUET"].encoder(table(schema))
    parts = [encoder.begin()]
    for start in range(0, 200_000, 5_000):
        numbers = range(start, start + 5_000)
        parts.append(encoder.rows(pa.record_batch([list(numbers), [str(n) for n in numbers]], schema=schema)))
    assert sum(map(len, parts)) > 500_000
    document = b"".join([*parts, encoder.end(None)])
    file = pq.ParquetFile(io.BytesIO(document))
    groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert groups == [70_000, 70_000, 60_000]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert file.read().column("n").to_pylist() == list(range(200_000))


def test_arrow_says_at_its_end_that_rows_are_missing() -> None:
    document = written("ARROW", nasty_table(), [nasty_rows()], "no more")
    with pa.ipc.open_stream(document) as stream:
        assert stream.read_next_batch_with_custom_metadata()[1] is None
        last, metadata = stream.read_next_batch_with_custom_metadata()
    assert last.num_rows == 0
    assert dict(metadata) == {b"QUERY_STATUS": b"OVERFLOW", b"reason": b"no more"}


def test_arrow_keeps_what_is_known_of_the_table() -> None:
    schema = NASTY.with_metadata({"mine": "kept"})
    metadata = pa.ipc.open_stream(written("ARROW", table(schema, infos={"query": "x"}), [])).schema.metadata
    assert metadata == {
        b"name": b"results",
        b"description": b"All of <them> & more",
        b"query": b"x",
        b"mine": b"kept",
    }


@pytest.mark.parametrize("batches", [0, 1])
@pytest.mark.parametrize("message", ["gone", "", "a longer message of what has happened, é"])
def test_what_broke_off_cannot_be_read(batches: int, message: str) -> None:
    with pytest.raises(pa.ArrowInvalid):
        pa.ipc.open_stream(broken("ARROW", nasty_table(), [nasty_rows()] * batches, message)).read_all()
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(io.BytesIO(broken("PARQUET", nasty_table(), [nasty_rows()] * batches, message)))
