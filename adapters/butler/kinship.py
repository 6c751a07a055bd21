"""Which ties two sets of dimensions can have, and which of them is meant when none is named.

Left out, the tie is what Butler's own queries would join: the validity of calibrations, the overlap of observations and sky maps, equal
data IDs elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsst.daf.butler import DimensionGroup

from ..errors import BadUserInput
from ..question import Kinship
from . import sky


@dataclass(frozen=True, slots=True)
class Side:
    """One end: its dimensions, whether it is of a calibration type, and whether CALIBRATION collections may hold it here."""

    name: str
    group: DimensionGroup
    calibration: bool = False
    certified: bool = False
    dataset: bool = True

    @property
    def placed(self) -> bool:
        return bool(sky.footing(self.group))

    @property
    def families(self) -> frozenset[str]:
        """Observations, sky maps: what kind of regions it has, an exposure those of its visits."""
        return frozenset(
            str(foot.element.spatial and foot.element.spatial.name) for foot in sky.footing(self.group)
        )

    @property
    def timed(self) -> bool:
        return bool(self.group.temporal)


def possible(here: Side, there: Side) -> list[Kinship]:
    """Every tie between two ends, the one that Butler would make first."""
    found = []
    if (there.certified and here.timed) or (here.certified and there.timed):
        found.append(Kinship.CALIBRATION)
    both_placed = here.placed and there.placed
    if both_placed and not here.families & there.families:
        found.append(Kinship.SPATIAL)
    if _shares(here.group, there.group):
        found.append(Kinship.DATA_ID)
    if both_placed and Kinship.SPATIAL not in found:
        found.append(Kinship.SPATIAL)
    if here.timed and there.timed:
        found.append(Kinship.TEMPORAL)
    return found


def _shares(a: DimensionGroup, b: DimensionGroup) -> bool:
    """Whether they share a required dimension that says more than which instrument or sky map: equality of the governor alone
    ties everything to everything. Where one has no other dimension the governor is what it is about."""
    governors = set(a.universe.governor_dimensions.names)
    required = set(a.required) & set(b.required)
    if required - governors or (required and (set(a.required) <= governors or set(b.required) <= governors)):
        return True
    crossing = {"exposure", "visit"}
    return bool(crossing & set(a.required)) and bool(crossing & set(b.required))


def chosen(asked: Kinship | None, here: Side, there: Side) -> Kinship:
    """The tie to follow. Raises BadUserInput with what is possible, or which dimension is missing."""
    ties = possible(here, there)
    if asked is None:
        if ties and ties[0] is not Kinship.TEMPORAL:
            return ties[0]
        raise BadUserInput(
            f"{here.name} and {there.name} share no required dimension, and Butler has no join of them; possible is "
            f"by: {_listed(ties, here, there)}."
        )
    if asked in ties:
        return asked
    raise BadUserInput(
        f"{here.name} and {there.name} cannot be tied by {asked.value}: {_why_not(asked, here, there)}; possible is "
        f"by: {_listed(ties, here, there)}."
    )


def _listed(ties: list[Kinship], here: Side, there: Side) -> str:
    """What is possible, in words; executions record datasets and no bare data IDs."""
    recorded = [Kinship.PROVENANCE] if here.dataset and there.dataset else []
    return ", ".join(tie.value for tie in [*ties, *recorded]) or "nothing"


def _why_not(asked: Kinship, here: Side, there: Side) -> str:
    if asked is Kinship.SPATIAL:
        lost = [side.name for side in (here, there) if not side.placed]
        return f"{_have(lost)} no dimension with a region on the sky (visit, tract, patch ...)"
    if asked is Kinship.TEMPORAL:
        lost = [side.name for side in (here, there) if not side.timed]
        return f"{_have(lost)} no dimension with a time (exposure, visit)"
    if asked is Kinship.CALIBRATION:
        if not here.calibration and not there.calibration:
            return "neither is a calibration type"
        if not here.certified and not there.certified:
            return "no CALIBRATION collection that is searched certifies any"
        other = here if there.certified and not here.timed else there
        return f"{other.name} has no dimension with a time (exposure, visit) for which one could be valid"
    return "they share no dimension"


def _have(names: list[str]) -> str:
    return f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'}"
