"""The statements of the servers that resolve a relation with a batching loader: one for the parents, one for all that belongs
to them. Mercurius, Apollo and strawberry run the same ones; what differs is the GraphQL server alone.

Columns have the names of the peers' GraphQL fields, so that no row has to be renamed. Instants are nanoseconds TAI as the
registry has them, in text (they pass 2^53): the peers are spared the conversion to UTC that the gateway's schema promises.
"""

from __future__ import annotations

from benchmarks.engine.known import Registry


def batches(known: Registry) -> dict[str, str]:
    """Statements by name. ``flatsOf`` and ``rawsOf`` give the number of the parent, from 1, as their first column n."""
    raws = f"t.dataset_type_id = {known.raw_type} AND t.collection_id = {known.raw_collection}"
    flats = f"c.dataset_type_id = {known.flat_type} AND c.collection_id = {known.flat_collection}"
    flat_run = """JOIN dataset fd ON fd.id = c.dataset_id
JOIN collection frun ON frun.collection_id = fd.run_id"""
    range_ = 'CAST(lower(c.timespan) AS text) AS begin, CAST(upper(c.timespan) AS text) AS "end"'
    return {
        # $1 raws
        "raws": f"""
SELECT {_raw("e")} FROM (
  SELECT t.* FROM {known.tags} t WHERE {raws} ORDER BY t.instrument, t.detector, t.exposure LIMIT $1
) t {_RUN} {_EXPOSURE} ORDER BY t.instrument, t.detector, t.exposure""",
        # the flats of raws, given as arrays of instrument, detector and exposure
        "flatsOf": f"""
SELECT k.n, CAST(c.dataset_id AS text) AS uuid, frun.name AS run, fc.name AS collection, {range_}
FROM unnest(CAST($1 AS text[]), CAST($2 AS bigint[]), CAST($3 AS bigint[])) WITH ORDINALITY k(instrument, detector, exposure, n)
JOIN exposure e ON e.instrument = k.instrument AND e.id = k.exposure
JOIN {known.calibs} c ON {flats} AND c.instrument = k.instrument AND c.detector = k.detector
  AND c.physical_filter = e.physical_filter AND c.timespan && e.timespan
{flat_run} JOIN collection fc ON fc.collection_id = c.collection_id""",
        # $1 flats
        "flats": f"""
SELECT CAST(c.dataset_id AS text) AS uuid, frun.name AS run, c.instrument, c.physical_filter AS "physicalFilter", c.detector, {range_}
FROM {known.calibs} c {flat_run} WHERE {flats}
ORDER BY c.instrument, c.detector, c.physical_filter, frun.name LIMIT $1""",
        # the first $6 raws of flats, given as arrays of instrument, detector, filter, begin and end
        "rawsOf": f"""
SELECT x.* FROM unnest(CAST($1 AS text[]), CAST($2 AS bigint[]), CAST($3 AS text[]), CAST($4 AS text[]), CAST($5 AS text[]))
  WITH ORDINALITY f(instrument, detector, physical_filter, begin, "end", n)
CROSS JOIN LATERAL (
  SELECT f.n, {_raw("t")} FROM (
    SELECT t.*, e.physical_filter, e.timespan FROM exposure e
    JOIN {known.tags} t ON {raws} AND t.instrument = e.instrument AND t.detector = f.detector AND t.exposure = e.id
    WHERE e.instrument = f.instrument AND e.physical_filter = f.physical_filter
    AND e.timespan && int8range(CAST(f.begin AS bigint), CAST(f."end" AS bigint))
    ORDER BY t.exposure LIMIT $6
  ) t {_RUN}
) x ORDER BY x.n, x.exposure""",
        # the raw with the id $1
        "one": f"SELECT {_raw('e')} FROM {known.tags} t {_RUN} {_EXPOSURE} WHERE t.dataset_id = $1 AND t.collection_id = d.run_id",
    }


_RUN = "JOIN dataset d ON d.id = t.dataset_id JOIN collection run ON run.collection_id = d.run_id"
_EXPOSURE = "JOIN exposure e ON e.instrument = t.instrument AND e.id = t.exposure"


def _raw(exposure: str) -> str:
    return f"""CAST(t.dataset_id AS text) AS uuid, run.name AS run, 'raw' AS type, t.instrument, t.exposure, t.detector,
  {exposure}.physical_filter AS "physicalFilter", CAST(lower({exposure}.timespan) AS text) AS begin"""
