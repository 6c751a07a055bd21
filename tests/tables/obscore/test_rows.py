"""What a row says of a dataset, without a configuration and with one, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsst.daf.butler import Butler

from adapters.errors import AdapterError
from adapters.media_types import DATALINK
from adapters.question import Files
from gateway.tables.obscore.configuration import Configured, configured, read
from tests.tables.obscore.asking import Opened, datalink

FILE = Path(__file__).with_name("everything.yaml")


@pytest.fixture
def demo(opened: Callable[..., Opened]) -> Opened:
    found: Opened = opened("demo")
    return found


def test_what_must_not_be_null_never_is(demo: Opened, opened: Callable[..., Opened]) -> None:
    for repository in (demo, opened("sqlite")):
        for config in (None, read(FILE)):
            batch = repository.rows(repository.datasets(), config)
            assert batch.num_rows > 300
            for name in (
                "calib_level",
                "obs_collection",
                "obs_id",
                "obs_publisher_did",
                "access_url",
                "run",
                "dataset_type",
            ):
                assert batch[name].null_count == 0, name


def test_identifiers_and_links_are_those_that_services_take(demo: Opened) -> None:
    rows = demo.datasets()
    for row, found in zip(rows.rows, demo.rows(rows).to_pylist(), strict=True):
        did = found["obs_publisher_did"]
        parsed = Butler.parse_dataset_uri(did)
        assert (parsed.label, parsed.dataset_id.hex) == ("judged", row[rows.index("id")])
        assert did == f"ivo://org.example/judged?repo=judged&id={parsed.dataset_id}"
        assert found["access_url"] == datalink(did)
        assert found["access_format"] == DATALINK


KINDS = {
    "raw": ("image", 1),
    "calexp": ("image", 2),
    "demo_postIsr": ("measurements", 2),
    "demo_src": ("measurements", 2),
    "demo_warp": ("measurements", 3),
    "flat": (None, 2),
    "bias": (None, 2),
    "skyMap": (None, 2),
    "calibrate_config": (None, 2),
    "calibrate_log": (None, 2),
    "coadd_log": (None, 3),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_a_type_is_without_a_configuration(demo: Opened, name: str) -> None:
    batch = demo.rows(demo.datasets(name))
    assert set(zip(batch["dataproduct_type"].to_pylist(), batch["calib_level"].to_pylist(), strict=True)) == {
        KINDS[name]
    }
    assert set(batch["obs_collection"].to_pylist()) == {"judged"}
    assert batch["facility_name"].null_count == batch.num_rows


def test_datasets_of_one_observation_share_its_id(demo: Opened) -> None:
    def ids(name: str) -> set[str]:
        return set(demo.rows(demo.datasets(name))["obs_id"].to_pylist())

    assert ids("demo_calexp") == ids("demo_src") <= ids("demo_postIsr")
    assert ids("demo_calexp") & ids("calexp")
    assert all(one.startswith("HSC-90") for one in ids("calexp"))
    assert ids("demo_coadd") <= {f"discrete/ci_hsc-0-{patch}" for patch in range(100)}
    assert ids("skyMap") == {"discrete/ci_hsc"}
    assert ids("isr_config") == {"isr_config"}
    (title, *_) = demo.rows(demo.datasets("skyMap"))["obs_title"].to_pylist()
    assert title == "skyMap skymap=discrete/ci_hsc"


@pytest.mark.parametrize("config", [None, read(FILE)], ids=["bare", "configured"])
@pytest.mark.parametrize("types", [(), ("calexp",), ("raw",), ("demo_warp", "flat", "skyMap")], ids=str)
def test_a_batch_costs_the_same_questions_whatever_its_length(
    demo: Opened, config: Configured | None, types: tuple[str, ...]
) -> None:
    rows = demo.datasets(*types)
    places = [
        next(n for n, row in enumerate(rows.rows) if row[rows.index("type")] == name) for name in rows.types
    ]
    demo.rows(rows.of([rows.rows[place] for place in places]), config)
    few = Counter(type(question).__name__ for question in demo.questions)
    for times in (1, 5):
        demo.rows(rows.of(rows.rows * times), config)
        assert Counter(type(question).__name__ for question in demo.questions) == few
    dimensions = {info.required for info in rows.types.values()}
    assert few["Regions"] <= len(dimensions)
    assert few["Timespans"] <= len(dimensions)
    assert few["Sizes"] == 1 and not few["Files"]
    assert few["RelatedDataIds"] <= 1
    assert few["RecordsByKey"] <= (2 if config is None else 5)
    if types == ("calexp",):
        assert not few["Regions"] + few["Timespans"], "they came along"


def test_no_rows_cost_nothing(demo: Opened) -> None:
    rows = demo.datasets("calexp")
    assert demo.rows(rows.of([])).num_rows == 0
    assert not demo.questions
    assert demo.rows(demo.datasets("nothing_like_this*")).num_rows == 0


def test_sizes_are_those_of_the_files(demo: Opened) -> None:
    rows = demo.datasets()
    place = rows.index("id")
    files = demo.runner.run(demo.repository.ask(Files(tuple(row[place] for row in rows.rows)), _call()))
    total: Counter[str] = Counter()
    for row in files.rows:
        total[row[files.index("id")]] += row[files.index("size")]
    found = demo.rows(rows)["access_estsize"].to_pylist()
    assert found == [-(-total[row[place]] // 1000) if row[place] in total else None for row in rows.rows]
    assert any(found)


def _call() -> Any:
    from adapters.caller import Call

    return Call()


def content(**more: Any) -> Configured:
    return configured({**yaml.safe_load(FILE.read_text()), **more})


def test_what_a_template_cannot_have_of_a_type_is_null(demo: Opened) -> None:
    batch = demo.rows(demo.datasets("flat"), read(FILE))
    for name in ("visit_name", "lsst_ccdvisitid", "tract_number", "lsst_visit"):
        assert batch[name].null_count == batch.num_rows
    assert batch["lsst_detector"].null_count == 0


def test_a_type_that_lacks_what_its_identifiers_are_made_of_keeps_the_gateways(demo: Opened) -> None:
    config = content(obs_publisher_did_fmt="ivo://org.example/visits?{records[visit].name}/{id}")
    flat = demo.rows(demo.datasets("flat"), config)
    assert (
        flat["obs_publisher_did"].to_pylist()
        == demo.rows(demo.datasets("flat"))["obs_publisher_did"].to_pylist()
    )
    for did, url in zip(
        *demo.rows(demo.datasets("calexp"), config)
        .select(["obs_publisher_did", "access_url"])
        .to_pydict()
        .values(),
        strict=True,
    ):
        assert did.startswith("ivo://org.example/visits?HSC")
        assert url == datalink(did)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"template": "{records[visit].nme}"}, "'nme'; did you mean 'name'"),
        ({"template": "{records[visit].name}", "type": "int"}, "broken of type int"),
        ({"template": "{visit:s}"}, "{visit:s}"),
    ],
)
def test_a_template_that_fails_is_named(demo: Opened, column: dict[str, str], words: str) -> None:
    with pytest.raises(AdapterError) as refused:
        demo.rows(demo.datasets("calexp"), content(extra_columns={"broken": column}))
    assert words in refused.value.message
