"""Rows of Butler's general queries, all of them or an error.

A Butler server that fails in the middle of an answer ends it as if it were whole (starlette's BaseHTTPMiddleware closes a response in good order
whose application raised, and the server's lines have no last one). A statement that PostgreSQL gave up shows as an empty answer then, a lost
connection as fewer pages. So answers that may have been cut are checked: empty ones, and those that end where a page does.
"""

from __future__ import annotations

from collections.abc import Iterator

from lsst.daf.butler import Butler
from lsst.daf.butler.queries import GeneralQueryResults

from ..errors import BackendUnavailable
from .api_name import Raw

PAGE = 2_000
"""Rows of the database that a server reads at a time (DirectQueryDriver, raw_page_size)."""

_SIEVED = 100
"""With fewer rows left of what the database gives, it gave no more than a page."""


def rows_of(
    butler: Butler, result: GeneralQueryResults, most: int | None = None, *, sieved: bool = False
) -> Iterator[Raw]:
    """The rows of a result, at most ``most``; ``sieved``: Butler decides on each by its region, and so sends fewer than a page.

    Raises
    ------
    BackendUnavailable
        The server has more than it sent.
    """
    result = result.limit(most)
    count = 0
    for row in result:
        count += 1
        yield row
    if type(butler).__name__ != "RemoteButler" or count == most or not _cut(result, count, sieved):
        return
    if not count:
        # Nothing of it has been used: it may be asked once more.
        for row in result:
            count += 1
            yield row
    if not count or _cut(result, count, sieved):
        raise BackendUnavailable("The Butler server broke its answer off.", retry=True)


def _cut(result: GeneralQueryResults, count: int, sieved: bool) -> bool:
    if not count:
        # any() looks past records that are wanted and not there, such as regions, and costs less.
        return result.any() and result.count(exact=True, discard=True) > 0
    if sieved:
        return (
            count >= _SIEVED
            and result.count(exact=False) > PAGE
            and result.count(exact=True, discard=True) > count
        )
    return count % PAGE == 0 and result.count() > count
