"""Values of arguments: mostly what the repositories have, now and then what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .dice import Dice
from .filters import Filters
from .words import Words

NO_UUID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Place:
    """What is known of the objects that stand at a place: the type of datasets, the element of records."""

    type: str | None = None
    element: str | None = None


class Arguments:
    """Values by the argument's name, for the field that takes it."""

    def __init__(self, words: Words, dice: Dice) -> None:
        self.words = words
        self.dice = dice
        self.filters = Filters(words, dice)

    def takes(self, parent: str, name: str, place: Place) -> bool:
        """Whether the field can be asked here without an error, where none is wanted."""
        if self.dice.mess:
            return True
        words = self.words
        if name in ("inputs", "outputs", "lineage"):
            return (
                parent == "Quantum" or place.type in words.recorded["inputs" if name != "outputs" else name]
            )
        if name == "calibration":
            return bool(self._calibrations(place))
        if name == "related":
            return parent == "Dataset" and bool(words.kin.get(place.type or ""))
        if name in ("certifications", "components", "content", "findDataset", "dataset") or (
            parent,
            name,
        ) == (
            "Repository",
            "quanta",
        ):
            return False
        if name == "files" or (parent, name) in (("DataId", "dataIds"),):
            return place.type != "" and name == "files"
        return True

    def of(self, parent: str, field: str, place: Place) -> dict[str, Any]:
        """Those that depend on one another, or have to be there for the field to make sense."""
        dice, words = self.dice, self.words
        if field == "related" and words.kin.get(place.type or "") and not dice.wrong():
            other, kind = dice.pick(words.kin[place.type or ""])
            return {"type": [other], **({"by": kind} if kind else {})}
        if field == "calibration" and (known := self._calibrations(place)) and not dice.wrong():
            return {"type": dice.pick(known)}
        if field == "datasets" and parent in ("Query", "Repository"):
            return {"query": self.filters.query()}
        if field == "findDataset":
            one = dice.pick(words.whole)
            name = next(name for name, found in words.datasets.items() if one in found)
            return {"type": name, "dataId": one["dataId"]["map"], "collections": [one["run"]]}
        if field == "lineage":
            return {"depth": dice.pick([1, 2, 3]) if not dice.wrong() else 10_000}
        return {}

    def then(self, field: str, given: dict[str, Any], place: Place) -> Place:
        """What is known below the field."""
        kind = given.get("type", given.get("query", {}))
        if isinstance(kind, dict):
            kind = kind.get("type")
        if isinstance(kind, list):
            kind = kind[0] if len(kind) == 1 else None
        if field in ("datasets", "related", "calibration", "findDataset", "certifications"):
            return Place(kind if isinstance(kind, str) and kind in self.words.types else None)
        if field in ("nodes", "edges", "node", "dataset", "dataId"):
            return place
        if field == "versions":
            return place
        if field in ("record", "records"):
            return Place(element=given.get("element") if isinstance(given.get("element"), str) else None)
        return Place()

    def value(self, parent: str, field: str, name: str, place: Place) -> Any:
        """The value of one argument."""
        dice, words = self.dice, self.words
        match name:
            case "first":
                return (
                    dice.pick([-1, 10_001, 2_000_000_000])
                    if dice.wrong()
                    else dice.pick([2, 1, 3, 3, 2, 1, 3, 0])
                )
            case "name" if parent == "Query":
                return dice.pick(["nowhere", ""]) if dice.wrong() else dice.pick(words.labels)
            case "name" if field == "collection":
                return dice.pick(["HSC/cailb", "*"]) if dice.wrong() else dice.pick(words.collections)
            case "name" if field == "datasetType":
                return dice.pick(["rew", ""]) if dice.wrong() else dice.pick([*words.types, *words.others])
            case "name":
                return (
                    "nothing"
                    if dice.wrong()
                    else dice.pick(words.fields.get(place.element or "", []) or ["id"])
                )
            case "repositories":
                return dice.pick([[], ["nowhere"]]) if dice.wrong() else dice.some(words.labels, 3)
            case "type" if field in ("calibration", "certifications", "findDataset"):
                return (
                    dice.pick(["raw", "fl?t", "nothing"]) if dice.wrong() else dice.pick(words.calibrations)
                )
            case "type" | "match":
                return self.filters.types()
            case "collections":
                return self.filters.collections()
            case "by" if field == "facets":
                return (
                    dice.pick([["run", "run"], [], ["visits"]])
                    if dice.wrong()
                    else [dice.pick(["run", "type", "instrument"])]
                )
            case "element":
                return (
                    "detectr"
                    if dice.wrong()
                    else dice.pick([name for name in words.fields if not name.startswith("htm")])
                )
            case "dimensions":
                return (
                    dice.pick([[], ["visits"]])
                    if dice.wrong()
                    else [dice.pick(["detector", "visit", "exposure", "patch", "band", "tract"])]
                )
            case "id" if parent == "Query":
                return dice.pick(["x", "RGF0YXNldDpu", ""]) if dice.wrong() else dice.pick(words.nodes)
            case "ids" if parent == "Query":
                return [self.value("Query", "node", "id", place) for _ in range(dice.pick([2, 1, 3, 0]))]
            case "id":
                return NO_UUID if dice.wrong() else dice.pick(words.whole)["uuid"]
            case "ids":
                return [self.value(parent, "dataset", "id", place) for _ in range(dice.pick([2, 1, 3, 0]))]
            case "identifier":
                one = dice.pick(words.whole)
                return (
                    dice.pick(["ivo://x", NO_UUID, "butler://nowhere/" + NO_UUID])
                    if dice.wrong()
                    else dice.pick([one["uuid"], one["ivoid"]])
                )
            case "task":
                return dice.pick([[], ["nothing"]]) if dice.wrong() else dice.some(words.tasks or ["*"])
            case "run":
                return dice.pick([[], ["nothing"]]) if dice.wrong() else dice.some([*words.runs, "*"])
            case "having" | "lacking":
                return self.filters.types()
            case "depth":
                return dice.pick([1, 2, 3])
            case "component":
                return dice.pick(["wcs", "columns", "", "no name"])
            case "columns":
                return dice.pick([[], ["id", "coord*"], ["nothing"]])
        return self.filters.named(name, place.type)

    def _calibrations(self, place: Place) -> list[str]:
        kin = self.words.kin.get(place.type or "", [])
        return [name for name, kind in kin if kind == "CALIBRATION" and name in self.words.calibrations]
