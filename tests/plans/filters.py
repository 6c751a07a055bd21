"""Values of the arguments that choose: queries, filters, expressions, shapes and times."""

from __future__ import annotations

from typing import Any

from .dice import Dice
from .words import Words

BEGIN = "2013-06-16T00:00:00Z"


class Filters:
    def __init__(self, words: Words, dice: Dice) -> None:
        self.words = words
        self.dice = dice

    def types(self) -> list[str]:
        dice = self.dice
        if dice.wrong():
            return dice.pick([["nothing"], [], ["*"], ["*oadd", "raw"], ["raw", "nothing"]])
        if dice.mess and dice.chance(30):
            return dice.some([*self.words.types, *self.words.others], 3)
        return [dice.pick(list(self.words.types))]

    def collections(self) -> list[str]:
        dice = self.dice
        if dice.wrong():
            return dice.pick([["nowhere"], [], ["HSC/nothing/*"]])
        return dice.some([*self.words.collections, "*", "*/*"], 2)

    def query(self) -> dict[str, Any]:
        """A DatasetQuery."""
        dice = self.dice
        found: dict[str, Any] = {"type": self.types()}
        named = any(name in self.words.calibrations for name in found["type"])
        if named or dice.chance(75):
            found |= {"collections": ["*"], "findFirst": False}
        for name in ("dataId", "where", "orderBy", "time", "ingestedBefore"):
            if dice.chance(12):
                found[name] = self.named(name, found["type"][0] if found["type"] else None)
        if dice.mess:
            for name in ("sky", "validity", "among", "findFirst", "bind", "collections"):
                if dice.chance(8):
                    found[name] = self.collections() if name == "collections" else self.named(name, None)
        return found

    def named(self, name: str, type: str | None) -> Any:
        """A value for an argument, or a member of a query, of this name."""
        dice = self.dice
        match name:
            case "query":
                return self.query()
            case "dataId":
                return self.data_id(type)
            case "where":
                if dice.wrong():
                    return dice.pick(["visit >", "instrumnt = 'HSC'", "detector = 'x'", ""])
                return dice.pick(
                    ["instrument = 'HSC'", "instrument IN ('HSC', 'LSSTCam')", "instrument = 'nothing'"]
                )
            case "bind":
                return [
                    {"name": "x", "value": dice.pick([{"string": "HSC"}, {"long": 3}, {"longs": [1, 2]}])}
                ]
            case "orderBy":
                if dice.wrong():
                    return dice.pick([["nothing"], [""], ["-"], ["timespan.begin", "timespan.begin"]])
                return [dice.pick(["-instrument", "instrument"])]
            case "sky":
                return dice.pick(
                    [
                        {"circle": {"ra": 320.3, "dec": 0.2, "radius": 0.3}},
                        {"point": {"ra": 320.3, "dec": 0.2}},
                        {"box": {"ra": 320.3, "dec": 0.2, "width": 1.0, "height": 1.0}},
                        {"shape": "CIRCLE 320 0 1"},
                        {"shape": "CIRCLE"},
                        {"circle": {"ra": 320.3, "dec": 95, "radius": 0.3}},
                    ]
                )
            case "time" | "validity":
                if dice.wrong():
                    return dice.pick(
                        [{"begin": BEGIN, "end": "2012-01-01T00:00:00Z"}, {"at": BEGIN, "begin": BEGIN}]
                    )
                return dice.pick(
                    [
                        {"begin": BEGIN},
                        {"at": "2014-03-29T09:00:00Z"},
                        {},
                        {"beginMjd": 50000.0, "mjdScale": "TAI"},
                    ]
                )
            case "ingestedBefore":
                return dice.pick(["2100-01-01T00:00:00Z", BEGIN])
            case "among":
                required = [one["dataId"]["required"] for one in dice.some(self.words.whole, 3)]
                return dice.pick([[{"instrument": "HSC"}], [], required])
            case "element":
                return "visit"
        return dice.pick([True, False])

    def data_id(self, type: str | None) -> dict[str, Any]:
        dice = self.dice
        if dice.wrong():
            return dice.pick(
                [
                    {"other": [{"name": "ptch", "long": {"eq": 1}}]},
                    {"instrument": {"in": []}},
                    {"instrument": {"glob": "H*", "ne": "HSC"}},
                    {"other": [{"name": "instrument", "long": {"eq": 1}}]},
                ]
            )
        names = {
            "instrument": "instrument",
            "detector": "detector",
            "visit": "visit",
            "exposure": "exposure",
            "patch": "patch",
            "band": "band",
        }
        required = self.words.types.get(type or "", ["instrument"])
        usable = [name for name in required if name in names and self.words.values(name)]
        if not usable:
            return {}
        name = dice.pick(usable)
        value = dice.pick(self.words.values(name))
        if isinstance(value, int):
            return {name: dice.pick([{"eq": value}, {"gte": value}, {"in": [value, 3]}, {"lt": value}])}
        return {name: dice.pick([{"eq": value}, {"glob": "*"}, {"ne": "x"}])}
