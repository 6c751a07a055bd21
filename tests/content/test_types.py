"""Any type of Arrow's is written in a form, or refused by name; none is a fault of the service."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from adapters.butler.content_memory import MemoryTable
from adapters.errors import Unsupported
from gateway.content.writing import write
from resolvers.content import ContentForm
from tests.content.asking import READERS

COLUMNS = {
    "struct": pa.array([{"a": 1, "b": "x"}, None]),
    "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
    "decimal": pa.array([Decimal("1.50"), None]),
    "time": pa.array([time(1, 2, 3), None]),
    "date": pa.array([date(2015, 1, 21), None]),
    "duration": pa.array([timedelta(seconds=1.5), None]),
    "zoned": pa.array([datetime(2015, 1, 21), None], pa.timestamp("ns", "UTC")),
    "large list": pa.array([[1, 2], None], pa.large_list(pa.int64())),
    "list of text": pa.array([["a", "é"], []]),
    "list with null": pa.array([[1, None], [3]]),
    "list of truth": pa.array([[True, False], None]),
    "list of lists": pa.array([[[1], [2, 3]], None]),
    "text": pa.array([b"ab", None], pa.binary()),
    "bytes": pa.array([b"\xff\x00", None], pa.binary()),
    "fixed bytes": pa.array([b"abcd", None], pa.binary(4)),
    "large text": pa.array(["a", None], pa.large_string()),
    "view": pa.array(["a", None], pa.string_view()),
    "null": pa.array([None, None]),
    "half": pa.array([1.5, None], pa.float16()),
    "coded": pa.array([7, 7]).dictionary_encode(),
    "nullable byte": pa.array([-128, None], pa.int8()),
    "full": pa.array([None, 2**63 - 1, -(2**63)], pa.int64()),
    "array with null": pa.array([[1, 2], None], pa.list_(pa.int32(), 2)),
    "nothing": pa.array([], pa.list_(pa.float64())),
}


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("kind", COLUMNS)
def test_any_type_is_written_or_refused_by_name(kind: str, form: str) -> None:
    table = MemoryTable(
        "t", pa.table({"c": COLUMNS[kind], "n": pa.array(range(len(COLUMNS[kind])), pa.int64())})
    )
    try:
        content = b"".join(write(table, ContentForm[form]).parts)
    except Unsupported as error:
        assert error.details["forms"] == ["NATIVE", "PARQUET", "ARROW"]
        assert form not in ("PARQUET", "ARROW")
        return
    found = READERS[form](content)
    if len(COLUMNS[kind]):
        assert [int(value) for value in found["n"]] == list(range(len(COLUMNS[kind])))


def test_numbers_of_lists_and_arrays_are_right_in_fits() -> None:
    columns = {
        "lists": pa.array([[1, -7], None, [3, 4, 5]], pa.list_(pa.int16())),
        "more": pa.array([[0.5], None, [1.5, 2.5]], pa.list_(pa.float32())),
        "pairs": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.uint16(), 2)),
        "unsigned": pa.array([0, 2**16 - 1, 5], pa.uint16()),
        "huge": pa.array([0, 2**64 - 1, 5], pa.uint64()),
    }
    found = READERS["FITS"](b"".join(write(MemoryTable("t", pa.table(columns)), ContentForm.FITS).parts))
    assert [list(one) for one in found["lists"]] == [[1, -7], [], [3, 4, 5]]
    assert [list(one) for one in found["more"]] == [[0.5], [], [1.5, 2.5]]
    assert found["pairs"][0] == [1, 2] and found["pairs"][2] == [3, 4] and found["pairs"][1] == [None, None]
    assert found["unsigned"] == [0, 2**16 - 1, 5]
    assert found["huge"] == [0, 2**64 - 1, 5]
