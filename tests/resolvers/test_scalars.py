"""Scalars carry exactly what they promise, and refuse the rest in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.scalars import LARGEST, SCALARS, UUID, DataIdMap, DateTime, Long

long, uuid, moment, data_id = (SCALARS[one] for one in (Long, UUID, DateTime, DataIdMap))


@given(st.integers(-LARGEST, LARGEST))
def test_every_integer_below_2_to_53_passes_exactly(value: int) -> None:
    assert long.parse_value(value) == value == long.serialize(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), 1.0, 5.5, "5", True, None, [1], float("nan")])
def test_long_refuses_what_is_no_such_integer(value: Any) -> None:
    with pytest.raises(Exception, match="Long"):
        long.parse_value(value)
    with pytest.raises(Exception, match="Long"):
        long.serialize(value)


@given(st.uuids())
def test_uuids_are_read_with_and_without_dashes_and_written_with_them(value: Any) -> None:
    for text in (str(value), value.hex, str(value).upper()):
        assert uuid.parse_value(text) == value.hex
    assert uuid.serialize(value.hex) == str(value)


@pytest.mark.parametrize(
    "value", ["", "x" * 32, "{" + "0" * 32 + "}", "0" * 31, "00000000-" + "0" * 24, 5, None]
)
def test_what_is_no_uuid_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="UUID"):
        uuid.parse_value(value)


def test_instants_keep_their_nanoseconds() -> None:
    text = "2025-12-03T07:58:30.425363958Z"
    assert moment.serialize(moment.parse_value(text)) == text
    assert moment.serialize(moment.parse_value("2013-11-02T05:19:00.000Z")) == "2013-11-02T05:19:00Z"
    with pytest.raises(ValueError, match="DateTime"):
        moment.parse_value(1_700_000_000)


@pytest.mark.parametrize(
    "value",
    ["x", [], {"": 1}, {"visit": None}, {"visit": 1.5}, {"visit": True}, {"visit": 2**60}, {"visit": {}}],
)
def test_what_is_no_data_id_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="DataIdMap"):
        data_id.parse_value(value)


def test_data_ids_come_through() -> None:
    value = {"instrument": "LSSTCam", "exposure": 2025120200440, "detector.full_name": "R22_S11"}
    assert data_id.parse_value(value) == value
