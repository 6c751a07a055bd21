"""What a plan waited for when it gave up is left running, and is no lost error."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from resolvers.plan.plan import Unplanned
from resolvers.plan.waiting import together


def test_an_error_behind_the_first_is_not_told_to_the_operator() -> None:
    told: list[dict[str, Any]] = []

    async def failing(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        raise ValueError(turns)

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        with pytest.raises(Unplanned) as caught:
            await together([failing(1), failing(5)])
        (left,) = caught.value.left
        del caught
        await asyncio.wait([left])
        del left
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(run())
    assert told == []
