"""Lists of associations of many datasets, which one question answers: their items stand in one frame, and no list is made unless a field asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

from adapters.rows import Rows

from ..association import AssociationEdges, AssociationRows, Ties
from ..association_connection import AssociationConnection
from ..dataset import Dataset
from ..kinship import Kin, Parent, Tie, related, require_one_calibration
from .frame import Groups
from .nouns import Asked, AssociationLists
from .pieces import alike
from .rows import ListedEdges, RowDatasets, Sheet

if TYPE_CHECKING:
    from .plan import Step
    from .run import Run


class KinLists(AssociationLists):
    """What a tie finds for each of these parents."""

    __slots__ = ("_asked", "_made", "_parents", "_tie")

    def __init__(self, tie: Tie, parents: Sequence[Parent], asked: Asked) -> None:
        self._tie = tie
        self._parents = parents
        self._asked = asked
        self._made: list[AssociationConnection] | None = None

    def __len__(self) -> int:
        return len(self._parents)

    def objects(self) -> list[AssociationConnection]:
        if self._made is None:
            self._made = [self._list(one) for one in self._parents]
        return self._made

    def check(self) -> None:
        """Raise what is wrong with the arguments, though nothing may be selected of the lists."""
        self._list(self._parents[0])

    def _list(self, parent: Parent) -> AssociationConnection:
        return related(self._tie, parent, self._asked.first, self._asked.after)

    async def ties(self, step: Step, run: Run) -> Any:
        listing = self._list(self._parents[0]).listing
        assert isinstance(listing, Kin)
        if listing.after is not None:
            return await super().ties(step, run)
        parts = await listing.pages().load_many(self._parents)
        whole = parts[0][0]
        if not all(one is whole for one, _ in parts):
            return await super().ties(step, run)  # some were asked for elsewhere
        if listing.strict and any(info.is_calibration for info in whole.types.values()):
            for _, own in parts:
                require_one_calibration(whole.of(own))
        pages = [own[: listing.first] for _, own in parts]
        rows = [row for page in pages for row in page]
        if not rows:
            return pages
        ties = Ties(self._tie.scope, whole, self._tie.source, None)
        counts = [len(page) for page in pages]
        if step.name == "nodes":
            return Groups(RowDatasets(ties, Sheet(rows)), counts)
        lists = [
            AssociationEdges(
                AssociationRows(ties, page, identifier or None), partial(self._cursor, place, whole.of(page))
            )
            for place, (page, (_, identifier)) in enumerate(zip(pages, self._parents, strict=True))
        ]
        return Groups(ListedEdges(lists), counts)

    def _cursor(self, number: int, rows: Rows, place: int) -> str:
        """The cursor of an item of one of the lists, which has to be made for it."""
        listing = self.objects()[number].listing
        assert isinstance(listing, Kin)
        return listing.cursor_at(rows, place)


KinLists.columns = AssociationLists.columns | dict.fromkeys(("nodes", "edges"), KinLists.ties)


def of_rows(datasets: RowDatasets, step: Step, run: Run) -> Any:
    """The lists of ``related`` of datasets that have one type."""
    asked, layout, sheet = Asked.of(step, run), datasets.layout, datasets.sheet
    kinds = sheet.at(layout.type)
    if asked is None or not alike(kinds):
        return datasets.related(step, run)
    columns = [sheet.at(layout.places[name]) for name in layout.types[kinds[0]].required]
    keys = zip(*columns, strict=True) if columns else repeat((), len(sheet))
    parents = list(zip(keys, map(str, sheet.at(layout.id)), strict=True))
    lists = KinLists(asked.tie(Dataset(layout, sheet.rows[0])), parents, asked)
    lists.check()
    return lists


RowDatasets.columns["related"] = of_rows
