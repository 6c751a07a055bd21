"""A question's conditions in ADQL: types, collections, constraints, sky and time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from .. import instant
from ..caller import Call
from ..errors import BadUserInput, TooComplex, Unsupported
from ..question import Among, Constraint, DataIds, Datasets, Op, Related, Span
from ..rows import Kind as ColumnKind
from . import adql
from .catalogue import Catalogue, Kind
from .columns import Columns, Named
from .options import Options
from .service import Service
from .shapes import Footprint, footprint

_SIGNS = {Op.EQ: "=", Op.GE: ">=", Op.GT: ">", Op.LE: "<=", Op.LT: "<"}
_ODD = frozenset("_%")  # what LIKE gives a meaning to
_MOST_VALUES = 1_000  # that a glob may mean, where LIKE cannot say it
_MOST_AMONG = 1_000  # data IDs in one query
_ANYWHERE = Footprint(None)


@dataclass(frozen=True, slots=True)
class Selection:
    """``conditions`` hold together; ``empty``: nothing can satisfy them. ``sky`` may have to look at the rows that come."""

    conditions: tuple[str, ...]
    sky: Footprint = _ANYWHERE
    notes: tuple[str, ...] = ()
    empty: bool = False

    def where(self, *further: str) -> str:
        return adql.both([*self.conditions, *further])


class Selecting:
    """Works out selections for one service."""

    def __init__(self, service: Service, options: Options, defaults: Sequence[str]) -> None:
        self._service = service
        self._options = options
        self._defaults = tuple(defaults)

    async def datasets(
        self, question: Datasets | Related, columns: Columns, catalogue: Catalogue, call: Call
    ) -> Selection:
        """Raises Unsupported, by its name, for what ObsCore does not say."""
        if isinstance(question, Datasets):
            _refuse(question.where is not None, "where, which is Butler's own language,", "WHERE")
            _refuse(
                question.validity is not None, "validity, which calibrations of a Butler have,", "CALIBRATION"
            )
            _refuse(question.ingested_before is not None, "ingestedBefore", "INGEST_DATE")
        kinds, notes = catalogue.types(question.types)
        path = self.path(question.collections, catalogue)
        held = [
            kind
            for kind in kinds
            if any((kind, name) in catalogue.held for name in path or _names(catalogue))
        ]
        notes += [
            f"None of the collections searched holds datasets of type '{kind.name}'."
            for kind in kinds
            if kind not in held
        ]
        conditions = [_of_kinds(held, catalogue, columns)]
        if path is not None and set(path) != set(_names(catalogue)):
            conditions.append(adql.within(columns.others[columns.collection].column, path))
        conditions += await self.constraints(question.constraints, columns, call)
        if isinstance(question, Related):
            return _made(conditions, _ANYWHERE, [], notes)
        return _made([*conditions, *_among(question.among, columns)], *self._place(question, columns), notes)

    async def data_ids(self, question: DataIds, columns: Columns, call: Call) -> Selection:
        _refuse(question.where is not None, "where, which is Butler's own language,", "WHERE")
        _refuse(bool(question.having or question.lacking), "having and lacking", "having, lacking")
        conditions = await self.constraints(question.constraints, columns, call)
        return _made([*conditions, *_among(question.among, columns)], *self._place(question, columns), [])

    def path(self, names: Sequence[str] | None, catalogue: Catalogue) -> list[str] | None:
        """The collections to search; None: all of them, those without a name too."""
        wanted = self._defaults if names is None else names
        return catalogue.path(wanted) if wanted or names is not None else None

    def _place(self, question: Datasets | DataIds, columns: Columns) -> tuple[Footprint, list[str]]:
        timed = [] if question.time is None else self.during(question.time, columns)
        if question.sky is None:
            return _ANYWHERE, timed
        columns.require("s_region", what="where on the sky a dataset lies")
        return footprint(question.sky.shape, columns.others["s_region"].column), timed

    def during(self, span: Span, columns: Columns) -> list[str]:
        """t_min and t_max overlap a half-open range; one whose ends are the same instant is an instant."""
        columns.require("t_min", "t_max", what="when something was observed")
        begin, end = columns.others["t_min"].column, columns.others["t_max"].column
        found = [f"{begin} IS NOT NULL", f"{end} IS NOT NULL"]
        scale = self._options.time_scale
        if span.end is not None:
            found.append(f"{begin} < {adql.number(instant.to_mjd(span.end, scale))}")
        if span.begin is not None:
            since = adql.number(instant.to_mjd(span.begin, scale))
            found.append(f"({end} > {since} OR ({begin} = {end} AND {begin} >= {since}))")
        return found

    # constraints

    async def constraints(self, given: Sequence[Constraint], columns: Columns, call: Call) -> list[str]:
        """Each as a condition. NULL satisfies none, as SQL has it anyway."""
        named = [(columns.named(one.name), one) for one in given]
        return list(
            await asyncio.gather(*(self._constraint(column, one, columns, call) for column, one in named))
        )

    async def _constraint(self, column: Named, given: Constraint, columns: Columns, call: Call) -> str:
        if given.op is Op.IN:
            values = given.value if isinstance(given.value, tuple) else (given.value,)
            for value in values:
                _fits(column, value)
            return adql.within(column.column, values)
        _fits(column, given.value)
        assert not isinstance(given.value, tuple)
        if given.op is Op.NE:
            return adql.other(column.column, adql.literal(given.value))
        if given.op is not Op.GLOB:
            return f"{column.column} {_SIGNS[given.op]} {adql.literal(given.value)}"
        if column.kind is not ColumnKind.STRING:
            raise BadUserInput(f"'{column.name}' holds numbers; a glob is for texts.")
        return await self._glob(column, str(given.value), columns, call)

    async def _glob(self, column: Named, pattern: str, columns: Columns, call: Call) -> str:
        """What a glob means: a pattern for LIKE where that says the same, otherwise the values that it means, looked up."""
        if not adql.is_glob(pattern):
            return f"{column.column} = {adql.text(pattern)}"
        language = self._service.language
        escapes = not _ODD & set(pattern) or await language.escapes(call)
        percent = "%" not in pattern or await language.keeps_percent(call)
        like, exact = adql.like(pattern, escapes=escapes, percent=percent)
        condition = f"{column.column} LIKE {like}"
        if exact:
            return condition
        query = adql.select([column.column], columns.source, where=condition, distinct=True)
        answer = await self._service.query(query, _MOST_VALUES, call, "what a glob may mean")
        if answer.overflow or len(answer.rows) > _MOST_VALUES:
            raise TooComplex(
                f"More than {_MOST_VALUES} values of '{column.name}' may be meant by the glob '{pattern[:80]}'; make it narrower, or do "
                "without [...].",
                limit=_MOST_VALUES,
                actual=len(answer.rows),
                what="values",
            )
        return adql.within(
            column.column, [value for (value,) in answer.rows if value and adql.matches(value, pattern)]
        )


def _refuse(asked: bool, what: str, capability: str) -> None:
    if asked:
        raise Unsupported(
            f"An ObsCore service does not know {what} and cannot be asked with it.", capability=capability
        )


def _names(catalogue: Catalogue) -> list[str | None]:
    return list({name: None for _, name in catalogue.held})


def _of_kinds(kinds: Sequence[Kind], catalogue: Catalogue, columns: Columns) -> str:
    """Rows of these types."""
    if len(kinds) == len(catalogue.kinds):
        return "1 = 1"
    by_product: dict[tuple[str | None, ...], list[str | None]] = {}
    for kind in kinds:
        by_product.setdefault(kind.values[1:], []).append(kind.values[0])
    first, *others = columns.kind_of
    return adql.either(
        [
            "("
            + adql.both([_holds(first, own), *(_holds(c, [v]) for c, v in zip(others, rest, strict=True))])
            + ")"
            for rest, own in by_product.items()
        ]
    )


def _holds(column: str, values: Sequence[str | None]) -> str:
    """One of these values; None: nothing, which VOTables do not tell from an empty text."""
    found = [adql.within(column, [value for value in values if value is not None])] if any(values) else []
    if None in values:
        found.append(f"({column} IS NULL OR {column} = '')")
    return adql.either(found)


def _among(among: Among | None, columns: Columns) -> list[str]:
    if among is None:
        return []
    if len(among.rows) > _MOST_AMONG:
        raise TooComplex(
            f"among has {len(among.rows)} data IDs; {_MOST_AMONG} fit into a question to a TAP service.",
            limit=_MOST_AMONG,
            actual=len(among.rows),
            what="among",
        )
    if not among.rows:
        return [adql.NOTHING]
    named = [columns.dimension(name) for name in among.names]
    for row in among.rows:
        for column, value in zip(named, row, strict=True):
            _fits(column, value)
    if len(named) == 1:
        return [adql.within(named[0].column, [row[0] for row in among.rows])]
    return [
        adql.either(
            [
                "("
                + adql.both(f"{c.column} = {adql.literal(v)}" for c, v in zip(named, row, strict=True))
                + ")"
                for row in dict.fromkeys(among.rows)
            ]
        )
    ]


def _fits(column: Named, value: object) -> None:
    """Raises BadUserInput for a value that the column cannot hold."""
    if isinstance(value, bool):
        raise BadUserInput(f"'{column.name}' is neither true nor false.")
    if isinstance(value, str) is not (column.kind is ColumnKind.STRING):
        holds = "texts" if column.kind is ColumnKind.STRING else "numbers"
        raise BadUserInput(f"'{column.name}' holds {holds}, and {value!r:.80} is none.")


def _made(
    conditions: list[str], sky: Footprint, timed: list[str], notes: list[str] | None = None
) -> Selection:
    every = [*conditions, *timed, *([sky.condition] if sky.condition else [])]
    kept = [one for one in every if one != "1 = 1"]
    return Selection(tuple(kept), sky, tuple(notes or ()), adql.NOTHING in kept)
