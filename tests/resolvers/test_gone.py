"""Work whose last asker went away ends without a word, however it ends."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from resolvers.loader import Loader
from resolvers.once import Once


@pytest.mark.parametrize("way", ["once", "loader"])
def test_an_error_that_nobody_waits_for_is_no_line_in_the_log(way: str) -> None:
    lost: list[Any] = []

    async def work(_: object = None) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ValueError("as a thread says that ends in its own way") from None

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: lost.append(told))
        loader: Loader[str, Any] = Loader(work, None)
        asking = Once(lambda: False)("key", work()) if way == "once" else loader.load_many(["key"])
        asker = asyncio.ensure_future(asking)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asker.cancel()
        await asyncio.wait([asker])
        loader.stop()
        await asyncio.sleep(0.01)
        gc.collect()

    asyncio.run(run())
    assert lost == []
