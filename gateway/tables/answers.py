"""The table that an address asks for: a list, read now, or a saved result; in Butler's columns or in those of ObsCore.

All of it takes Arrow, and ObsCore takes lsst.daf.butler: the wiring makes it when somebody first asks for a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.caller import Call, Caller
from adapters.errors import SILENT, NotFound
from adapters.protocol import Repository
from adapters.question import DatasetTypesByName, Question
from adapters.rows import Rows, TypeInfo
from gateway.datalink.descriptors import IDENTIFIER, descriptors
from gateway.datalink.member import address
from gateway.first_use import FirstUse
from gateway.limits import Deadline, Limits
from gateway.results.service import SavedResults
from gateway.services import Directory
from gateway.tables.links import Links
from gateway.tables.reading import read, types_of
from gateway.tables.route import Asking
from gateway.tables.saved import cut, observed_again, saved
from gateway.tables.table import Table
from resolvers.asked import Asked
from resolvers.results import Kept, Selected

if TYPE_CHECKING:  # lsst.daf.butler
    from gateway.tables.observed import ObservedColumns

_TYPES = 1_000  # of a saved result, that are looked at

Observed = Callable[[str, Sequence[Repository]], "ObservedColumns"]
"""The columns of ObsCore, with links below an address, for datasets of these repositories."""


class Answers:
    """``obscore``: of each repository the file that says what its datasets are in ObsCore, where there is one."""

    def __init__(
        self,
        links: Links,
        results: SavedResults,
        directory: Directory,
        limits: Limits,
        obscore: Mapping[str, Path | None],
    ) -> None:
        self._links = links
        self._results = results
        self._directory = directory
        self._limits = limits
        self._obscore = obscore
        self._observed = FirstUse(self._observing)

    async def table(self, asking: Asking, most: int | None, obscore: bool) -> Table:
        """What an address asks for, with the services that take its rows. Raises what is wrong with it."""
        observed = await self._observed() if obscore else None
        if result := asking.parameters.get("RESULT"):
            kept, table = await saved(self._results, result, asking.opened, asking.caller)
            labels: Sequence[str] = kept.query["repositories"]
            types = await self._types_of_result(kept) if self._cut_out(labels) else ()
            if observed is not None:
                columns = observed(asking.base_url, [asking.opened[label] for label in labels])
                table = observed_again(
                    self._results, kept, table, columns, asking.opened, asking.caller, self._limits
                )
            table = cut(table, most)
        else:
            asked = await self._links.asked(asking.parameters, asking.caller)
            labels = asked.repositories
            table = await self.of_list(
                asked, asking.opened, asking.caller, asking.base_url, most, observed=observed
            )
            of_datasets = IDENTIFIER in table.schema.names
            types = types_of(asked.questions[0]) if of_datasets and self._cut_out(labels) else ()
        infos = await self._infos(types, [asking.opened[label] for label in labels], asking.caller)
        names = table.schema.names
        table.descriptors = descriptors(self._directory, labels, asking.base_url, names, infos)
        return table

    async def of_list(
        self,
        asked: Asked,
        opened: Mapping[str, Repository],
        caller: Caller,
        base_url: str,
        most: int | None,
        *,
        observed: Observed | None = None,
    ) -> Table:
        """A list, with links below ``base_url``; at most so many rows."""
        return await read(
            asked,
            opened,
            caller,
            self._limits,
            datalink=lambda label: self._directory.datalink(label, base_url),
            observed=None if observed is None else partial(observed, base_url),
            most=most,
        )

    def _cut_out(self, labels: Sequence[str]) -> bool:
        """Whether there are services of images, so that it matters what the datasets are."""
        return any(one.cutout or one.sia for one in map(self._directory.of, labels))

    async def _types_of_result(self, kept: Kept) -> Sequence[Question]:
        """What asks for the dataset types of a saved result; nothing where there are more than one looks at."""
        selected, deadline = Selected(kept.id), Deadline(self._limits.timeout)
        found = await self._results.facets(selected, ("dataset_type",), _TYPES, deadline)
        return [DatasetTypesByName(tuple(name for name, _ in found.rows))] if found.complete else ()

    async def _infos(
        self, asked: Sequence[Question], repositories: Sequence[Repository], caller: Caller
    ) -> list[TypeInfo]:
        """What dataset types are, in all repositories that know them and answer."""
        infos: list[TypeInfo] = []
        for repository in repositories:
            for question in asked:
                call = Call(caller, Deadline(self._limits.timeout), self._limits.max_cost)
                try:
                    infos += _infos_in(await repository.ask(question, call))
                except (NotFound, *SILENT):
                    continue  # then it has no rows either
        return infos

    def _observing(self) -> Observed:
        """Imports lsst.daf.butler and reads files: done in a thread."""
        from gateway.tables.obscore.configuration import of_file
        from gateway.tables.obscore.obscore import ObsCore
        from gateway.tables.observed import ObservedColumns

        configured = {label: of_file(file) for label, file in self._obscore.items()}

        def observed(base_url: str, repositories: Sequence[Repository]) -> ObservedColumns:
            def core(one: Repository) -> ObsCore:
                service = self._directory.datalink(one.name, base_url)
                return ObsCore(one.name, one.settings.ivoid, partial(address, service), configured[one.name])

            return ObservedColumns({one.name: core(one) for one in repositories})

        return observed


def _infos_in(rows: Rows) -> list[TypeInfo]:
    """The types of an answer about them."""
    at = [rows.index(name) for name in ("name", "required", "dimensions", "storage_class", "is_calibration")]
    return [TypeInfo(*(row[place] for place in at)) for row in rows.rows]
