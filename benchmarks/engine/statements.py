"""The statements that a careful person would write by hand for this registry, and the fastest of several that were tried.

All of them take their values as parameters, as every server here must. Names of runs and collections are joined, not known
beforehand; the table names and the numbers of collections and types are known. Which of two forms is faster depends on the
length of the page: LATERAL look-ups for short ones, joins that PostgreSQL may hash for long ones.
"""

from __future__ import annotations

from benchmarks.engine.known import Registry

SHORT = 300
"""Up to this many raws, look-ups for each row are faster than joins."""


def short_page(known: Registry) -> str:
    """$1 raws in the order of detector and exposure, each with its flat: 13 columns."""
    return f"""
SELECT {_raw("t", "e")}, f.* FROM ({_page(known)}) t {_run("t")} {_EXPOSURE}
LEFT JOIN LATERAL (
  SELECT c.dataset_id::text, frun.name AS run, fc.name AS collection, lower(c.timespan), upper(c.timespan)
  FROM {known.calibs} c JOIN dataset fd ON fd.id = c.dataset_id
  JOIN collection frun ON frun.collection_id = fd.run_id JOIN collection fc ON fc.collection_id = c.collection_id
  WHERE {_valid(known, "c")} LIMIT 1
) f ON true ORDER BY t.instrument, t.detector, t.exposure"""


def long_page(known: Registry) -> str:
    """The same rows."""
    return f"""
WITH t AS MATERIALIZED ({_page(known)})
SELECT {_raw("t", "e")}, c.dataset_id::text, frun.name, fc.name, lower(c.timespan), upper(c.timespan)
FROM t {_run("t")} {_EXPOSURE}
LEFT JOIN {known.calibs} c ON {_valid(known, "c")}
LEFT JOIN dataset fd ON fd.id = c.dataset_id LEFT JOIN collection frun ON frun.collection_id = fd.run_id
LEFT JOIN collection fc ON fc.collection_id = c.collection_id
ORDER BY t.instrument, t.detector, t.exposure"""


def nested(known: Registry) -> str:
    """$1 flats in the order of detector, filter and run, each with its first $2 raws: 4 columns and 7."""
    return f"""
SELECT f.dataset_id::text, f.name, f.physical_filter, f.detector, x.* FROM (
  SELECT c.*, frun.name FROM {known.calibs} c JOIN dataset fd ON fd.id = c.dataset_id
  JOIN collection frun ON frun.collection_id = fd.run_id
  WHERE c.dataset_type_id = {known.flat_type} AND c.collection_id = {known.flat_collection}
  ORDER BY c.instrument, c.detector, c.physical_filter, frun.name LIMIT $1
) f LEFT JOIN LATERAL (
  SELECT {_raw("t", "t")} FROM (
    SELECT t.*, e.physical_filter, e.timespan FROM exposure e JOIN {known.tags} t
    ON t.dataset_type_id = {known.raw_type} AND t.collection_id = {known.raw_collection}
    AND t.instrument = e.instrument AND t.detector = f.detector AND t.exposure = e.id
    WHERE e.instrument = f.instrument AND e.physical_filter = f.physical_filter AND e.timespan && f.timespan
    ORDER BY t.exposure LIMIT $2
  ) t {_run("t")}
) x ON true ORDER BY f.instrument, f.detector, f.physical_filter, f.name, x.exposure"""


def one(known: Registry) -> str:
    """The raw whose id is $1: 7 columns."""
    return f"""
SELECT {_raw("t", "e")} FROM {known.tags} t {_run("t")} {_EXPOSURE}
WHERE t.dataset_id = $1 AND t.collection_id = d.run_id"""


def _raw(tags: str, exposure: str) -> str:
    seen = f"{tags}.instrument, {tags}.exposure, {tags}.detector, {exposure}.physical_filter"
    return f"{tags}.dataset_id::text, run.name, {seen}, lower({exposure}.timespan)"


def _run(tags: str) -> str:
    return f"JOIN dataset d ON d.id = {tags}.dataset_id JOIN collection run ON run.collection_id = d.run_id"


_EXPOSURE = "JOIN exposure e ON e.instrument = t.instrument AND e.id = t.exposure"


def _page(known: Registry) -> str:
    return f"""
SELECT * FROM {known.tags} WHERE dataset_type_id = {known.raw_type} AND collection_id = {known.raw_collection}
ORDER BY instrument, detector, exposure LIMIT $1"""


def _valid(known: Registry, calibs: str) -> str:
    """The condition that a row of the calibrations is of a flat, for the raw t of the exposure e."""
    return f"""
{calibs}.dataset_type_id = {known.flat_type} AND {calibs}.collection_id = {known.flat_collection}
AND {calibs}.instrument = t.instrument AND {calibs}.detector = t.detector
AND {calibs}.physical_filter = e.physical_filter AND {calibs}.timespan && e.timespan"""
