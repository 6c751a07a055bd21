"""Validity ranges of a CALIBRATION collection, answered with SQL."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

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


@dataclass(slots=True)
class CertificationQueries:
    """Certifications: one statement a page."""

    store: Store
    tables: Tables
    names: Names

    def page(self, question: Certifications, call: Call) -> Rows:
        record, source, table = self._select(question, call)
        tables, dialect = self.tables, self.tables.dialect
        begin, end = dialect.timespan(table)
        # An unbounded begin comes first: it is before everything.
        low = sa.func.coalesce(begin, -(2**63))
        terms = [Term(table.c[d], tables.kind(d)) for d in record.info.required]
        terms += [Term(low, Kind.LONG), Term(table.c.dataset_id, Kind.UUID)]
        if question.page.after is not None:
            check([term.kind for term in terms], question.page.after)
            later = behind(terms, question.page.after, dialect)
            source.conditions.append(later if not isinstance(later, bool) else sa.literal(later))
        bare = (
            source.select(
                table.c.dataset_id,
                *(table.c[d] for d in record.info.required),
                begin.label("valid_begin"),
                end.label("valid_end"),
                low.label("low"),
            )
            .order_by(*sorting(terms, dialect))
            .limit(question.page.first + 1)
            .subquery()
        )
        dataset, run = tables.dataset.alias(), tables.collection.alias()
        clause: sa.FromClause = bare.join(dataset, dataset.c.id == bare.c.dataset_id)
        clause = clause.join(run, run.c.collection_id == dataset.c.run_id)
        names = record.info.dimensions
        values, clause = implied(tables, names, {d: bare.c[d] for d in record.info.required}, clause)
        order = [Term(bare.c[d], tables.kind(d)) for d in record.info.required]
        order += [Term(bare.c.low, Kind.LONG), Term(bare.c.dataset_id, Kind.UUID)]
        statement = (
            sa.select(
                dialect.hex(bare.c.dataset_id),
                sa.literal(record.name, sa.Text()),
                run.c.name,
                dataset.c.ingest_date,
                *(values[name] for name in names),
                bare.c.valid_begin,
                bare.c.valid_end,
            )
            .select_from(clause)
            .order_by(*sorting(order, dialect))
        )
        found = self.store.rows(statement, call)
        columns = (
            RowColumn("id", Kind.UUID),
            RowColumn("type", Kind.STRING),
            RowColumn("run", Kind.STRING),
            RowColumn("ingest_date", Kind.TIME),
            *(RowColumn(n, tables.kind(n), dimension=True) for n in names),
            RowColumn("valid_begin", Kind.TIME),
            RowColumn("valid_end", Kind.TIME),
        )
        places = [names.index(d) + 4 for d in record.info.required]

        def key(row: Row) -> tuple[str | int, ...]:
            return (*(row[p] for p in places), -(2**63) if row[-2] is None else row[-2], row[0])

        more = len(found) > question.page.first
        return Rows(
            columns, found[: question.page.first], more=more, key=key, types={record.name: record.info}
        )

    def count(self, question: Certifications, call: Call) -> int:
        _, source, table = self._select(question, call)
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

    def _select(self, question: Certifications, call: Call) -> tuple[TypeRecord, Source, sa.FromClause]:
        (record,) = self.names.types((question.type,), call)
        found = [
            c for c in self.names.collections((question.collection,), call) if c.name == question.collection
        ]
        if not found:
            raise self.names.missing_collection(question.collection, call)
        if found[0].type != "CALIBRATION":
            raise BadUserInput(
                f"Collection '{question.collection}' is of type {found[0].type}: only CALIBRATION collections hold validity ranges."
            )
        if record.calibs is None:
            raise BadUserInput(
                f"Dataset type '{record.name}' is no calibration type: none of it is ever certified."
            )
        table = self.tables.association(record.calibs, record.info.required, True).alias()
        source = Source(self.tables, record.group, table, {d: table.c[d] for d in record.info.required})
        source.conditions = [
            table.c.dataset_type_id == record.id,
            table.c.collection_id == found[0].id,
        ]
        dataset = conditions.DatasetColumns(self.tables, source, table.c.dataset_id)
        conditions.require_inside(question.constraints, record.group, self.tables)
        conditions.apply(question.constraints, source, dataset)
        if question.validity is not None:
            source.conditions.append(self.tables.dialect.overlaps(table, question.validity))
        return record, source, table
