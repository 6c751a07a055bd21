"""The statements that a careful person would write by hand for this registry, and the fastest of several that were tried.

An id is a parameter; lengths of pages have their places, {first} and {each}, where numbers are to be written. What is known beforehand: the tables' names, the numbers of
collections and types, the one instrument, and that a dataset in a RUN has that collection as its run. So neither the names of the collections
asked nor the instrument are read, but the runs of flats are, which are many. Which of two forms is faster depends on the length of the page.
"""

from __future__ import annotations

from benchmarks.engine.known import Registry

INSTRUMENT = "LSSTCam"

SHORT = 3_000
"""Up to this many raws it is faster to look up flats once for all raws of a detector and filter than to join them to each raw."""


def short_page(known: Registry) -> str:
    """{first} raws in the order of detector and exposure, each with its flat: 9 columns."""
    return f"""
WITH t AS MATERIALIZED (SELECT t.*, e.physical_filter, e.timespan FROM ({_page(known)}) t {_EXPOSURE}),
f AS MATERIALIZED (
  SELECT f.* FROM (
    SELECT detector, physical_filter, range_agg(timespan) AS timespan FROM t GROUP BY detector, physical_filter
  ) k CROSS JOIN LATERAL (
    SELECT c.detector, c.physical_filter, c.timespan, c.dataset_id::text AS id, run.name, lower(c.timespan), upper(c.timespan)
    FROM {known.calibs} c {_run("c")} WHERE {_valid(known, "k", "k")} OFFSET 0
  ) f
)
SELECT {_raw("t")}, f.id, f.name, f.lower, f.upper FROM t
LEFT JOIN f ON f.detector = t.detector AND f.physical_filter = t.physical_filter AND f.timespan && t.timespan
ORDER BY t.detector, t.exposure"""


def long_page(known: Registry) -> str:
    """The same rows."""
    return f"""
WITH t AS MATERIALIZED ({_page(known)})
SELECT {_raw("e")}, c.dataset_id::text, run.name, lower(c.timespan), upper(c.timespan) FROM t {_EXPOSURE}
LEFT JOIN {known.calibs} c ON {_valid(known, "t", "e")} {_run("c", "LEFT JOIN")}
ORDER BY t.detector, t.exposure"""


def nested(known: Registry) -> str:
    """{first} flats in the order of detector, filter and run, each with its first {each} raws: 4 columns and 5."""
    return f"""
SELECT f.dataset_id::text, f.name, f.physical_filter, f.detector, x.* FROM (
  SELECT c.*, run.name FROM (
    SELECT * FROM {known.calibs}
    WHERE dataset_type_id = {known.flat_type} AND collection_id = {known.flat_collection} AND instrument = '{INSTRUMENT}'
    ORDER BY detector, physical_filter FETCH FIRST {{first}} ROWS WITH TIES
  ) c {_run("c")} ORDER BY c.detector, c.physical_filter, run.name LIMIT {{first}}
) f LEFT JOIN LATERAL (
  SELECT {_raw("e")} FROM (
    SELECT * FROM exposure
    WHERE instrument = '{INSTRUMENT}' AND physical_filter = f.physical_filter AND timespan && f.timespan
    ORDER BY id OFFSET 0
  ) e JOIN {known.tags} t ON {_raws(known)} AND t.detector = f.detector AND t.exposure = e.id
  ORDER BY e.id LIMIT {{each}}
) x ON true ORDER BY f.detector, f.physical_filter, f.name, x.exposure"""


def one(known: Registry) -> str:
    """The raw whose id is $1: 5 columns and its run."""
    return f"""
SELECT {_raw("e")}, run.name FROM {known.tags} t
JOIN collection run ON run.collection_id = t.collection_id AND run.type = {_RUN} {_EXPOSURE}
WHERE t.dataset_id = $1"""


_RUN = 1  # lsst.daf.butler.CollectionType
_EXPOSURE = f"JOIN exposure e ON e.instrument = '{INSTRUMENT}' AND e.id = t.exposure"


def _raw(exposure: str) -> str:
    return (
        f"t.dataset_id::text, t.exposure, t.detector, {exposure}.physical_filter, lower({exposure}.timespan)"
    )


def _run(dataset: str, join: str = "JOIN") -> str:
    return f"""
{join} dataset d ON d.id = {dataset}.dataset_id {join} collection run ON run.collection_id = d.run_id"""


def _raws(known: Registry) -> str:
    return f"""
t.dataset_type_id = {known.raw_type} AND t.collection_id = {known.raw_collection} AND t.instrument = '{INSTRUMENT}'"""


def _page(known: Registry) -> str:
    return f"""
SELECT t.dataset_id, t.detector, t.exposure FROM {known.tags} t WHERE {_raws(known)}
ORDER BY t.detector, t.exposure LIMIT {{first}}"""


def _valid(known: Registry, key: str, seen: str) -> str:
    """The condition that a row of the calibrations c is of a flat for this detector, and for this filter and time."""
    return f"""
c.dataset_type_id = {known.flat_type} AND c.collection_id = {known.flat_collection}
AND c.instrument = '{INSTRUMENT}' AND c.detector = {key}.detector
AND c.physical_filter = {seen}.physical_filter AND c.timespan && {seen}.timespan"""
