"""Tables to be written, any and nasty, and how they are written whole."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from gateway.tables.formats import FORMATS
from gateway.tables.table import Descriptor, Parameter, Table, column

NASTY_TEXTS = (
    "a<b>&amp;\"c\" 'd' ]]> <![CDATA[x]]>",
    "",
    "né λ 😀 \u202e\u2028\u0085",
    "line\nline\r\nline\rline\ttab",
    "\x00\x01\x1f\x7f\ufffe\uffff",
    "  blanks  ",
    "# no comment",
    ',;"",\\"',
    "</TD></TR></TABLEDATA>",
    "null NULL NaN None true -- 0",
    "x" * 200_000,
)
NASTY_FLOATS = (
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    0.1,
    1e16,
    123456789.123456789,
)

DATALINK = Descriptor(
    "datalink",
    "Links & <more>",
    "ivo://ivoa.net/std/DataLink#links-1.1",
    "https://data.example.org/links?a=1&b=2",
    (Parameter("ID", ref="obs_publisher_did", ucd="meta.id;meta.main"),),
    "application/x-votable+xml;content=datalink",
)
SODA = Descriptor(
    "s_ra",  # as a column is called
    "Cutouts",
    "ivo://ivoa.net/std/SODA#sync-1.0",
    "https://data.example.org/cutout/sync",
    (
        Parameter("ID", ref="obs_publisher_did"),
        Parameter(
            "CIRCLE",
            "double",
            "3",
            unit="deg",
            ucd="pos.outline;obs",
            xtype="circle",
            description="ra, dec, r",
        ),
    ),
)

NASTY = pa.schema(
    [
        column(
            "obs_title", pa.string(), ucd="meta.title;obs", description='<b>bold</b> & "quoted"\nnext line'
        ),
        column(
            "obs_publisher_did",
            pa.string(),
            ucd="meta.ref.uri;meta.curation",
            utype="obscore:Curation.PublisherDID",
        ),
        column("s_ra", pa.float64(), unit="deg", ucd="pos.eq.ra;meta.main"),
        column("s_region", pa.string(), ucd="pos.outline;obs.field", xtype="adql:REGION"),
        column("t_min", pa.float64(), unit="d", ucd="time.start;obs.exposure"),
        column("seeing", pa.float32(), unit="arcsec"),
        column("size", pa.int64(), unit="kbyte", ucd="phys.size;meta.file"),
        column("detector", pa.int32()),
        column("small", pa.int16()),
        column("good", pa.bool_()),
        column("ingested", pa.timestamp("us", "UTC"), ucd="time.creation"),
        column("dimensions", pa.list_(pa.string())),
        column("2 strange <name>", pa.int32()),
        column("ICRS", pa.int32()),
        column("nothing", pa.null()),
    ]
)


def nasty_rows() -> pa.RecordBatch:
    """Each nasty value of each type, and a null of each."""
    count = len(NASTY_TEXTS) + 1
    times = [
        datetime(2024, 11, 9, 1, 2, 3, 456789, UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2262, 1, 1, tzinfo=UTC),
    ]
    values: Mapping[str, Sequence[Any]] = {
        "obs_title": NASTY_TEXTS,
        "obs_publisher_did": ["ivo://x/y?repo=a&id=é", "ivo://x/y?repo=a&id=1", ""],
        "s_ra": NASTY_FLOATS,
        "s_region": ["CIRCLE ICRS 1 2 3", ""],
        "t_min": NASTY_FLOATS,
        "seeing": [*NASTY_FLOATS[:4], 0.1, 1e-45, 3.4e38],
        "size": [2**53 + 1, 2**63 - 1, -(2**63), 0],
        "detector": [2**31 - 1, -(2**31), 0],
        "small": [2**15 - 1, -(2**15), 0],
        "good": [True, False],
        "ingested": times,
        "dimensions": [["visit", "detector"], [], ['a "b"', "é,", "<"]],
        "2 strange <name>": [1],
        "ICRS": [2],
        "nothing": [],
    }
    columns = [pa.array([*values[c.name], *[None] * (count - len(values[c.name]))], c.type) for c in NASTY]
    return pa.record_batch(columns, schema=NASTY)


async def _unread() -> AsyncIterator[pa.RecordBatch]:
    for batch in ():
        yield batch


def table(schema: pa.Schema, **parts: Any) -> Table:
    return Table("results", "All of <them> & more", schema, _unread(), **parts)


def nasty_table() -> Table:
    infos = {"query": 'where a < "b"\n  and c & d', "control": "\x01"}
    return table(NASTY, infos=infos, descriptors=(DATALINK, SODA))


def written(name: str, whole: Table, batches: Sequence[pa.RecordBatch], overflow: str | None = None) -> bytes:
    encoder = FORMATS[name].encoder(whole)
    return b"".join([encoder.begin(), *(encoder.rows(batch) for batch in batches), encoder.end(overflow)])


def broken(name: str, whole: Table, batches: Sequence[pa.RecordBatch], message: str) -> bytes:
    encoder = FORMATS[name].encoder(whole)
    return b"".join([encoder.begin(), *(encoder.rows(batch) for batch in batches), encoder.failed(message)])


def rows(*batches: pa.RecordBatch) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.to_pylist()]


def same(one: Any, other: Any) -> bool:
    """Equal, and NaN equals NaN."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


_ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(NASTY_TEXTS)
_TIMES = st.datetimes(datetime(1700, 1, 1), datetime(2260, 1, 1), timezones=st.just(UTC))
_INTEGERS = {pa.int64(): 64, pa.int32(): 32, pa.int16(): 16}


def values(type: pa.DataType, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    if type in _INTEGERS:
        edge = 2 ** (_INTEGERS[type] - 1)
        return st.integers(-edge, edge - 1)
    if pa.types.is_floating(type):
        return st.floats(width=32 if type == pa.float32() else 64)
    if pa.types.is_boolean(type):
        return st.booleans()
    if pa.types.is_timestamp(type):
        return _TIMES
    if pa.types.is_list(type):
        return st.lists(texts, max_size=3)
    return texts


TYPES = (
    pa.string(),
    pa.float64(),
    pa.float32(),
    pa.int64(),
    pa.int32(),
    pa.int16(),
    pa.bool_(),
    pa.timestamp("us", "UTC"),
    pa.list_(pa.string()),
)


@st.composite
def any_tables(
    draw: st.DrawFn, texts: st.SearchStrategy[str] = _ANY_TEXT, types: Sequence[pa.DataType] = TYPES
) -> tuple[Table, list[pa.RecordBatch]]:
    """A schema of some columns and up to three batches of it, of any number of rows, none included."""
    chosen = draw(st.lists(st.sampled_from(types), min_size=2, max_size=6))
    names = draw(
        st.lists(
            st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
            min_size=len(chosen),
            max_size=len(chosen),
            unique_by=str.lower,
        )
    )
    schema = pa.schema([column(name, type) for name, type in zip(names, chosen, strict=True)])
    batches = []
    for count in draw(st.lists(st.integers(0, 4), max_size=3)):
        arrays = [
            pa.array(draw(st.lists(st.none() | values(type, texts), min_size=count, max_size=count)), type)
            for type in chosen
        ]
        batches.append(pa.record_batch(arrays, schema=schema))
    return table(schema), batches
