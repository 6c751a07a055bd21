"""A plan at work on one request: level by level, each field once for all objects that stand there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any, NamedTuple

from graphql import GraphQLResolveInfo
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from ..context import Context
from .frame import WHOLE, Frame, Groups, Objects, Picks, framed, merged, some
from .leaves import NULL, Column, Refused, Texts
from .pieces import Piece, alike, objects, part
from .plan import Abstract, Leaf, ListOf, Object, Plan, Selection, Shape, Step, Unplanned
from .waiting import forget, settle, settled, together, turns

Values = Column | Frame | Picks | Groups
Now = Texts | Awaitable[Texts]
"""A column as JSON texts, or the promise of one."""
Pieces = list[Any]
"""Pieces of objects (``pieces.Piece``), or promises of columns."""
Columns = Callable[[Any, Step, "Run"], Any]

_WIDE = 2_000  # objects of a level from which on the event loop is let go while they are written
_SLICE = 500  # objects that are written at once then
_HOLD = 0.003  # seconds that the event loop is held
_LATER = b"\0"
"""Around the number of a long list, where its items go; JSON has no such character."""


class Written(NamedTuple):
    """JSON, in parts that have not been copied together yet."""

    parts: list[bytes]


class Run:
    """One execution. ``variables`` are those of the request, coerced."""

    def __init__(self, plan: Plan, context: Context, variables: VariableValues) -> None:
        self.plan = plan
        self.context = context
        self.variables = variables
        self._since = time.monotonic()
        self._long: list[list[bytes]] = []  # the items of long lists, in chunks

    async def data(self) -> Written:
        """What stands under ``data``. Raises Unplanned where the ordinary executor has to answer."""
        try:
            (data,) = await self._now(self._select(self.plan.root, Objects([None])))
        except Unplanned:
            raise
        except Exception as error:
            # Whatever it is, the ordinary executor meets it again and knows where to put it.
            raise Unplanned(repr(error)) from error
        return Written(self._whole(data.encode()) if self._long else [data.encode()])

    def _whole(self, text: bytes) -> list[bytes]:
        """The answer, long lists in their places: their items are not copied with every object around them."""
        parts: list[bytes] = []
        waiting = [text]
        while waiting:
            before, later, behind = waiting.pop().partition(_LATER)
            parts.append(before)
            if later:
                number, _, behind = behind.partition(_LATER)
                waiting.append(behind)
                waiting.extend(reversed(self._long[int(number)]))
        return parts

    # selections

    def _select(self, selection: Selection, frame: Frame) -> Now:
        """The objects of a frame as JSON objects."""
        count = len(frame)
        if count == 0:
            return []
        if count >= _WIDE:
            return self._wide(selection, frame)
        pieces: Pieces = []
        try:
            self._add(selection, frame, pieces)
        except BaseException:
            forget(pieces)
            raise
        return objects(pieces, count) if settled(pieces) else _waited(pieces, count)

    def _add(self, selection: Selection, frame: Frame, pieces: Pieces) -> None:
        """Add what the objects of a frame are made of."""
        for key, step, column in _recipe(selection, type(frame)):
            pieces.append(key)
            self._field(step, column, frame, pieces)
        pieces.append(selection.end)

    async def _wide(self, selection: Selection, frame: Frame) -> Texts:
        """The same for many objects, with pauses in which others get their turn."""
        texts: Texts = []
        await self._sliced(selection, frame, texts.extend)
        return texts

    async def _sliced(self, selection: Selection, frame: Frame, take: Callable[[Texts], None]) -> None:
        """Many objects, some at a time. Fields that are not near are found before, for all of them at once."""
        recipe = _recipe(selection, type(frame))
        found: list[Pieces | None] = []
        pieces: Pieces = []
        try:
            for _, step, column in recipe:
                if frame.near(step, self):
                    found.append(None)
                    continue
                begin = len(pieces)
                self._field(step, column, frame, pieces)
                found.append(pieces[begin:])
                await self._breathe()
        except BaseException:
            forget(pieces)
            raise
        await settle(*(one for one in found if one is not None))
        near = any(one is None for one in found)
        for start in range(0, len(frame), _SLICE):
            stop = min(start + _SLICE, len(frame))
            async with turns():
                here = frame.part(start, stop) if near else frame
                slices: Pieces = []
                try:
                    for (key, step, column), known in zip(recipe, found, strict=True):
                        slices.append(key)
                        if known is None:
                            self._field(step, column, here, slices)
                        else:
                            slices += part(known, start, stop)
                except BaseException:
                    forget(slices)
                    raise
            slices.append(selection.end)
            await settle(slices)  # without a turn: long lists below have turns of their own
            async with turns():
                take(objects(slices, stop - start))
            await self._breathe()

    async def _breathe(self) -> None:
        if time.monotonic() - self._since > _HOLD:
            await asyncio.sleep(0)
            self._since = time.monotonic()

    # fields

    def _field(self, step: Step, column: Columns | None, frame: Frame, pieces: Pieces) -> None:
        """Add a field's values: as the frame has them all at once, or else of object after object."""
        if step.declared is None:
            pieces.append(f'"{step.parent.name}"')
            return
        values: Values | Awaitable[Values]
        values = self.asked(step, frame) if column is None else column(frame, step, self)
        shape = step.shape
        if isinstance(values, list):
            if isinstance(shape, Leaf):
                pieces.append(_leaves(shape, values))
            elif len(values) == 1 and isinstance(shape, Object) and values[0] is not None:
                self._add(shape.selection, framed(values), pieces)
            else:
                pieces.append(self._shaped(shape, values))
        elif isinstance(values, Frame):
            assert isinstance(shape, Object)
            self._add(shape.selection, values, pieces)
        elif isinstance(values, Picks):
            pieces.append(self._picked(shape, values))
        elif isinstance(values, Groups):
            pieces.append(self._grouped(shape, values))
        else:
            pieces.append(self._later(shape, values))

    async def _later(self, shape: Shape, values: Awaitable[Values]) -> Texts:
        return await self._now(self._shaped(shape, await values))

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
        if isinstance(values, Frame):
            assert isinstance(shape, Object)
            return self._select(shape.selection, values)
        if isinstance(values, Picks):
            piece = self._picked(shape, values)
            return [piece] * len(values.marks) if isinstance(piece, str) else piece
        if isinstance(values, Groups):
            return self._grouped(shape, values)
        if isinstance(shape, Leaf):
            piece = _leaves(shape, values)
            return [piece] * len(values) if isinstance(piece, str) else piece
        if not shape.null and None in values:
            raise Unplanned("null in a place that cannot be null")
        match shape:
            case ListOf():
                return self._listed(shape, values)
            case Object():
                return self._placed(shape, values)
            case Abstract():
                return self._sorted(shape, values)

    def _picked(self, shape: Shape, picks: Picks) -> Piece | Awaitable[Texts]:
        assert isinstance(shape, Object)
        if not shape.null and not picks.everywhere and None in picks.marks:
            raise Unplanned("null in a place that cannot be null")
        found = self._select(shape.selection, picks.frame)
        return _spread(picks, found) if isinstance(found, list) else _spread_later(picks, found)

    def _grouped(self, shape: Shape, groups: Groups) -> Now:
        assert isinstance(shape, ListOf) and isinstance(shape.item, Object)
        items = self._select(shape.item.selection, groups.frame)
        return _regrouped(groups.counts, items)

    def _listed(self, shape: ListOf, values: Column) -> Now:
        lengths = [None if value is None else len(value) for value in values]
        if isinstance(shape.item, Object):
            frame = _unmade(values)
            if frame is not None:
                if len(values) == 1 and len(frame) >= _WIDE:
                    return self._at_length(shape.item.selection, frame)
                return _regrouped(lengths, self._select(shape.item.selection, frame))
        flat: Column = []
        for value in values:
            if value is not None:
                if not isinstance(value, list | tuple) and type(value) not in WHOLE:
                    raise Unplanned("no list")
                flat.extend(value)
        return _regrouped(lengths, self._shaped(shape.item, flat))

    async def _at_length(self, selection: Selection, frame: Frame) -> Texts:
        """One long list, which waits in chunks for the end of the answer."""
        chunks: list[bytes] = []

        def take(texts: Texts) -> None:
            chunks.append(f"{',' if chunks else ''}{','.join(texts)}".encode())

        await self._sliced(selection, frame, take)
        self._long.append(chunks)
        mark = _LATER.decode()
        return [f"[{mark}{len(self._long) - 1}{mark}]"]

    def _placed(self, shape: Object, values: Column) -> Now:
        there = [value for value in values if value is not None]
        if not there:
            return [NULL] * len(values)
        different = {id(one): one for one in there}
        if len(different) * 2 < len(there):
            # The same few objects stand there again and again.
            marks = [None if value is None else id(value) for value in values]
            return self._shaped(shape, Picks(framed(list(different.values())), marks, list(different)))
        frame = framed(there)
        if len(there) == len(values):
            return self._select(shape.selection, frame)
        return self._shaped(shape, some(frame, [value is not None for value in values]))

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
            found = await self._now(
                self._placed(Object(shape.selections[name], null=False), [values[p] for p in own])
            )
            for place, one in zip(own, found, strict=True):
                written[place] = one
        return written

    @staticmethod
    async def _now(column: Now) -> Column:
        return column if isinstance(column, list) else await column


async def _waited(pieces: Pieces, count: int) -> Texts:
    await settle(pieces)
    return objects(pieces, count)


def _recipe(selection: Selection, kind: type[Frame]) -> Sequence[tuple[str, Step, Columns | None]]:
    """For each field what stands before it, and how a frame of this kind finds it for all objects at once; None: it cannot."""
    known: Sequence[tuple[str, Step, Columns | None]] | None = selection.known.get(kind)
    if known is None:
        known = selection.known[kind] = tuple(
            (key, step, None if step.resolver is None else kind.columns.get(step.name))
            for key, step in zip(selection.keys, selection.steps, strict=True)
        )
    return known


def _leaves(shape: Leaf, values: Column) -> Piece:
    """A column of leaves; one text where all are the same."""
    if not shape.null and None in values:
        raise Unplanned("null in a place that cannot be null")
    try:
        if len(values) > 1 and alike(values):
            return shape.write(values[:1])[0]
        return shape.write(values)
    except Refused as refused:
        raise Unplanned(f"a value that {shape.name} refuses") from refused


def _unmade(lists: Column) -> Frame | None:
    """The frame for the objects of lists that are not made yet; None where some are, or they have none in common."""
    full = [one for one in lists if one is not None and (type(one) in WHOLE or one != [])]
    if not full or not all(type(one) in WHOLE for one in full):
        return None
    return framed(full[0]) if len(full) == 1 else merged(full)


def _regrouped(lengths: Sequence[int | None], items: Now) -> Now:
    """The texts of lists of these lengths, whose items stand one behind the other; None: no list."""
    if not isinstance(items, list):
        return _regrouped_later(lengths, items)
    written: Texts = []
    place = 0
    for length in lengths:
        if length is None:
            written.append(NULL)
        else:
            written.append(f"[{','.join(items[place : place + length])}]")
            place += length
    return written


async def _regrouped_later(lengths: Sequence[int | None], items: Awaitable[Texts]) -> Texts:
    found = _regrouped(lengths, await items)
    assert isinstance(found, list)
    return found


def _spread(picks: Picks, found: Texts) -> Piece:
    if picks.everywhere or (len(found) == 1 and None not in picks.marks):
        return found[0]
    written: dict[Any, str] = dict(zip(picks.of, found, strict=True))
    written[None] = NULL
    return list(map(written.__getitem__, picks.marks))


async def _spread_later(picks: Picks, found: Awaitable[Texts]) -> Texts:
    piece = _spread(picks, await found)
    return [piece] * len(picks.marks) if isinstance(piece, str) else piece
