"""A plan at work on one request: level by level, each field once for all objects that stand there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from inspect import getcoroutinelocals, isawaitable
from itertools import chain, repeat
from types import CoroutineType
from typing import Any, TypeVar

from graphql import GraphQLResolveInfo
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from orjson import Fragment

from ..context import Context
from .frame import WHOLE, Frame, Objects, Sparse, framed, merged
from .leaves import NULL, Column, Refused, Texts
from .plan import Abstract, Leaf, ListOf, Object, Plan, Selection, Shape, Step, Unplanned

T = TypeVar("T")
Values = Column | Frame | Sparse
Now = Texts | Awaitable[Texts]
"""A column as JSON texts, or the promise of one."""

_WIDE = 1_000  # objects of a level from which on the event loop is let go between its columns
_HOLD = 0.005  # seconds that the event loop is held


class Run:
    """One execution. ``variables`` are those of the request, coerced."""

    def __init__(self, plan: Plan, context: Context, variables: VariableValues) -> None:
        self.plan = plan
        self.context = context
        self.variables = variables
        self._since = time.monotonic()

    async def data(self) -> Fragment:
        """What stands under ``data``, as JSON. Raises Unplanned where the ordinary executor has to answer."""
        try:
            (data,) = await self._now(self._select(self.plan.root, Objects([None])))
        except Unplanned:
            raise
        except Exception as error:
            # Whatever it is, the ordinary executor meets it again and knows where to put it.
            raise Unplanned(repr(error)) from error
        return Fragment(data)

    # selections

    def _select(self, selection: Selection, frame: Frame) -> Now:
        """The objects of a frame as JSON objects."""
        if len(frame) == 0:
            return []
        if len(frame) >= _WIDE:
            return self._wide(selection, frame)
        columns: list[Any] = []
        try:
            columns.extend(self._column(step, frame) for step in selection.steps)
        except BaseException:
            _forget(columns)
            raise
        if all(isinstance(column, list) for column in columns):
            return _objects(selection, columns, len(frame))
        return self._waited(selection, columns, len(frame))

    async def _waited(self, selection: Selection, columns: list[Any], count: int) -> Column:
        waiting = [place for place, column in enumerate(columns) if not isinstance(column, list)]
        found = await together([columns[place] for place in waiting])
        for place, column in zip(waiting, found, strict=True):
            columns[place] = column
        return _objects(selection, columns, count)

    async def _wide(self, selection: Selection, frame: Frame) -> Column:
        """The same for many objects, with pauses in which others get their turn."""
        columns: list[Any] = []
        try:
            for step in selection.steps:
                columns.append(self._column(step, frame))
                await self._breathe()
        except BaseException:
            _forget(columns)
            raise
        return await self._waited(selection, columns, len(frame))

    async def _breathe(self) -> None:
        if time.monotonic() - self._since > _HOLD:
            await asyncio.sleep(0)
            self._since = time.monotonic()

    # fields

    def _column(self, step: Step, frame: Frame) -> Now:
        if step.declared is None:
            return [f'"{step.parent.name}"'] * len(frame)
        values = self._values(step, frame)
        if isinstance(values, list | Frame | Sparse):
            return self._shaped(step.shape, values)
        return self._later(step.shape, values)

    async def _later(self, shape: Shape, values: Awaitable[Values]) -> Column:
        return await self._now(self._shaped(shape, await values))

    def _values(self, step: Step, frame: Frame) -> Values | Awaitable[Values]:
        """The field's values, before they are written: as the frame has them all at once, or else of object after object."""
        if step.resolver is not None and (column := frame.columns.get(step.name)) is not None:
            found: Values | Awaitable[Values] = column(frame, step, self)
            return found
        return self.asked(step, frame)

    def asked(self, step: Step, frame: Frame) -> Column | Awaitable[Column]:
        """The field's values, each object asked for its own."""
        values = self.values(step, frame.objects())
        return together(values) if values and isawaitable(values[0]) else values

    def values(self, step: Step, objects: Sequence[Any]) -> Column:
        """What the field's resolver gives for each object: values, or promises of them."""
        resolver = step.resolver
        if resolver is None:
            assert step.definition is not None and step.definition.resolve is not None
            resolve, info, given = step.definition.resolve, self.info(step), step.given(self.variables)
            return [resolve(one, info, **given) for one in objects]
        if resolver.self_parameter is None:
            raise Unplanned(f"{step.parent.name}.{step.name} is no method")
        arguments = step.arguments(self.variables)
        if resolver.info_parameter is not None:
            assert step.converter is not None
            told = step.converter.config.info_class(_raw_info=self.info(step), _field=step.declared)  # type: ignore[arg-type]
            arguments = {**arguments, resolver.info_parameter.name: told}
        function: Any = resolver.wrapped_func
        return [function(one, **arguments) for one in objects]

    def info(self, step: Step) -> GraphQLResolveInfo[Any]:
        """What graphql-core would tell a resolver, but for the place in a list: one telling serves all objects."""
        assert step.definition is not None
        return GraphQLResolveInfo(
            step.name,
            step.nodes,
            step.definition.type,
            step.parent,
            Path(None, step.key, step.parent.name),
            self.plan.schema._schema,
            self.plan.fragments,  # type: ignore[arg-type]
            None,
            self.plan.operation,
            self.variables.coerced,  # type: ignore[arg-type]
            self.context,
            isawaitable,  # type: ignore[arg-type]
            None,
            None,  # type: ignore[arg-type]
        )

    # values

    def _shaped(self, shape: Shape, values: Values) -> Now:
        """Values as the answer has them. Raises Unplanned where one is None that may not be."""
        if not isinstance(values, list):
            assert isinstance(shape, Object)
            if isinstance(values, Frame):
                return self._select(shape.selection, values)
            if not shape.null:
                raise Unplanned("null in a place that cannot be null")
            return self._thinned(shape.selection, values)
        if not shape.null and None in values:
            raise Unplanned("null in a place that cannot be null")
        match shape:
            case Leaf():
                try:
                    return shape.write(values)
                except Refused as refused:
                    raise Unplanned(f"a value that {shape.name} refuses") from refused
            case ListOf():
                return self._listed(shape, values)
            case Object():
                return self._placed(shape.selection, values)
            case Abstract():
                return self._sorted(shape, values)

    def _thinned(self, selection: Selection, values: Sparse) -> Now:
        found = self._select(selection, values.frame)
        there = [True if present else None for present in values.present]
        return _spread(there, found) if isinstance(found, list) else _spread_later(there, found)

    def _listed(self, shape: ListOf, values: Column) -> Now:
        if isinstance(shape.item, Object) and values and all(type(value) in WHOLE for value in values):
            frame = framed(values[0]) if len(values) == 1 else merged(values)
            if frame is not None:
                items = self._select(shape.item.selection, frame)
                return (
                    _regrouped(values, items) if isinstance(items, list) else _regrouped_later(values, items)
                )
        flat: Column = []
        for value in values:
            if value is not None:
                if not isinstance(value, list | tuple) and type(value) not in WHOLE:
                    raise Unplanned("no list")
                flat.extend(value)
        items = self._shaped(shape.item, flat)
        return _regrouped(values, items) if isinstance(items, list) else _regrouped_later(values, items)

    def _placed(self, selection: Selection, values: Column) -> Now:
        there = [value for value in values if value is not None]
        if not there:
            return [NULL] * len(values)
        different = dict.fromkeys(map(id, there))
        if len(different) * 2 < len(there):
            return self._repeated(selection, values, there)
        found = self._select(selection, framed(there))
        if len(there) == len(values):
            return found
        return _spread(values, found) if isinstance(found, list) else _spread_later(values, found)

    async def _repeated(self, selection: Selection, values: Column, there: Column) -> Column:
        """The same for few objects that stand there again and again: each is written once."""
        different = {id(one): one for one in there}
        found = await self._now(self._select(selection, framed(list(different.values()))))
        written = dict(zip(different, found, strict=True))
        return [NULL if value is None else written[id(value)] for value in values]

    async def _sorted(self, shape: Abstract, values: Column) -> Column:
        """Objects of several types: each type's together."""
        written = [NULL] * len(values)
        places: dict[str, list[int]] = {}
        for place, value in enumerate(values):
            if value is not None:
                if isinstance(value, BaseException):
                    raise Unplanned("an error in a list")
                places.setdefault(type(value).__strawberry_definition__.name, []).append(place)
        for name, own in places.items():
            found = await self._now(self._placed(shape.selections[name], [values[p] for p in own]))
            for place, one in zip(own, found, strict=True):
                written[place] = one
        return written

    @staticmethod
    async def _now(column: Now) -> Column:
        return column if isinstance(column, list) else await column


async def together(waiting: Sequence[Awaitable[T]]) -> list[T]:
    """What all of them come to. Raises Unplanned at the first error: what has not ended by then is ``left`` running, since the ordinary
    executor asks for much of it again."""
    if len(waiting) < 2:
        return [await one for one in waiting]
    tasks = [asyncio.ensure_future(one) for one in waiting]
    try:
        _, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        raise
    errors = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    failed = next((error for error in errors if error is not None), None)
    if failed is None:
        return [task.result() for task in tasks]
    unplanned = failed if isinstance(failed, Unplanned) else Unplanned(repr(failed))
    unplanned.left |= running
    raise unplanned from failed


def _objects(selection: Selection, columns: Sequence[Column], count: int) -> Column:
    if not columns:
        return ["{}"] * count  # @skip and @include, or fragments on other types, left nothing
    parts = chain.from_iterable(
        (repeat(key, count), column) for key, column in zip(selection.keys, columns, strict=True)
    )
    return list(map("".join, zip(*parts, repeat("}", count), strict=True)))


def _regrouped(values: Column, items: Column) -> Column:
    written: Column = []
    place = 0
    for value in values:
        if value is None:
            written.append(NULL)
        else:
            written.append(f"[{','.join(items[place : place + len(value)])}]")
            place += len(value)
    return written


async def _regrouped_later(values: Column, items: Awaitable[Column]) -> Column:
    return _regrouped(values, await items)


def _spread(values: Column, found: Column) -> Column:
    rest = iter(found)
    return [NULL if value is None else next(rest) for value in values]


async def _spread_later(values: Column, found: Awaitable[Column]) -> Column:
    return _spread(values, await found)


def _forget(columns: Iterable[Any]) -> None:
    """Coroutines that nobody will wait for, and those that they would have waited for."""
    for column in columns:
        if isinstance(column, CoroutineType):
            held = list(getcoroutinelocals(column).values())
            column.close()
            _forget(held)
        elif isinstance(column, list):
            _forget(column)
