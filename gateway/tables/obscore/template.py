"""Templates of the configuration (``{instrument}-{records[visit].name}``), filled for all rows of a batch at once.

They are Python's format strings, as lsst.daf.butler.registry.obscore fills them for one dataset at a time. Here a template is taken apart
once: what it asks for become columns, and the rest is a format of their places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from adapters.errors import AdapterError
from gateway.tables.arrays import only

_RECORD = re.compile(r"records\[(\w+)\]\.(\w+)(.*)", re.DOTALL)
_NAME = re.compile(r"([A-Za-z_]\w*)(.*)", re.DOTALL)
_DEEPER = re.compile(r"(\.\w+|\[[^\[\]{}]+\])*")


@dataclass(frozen=True, slots=True)
class Source:
    """What a place of a template takes: a field of the record of a dimension ``element``, or else something of the dataset itself (a
    dimension, ``id``, ``run``, ``dataset_type``)."""

    name: str
    element: str | None = None

    @property
    def field(self) -> str:
        """A field of a record, as questions name it."""
        return f"{self.element}.{self.name}"

    def __str__(self) -> str:
        return self.name if self.element is None else f"records[{self.element}].{self.name}"


Values: TypeAlias = "pa.Array | Sequence[Any]"
"""A column: as Arrow has it, or Python's objects where it has no such thing (regions, spans of time)."""

Lookup = Callable[[Source], Values]
"""The column of a source. Raises KeyError where the datasets have no such thing."""


@dataclass(frozen=True, slots=True)
class Template:
    """``plain``: nothing but one source, as it is. ``handled``: the sources of which more than the text is used (``{id.hex}``)."""

    text: str
    sources: tuple[Source, ...]
    form: str
    plain: bool
    handled: frozenset[Source]

    def fill(self, column: Lookup, count: int) -> pa.StringArray:
        """The text of each of ``count`` rows, null where a source is.

        Raises KeyError where the datasets lack a source, and AdapterError where a value cannot be written in this way.
        """
        columns = [column(source) for source in self.sources]
        if not columns:
            return pa.repeat(pa.scalar(self.form.format(), pa.string()), count)
        if not self.handled and all(map(_same_text, columns)):
            return self._joined(columns, count)
        try:
            return pa.array(self._formatted([listed(one) for one in columns]), pa.string())
        except (AttributeError, TypeError, ValueError, LookupError) as error:
            raise AdapterError(
                f"The configuration of ObsCore has the template '{self.text}', which cannot be filled: {error}."
            ) from error

    def _joined(self, columns: Sequence[pa.Array], count: int) -> pa.StringArray:
        """The texts of whole columns, one behind the other. What is the same in every row is written once, with what stands around it."""
        parts: list[Any] = []
        text = ""
        for literal, place, _, _ in Formatter().parse(self.form):
            text += literal
            if place is None:
                continue
            column = columns[int(place)]
            value = only(column)
            if value is None:
                parts += [text, column.cast(pa.string())]
                text = ""
            else:
                text += str(value)
        if not parts:
            return pa.repeat(pa.scalar(text), count)
        return pc.binary_join_element_wise(*parts, text, "")

    def _formatted(self, columns: Sequence[Sequence[Any]]) -> list[str | None]:
        form = self.form.format
        if not any(None in one for one in columns):
            return list(map(form, *columns))
        return [None if None in row else form(*row) for row in zip(*columns, strict=True)]


def listed(values: Values) -> Sequence[Any]:
    """A column as Python has it."""
    return values.to_pylist() if isinstance(values, pa.Array) else values


def _same_text(values: Values) -> bool:
    """Whether Arrow writes these values as Python does; it writes other numbers in its own way."""
    return isinstance(values, pa.Array) and (
        pa.types.is_string(values.type) or pa.types.is_integer(values.type)
    )


def parse(text: str) -> Template:
    """Raises ValueError with words for whoever wrote the template."""
    sources: dict[Source, int] = {}
    handled: set[Source] = set()
    form = _rewritten(text, sources, handled)
    return Template(text, tuple(sources), form, form == "{0}" and len(sources) == 1, frozenset(handled))


def _rewritten(text: str, sources: dict[Source, int], handled: set[Source]) -> str:
    parts: list[str] = []
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"the template {text!r} is broken: {str(error).lower()}") from None
    for literal, field, form, conversion in pieces:
        parts.append(literal.replace("{", "{{").replace("}", "}}"))
        if field is None:
            continue
        source, deeper = _source(field, text)
        place = sources.setdefault(source, len(sources))
        spec = f":{_rewritten(form, sources, handled)}" if form else ""
        if deeper or spec or conversion:
            handled.add(source)
        parts.append(f"{{{place}{deeper}{f'!{conversion}' if conversion else ''}{spec}}}")
    return "".join(parts)


def _source(field: str, text: str) -> tuple[Source, str]:
    if found := _RECORD.fullmatch(field):
        source, deeper = Source(found[2], found[1]), found[3]
    elif (found := _NAME.fullmatch(field)) and found[1] != "records":
        source, deeper = Source(found[1]), found[2]
    else:
        raise ValueError(
            f"the template {text!r} has {{{field}}}: it should be a name such as {{visit}}, or {{records[visit].name}}"
        )
    if not _DEEPER.fullmatch(deeper):
        raise ValueError(f"the template {text!r} has {{{field}}}, which is no field of a format")
    return source, deeper
