"""The words that generated documents are made of: names, ids and values that are in the repositories, and some that are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_NAMES = """{ repositories { name defaultCollections
  collections(first: 1000) { nodes { id name type } }
  datasetTypes(first: 1000) { nodes { id name isCalibration required } }
  dimensions { name fields { name } }
  quanta(first: 30) { nodes { id task run } } } }"""
_DATASETS = """query($repository: String!, $type: [String!]!) { repository(name: $repository) { datasets(
  query: {type: $type, collections: ["*"], findFirst: false}, first: 40) { nodes { id uuid ivoid run ingestDate
  dataId { map required } } } } }"""
_RELATED = """query($id: UUID!, $repository: String!) { repository(name: $repository) { dataset(id: $id) { %s } } }"""
WANTED = ("raw", "flat", "bias", "calexp", "demo_calexp", "demo_coadd", "deepCoadd", "mystery")
MOST = 7  # types
KINDS = ("", "CALIBRATION", "SPATIAL")


@dataclass
class Words:
    """``kin``: which types can be related to which, and by what; ``recorded``: types whose datasets have a recorded producer, or reader."""

    labels: list[str] = field(default_factory=list)
    types: dict[str, list[str]] = field(
        default_factory=dict
    )  # those with datasets: their required dimensions
    others: list[str] = field(default_factory=list)  # types without datasets
    calibrations: list[str] = field(default_factory=list)
    collections: list[str] = field(default_factory=list)
    certified: list[str] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)  # of each dimension element
    tasks: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)  # global ids
    datasets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by type
    kin: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    recorded: dict[str, list[str]] = field(default_factory=dict)  # inputs, outputs: types

    @property
    def whole(self) -> list[dict[str, Any]]:
        return [dataset for found in self.datasets.values() for dataset in found]

    def values(self, dimension: str) -> list[Any]:
        found = {dataset["dataId"]["map"].get(dimension) for dataset in self.whole}
        return sorted((value for value in found if value is not None), key=repr)


Ask = Callable[[str, Mapping[str, Any]], Any]
"""Data of a document with these variables; None in it where something failed."""


def learn(ask: Ask) -> Words:
    """The words of all repositories that ``ask`` asks."""
    words = Words()
    for repository in ask(_NAMES, {})["repositories"]:
        label = repository["name"]
        words.labels.append(label)
        for one in repository["collections"]["nodes"]:
            words.collections.append(one["name"])
            words.nodes.append(one["id"])
            if one["type"] == "CALIBRATION":
                words.certified.append(one["name"])
            if one["type"] == "RUN":
                words.runs.append(one["name"])
        for one in repository["dimensions"]:
            words.fields[one["name"]] = [field["name"] for field in one["fields"]]
        for one in (repository["quanta"] or {"nodes": []})["nodes"]:
            words.nodes.append(one["id"])
            words.tasks.append(one["task"])
        for one in repository["datasetTypes"]["nodes"]:
            words.nodes.append(one["id"])
            found = ask(_DATASETS, {"repository": label, "type": one["name"]})
            nodes = found["repository"]["datasets"]["nodes"]
            if not nodes or one["name"] in words.types:
                words.others.append(one["name"])
                continue
            words.types[one["name"]] = one["required"]
            words.datasets[one["name"]] = nodes[:3] + nodes[-2:]
            if one["isCalibration"]:
                words.calibrations.append(one["name"])
    words.tasks = sorted(set(words.tasks))
    words.collections = sorted(set(words.collections))
    words.datasets = {name: words.datasets[name] for name in sorted(words.types, key=_wanted)[:MOST]}
    words.types = {name: words.types[name] for name in words.datasets}
    words.calibrations = [name for name in words.calibrations if name in words.types]
    for name in words.types:
        words.kin[name] = _kin(ask, words, name)
    for way in ("inputs", "outputs"):
        asked = f"{way}(first: 1) {{ totalCount }}"
        words.recorded[way] = [name for name in words.types if _first(ask, words, name, asked).get(way)]
    words.nodes += [dataset["id"] for dataset in words.whole]
    return words


def _wanted(name: str) -> int:
    return WANTED.index(name) if name in WANTED else len(WANTED) + len(name)


def _kin(ask: Ask, words: Words, name: str) -> list[tuple[str, str]]:
    """Types that a dataset of this one can be asked for, and by which kinds, without an error."""
    keys = {f"k{place}_{kind}": (other, kind) for place, other in enumerate(words.types) for kind in KINDS}
    asked = " ".join(
        f'{key}: related(type: "{other}", first: 1{f", by: {kind}" if kind else ""}) {{ nodes {{ run }} }}'
        for key, (other, kind) in keys.items()
    )
    found = _first(ask, words, name, asked)
    return [pair for key, pair in keys.items() if found.get(key)]


def _first(ask: Ask, words: Words, name: str, asked: str) -> dict[str, Any]:
    for label in words.labels:
        variables = {"id": words.datasets[name][0]["uuid"], "repository": label}
        found = ask(_RELATED % asked, variables)["repository"]["dataset"]
        if found:
            return dict(found)
    return {}
