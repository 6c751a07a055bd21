"""From identifiers to links: grouped by repository, asked of all repositories at once, and put back in order.

What is asked does not grow with the number of identifiers: for each repository its datasets, their files, and each kind of association; regions and
calibrations once for each dataset type among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from adapters.errors import BadUserInput, NotFound, Unsupported
from adapters.protocol import publishes
from adapters.question import Beside, DatasetsById
from adapters.rows import Rows
from gateway.datalink.associations import Links, associations
from gateway.datalink.cutout import MEDIA_TYPE as CUTOUT
from gateway.datalink.cutout import cutout, image
from gateway.datalink.fault import fault
from gateway.datalink.link import Link
from gateway.datalink.member import Member, members
from gateway.datalink.surroundings import Surroundings
from gateway.tables.columns import regions
from gateway.tables.pages import Part
from gateway.tables.table import Descriptor
from resolvers.context import Scope
from resolvers.file import File, artefacts
from resolvers.identifier import is_ivoid, parsed, published

THIS = "#this"
_FORMS = "write ivo://<authority>?repo=<label>&id=<uuid> or butler://<label>/<uuid>"


class Collected(NamedTuple):
    """Links with the identifiers that they belong to, those of one together, in the order asked; and the services that they refer to."""

    links: list[tuple[str, list[Link]]]
    descriptors: tuple[Descriptor, ...]


async def collected(identifiers: Sequence[str], around: Surroundings) -> Collected:
    """The links of each identifier: at least one, which is an error where there is nothing to link to."""
    wanted: dict[str, tuple[str, str] | Link] = {}
    for identifier in identifiers:
        try:
            wanted[identifier] = _found(identifier, around)
        except (BadUserInput, NotFound) as error:
            wanted[identifier] = Link(THIS, error_message=fault(error, around.masking))
    await _ask_publishers(wanted, around)
    by_label: dict[str, list[str]] = {}
    for one in wanted.values():
        if not isinstance(one, Link):
            by_label.setdefault(one[0], []).append(one[1])
    services = _services(by_label, around)
    answers = await asyncio.gather(
        *(
            _of_repository(
                around.context.scopes[label], list(dict.fromkeys(ids)), services.get(label), around
            )
            for label, ids in by_label.items()
        )
    )
    known = dict(zip(by_label, answers, strict=True))
    links = [
        (identifier, [one] if isinstance(one, Link) else known[one[0]][one[1]])
        for identifier, one in wanted.items()
    ]
    used = {link.service_def for _, some in links for link in some}
    alone = {"identifier": links[0][0]} if len(links) == 1 else {"ref": "ID"}
    descriptors = tuple(
        cutout(service, id, **alone) for service, id in dict.fromkeys(services.values()) if id in used
    )
    return Collected(links, descriptors)


async def _ask_publishers(wanted: dict[str, tuple[str, str] | Link], around: Surroundings) -> None:
    """Find those that are not the gateway's own identifiers among the publishers' own. One of a repository whose datasets have such is looked for
    there too, and stands as the gateway's own where it is none of them."""
    foreign = [
        one
        for one, found in wanted.items()
        if is_ivoid(one)
        and (isinstance(found, Link) or publishes(around.context.scopes[found[0]].repository))
    ]
    if not foreign:
        return
    try:
        found = await published(around.context, foreign)
    except Exception as error:  # noqa: BLE001  the other identifiers stand
        told = Link(THIS, error_message=fault(error, around.masking))
        wanted |= {one: told for one in foreign if isinstance(wanted[one], Link)}
        return
    wanted |= {one: (dataset.scope().label, dataset.hex()) for one, dataset in found.items()}


def _found(identifier: str, around: Surroundings) -> tuple[str, str]:
    """Label and dataset (32 hex digits). A label is looked up among those that the caller may see, and is nothing else. Raises BadUserInput, NotFound."""
    try:
        label, dataset = parsed(identifier)
    except BadUserInput:
        raise BadUserInput(f"{identifier[:200]!r} is no identifier of a dataset; {_FORMS}.") from None
    if label is None:
        raise BadUserInput(f"A bare UUID does not say which repository; {_FORMS}.")
    if label not in around.context.scopes:
        raise _unknown()
    return label, dataset


def _unknown() -> NotFound:
    return NotFound("No dataset here has this identifier.")


def _services(labels: dict[str, list[str]], around: Surroundings) -> dict[str, tuple[str, str]]:
    """The cutout service of each repository that has one, and what its descriptor is called."""
    found = {label: around.directory.of(label).cutout for label in labels}
    distinct = list(dict.fromkeys(one for one in found.values() if one is not None))
    ids = {one: "cutout" if place == 0 else f"cutout_{place + 1}" for place, one in enumerate(distinct)}
    return {label: (one, ids[one]) for label, one in found.items() if one is not None}


async def _of_repository(
    scope: Scope, ids: list[str], service: tuple[str, str] | None, around: Surroundings
) -> Links:
    """The links of datasets of one repository. One that does not answer is an error for each of its datasets."""
    try:
        question = DatasetsById(tuple(ids), Beside(region=True))
        rows = await scope.ask(question, len(ids), 1)
        datasets = members(rows)
        files, cutouts, others = await asyncio.gather(
            _files(scope, datasets, around),
            _cutouts(scope, question, rows, service, around),
            associations(scope, datasets, around),
        )
    except Exception as error:  # noqa: BLE001  the other repositories stand
        told = Link(THIS, error_message=fault(error, around.masking))
        return {one: [told] for one in ids}
    # What is known to have no file cannot be cut.
    links = {
        one.id: [
            *files.get(one.id, ()),
            *(cutouts.get(one.id, ()) if files.get(one.id, True) else ()),
            *others[one.id],
        ]
        for one in datasets
    }
    unknown = Link(THIS, error_message=fault(_unknown(), around.masking))
    empty = Link(THIS, error_message="NotFoundFault: This dataset has no file, and nothing is linked to it.")
    return {one: (links[one] or [empty]) if one in links else [unknown] for one in ids}


async def _files(scope: Scope, datasets: Sequence[Member], around: Surroundings) -> Links:
    """The files of each dataset, none where it has none or the adapter knows of none."""
    try:
        found = await artefacts(scope).load_many([one.id for one in datasets])
    except Unsupported:
        return {}
    except Exception as error:  # noqa: BLE001  what is not a file stands
        told = Link(THIS, error_message=fault(error, around.masking))
        return {one.id: [told] for one in datasets}
    return {
        one.id: [_file(scope, one, file, around) for file in files]
        for one, files in zip(datasets, found, strict=True)
    }


def _file(scope: Scope, dataset: Member, file: File, around: Surroundings) -> Link:
    uri, part, size = file.facts()
    return Link(
        THIS,
        _works_alone(uri) or around.signatures.address(around.base_url, scope.label, dataset.id, part),
        description=f"The file of {dataset.words}"
        if part is None
        else f"Component {part} of {dataset.words}",
        content_type=file.media_type_of_name(),
        content_length=size,
        local_semantics=dataset.info.name,
        link_auth="false",
    )


def _works_alone(uri: str) -> str | None:
    """An address that its store has signed already, as a Butler server gives it to whoever asks with a token: nobody could ask for it again without."""
    parts = urlsplit(uri)
    return uri if parts.scheme in ("http", "https") and parts.query else None


async def _cutouts(
    scope: Scope, question: DatasetsById, rows: Rows, service: tuple[str, str] | None, around: Surroundings
) -> Links:
    """A cutout of each image that lies on the sky, where a service makes cutouts."""
    if service is None or not rows.rows:
        return {}
    images = [row for row in rows.rows if image(rows.types[row[rows.index("type")]])]
    if not images:
        return {}
    datasets = members(rows.of(images))
    try:
        found = await regions(Part(scope.repository, question, rows.of(images)), around.context.call)
    except Unsupported:
        return {}
    except Exception as error:  # noqa: BLE001  what is no cutout stands
        told = Link("#cutout", error_message=fault(error, around.masking))
        return {one.id: [told] for one in datasets}
    return {
        one.id: [
            Link(
                "#cutout",
                service_def=service[1],
                description=f"A part of {one.words}",
                content_type=CUTOUT,
                local_semantics=one.info.name,
            )
        ]
        for one, region in zip(datasets, found, strict=True)
        if region is not None
    }
