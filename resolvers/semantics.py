"""What an association means to the Virtual Observatory: a term of the IVOA vocabulary of DataLink.

The vocabulary is http://www.ivoa.net/rdf/datalink/core; a term says what the dataset at the end of an edge is
to the one at its beginning (``#this``). It tells two things apart that Butler users mix up (VEP-006):
``#calibration`` and the narrower ``#flat``, ``#bias`` and ``#dark`` *can be used*, ``#progenitor`` *was used*. No
term here says more than the edge knows: without a recorded execution nothing is a progenitor or a derivation.
"""

from __future__ import annotations

import re

from adapters.question import Kinship, Way
from adapters.rows import TypeInfo

CALIBRATION = "#calibration"
PROGENITOR = "#progenitor"
DERIVATION = "#derivation"
CODERIVED = "#coderived"
COUNTERPART = "#counterpart"
AUXILIARY = "#auxiliary"
TERMS = frozenset(
    {CALIBRATION, "#flat", "#bias", "#dark", PROGENITOR, DERIVATION, CODERIVED, COUNTERPART, AUXILIARY}
)

# What a calibration removes, by a word of its type's name; a name with several is what its last one says
# (darkFlat is a flat).
_NARROWER = frozenset({"flat", "bias", "dark"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def applicable(type: str) -> str:
    """The term for a calibration of this type that can be used."""
    named = [word for word in map(str.lower, _WORD.findall(type.partition(".")[0])) if word in _NARROWER]
    return f"#{named[-1]}" if named else CALIBRATION


def semantics(kind: Kinship, type: TypeInfo, source: TypeInfo | None, way: Way | None = None) -> str:
    """The term of an edge to a dataset of ``type``, from one of ``source`` (None: from a bare data ID).

    CALIBRATION: to the calibration ``#flat``, ``#bias``, ``#dark`` or ``#calibration``. The other way round, from
    a flat to the raws that it is valid for, the vocabulary has no inverse; ``#derivation`` would claim that it was
    used, so it is ``#auxiliary``, which claims nothing.

    SPATIAL: ``#counterpart``, data of the same piece of sky whose provenance is another question.

    TEMPORAL: ``#auxiliary``; the same time is neither the same target nor a common origin.

    DATA_ID: ``#coderived``, made of the same observation (or the same patch); between a calibration and anything
    else, which share an instrument and no origin, ``#auxiliary``.

    PROVENANCE: ``#progenitor`` upstream, ``#derivation`` downstream, however many steps away.
    """
    if kind is Kinship.PROVENANCE:
        return DERIVATION if way is Way.DOWNSTREAM else PROGENITOR
    if kind is Kinship.CALIBRATION:
        return applicable(type.name) if type.is_calibration else AUXILIARY
    if kind is Kinship.SPATIAL:
        return COUNTERPART
    if kind is Kinship.DATA_ID and type.is_calibration == (source is not None and source.is_calibration):
        return CODERIVED
    return AUXILIARY
