"""What a quantum graph says, as plain tuples in a stream: between the one who reads a graph and the one who
keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Role(IntEnum):
    """How a quantum is tied to a dataset; even: an input, odd: an output. The numbers are those in the
    database.

    Only READ and WROTE are facts of an execution, and only they make lineage and ``used``. READ_NOT and
    WROTE_NOT are what a recorded execution was to read or write and did not (it was blocked, or the dataset
    never came to be); TO_READ and TO_WRITE what a predicted one would.
    """

    READ = 0
    WROTE = 1
    READ_NOT = 2
    WROTE_NOT = 3
    TO_READ = 4
    TO_WRITE = 5


class Status(StrEnum):
    """Names of the schema's enum ``QuantumStatus``."""

    PREDICTED = "PREDICTED"
    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"
    BLOCKED = "BLOCKED"
    ABORTED = "ABORTED"
    UNKNOWN = "UNKNOWN"


class DatasetFact(NamedTuple):
    """A dataset, told before any quantum that is tied to it. ``place``: a text that sorts as its data ID does
    among those of its type.

    ``produced`` False: it was to be written and was not.
    """

    id: str
    type: str
    place: str
    produced: bool


class QuantumFact(NamedTuple):
    """A quantum with its edges, pairs of (dataset id, role). ``data_id`` is a JSON object as text."""

    id: str
    task: str
    task_class: str | None
    status: Status
    message: str | None
    data_id: str
    edges: Sequence[tuple[str, Role]]


Fact = DatasetFact | QuantumFact


@dataclass(frozen=True, slots=True)
class Graph:
    """An opened graph: the RUN that it writes to, and its facts, to be gone through once."""

    run: str
    predicted: bool
    facts: Iterator[Fact]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a graph is found. ``stamp`` changes when the graph does; ``what`` names it to a caller, without a
    path of the server.

    ``rank``: of a quantum that several graphs tell of, the one from the source of the lowest rank counts.
    """

    name: str
    stamp: str
    what: str
    rank: int
    open: Callable[[], AbstractContextManager[Graph]]


def place(values: Sequence[object]) -> str:
    """A text that sorts as these values of a data ID do: integers by number, strings by code point, the first
    value first."""
    return "\x1f".join(f"{v + 2**63:020d}" if isinstance(v, int) else str(v) for v in values)
