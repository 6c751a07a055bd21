"""Work for a client that may leave: answers that are no GraphQL (``watch`` is for those) end with it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio
from starlette.types import Receive

T = TypeVar("T")


async def while_there(receive: Receive, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of ``work``, which is cancelled when the client disconnects; None then. What goes wrong is for ``work`` itself to tell.

    The request's body must have been read: whatever ``receive`` yields from then on is the disconnection.
    """
    result = None

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(gone)
        result = await work
        group.cancel_scope.cancel()
    return result
