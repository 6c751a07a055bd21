"""Random questions about a repository: hypothesis strategies over what is really in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from lsst.daf.butler import DimensionGroup

from adapters.question import (
    Among,
    Bind,
    Certifications,
    Constraint,
    DataIds,
    Datasets,
    Op,
    Order,
    Records,
    Sky,
    Span,
    Where,
)

from .judge import Judge
from .observatory import span
from .repositories import TYPES

COLLECTIONS = (
    "HSC/defaults",
    "HSC/runs/all",
    "HSC/runs/w01",
    "HSC/runs/w02",
    "HSC/raw/all",
    "HSC/tagged/best",
    "HSC/calib",
    "HSC/calib/alt",
    "HSC/calib/gen/e0",
    "outer",
    "refcats",
    "u/empty",
    "nothing",
    "HSC/*",
    "*",
    "*calib*",
    "u/[!e]*",
)
TYPE_GLOBS = ("*", "c*", "*a*", "[a-g]*", "?ias", "zz*")
SHAPES = (
    "CIRCLE 0 0 0.2",
    "CIRCLE 359.9 -0.1 0",
    "CIRCLE 10 0 1",
    "POLYGON 359.8 -0.2 0.1 -0.2 0.1 0.1",
    "RANGE 0 0.3 -0.3 0",
    "CIRCLE 180 45 3",
)
OUTSIDE = {
    "calexp": ("patch", "tract", "skymap", "exposure"),
    "raw": ("visit",),
    "deepCoadd": ("visit", "physical_filter"),
    "flat": ("exposure", "visit"),
    "src": ("visit_system",),
}
WHERES = (
    Where("detector = 1"),
    Where("detector IN (:some) AND NOT (detector = 2)", (Bind("some", "longs", (0, 1)),)),
    Where("physical_filter = 'HSC-R' OR band = 'i'"),
    Where("GLOB(physical_filter, 'HSC*')"),
)


@dataclass
class Vocabulary:
    """Values that dimensions and fields have in a repository."""

    judge: Judge
    moments: tuple[int, ...]
    _values: dict[str, list[Any]] = field(default_factory=dict)

    def values(self, name: str) -> list[Any]:
        if name not in self._values:
            element = name.partition(".")[0]
            if element in self.judge.butler.dimensions.skypix_dimensions.names:
                refs = self.judge.butler.query_datasets("gaia_dr3", "refcats", explain=False)
                self._values[name] = sorted(ref.dataId["htm7"] for ref in refs)
            else:
                self._values[name] = self.judge.values(name)
        return self._values[name]

    def fields(self, group: DimensionGroup) -> list[str]:
        """Fields of records that can be compared."""
        found = []
        for name in group.elements:
            element = group.universe[name]
            specs = (*element.alternate_keys, *element.metadata_columns)
            found += [f"{name}.{s.name}" for s in specs if s.type in ("int", "float", "string", "bool")]
        return sorted(found)


def strings() -> st.SearchStrategy[str]:
    return st.sampled_from(["*", "H*", "*[RI]*", "?SC*", "[!H]*", "*%*", "a_b[[]2]", "*é", "HSC-[!R]*"])


@st.composite
def constraints(
    draw: st.DrawFn, words: Vocabulary, group: DimensionGroup, dataset: bool = False
) -> Constraint:
    names = [*group.names, *words.fields(group)] or ["instrument"]
    name = draw(st.sampled_from(["run", *names] if dataset else names))
    if name == "run":
        pattern = st.sampled_from(["*w0[12]", "HSC/*", "*"])
        return Constraint(name, Op.GLOB, draw(pattern))
    values = words.values(name)
    if not values:
        return Constraint(name, Op.IN, ())
    value = draw(st.sampled_from(values))
    ops = [Op.EQ, Op.NE] if isinstance(value, bool) else [Op.EQ, Op.NE, Op.IN]
    if isinstance(value, str):
        ops.append(Op.GLOB)
    elif not isinstance(value, bool):
        ops += [Op.GE, Op.GT, Op.LE, Op.LT]
    op = draw(st.sampled_from(ops))
    if op is Op.GLOB:
        return Constraint(name, op, draw(strings()))
    if op is Op.IN:
        return Constraint(
            name, op, tuple(draw(st.lists(st.sampled_from(values), min_size=1, max_size=4, unique=True)))
        )
    return Constraint(name, op, value)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Ranges whose ends are those of exposures and of certifications, to the nanosecond, or open."""
    ends = [None, *(end for index in range(8) for end in span(index).nsec)]
    begin, end = draw(st.sampled_from(ends)), draw(st.sampled_from(ends))
    shift = draw(st.sampled_from([0, 0, -1, 1]))
    if begin is not None and end is not None and begin >= end:
        begin, end = end, begin
    if begin is not None and begin == end:
        end = begin + 1
    elif begin is not None and end is not None and begin + shift < end:
        begin += shift
    return Span(begin, end)


@st.composite
def orders(draw: st.DrawFn, words: Vocabulary, group: DimensionGroup, dataset: bool) -> tuple[Order, ...]:
    names = [*group.names, *(f for f in words.fields(group))]
    names += ["run", "ingest_date"] if dataset else []
    names += ["timespan.begin", "timespan.end"] if group.temporal else []
    if not names:
        return ()
    chosen = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
    return tuple(Order(name, draw(st.booleans())) for name in chosen)


def maybe(draw: st.DrawFn, strategy: st.SearchStrategy[Any], often: int = 4) -> Any:
    """None mostly, and what hypothesis shrinks to."""
    return draw(strategy) if draw(st.integers(0, often)) == often else None


def searched(most: int) -> st.SearchStrategy[tuple[str, ...] | None]:
    """Search paths; those that hold much come more often."""
    full = st.sampled_from(["outer", "*", "HSC/*", "HSC/defaults", "HSC/runs/all", "*calib*"])
    return st.none() | st.lists(
        full | st.sampled_from(COLLECTIONS), min_size=1, max_size=most, unique=True
    ).map(tuple)


@st.composite
def datasets(draw: st.DrawFn, words: Vocabulary) -> Datasets:
    universe = words.judge.butler.dimensions
    named = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=3, unique=True))
    types = tuple(named if draw(st.integers(0, 2)) < 2 else [draw(st.sampled_from(TYPE_GLOBS))])
    found = words.judge.named(types, words.judge.types)
    groups = [words.judge.types[name].dimensions for name in found] or [universe.empty]
    shared = universe.conform(set.intersection(*(set(group.names) for group in groups)))
    given = draw(st.lists(constraints(words, shared, True), max_size=2)) if shared.names else []
    if len(types) == 1 and types[0] in OUTSIDE and draw(st.integers(0, 2)) == 2:
        name = draw(st.sampled_from(OUTSIDE[types[0]]))
        given.append(Constraint(name, Op.EQ, draw(st.sampled_from(words.values(name)))))
    where = None
    if {"detector", "physical_filter"} <= set(shared.names):
        where = maybe(draw, st.sampled_from(WHERES))
    among = None
    if shared.names and draw(st.integers(0, 6)) == 6:
        names = tuple(
            draw(st.lists(st.sampled_from(sorted(shared.names)), min_size=1, max_size=2, unique=True))
        )
        rows = st.tuples(*(st.sampled_from(words.values(name)) for name in names))
        among = Among(names, tuple(draw(st.lists(rows, min_size=1, max_size=6))))
    kinds = [words.judge.types[name] for name in found]
    calibrations = any(kind.isCalibration() for kind in kinds)
    # Mostly what makes sense for some type; the rest is there to be refused.
    astray = draw(st.integers(0, 19)) == 19
    spatial = astray or any(words.judge.spatial(kind.dimensions) for kind in kinds)
    temporal = astray or any(kind.dimensions.temporal for kind in kinds)
    globbed = types[0] in TYPE_GLOBS
    firsts = [None, False] if calibrations and not astray else [None, True, False]
    return Datasets(
        types,
        draw(searched(3)),
        tuple(given),
        among,
        where,
        maybe(draw, st.sampled_from(SHAPES).map(Sky)) if spatial and (globbed or len(types) == 1) else None,
        maybe(draw, spans()) if temporal and (globbed or len(types) == 1) else None,
        maybe(draw, spans(), 1) if calibrations and (globbed or len(types) == 1) else None,
        maybe(draw, st.sampled_from([m + 1 for m in words.moments] + [words.moments[0]])),
        draw(st.sampled_from(firsts)),
        draw(orders(words, shared, True)),
    )


GROUPS = (
    ("exposure",),
    ("visit", "detector"),
    ("instrument",),
    ("band",),
    ("physical_filter", "detector"),
    ("exposure", "visit"),
    ("tract", "patch"),
    ("visit", "patch"),
    ("visit", "detector", "tract"),
    ("exposure", "detector"),
    ("skymap", "band"),
    ("visit", "visit_system"),
    ("detector", "tract"),
)


@st.composite
def data_ids(draw: st.DrawFn, words: Vocabulary) -> DataIds:
    dimensions = draw(st.sampled_from(GROUPS))
    group = words.judge.butler.dimensions.conform(dimensions)
    held = st.lists(
        st.sampled_from(["raw", "calexp", "visitSummary", "deepCoadd", "flat", "bias", "neverStored"]),
        max_size=1,
    )
    spatial, temporal = bool(words.judge.spatial(group)), bool(group.temporal)
    among = None
    if draw(st.integers(0, 6)) == 6:
        names = tuple(
            draw(st.lists(st.sampled_from(sorted(group.names)), min_size=1, max_size=2, unique=True))
        )
        rows = st.tuples(*(st.sampled_from(words.values(name)) for name in names))
        among = Among(names, tuple(draw(st.lists(rows, min_size=1, max_size=6))))
    return DataIds(
        dimensions,
        tuple(draw(st.lists(constraints(words, group), max_size=2))),
        among,
        tuple(draw(held)),
        tuple(draw(held)),
        draw(searched(2)),
        None,
        maybe(draw, st.sampled_from(SHAPES).map(Sky), 3)
        if spatial or draw(st.integers(0, 19)) == 19
        else None,
        maybe(draw, spans(), 3) if temporal or draw(st.integers(0, 19)) == 19 else None,
        draw(orders(words, group, False)),
    )


@st.composite
def records(draw: st.DrawFn, words: Vocabulary) -> Records:
    universe = words.judge.butler.dimensions
    skypix = universe.skypix_dimensions.names
    element = draw(st.sampled_from([n for n in universe.elements.names if n not in skypix]))
    group = universe[element].minimal_group
    own = [f for f in words.fields(group) if f.startswith(f"{element}.")]
    order = draw(st.lists(st.sampled_from(own), max_size=1)) if own else []
    return Records(
        element,
        tuple(draw(st.lists(constraints(words, group), max_size=2))),
        None,
        maybe(draw, st.sampled_from(SHAPES).map(Sky), 2) if words.judge.spatial(group) else None,
        maybe(draw, spans(), 2) if group.temporal else None,
        tuple(Order(name, draw(st.booleans())) for name in order),
    )


@st.composite
def certifications(draw: st.DrawFn, words: Vocabulary) -> Certifications:
    name = draw(st.sampled_from(["flat", "bias", "camera"]))
    group = words.judge.types[name].dimensions
    return Certifications(
        (draw(st.sampled_from(["HSC/calib", "HSC/calib/alt"])),),
        name,
        tuple(draw(st.lists(constraints(words, group), max_size=1))),
        maybe(draw, spans(), 1),
    )
