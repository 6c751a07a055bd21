"""A peer: PostGraphile 5. It makes its schema from the database, and Butler's tables cannot be asked as they are: what is valid
for a raw is no foreign key but an overlap of two ranges of time, which no relation of PostGraphile expresses.

So the database gets a schema of its own, ``engine``: views of raws and flats with their fields ready, and the association as a
column, flat_id, that smart comments declare to be a foreign key. grafast then plans raws with their flats, and flats with their
raws, into one statement each, and PostgreSQL sees through the views. Computed columns (SQL functions of a row), the other way
that its documentation has for this, were 3.5 times slower at 1,000 raws: PostgreSQL does not inline them. In ``raw`` the flat's id,
and everywhere the name of the run, are subqueries, which cost nothing where they are not asked for.
"""

from __future__ import annotations

import psycopg

from benchmarks.engine.known import Registry


def prepare(known: Registry) -> None:
    """Add the schema to the database of the registry. Butler's tables stay as they are."""
    with psycopg.connect(known.dsn, autocommit=True) as connection:
        connection.execute(_schema(known))


def _schema(known: Registry) -> str:
    run = """(SELECT c.name FROM dataset d JOIN collection c ON c.collection_id = d.run_id
  WHERE d.id = t.dataset_id) AS run"""
    raw = f"""t.dataset_id AS uuid, {run}, 'raw'::text AS type, t.instrument, t.exposure, t.detector, e.physical_filter,
  lower(e.timespan) AS begin"""
    seen = f"""{known.tags} t JOIN exposure e ON e.instrument = t.instrument AND e.id = t.exposure"""
    raws = f"t.dataset_type_id = {known.raw_type} AND t.collection_id = {known.raw_collection}"
    valid = f"""c.dataset_type_id = {known.flat_type} AND c.collection_id = {known.flat_collection}
  AND c.instrument = t.instrument AND c.detector = t.detector AND c.physical_filter = e.physical_filter
  AND c.timespan && e.timespan"""
    return f"""
CREATE SCHEMA engine;
CREATE VIEW engine.flat AS
SELECT t.dataset_id AS uuid, {run}, (SELECT name FROM collection c WHERE c.collection_id = t.collection_id) AS collection,
  t.instrument, t.detector, t.physical_filter, lower(t.timespan) AS begin, upper(t.timespan) AS "end"
FROM {known.calibs} t WHERE t.dataset_type_id = {known.flat_type} AND t.collection_id = {known.flat_collection};
COMMENT ON VIEW engine.flat IS '@primaryKey uuid';

CREATE VIEW engine.raw AS
SELECT {raw}, (SELECT c.dataset_id FROM {known.calibs} c WHERE {valid} LIMIT 1) AS flat_id
FROM {seen} WHERE {raws};
COMMENT ON VIEW engine.raw IS E'@primaryKey uuid\\n@foreignKey (flat_id) references engine.flat (uuid)|@fieldName flat';

CREATE VIEW engine.flat_raw AS
SELECT {raw}, c.dataset_id AS flat_id FROM {seen} JOIN {known.calibs} c ON {valid} WHERE {raws};
COMMENT ON VIEW engine.flat_raw IS E'@primaryKey uuid\\n@foreignKey (flat_id) references engine.flat (uuid)|@foreignFieldName raws';
"""
