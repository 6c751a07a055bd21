"""The columns are the standard's, as clients recognise them."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import yaml
from astropy.io.votable.ucd import parse_ucd
from astropy.units import Unit

from adapters.media_types import DATALINK
from gateway.tables.names import is_legal
from gateway.tables.obscore.columns import OBSCORE, RUBIN
from gateway.tables.obscore.configuration import read
from gateway.tables.obscore.obscore import ObsCore
from gateway.tables.table import said
from tests.tables.obscore.asking import IVOID, datalink

STANDARD = [
    "dataproduct_type",
    "calib_level",
    "obs_collection",
    "obs_id",
    "obs_publisher_did",
    "access_url",
    "access_format",
    "access_estsize",
    "target_name",
    "s_ra",
    "s_dec",
    "s_fov",
    "s_region",
    "s_resolution",
    "s_xel1",
    "s_xel2",
    "t_min",
    "t_max",
    "t_exptime",
    "t_resolution",
    "t_xel",
    "em_min",
    "em_max",
    "em_res_power",
    "em_xel",
    "o_ucd",
    "pol_states",
    "pol_xel",
    "facility_name",
    "obs_title",
    "instrument_name",
]
"""What Firefly's strict test wants."""


def schemas() -> list[pa.Schema]:
    configured = read(Path(__file__).with_name("everything.yaml"))
    return [ObsCore("judged", IVOID, datalink, one).schema for one in (None, configured)]


def test_the_standards_columns_come_first_and_all_of_them() -> None:
    for schema in schemas():
        assert schema.names[:31] == STANDARD
        assert schema.names[31 : 31 + len(RUBIN)] == [one.name for one in RUBIN]
        assert len({name.lower() for name in schema.names}) == len(schema.names)


def test_every_column_is_scalar_and_has_a_name_that_adql_takes() -> None:
    for schema in schemas():
        for column in schema:
            assert is_legal(column.name)
            assert not pa.types.is_nested(column.type)
            assert column.nullable
    assert not is_legal("size")
    assert not is_legal("Distance")
    assert not is_legal("a-b")
    assert not is_legal("_a")


def test_units_ucds_and_utypes_are_those_of_rubins_description_of_the_standard() -> None:
    text = (files("lsst.dax.obscore") / "configs" / "obscore_nominal.yaml").read_text()
    (table,) = yaml.safe_load(text)["tables"]
    nominal = {column["name"]: column for column in table["columns"]}
    for column in (*OBSCORE, RUBIN[0]):
        theirs, ours = nominal[column.name], said(column)
        assert ours.get("unit") == theirs["ivoa:unit"]
        assert ours["ucd"] == theirs["ivoa:ucd"]
        assert ours["utype"] == f"obscore:{theirs['votable:utype']}"
        assert ours["description"]
        kinds = {"string": pa.string(), "double": pa.float64(), "long": pa.int64(), "int": pa.int32()}
        assert column.type == kinds[theirs["datatype"]]
    assert [column.name for column in OBSCORE] == STANDARD


def test_units_and_ucds_are_words_of_the_standards() -> None:
    for schema in schemas():
        for column in schema:
            meant = said(column)
            if "unit" in meant:
                Unit(meant["unit"], format="vounit")
            if "ucd" in meant:
                parse_ucd(meant["ucd"], check_controlled_vocabulary=True, has_colon=False)


def test_firefly_takes_it_for_obscore() -> None:
    """A utype that begins with obscore:, or three names (isObsCoreLike); the centre by its UCD or name; s_region; the strict test by all names."""
    for schema in schemas():
        utypes = [said(column).get("utype", "") for column in schema]
        assert sum(utype.startswith("obscore:") for utype in utypes) >= 31
        assert set(STANDARD) <= set(schema.names)
        assert said(schema.field("s_ra"))["ucd"].startswith("pos.eq.ra")
        assert said(schema.field("s_dec"))["ucd"].startswith("pos.eq.dec")
        assert {"s_region", "access_url", "access_format"} <= set(schema.names)
    assert DATALINK == "application/x-votable+xml;content=datalink"
    assert re.search(r"votable", DATALINK)
    assert "content=datalink" in DATALINK
