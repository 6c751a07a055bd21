"""Validity ranges of CALIBRATION collections, answered with SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..answers import DATASET, PARENT, VALIDITY
from ..caller import Call
from ..errors import BadUserInput, TooComplex
from ..question import Certifications
from ..rows import Column as RowColumn
from ..rows import Kind, Row, Rows
from . import conditions
from .joins import Source
from .names import Names, TypeRecord
from .order import Term, behind, check, sorting
from .selection import implied
from .store import Store
from .tables import Tables

_EARLIEST = -(2**63)


@dataclass(slots=True)
class CertificationQueries:
    """Certifications: one statement a page."""

    store: Store
    tables: Tables
    names: Names

    def page(self, question: Certifications, call: Call) -> Rows:
        record, source, table, places = self._select(question, call)
        tables, dialect = self.tables, self.tables.dialect
        begin, end = dialect.timespan(table)
        # An unbounded begin comes first: it is before everything.
        low = sa.func.coalesce(begin, _EARLIEST)
        terms = [Term(table.c[d], tables.kind(d)) for d in record.info.required]
        terms += [Term(low, Kind.LONG), Term(table.c.dataset_id, Kind.UUID)]
        if question.page.after is not None:
            check([term.kind for term in terms], question.page.after)
            later = behind(terms, question.page.after, dialect)
            source.conditions.append(later if not isinstance(later, bool) else sa.literal(later))
        bare = source.select(
            table.c.collection_id,
            table.c.dataset_id,
            *(table.c[d] for d in record.info.required),
            begin.label("valid_begin"),
            end.label("valid_end"),
            low.label("low"),
        )
        if len(places) == 1:
            rows = bare.order_by(*sorting(terms, dialect)).limit(question.page.first + 1).subquery()
        else:
            place = sa.func.row_number().over(
                partition_by=table.c.collection_id, order_by=sorting(terms, dialect)
            )
            numbered = bare.add_columns(place.label("place")).subquery()
            rows = sa.select(numbered).where(numbered.c.place <= question.page.first + 1).subquery()
        found = self.store.rows(self._dressed(rows, record), call)
        names = record.info.dimensions
        columns = (
            PARENT,
            *DATASET,
            *(RowColumn(n, tables.kind(n), dimension=True) for n in names),
            *VALIDITY,
        )
        keyed = [names.index(d) + 5 for d in record.info.required]

        def key(row: Row) -> tuple[str | int, ...]:
            return (*(row[p] for p in keyed), _EARLIEST if row[-2] is None else row[-2], row[1])

        answer = sorted(((places[row[0]], *row[1:]) for row in found), key=lambda row: row[0])
        return Rows(columns, answer, key=key, types={record.name: record.info})

    def _dressed(self, rows: sa.Subquery, record: TypeRecord) -> sa.Select[Any]:
        """Certifications with their datasets' runs, ingest dates and implied dimensions, in order."""
        tables, dialect = self.tables, self.tables.dialect
        dataset, run = tables.dataset.alias(), tables.collection.alias()
        clause: sa.FromClause = rows.join(dataset, dataset.c.id == rows.c.dataset_id)
        clause = clause.join(run, run.c.collection_id == dataset.c.run_id)
        required = {d: rows.c[d] for d in record.info.required}
        values, clause = implied(tables, record.info.dimensions, dict(required), clause)
        order = [Term(column, tables.kind(d)) for d, column in required.items()]
        order += [Term(rows.c.low, Kind.LONG), Term(rows.c.dataset_id, Kind.UUID)]
        return (
            sa.select(
                rows.c.collection_id,
                dialect.hex(rows.c.dataset_id),
                sa.literal(record.name, sa.Text()),
                run.c.name,
                dataset.c.ingest_date,
                *(values[name] for name in record.info.dimensions),
                rows.c.valid_begin,
                rows.c.valid_end,
            )
            .select_from(clause)
            .order_by(*sorting(order, dialect))
        )

    def count(self, question: Certifications, call: Call) -> int:
        _, source, table, _ = self._select(question, call)
        bounded = source.select(table.c.dataset_id).limit(call.max_rows + 1).subquery()
        ((number,),) = self.store.rows(sa.select(sa.func.count()).select_from(bounded), call)
        if number > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} validity ranges: counting them passes the limit.",
                limit=call.max_rows,
                actual=number,
                what="validity ranges counted",
            )
        return int(number)

    def _select(
        self, question: Certifications, call: Call
    ) -> tuple[TypeRecord, Source, sa.FromClause, dict[int, int]]:
        """The type, a FROM clause with its conditions, the table, and each collection's place in the question."""
        record = self.names.type(question.type, call)
        own = self.names.named(question.collections, call)
        for name in question.collections:
            if name not in own:
                raise self.names.missing_collection(name, call)
            if own[name].type != "CALIBRATION":
                raise BadUserInput(
                    f"Collection '{name}' is of type {own[name].type}: only CALIBRATION collections hold validity ranges."
                )
        if record.calibs is None:
            raise BadUserInput(
                f"Dataset type '{record.name}' is no calibration type: none of it is ever certified."
            )
        places = {own[name].id: place for place, name in enumerate(question.collections)}
        table = self.tables.association(record.calibs, record.info.required, True).alias()
        source = Source(self.tables, record.group, table, {d: table.c[d] for d in record.info.required})
        source.conditions = [
            table.c.dataset_type_id == record.id,
            self.tables.dialect.within(table.c.collection_id, list(places)),
        ]
        dataset = conditions.DatasetColumns(self.tables, source, table.c.dataset_id)
        conditions.require_inside(question.constraints, record.group, self.tables)
        conditions.apply(question.constraints, source, dataset)
        if question.validity is not None:
            source.conditions.append(self.tables.dialect.overlaps(table, question.validity))
        return record, source, table, places
