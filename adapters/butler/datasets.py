"""Lists of datasets, answered with SQL on the registry's own tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ..caller import Call
from ..errors import BadUserInput, TooComplex
from ..question import Constraint, Datasets, Op, Page
from ..rows import Facets, Row, Rows
from ..turned import Turned, column
from . import conditions, expression, glob, sky
from .api import ButlerApi, Wanted
from .api_names import Step
from .beside import Along, CalibrationKey, Valid, along
from .branch import Extra, Restriction
from .candidates import Candidate, branches
from .joins import resolve
from .names import CollectionRecord, Names, TypeRecord
from .ready import UNCHANGED, Ready
from .selection import Selection, check_name
from .store import Store
from .tables import Tables

_WALKABLE = 2_000  # a dimension table that SQLite may walk for each page


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is left of a question when its names are known; no selection where nothing can be found."""

    selection: Selection | None
    statements: Iterable[sa.Select[Any]]
    notes: tuple[str, ...]
    weight: int = 1
    """How many types it is about."""
    unchanged: sa.Select[Any] | None = None
    """The statement, if there is one alone, for as long as the names hold (``ready.UNCHANGED``)."""

    @property
    def lasting(self) -> bool:
        """Whether the statements can be sent again."""
        return isinstance(self.statements, Sequence)

    def rows(self, question: Datasets, found: list[Row] | Turned) -> Rows | None:
        """The answer that rows are, of which there may be one too many; None where more than one calibration is valid for a dataset."""
        selection = self.selection
        assert selection is not None
        valid = selection.along is not None and selection.along.valid
        if valid and len(set(column(found, 0))) < len(found):
            return None
        more = len(found) > question.page.first
        rows = selection.rows(found[: question.page.first], more)
        rows.notes = self.notes
        return rows


class DatasetQueries:
    """Datasets: a page, a count, facets. What SQL does not cover is asked of ``api`` for ids."""

    def __init__(
        self,
        store: Store,
        tables: Tables,
        names: Names,
        api: ButlerApi,
        valid: Callable[[TypeRecord, CalibrationKey, Call], Valid | None],
    ) -> None:
        self._valid = valid
        self._store = store
        self._tables = tables
        self._names = names
        self._api = api
        self._small: dict[str, bool] = {}
        self._indices: dict[str, str | None] = {}

    # a question made ready

    def prepare(
        self, question: Datasets, call: Call, path: Sequence[CollectionRecord] | None = None
    ) -> tuple[list[Candidate], tuple[str, ...]]:
        """Candidates that may have rows, by type name, and notes on what was left out. ``path``: the collections to
        search, where they are known already.

        Raises
        ------
        NotFound
            A named dataset type or collection does not exist.
        BadUserInput
            The question makes no sense for a named type (sky for flats, validity for no calibration, findFirst among validity ranges).
        """
        if question.where is not None:
            # A mistake is told where nothing is searched too.
            expression.read(question.where, self._tables.universe)
        types = self._names.types(question.types, call)
        for term in question.order:
            if term.name != "type":
                check_name(term.name, types, self._tables)
        if path is None:
            path = self._names.path(question.collections, call)
        holdings = self._names.holdings(types, path, call)
        notes: list[str] = []
        notes += [
            f"No dataset type of repository '{self._store.name}' matches '{pattern}'."
            for pattern in question.types
            if glob.is_glob(pattern) and not any(glob.matches(t.name, pattern) for t in types)
        ]
        constraints = self._settled(question)
        held: list[tuple[TypeRecord, list[CollectionRecord]]] = []
        for record in types:
            if not self._applies(record, question, notes):
                continue
            notes += [
                f"Nothing ties '{c.name}' to dataset type '{record.name}': the constraint on it says nothing about these datasets."
                for c in question.constraints
                if not conditions.tied(c.name, record.group, self._tables)
            ]
            own = [c for c in path if (record.id, c.id) in holdings]
            if question.validity is not None:
                own = [c for c in own if c.type == "CALIBRATION"]
            if own:
                held.append((record, own))
            else:
                notes.append(f"None of the collections searched holds datasets of type '{record.name}'.")
        governors = self._governors(held, call)
        candidates: list[Candidate] = []
        asked: list[tuple[Candidate, Wanted]] = []
        for record, own in held:
            find_first = self._find_first(record, own, question, call)
            found = branches(
                record, own, governors, constraints, certified_only=question.validity is not None
            )
            if found:
                candidates.append(
                    Candidate(record, found, find_first, self._restriction(record, question, call))
                )
                beyond = self._beyond(record, question)
                if question.where is not None or beyond:
                    steps = tuple(Step(c.name, c.type, frozenset({record.name})) for c in own)
                    asked.append((candidates[-1], Wanted(record.name, steps, beyond)))
        if asked:
            # What Butler joins by itself (sky, visits of exposures, validity) and its own language are Butler's to answer.
            wanted = [one for _, one in asked]
            ids = self._api.dataset_ids(wanted, call, where=question.where)
            for (candidate, _), own_ids in zip(asked, ids, strict=True):
                candidate.restriction.ids = sorted(own_ids)
        return candidates, tuple(notes)

    @staticmethod
    def _settled(question: Datasets) -> frozenset[str]:
        """Governors that the question fixes to one value."""
        return frozenset(c.name for c in question.constraints if c.op is Op.EQ and "." not in c.name)

    def _applies(self, record: TypeRecord, question: Datasets, notes: list[str]) -> bool:
        """Whether sky, time, validity and among make sense for a type: refused for a named one, noted for one that a glob brought in."""
        try:
            if question.sky is not None:
                sky.require(record.group, f"dataset type '{record.name}'")
            if question.time is not None and not record.group.temporal:
                raise BadUserInput(
                    f"time is refused for dataset type '{record.name}': its dimensions "
                    f"({', '.join(record.info.required) or 'none'}) were not observed at a time"
                    + ("; for calibrations ask with validity." if record.info.is_calibration else ".")
                )
            if question.validity is not None and not record.info.is_calibration:
                raise BadUserInput(
                    f"validity is refused for dataset type '{record.name}': it is no calibration type; "
                    "for when something was observed ask with time."
                )
            for name in question.among.names if question.among else ():
                if resolve(name, record.group, self._tables).role == "outside":
                    raise BadUserInput(
                        f"'{name}' in among is no dimension of dataset type '{record.name}', which has "
                        f"{', '.join(record.info.dimensions) or 'none'}."
                    )
            for constraint in question.constraints:
                resolve(constraint.name, record.group, self._tables, dataset=True)
        except BadUserInput as error:
            if record.exact or not isinstance(error, BadUserInput) or error.details.get("unknown"):
                raise
            notes.append(error.message)
            return False
        return True

    def _find_first(
        self, record: TypeRecord, path: Sequence[CollectionRecord], question: Datasets, call: Call
    ) -> bool:
        ranges = record.info.is_calibration and any(c.type == "CALIBRATION" for c in path)
        if question.find_first is None:
            return not ranges and not self._names.wild(question.collections, call)
        if question.find_first and ranges:
            raise BadUserInput(
                f"findFirst has no answer for '{record.name}' in CALIBRATION collections, where several are valid at different times; "
                "leave it out and ask with validity, or find the one for an exposure."
            )
        return question.find_first

    def _governors(
        self, held: Sequence[tuple[TypeRecord, list[CollectionRecord]]], call: Call
    ) -> dict[str, dict[int, list[str]]]:
        universe = self._tables.universe
        wanted = {d for record, _ in held for d in record.info.required} & set(
            universe.governor_dimensions.names
        )
        collections = {c.id: c for _, path in held for c in path}
        return {
            name: self._names.governors(name, list(collections.values()), call) for name in sorted(wanted)
        }

    def _beyond(self, record: TypeRecord, question: Datasets) -> tuple[Constraint, ...]:
        """The constraints on what the type's dimensions lack."""
        return tuple(
            c
            for c in question.constraints
            if resolve(c.name, record.group, self._tables, dataset=True).role == "outside"
        )

    def _restriction(self, record: TypeRecord, question: Datasets, call: Call) -> Restriction:
        restriction = Restriction(
            small=self._short_tables(record, call), index=self._unique_index(record, call)
        )
        if question.sky is not None:
            for foot in sky.footing(record.group):
                restriction.keys.append(sky.matching(foot, question.sky, self._store, self._tables, call))
        return restriction

    def _short_tables(self, record: TypeRecord, call: Call) -> dict[str, bool]:
        """Which dimensions have few values; only SQLite needs to know. Counted once a process: the answer only steers a plan."""
        if not self._store.sqlite:
            return {}
        for name in record.info.required:
            element = self._tables.universe[name]
            if name not in self._small and element.has_own_table:
                table = self._tables.element(name)
                head = sa.select(sa.literal(1)).select_from(table).limit(_WALKABLE + 1).subquery()
                ((count,),) = self._store.rows(sa.select(sa.func.count()).select_from(head), call)
                self._small[name] = count <= _WALKABLE
        return self._small

    def _unique_index(self, record: TypeRecord, call: Call) -> str | None:
        """The name that SQLite gave the index on (dataset_type_id, collection_id, required dimensions)."""
        if not self._store.sqlite:
            return None
        if record.tags not in self._indices:
            wanted = ["dataset_type_id", "collection_id", *record.info.required]
            statement = sa.text(
                "SELECT list.name, info.name FROM pragma_index_list(:table) AS list, pragma_index_info(list.name) AS info "
                "WHERE list.origin = 'u' ORDER BY list.name, info.seqno"
            ).bindparams(table=record.tags)
            columns: dict[str, list[str]] = {}
            for index, column in self._store.rows(statement, call):
                columns.setdefault(index, []).append(column)
            self._indices[record.tags] = next((i for i, c in columns.items() if c == wanted), None)
        return self._indices[record.tags]

    # answers

    def page(self, question: Datasets, call: Call, path: Sequence[CollectionRecord] | None = None) -> Rows:
        ready = self._ready(question, call, path)
        selection = ready.selection
        if selection is None:
            return Rows((), [], notes=ready.notes, key=lambda row: row)
        wanted = question.page.first + 1
        # SQLite's rows come one by one, PostgreSQL's are all there before the first is looked at.
        turned = question.page.turned and self._store.sqlite
        found: list[Row] | Turned = Turned() if turned else []
        for statement in ready.statements:
            self._store.read(found, statement, call, {"most": wanted - len(found)})
            if len(found) >= wanted:
                break
        rows = ready.rows(question, found)
        if rows is None:
            # A question of its own says which calibrations are valid.
            assert question.beside is not None
            without = replace(question.beside, calibrations=())
            return self.page(replace(question, beside=without), call, path)
        return rows

    def ready(self, question: Datasets, call: Call) -> Ready | None:
        """The beginning of a list that was asked for before, where one statement is all that it takes and nobody listens."""
        if not _begins(question) or call.notes is not None:
            return None
        known = self._names.ready_before(replace(question, page=Page(0)), call)
        if known is None:
            return None
        ready: _Ready = known[0]
        _, state, memory = known
        if ready.unchanged is None:
            return None

        def rows(found: list[Row]) -> Rows | None:
            self._names.still(memory, call)
            if not question.page.turned:
                return ready.rows(question, found)
            turned = Turned()
            turned.extend(found)
            return ready.rows(question, turned)

        return Ready(ready.unchanged, {"most": question.page.first + 1}, rows, state)

    def _ready(self, question: Datasets, call: Call, path: Sequence[CollectionRecord] | None) -> _Ready:
        """The statements of a page; kept of a list's beginning that needs nothing but names."""
        if path is not None or not _begins(question):
            return self._prepared(question, call, path)
        bare = replace(question, page=Page(0))
        ready: _Ready | None = self._names.ready(bare, call)
        if ready is None:
            ready = self._prepared(question, call, path)
            if ready.lasting:
                self._names.keep_ready(bare, ready, ready.weight, call)
        return ready

    def _prepared(self, question: Datasets, call: Call, path: Sequence[CollectionRecord] | None) -> _Ready:
        candidates, notes = self.prepare(question, call, path)
        if not candidates:
            return _Ready(None, (), notes)
        selection, statements = self._built(question, candidates, self._along(question, candidates, call))
        again = statements if isinstance(statements, Sequence) and not self._store.sqlite else ()
        unchanged = again[0].where(UNCHANGED) if len(again) == 1 else None
        return _Ready(selection, statements, notes, len(candidates), unchanged)

    def _along(self, question: Datasets, candidates: Sequence[Candidate], call: Call) -> Along | None:
        """What a list of one type takes along."""
        if question.beside is None or len(candidates) != 1:
            return None
        record = candidates[0].type
        found = (self._valid(record, key, call) for key in question.beside.calibrations)
        return along(question.beside, record, [one for one in found if one is not None], self._tables)

    def _built(
        self, question: Datasets, candidates: list[Candidate], along: Along | None
    ) -> tuple[Selection, Iterable[sa.Select[Any]]]:
        """The statements of a page, those after the first only where they are needed; of a list's beginning, which is asked for again and
        again, built once."""

        def build() -> tuple[Selection, Iterator[sa.Select[Any]]]:
            selection = Selection(question, candidates, self._tables, along=along)
            pages = (selection.page(chunk) for chunk in selection.chunks())
            return selection, (page for page in pages if page is not None)

        parts = (*(candidate.identity for candidate in candidates), along.identity if along else ())
        if question.page.after is not None or None in parts:
            return build()

        def keep() -> tuple[Selection, list[sa.Select[Any]]]:
            selection, statements = build()
            return selection, list(statements)

        return self._store.statements.again((replace(question, page=Page(0)), parts), keep, len(candidates))

    def count(self, question: Datasets, call: Call) -> int:
        candidates, _ = self.prepare(question, call)
        if not candidates:
            return 0
        Selection(
            question, candidates, self._tables
        )  # an order that makes no sense is told, though nothing is put in order
        selection = Selection(replace(question, order=()), candidates, self._tables)
        total = 0
        for chunk in selection.chunks():
            rows = selection.everything(chunk)
            if rows is None:
                continue
            bounded = sa.select(sa.literal(1)).select_from(rows).limit(call.max_rows + 1 - total).subquery()
            ((number,),) = self._store.rows(sa.select(sa.func.count()).select_from(bounded), call)
            total += number
            if total > call.max_rows:
                raise TooComplex(
                    f"More than {call.max_rows} datasets: counting them passes the limit.",
                    limit=call.max_rows,
                    actual=total,
                    what="datasets counted",
                )
        return total

    def facets(self, question: Datasets, by: Sequence[str], first: int, call: Call) -> Facets:
        candidates, _ = self.prepare(question, call)
        if not candidates:
            return Facets(tuple(by), [], True)
        if not by:
            raise BadUserInput("facets needs at least one dimension or field to count by.")
        Selection(question, candidates, self._tables)
        selection = Selection(
            replace(question, order=()), candidates, self._tables, [Extra(name) for name in by]
        )
        counts: dict[tuple[Any, ...], int] = {}
        for chunk in selection.chunks():
            rows = selection.everything(chunk)
            if rows is None:
                continue
            values = [rows.c[f"x{n}"] for n in range(len(by))]
            statement = sa.select(*values, sa.func.count()).group_by(*values).limit(call.max_rows + 1)
            for *key, number in self._store.rows(statement, call):
                counts[tuple(key)] = counts.get(tuple(key), 0) + number
            if len(counts) > call.max_rows:
                raise TooComplex(
                    f"More than {call.max_rows} different values; count by fewer dimensions.",
                    limit=call.max_rows,
                    actual=len(counts),
                    what="values",
                )
        ordered = sorted(counts.items(), key=lambda item: (-item[1], [(v is None, v) for v in item[0]]))
        return Facets(tuple(by), [(*key, number) for key, number in ordered[:first]], len(ordered) <= first)


def _begins(question: Datasets) -> bool:
    """Whether it is a list's beginning that needs nothing but names."""
    found = question.sky is not None or question.where is not None or question.among is not None
    return question.page.after is None and not found
