"""Only what is selected is fetched: the statements say so."""

from __future__ import annotations

from .conftest import Gateway

CALEXPS = '{ repository(name: "hsc") { datasets(query: {type: "%s"}, first: 5) { %s } } }'


def text(demo: Gateway, statements: list[str], type: str, selected: str) -> str:
    statements.clear()
    demo.good(CALEXPS % (type, selected))
    return "\n".join(statements)


def test_no_region_where_none_is_asked(demo: Gateway, statements: list[str]) -> None:
    assert "region" not in text(demo, statements, "calexp", "nodes { uuid run dataId { visit detector } }")
    assert "region" in text(demo, statements, "calexp", "nodes { region { area } }")


def test_no_count_without_total_count(demo: Gateway, statements: list[str]) -> None:
    assert "count(" not in text(demo, statements, "calexp", "nodes { uuid } pageInfo { hasNextPage }")
    assert "count(" in text(demo, statements, "calexp", "totalCount")


def test_a_count_reads_no_page(demo: Gateway, statements: list[str]) -> None:
    text(demo, statements, "calexp", "totalCount")
    assert len(statements) == 1


def test_no_file_records_without_files(demo: Gateway, statements: list[str]) -> None:
    assert "file_datastore_records" not in text(demo, statements, "raw", "nodes { uuid run }")
    assert "file_datastore_records" in text(demo, statements, "raw", "nodes { files { uri } }")


def test_no_times_and_no_calibrations_unless_they_are_asked(demo: Gateway, statements: list[str]) -> None:
    plain = text(demo, statements, "raw", "nodes { uuid dataId { exposure detector } }")
    assert "timespan" not in plain
    assert "dataset_calibs" not in plain
    assert "ingest_date" not in plain
    assert len(statements) == 1
    both = text(
        demo, statements, "raw", 'nodes { timespan { begin } calibration(type: "flat") { node { uuid } } }'
    )
    assert "timespan" in both
    assert "dataset_calibs" in both


def test_times_come_with_their_list(demo: Gateway, statements: list[str]) -> None:
    text(demo, statements, "calexp", "nodes { uuid timespan { begin } region { area } dataId { band } }")
    assert len(statements) == 1


def test_implied_dimensions_cost_a_table_only_where_they_are_wanted(
    demo: Gateway, statements: list[str]
) -> None:
    assert "physical_filter" not in text(demo, statements, "raw", "nodes { dataId { exposure } }")
    assert "physical_filter" in text(demo, statements, "raw", "nodes { dataId { band } }")
    assert "physical_filter" in text(demo, statements, "raw", "nodes { dataId { map } }")
