"""Butler's exceptions in the adapter's words: whose mistake it was, and Butler's own explanation where it was the caller's.

What Butler raises at a caller's mistake is no one family: most are ButlerUserError, some KeyError, LookupError or ValueError. What the
database raises may quote statements, addresses and passwords, and none of that leaves here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy.exc
from lsst.daf.butler import (
    ButlerUserError,
    CalibrationLookupError,
    DatasetNotFoundError,
    MissingCollectionError,
    MissingDatasetTypeError,
)
from lsst.daf.butler._exceptions_legacy import DataIdError
from lsst.daf.butler.registry import CollectionExpressionError, NoDefaultCollectionError
from pydantic import ValidationError

from ..errors import (
    AdapterError,
    BackendTimeout,
    BackendUnavailable,
    BadUserInput,
    Forbidden,
    NotFound,
    Timeout,
    TooComplex,
    Unauthenticated,
)

_SERVER_ERROR = "ButlerServerError"
"""The name of what RemoteButler raises when the server fails (it is imported only where it is used)."""

_READERS = frozenset({"parse_model", "read_query_results"})
"""Where RemoteButler reads what a server answered."""

_TOO_LARGE = (
    "expression tree is too large",
    "too many sql variables",
    "stack depth limit",
    "too many columns",
)
_PIXELS = ("Cannot join dimension element", "Unsupported combination for spatial join")
"""What Butler says of pixels that it cannot join."""
_CANCELLED = ("interrupted", "querycanceled", "statement timeout", "canceling statement")


def translated(
    error: BaseException, repository: str, *, careless: tuple[type[Exception], ...] = ()
) -> AdapterError | None:
    """The error to raise instead; None where it is neither the caller's mistake nor the backend's failure, but a bug.

    ``careless``: plain exceptions that, in this call, Butler raises at a caller's mistake.
    """
    if isinstance(error, AdapterError):
        return error
    if isinstance(error, sqlalchemy.exc.SQLAlchemyError):
        return _database(error, repository)
    if isinstance(error, MissingCollectionError | MissingDatasetTypeError | DatasetNotFoundError):
        return NotFound(said(error), repository=repository)
    if isinstance(error, CalibrationLookupError):
        return BadUserInput(
            f"{said(error)} Give a validity, or ask without find-first.", repository=repository
        )
    if isinstance(error, NoDefaultCollectionError):
        return BadUserInput(
            "Name the collections to search: the repository has no default ones.", repository=repository
        )
    if isinstance(error, ButlerUserError | DataIdError | CollectionExpressionError):
        if any(words in str(error) for words in _PIXELS):
            return BadUserInput(
                "Pixels of the sky are joined only in the registry's common pixelisation, and only to what has a region there; ask with sky.",
                repository=repository,
            )
        return BadUserInput(said(error), repository=repository)
    if type(error).__name__ == _SERVER_ERROR:
        return _server(error, repository)
    if isinstance(error, ValidationError) and _READERS & set(_frames(error)):
        return BackendUnavailable(
            f"The server of repository '{repository}' gave an answer that no Butler server gives.",
            repository=repository,
            retry=False,
        )
    if isinstance(error, OverflowError):
        return BadUserInput("An integer is too large for the registry (64 bits).", repository=repository)
    if isinstance(error, AssertionError) and "predicate" in str(error):
        # Butler's grammar takes a value that stands alone ('', 1 + 1) for an expression, and stumbles over it.
        return BadUserInput(
            "where has to be a condition, such as detector > 5; a value alone is none.", repository=repository
        )
    if isinstance(error, RecursionError):
        return TooComplex("The question is nested too deeply for Butler.", limit=0, actual=0)
    if isinstance(error, ConnectionError | FileNotFoundError | PermissionError):
        return BackendUnavailable(f"Repository '{repository}' cannot be read.", repository=repository)
    if careless and isinstance(error, careless):
        return BadUserInput(said(error), repository=repository)
    return None


@contextmanager
def butlers_mistakes(
    repository: str,
    *,
    careless: tuple[type[Exception], ...] = (),
    known: Callable[[], Iterable[str]] | None = None,
) -> Iterator[None]:
    """Around calls of Butler: its exceptions leave as AdapterErrors, bugs as they are.

    ``known``: names that may have been meant, looked up only when Butler says that it does not know one.
    """
    try:
        yield
    except Exception as error:
        found = translated(error, repository, careless=careless)
        if found is error or found is None:
            raise
        if isinstance(found, NotFound) and known is not None:
            found.details.setdefault("known", sorted(known())[:20])
        raise found from error


def said(error: BaseException) -> str:
    """What Butler said, with the cause that it names (a syntax error, say); no repr of a KeyError's quotes."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(parts) < 3 and not isinstance(current, sqlalchemy.exc.SQLAlchemyError):
        text = str(current.args[0]) if isinstance(current, KeyError) and current.args else str(current)
        if isinstance(current, KeyError) and not isinstance(current, ButlerUserError | DataIdError):
            text = f"Unknown name '{text}'." if " " not in text else text
        if text and not any(text in part for part in parts):
            parts.append(text.strip())
        current = current.__cause__
    message = ": ".join(part.rstrip(".") for part in parts)
    return f"{message}." if message else type(error).__name__


def _server(error: BaseException, repository: str) -> AdapterError:
    """What RemoteButler's one exception for every failure means. Nothing of what the server said is kept."""
    status: int | None = getattr(error, "status_code", None)
    here = f"repository '{repository}'"
    if status == 401:
        return Unauthenticated(
            f"The server of {here} does not accept your token.", repository=repository, retry=False
        )
    if status == 403:
        return Forbidden(f"You may not read {here}: its server says so.", repository=repository, retry=False)
    if status in (408, 504) or (status is None and "Timeout" in type(error.__cause__).__name__):
        return BackendTimeout(f"The server of {here} took too long.", repository=repository, retry=True)
    if status in (400, 413, 422):
        return BadUserInput(f"The server of {here} does not take such a question.", repository=repository)
    if status is not None and status < 500 and status != 429:
        what = "sends elsewhere, where nobody goes" if status < 400 else "does not know it"
        return BackendUnavailable(
            f"The server of {here} {what} (status {status}).", repository=repository, retry=False
        )
    how = "does not answer" if status is None else "fails" if status == 500 else "cannot answer now"
    return BackendUnavailable(
        f"The server of {here} {how}.", repository=repository, retry=True, status=status
    )


def _frames(error: BaseException) -> Iterator[str]:
    """Names of the functions that an exception went through."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_name
        trace = trace.tb_next


def too_large(error: Exception) -> TooComplex | None:
    """The error to raise where a database refused a statement for its size, which is the caller's matter and not the database's."""
    text = str(getattr(error, "orig", None) or error).lower()
    if not any(word in text for word in _TOO_LARGE):
        return None
    return TooComplex(
        "The question names too much for the registry's database at once; ask with fewer names or constraints, or with among or IN.",
        limit=0,
        actual=0,
    )


def _database(error: sqlalchemy.exc.SQLAlchemyError, repository: str) -> AdapterError | None:
    """Nothing of the text is kept: it holds the statement, its values and perhaps the address."""
    large = too_large(error)
    if large is not None:
        return large
    original = getattr(error, "orig", None)
    text = f"{type(original).__name__} {original}".lower()
    if any(word in text for word in _CANCELLED):
        return Timeout("The registry's database took too long.", repository=repository)
    if isinstance(error, sqlalchemy.exc.DataError):
        return BadUserInput(
            "A value is out of the range that the registry's database holds.", repository=repository
        )
    unreachable = (
        sqlalchemy.exc.OperationalError,
        sqlalchemy.exc.InterfaceError,
        sqlalchemy.exc.TimeoutError,
        sqlalchemy.exc.DisconnectionError,
    )
    broken = type(error) in (sqlalchemy.exc.DatabaseError, sqlalchemy.exc.InternalError)
    if broken or isinstance(error, unreachable) or getattr(error, "connection_invalidated", False):
        return BackendUnavailable(
            f"The database of repository '{repository}' does not answer.", repository=repository, retry=True
        )
    return None


def lacking(name: str, dimensions: Iterable[str]) -> BadUserInput:
    """The error for a constraint on what these dimensions do not have."""
    return BadUserInput(f"'{name}' is no dimension or field of {', '.join(dimensions) or 'no dimensions'}.")
