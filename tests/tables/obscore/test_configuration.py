"""A configuration that cannot be used is refused at the start, in one line that names the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config import load
from gateway.misconfigured import ConfigError
from gateway.tables.obscore.configuration import read
from gateway.tables.table import said

LEAST: dict[str, Any] = {"facility_name": "Subaru", "dataset_types": {}}


def gateway_file(folder: Path, obscore: object) -> Path:
    (folder / "repository").mkdir(exist_ok=True)
    (folder / "repository" / "butler.yaml").touch()
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump({"repositories": {"hsc": {"uri": "repository", "obscore": obscore}}}))
    return file


def test_a_relative_path_begins_at_the_folder_of_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "obscore.yaml").write_text(yaml.safe_dump(LEAST))
    found = load(gateway_file(tmp_path, "obscore.yaml")).repositories["hsc"].obscore
    assert found == tmp_path / "obscore.yaml"
    assert load(gateway_file(tmp_path, None)).repositories["hsc"].obscore is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(gateway_file(tmp_path, "nothing.yaml"))
    assert "repositories.hsc.obscore" in str(refused.value)
    assert "nothing.yaml" in str(refused.value)
    assert "no such file" in str(refused.value)


def test_a_file_may_include_others_as_the_exporters_may(tmp_path: Path) -> None:
    (tmp_path / "ranges.yaml").write_text(yaml.safe_dump({"r": [1e-7, 2e-7]}))
    (tmp_path / "obscore.yaml").write_text(yaml.safe_dump(LEAST) + "spectral_ranges: !include ranges.yaml\n")
    assert read(tmp_path / "obscore.yaml").config.spectral_ranges == {"r": (1e-7, 2e-7)}


COLUMN = {"template": "{visit}", "type": "int"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"dataset_types": None}, "dataset_types"),
        ({"dataset_types": {"raw": {"calib_level": 1}}}, "dataset_types.raw.dataproduct_type"),
        (
            {"dataset_types": {"raw": {"dataproduct_type": "image", "calib_level": 1, "obs_id_fmt": "{"}}},
            "dataset_types.raw.obs_id_fmt",
        ),
        ({"extra_columns": {"a b": COLUMN}}, "a name that ADQL takes"),
        ({"extra_columns": {"position": COLUMN}}, "a name that ADQL takes"),
        ({"extra_columns": {"LSST_visit": COLUMN}}, "lsst_visit"),
        ({"extra_columns": {"one": COLUMN, "One": COLUMN}}, "to ADQL this is the column"),
        ({"extra_columns": {"s_xel1": {"template": "{visit}"}}}, "of type int"),
        ({"extra_columns": {"n": {"template": "{}", "type": "int"}}}, "extra_columns.n"),
        ({"extra_columns": {"n": {"template": "{visit}", "type": "complex"}}}, "extra_columns.n"),
        (
            {
                "extra_columns": {"n": 1},
                "dataset_types": {
                    "raw": {"dataproduct_type": "image", "calib_level": 1, "extra_columns": {"n": "x"}}
                },
            },
            "one type",
        ),
        ({"obs_publisher_did_fmt": "{0}"}, "obs_publisher_did_fmt"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    (tmp_path / "obscore.yaml").write_text(yaml.safe_dump({**LEAST, **more}))
    with pytest.raises(ConfigError) as refused:
        load(gateway_file(tmp_path, "obscore.yaml"))
    assert "repositories.hsc.obscore" in str(refused.value)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "text", "", "\x00"])
def test_what_is_no_mapping_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "obscore.yaml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(gateway_file(tmp_path, "obscore.yaml"))
    assert "obscore.yaml" in str(refused.value)


def test_columns_of_the_configuration_say_what_they_mean() -> None:
    columns = read(Path(__file__).with_name("everything.yaml")).columns
    assert said(columns["lsst_ccdvisitid"]) == {"description": "visit and detector"}
    assert said(columns["t_xel"])["utype"] == "obscore:Char.TimeAxis.numBins"
