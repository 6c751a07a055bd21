"""Which format RESPONSEFORMAT names."""

from __future__ import annotations

import pytest

from adapters.errors import BadUserInput
from gateway.tables.formats import FORMATS, response_format


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("", "VOTABLE"),
        ("votable", "VOTABLE"),
        ("VOTable", "VOTABLE"),
        ("application/x-votable+xml", "VOTABLE"),
        ("application/x-votable+xml;serialization=TABLEDATA", "VOTABLE"),
        ('application/x-votable+xml; serialization="tabledata"; charset=utf-8', "VOTABLE"),
        ("votable/td", "VOTABLE"),
        ("Parquet", "PARQUET"),
        ("application/vnd.apache.parquet", "PARQUET"),
        ("arrow", "ARROW"),
        ("application/vnd.apache.arrow.stream", "ARROW"),
        ("csv", "CSV"),
        ("text/csv", "CSV"),
        ("text/csv;header=present", "CSV"),
        ("TEXT/CSV; Header=Present", "CSV"),
        ("ecsv", "ECSV"),
        ("jsonl", "JSONL"),
        ("application/x-ndjson", "JSONL"),
        ("application/jsonl", "JSONL"),
    ],
)
def test_formats_are_found_by_short_name_and_media_type(value: str, name: str) -> None:
    assert response_format(value) is FORMATS[name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_answers_to_its_own_names(name: str) -> None:
    assert response_format(name) is FORMATS[name]
    assert response_format(FORMATS[name].media_type) is FORMATS[name]


def test_who_asks_for_text_xml_gets_it() -> None:
    assert response_format("text/xml").media_type == "text/xml"


@pytest.mark.parametrize(
    "value",
    [
        "fits",
        "html",
        "text/html",
        "vottable",
        "application/x-votable+xml;serialization=BINARY2",
        "text/csv;header=absent",
    ],
)
def test_an_unknown_format_is_told_the_known_ones(value: str) -> None:
    with pytest.raises(BadUserInput) as caught:
        response_format(value)
    for name, format in FORMATS.items():
        assert name.lower() in caught.value.message
        assert format.media_type in caught.value.message
    assert caught.value.details["unknown"] == value


def test_a_slip_of_the_pen_is_told_the_nearest() -> None:
    with pytest.raises(BadUserInput, match="did you mean 'votable'"):
        response_format("vottable")
