"""Templates are filled as Python's str.format fills them, for many rows at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest

from adapters.errors import AdapterError
from gateway.tables.obscore.template import Source, Template, parse

COLUMNS: dict[str, list[Any]] = {
    "visit": [7, 12345, -1],
    "band": ["r", "é", "{"],
    "id": [uuid4() for _ in range(3)],
    "width": [3, 1, 9],
}
NAMES = ["HSC", "{name}", ""]


def column(source: Source) -> list[Any]:
    if source.element is None:
        return COLUMNS[source.name]
    return {"name": NAMES}[source.name]


def expected(text: str) -> list[str]:
    rows = zip(*COLUMNS.values(), strict=True)
    return [
        text.format(**dict(zip(COLUMNS, row, strict=True)), records={"visit": SimpleNamespace(name=name)})
        for row, name in zip(rows, NAMES, strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "{visit}",
        "{visit:07d}-{band}",
        "{{{band}}} {band!r:>10}",
        "{visit:{width}d}{visit}",
        "{id.hex:.8}/{id}",
        "{records[visit].name}|{band}{{}}",
        "{band[0]}",
    ],
)
def test_templates_are_formats(text: str) -> None:
    assert parse(text).fill(column, 3).to_pylist() == expected(text)


@pytest.mark.parametrize(
    "text", ["", "{{{{{visit}", "{visit}{visit} {{{band}}}", "{records[visit].name}|{width}é", "{visit:03d}"]
)
def test_columns_of_arrow_are_written_in_the_same_way(text: str) -> None:
    assert parse(text).fill(lambda source: pa.array(column(source)), 3).to_pylist() == expected(text)


def test_arrows_own_way_to_write_a_number_is_not_taken() -> None:
    numbers = [30.0, 1e-05, True]
    for number in numbers:
        (text,) = parse("{exposure_time}").fill(lambda _, one=number: pa.array([one]), 1).to_pylist()  # type: ignore[misc]
        assert text == str(number)


def test_what_is_missing_in_a_row_makes_it_empty() -> None:
    template = parse("{visit:03d}-{band}")
    rows = {"visit": [1, None, 3], "band": ["g", "r", None]}
    assert template.fill(lambda source: rows[source.name], 3).to_pylist() == ["001-g", None, None]
    plain = parse("{visit}-{band}")
    assert plain.fill(lambda source: pa.array(rows[source.name]), 3).to_pylist() == ["1-g", None, None]


def test_a_template_knows_what_it_needs() -> None:
    template = parse("{records[visit].name}{visit}{records[visit].timespan.begin}")
    assert template.sources == (Source("name", "visit"), Source("visit"), Source("timespan", "visit"))
    assert not template.plain
    assert parse("{visit}").plain
    assert not parse("{visit!r}").plain


@pytest.mark.parametrize(
    "text", ["{", "{}", "{0}", "{records}", "{records[visit]}", "{records.visit}", "{visit.}", "{a b}"]
)
def test_a_broken_template_is_refused_with_itself(text: str) -> None:
    with pytest.raises(ValueError, match="template") as refused:
        parse(text)
    assert repr(text) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["{band:d}", "{visit.nothing}", "{visit[3]}"])
def test_what_cannot_be_written_so_says_which_template(text: str) -> None:
    template: Template = parse(text)
    with pytest.raises(AdapterError) as refused:
        template.fill(column, 3)
    assert text in refused.value.message
