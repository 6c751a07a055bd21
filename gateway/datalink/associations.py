"""Associations as links: what can be used with a dataset, and what executions recorded of it.

Each kind is asked once for all datasets of a repository (calibrations: once for each dataset type), and has a bound; where more exist, a last link leads to
all of them as a table. A kind that cannot be found out is a link with the error, and the others stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from adapters import instant
from adapters.capability import Capability
from adapters.errors import Unsupported
from adapters.media_types import DATALINK
from adapters.question import Kinship, Lineage, QuantumDatasets, Question, Recorded, Related, Way
from adapters.rows import Row, Rows
from gateway.datalink.fault import fault
from gateway.datalink.link import Link
from gateway.datalink.member import Member, members
from gateway.datalink.surroundings import Surroundings
from resolvers.context import Scope, by_parent
from resolvers.semantics import CALIBRATION, CODERIVED, DERIVATION, PROGENITOR, applicable

Links = dict[str, list[Link]]
"""By dataset."""


class _Kind(NamedTuple):
    """``term``: of the link to the whole list, and of one with an error. ``needs``: a repository without it has none of this kind."""

    term: str
    all_of: str
    needs: Capability
    ask: Callable[[Scope, Sequence[Member], int], Awaitable[_Found]]


class _Found(NamedTuple):
    """What there is of each dataset: at most one more than asked for says that there are more; ``whole`` asks for all of one."""

    links: Mapping[str, list[_Other]]
    whole: Callable[[Member], Question]


class _Other(NamedTuple):
    member: Member
    term: str
    words: str


async def associations(scope: Scope, datasets: Sequence[Member], around: Surroundings) -> Links:
    """All kinds, in the order that people ask for them."""
    parts = await asyncio.gather(*(_links(kind, scope, datasets, around) for kind in _KINDS))
    return {dataset.id: [link for part in parts for link in part.get(dataset.id, ())] for dataset in datasets}


async def _links(kind: _Kind, scope: Scope, datasets: Sequence[Member], around: Surroundings) -> Links:
    if kind.needs not in scope.repository.capabilities:
        return {}
    try:
        found = await kind.ask(scope, datasets, around.most)
    except Unsupported:
        return {}
    except Exception as error:  # noqa: BLE001  the other kinds stand
        told = Link(kind.term, error_message=fault(error, around.masking))
        return {dataset.id: [told] for dataset in datasets}
    links: Links = {}
    for dataset in datasets:
        others = found.links.get(dataset.id, [])
        links[dataset.id] = [_link(scope, other, around) for other in others[: around.most]]
        if len(others) > around.most:
            url, media_type = await around.table_of(scope, found.whole(dataset))
            links[dataset.id].append(
                Link(
                    kind.term,
                    url,
                    description=f"There are more than these {around.most}: {kind.all_of} as a table",
                    content_type=media_type,
                    link_auth=around.auth,
                )
            )
    return links


def _link(scope: Scope, other: _Other, around: Surroundings) -> Link:
    return Link(
        other.term,
        around.links_of(scope, other.member.id),
        description=f"{other.words}: {other.member.words}",
        content_type=DATALINK,
        local_semantics=other.member.info.name,
        link_auth=around.auth,
    )


async def _calibrations(scope: Scope, datasets: Sequence[Member], most: int) -> _Found:
    """What is valid for each in the collections that are searched by default, of all calibration types that its dimensions can be joined with."""

    def asked(some: Sequence[Member]) -> Related:
        info = some[0].info
        return Related(
            dimensions=info.required,
            keys=tuple(one.data_id for one in some),
            types=("*",),
            source=info.name,
            ids=tuple(one.id for one in some),
            by=Kinship.CALIBRATION,
            overlap=False,
        )

    found: dict[str, list[_Other]] = {}
    # What a calibration is itself valid for is no calibration.
    for some in _by_type([one for one in datasets if not one.info.is_calibration]):
        rows = await scope.ask(asked(some).paged(most), len(some), most)
        places = rows.places

        def other(row: Row, member: Member, places: Mapping[str, int] = places) -> _Other:
            valid = _range(row[places["valid_begin"]], row[places["valid_end"]])
            return _Other(member, applicable(member.info.name), f"Can be used, {valid}")

        found |= _of_parents(rows, [one.id for one in some], other)
    return _Found(found, lambda one: asked([one]))


def _by_type(datasets: Sequence[Member]) -> list[list[Member]]:
    """Those with a whole data ID, by their type."""
    found: dict[str, list[Member]] = {}
    for one in datasets:
        if None not in one.data_id:
            found.setdefault(one.info.name, []).append(one)
    return list(found.values())


def _range(begin: int | None, end: int | None) -> str:
    if begin is None and end is None:
        return "valid at any time"
    words = [
        f"{word} {instant.to_text(time)}"
        for word, time in (("from", begin), ("until", end))
        if time is not None
    ]
    return f"valid {' '.join(words)}"


def _recorded(way: Way, term: str, words: str) -> Callable[[Scope, Sequence[Member], int], Awaitable[_Found]]:
    """What lies one quantum away in one direction."""

    async def ask(scope: Scope, datasets: Sequence[Member], most: int) -> _Found:
        ids = tuple(one.id for one in datasets)
        rows = await scope.ask(Lineage(ids, way).paged(most), len(ids), most)
        found = _of_parents(rows, list(ids), lambda _, member: _Other(member, term, words))
        return _Found(found, lambda one: Lineage((one.id,), way))

    return ask


async def _siblings(scope: Scope, datasets: Sequence[Member], most: int) -> _Found:
    """What the same quantum wrote. Equal data IDs alone say nothing of a common origin: without a recorded execution there are none."""
    rows = await scope.ask(Recorded(tuple(one.id for one in datasets)), len(datasets), 1)
    producers = {row[rows.index("id")]: row[rows.index("producer")] for row in rows.rows} if rows.rows else {}
    quanta = list(dict.fromkeys(one for one in producers.values() if one is not None))
    if not quanta:
        return _Found({}, lambda one: Recorded((one.id,)))
    # One more than is shown, for the dataset itself.
    written = await scope.ask(
        QuantumDatasets(tuple(quanta), "outputs").paged(most + 1), len(quanta), most + 1
    )
    by_quantum = _of_parents(
        written, quanta, lambda _, member: _Other(member, CODERIVED, "Written by the same execution")
    )
    found = {
        dataset: [other for other in by_quantum.get(quantum, []) if other.member.id != dataset]
        for dataset, quantum in producers.items()
    }
    return _Found(found, lambda one: QuantumDatasets((producers[one.id],), "outputs"))


def _of_parents(
    rows: Rows, parents: list[str], other: Callable[[Row, Member], _Other]
) -> dict[str, list[_Other]]:
    told = {id(row): one for row, one in zip(rows.rows, members(rows), strict=True)}
    return {
        parent: [other(row, told[id(row)]) for row in mine]
        for parent, mine in by_parent(rows, parents).items()
    }


_KINDS = (
    _Kind(CALIBRATION, "all calibrations that can be used", Capability.CALIBRATION, _calibrations),
    _Kind(
        PROGENITOR,
        "all that it was made from",
        Capability.PROVENANCE,
        _recorded(Way.UPSTREAM, PROGENITOR, "Was used to make it"),
    ),
    _Kind(
        DERIVATION,
        "all that was made from it",
        Capability.PROVENANCE,
        _recorded(Way.DOWNSTREAM, DERIVATION, "Was made from it"),
    ),
    _Kind(CODERIVED, "all that the same execution wrote", Capability.PROVENANCE, _siblings),
)
