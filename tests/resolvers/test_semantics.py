"""Terms of the DataLink vocabulary: what can be used is not what was used."""

from __future__ import annotations

import pytest

from adapters.question import Kinship, Way
from adapters.rows import TypeInfo
from resolvers.semantics import TERMS, applicable, semantics

# http://www.ivoa.net/rdf/datalink/core as adopted, with its VEPs up to 010; previews and services left out.
VOCABULARY = {
    "#this",
    "#progenitor",
    "#derivation",
    "#auxiliary",
    "#weight",
    "#error",
    "#noise",
    "#calibration",
    "#bias",
    "#dark",
    "#flat",
    "#documentation",
    "#detached-header",
    "#coderived",
    "#counterpart",
    "#package",
}


def kind(name: str, calibration: bool = False) -> TypeInfo:
    return TypeInfo(name, (), (), "", calibration)


RAW, CALEXP, COADD = kind("raw"), kind("calexp"), kind("deepCoadd")
FLAT, BIAS = kind("flat", True), kind("bias", True)


@pytest.mark.parametrize(
    ("name", "term"),
    [
        ("flat", "#flat"),
        ("bias", "#bias"),
        ("dark", "#dark"),
        ("skyFlat", "#flat"),
        ("FLAT", "#flat"),
        ("flat_2", "#flat"),
        ("cpFlatProc", "#flat"),
        ("darkFlat", "#flat"),
        ("flat.variance", "#flat"),
        ("camera", "#calibration"),
        ("defects", "#calibration"),
        ("ptc", "#calibration"),
        ("linearizer", "#calibration"),
        ("inflation", "#calibration"),
        ("biased", "#calibration"),
        ("calib.flat", "#calibration"),
        ("2", "#calibration"),
    ],
)
def test_a_calibration_is_named_by_a_word_of_its_type(name: str, term: str) -> None:
    assert applicable(name) == term
    assert semantics(Kinship.CALIBRATION, kind(name, True), RAW) == term
    assert semantics(Kinship.CALIBRATION, kind(name, True), None) == term


def test_what_a_calibration_is_valid_for_was_not_made_from_it() -> None:
    for source in (FLAT, BIAS):
        assert semantics(Kinship.CALIBRATION, RAW, source) == "#auxiliary"


def test_only_what_was_executed_is_a_progenitor_or_a_derivation() -> None:
    for type in (RAW, CALEXP, COADD, FLAT):
        assert semantics(Kinship.PROVENANCE, type, COADD, Way.UPSTREAM) == "#progenitor"
        assert semantics(Kinship.PROVENANCE, type, RAW, Way.DOWNSTREAM) == "#derivation"
        for other in set(Kinship) - {Kinship.PROVENANCE}:
            for source in (None, RAW, FLAT):
                assert semantics(other, type, source) not in ("#progenitor", "#derivation")


def test_the_same_sky_is_a_counterpart_and_the_same_data_id_is_coderived() -> None:
    assert semantics(Kinship.SPATIAL, COADD, CALEXP) == "#counterpart"
    assert semantics(Kinship.SPATIAL, CALEXP, None) == "#counterpart"
    assert semantics(Kinship.DATA_ID, CALEXP, RAW) == "#coderived"
    assert semantics(Kinship.DATA_ID, RAW, None) == "#coderived"
    assert semantics(Kinship.DATA_ID, BIAS, FLAT) == "#coderived"
    assert semantics(Kinship.DATA_ID, FLAT, RAW) == "#auxiliary"
    assert semantics(Kinship.DATA_ID, RAW, FLAT) == "#auxiliary"
    assert semantics(Kinship.TEMPORAL, RAW, CALEXP) == "#auxiliary"


def test_every_term_is_in_the_vocabulary() -> None:
    assert TERMS <= VOCABULARY
    for way in Way:
        for kinship in Kinship:
            for type in (RAW, FLAT, BIAS):
                for source in (None, RAW, FLAT):
                    assert semantics(kinship, type, source, way) in TERMS
