"""Why there is no association: through a Butler server in the same words as from the registry's own tables."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from adapters.butler import open_repository
from adapters.caller import Call
from adapters.errors import BadUserInput
from adapters.protocol import Repository as Opened
from adapters.protocol import Settings
from adapters.question import Constraint, Datasets, Kinship, Op, Page, Related
from tests.adapters.asker import DEFAULTS
from tests.adapters.repositories import Repository

from .asker import call, opened
from .server import ButlerServer

PAIRS: tuple[tuple[str, tuple[str, ...], Kinship | None, tuple[str, ...]], ...] = (
    ("raw", ("flat",), Kinship.CALIBRATION, ("HSC/calib",)),
    ("raw", ("bias",), Kinship.CALIBRATION, ("HSC/calib/alt",)),
    ("raw", ("flat",), Kinship.CALIBRATION, ("u/empty",)),
    ("calexp", ("deepCoadd",), Kinship.SPATIAL, ("HSC/runs/w02",)),
    ("calexp", ("deepCoadd",), Kinship.SPATIAL, ("HSC/runs/w02", "u/empty")),
    ("raw", ("raw", "calexp"), None, ("HSC/runs/w02",)),
    ("flat", ("raw",), Kinship.CALIBRATION, ("HSC/raw/all", "HSC/calib")),
    ("raw", ("*",), Kinship.TEMPORAL, ("HSC/runs/w02", "HSC/calib")),
)
PARENTS = 6


async def explained(repository: Opened, question: Related, call: Call) -> list[str]:
    """Its sentences, or why there can be none."""
    try:
        return await repository.explain(question, call)
    except BadUserInput as error:
        return [error.message]


def test_explanations_are_those_of_the_registry(server: ButlerServer, lab: Repository) -> None:
    async def run() -> list[str]:
        direct = open_repository("lab", Settings(lab.uri, collections=DEFAULTS))
        remote = opened(server.uri("lab"))
        said: list[str] = []
        for source, types, by, collections in PAIRS:
            parents = Datasets((source,), ("*",), find_first=False, page=Page(400))
            rows = await direct.ask(parents, Call())
            required = rows.types[source].required
            keys = {tuple(row[rows.index(name)] for name in required): row[0] for row in rows.rows}
            some = list(keys.items())[:: max(1, len(keys) // PARENTS)]
            for key, id in some:
                question = Related(required, (key,), types, source, (id,), by=by, collections=collections)
                narrowed = replace(
                    question,
                    constraints=(
                        Constraint("tract" if "deepCoadd" in types else "detector", Op.EQ, 1_000_000),
                    ),
                )
                for one in (question, narrowed):
                    told = await explained(direct, one, Call())
                    assert await explained(remote, one, call()) == told, one
                    said += told
        await direct.close()
        await remote.close()
        return said

    said = " ".join(asyncio.run(run()))
    for words in (
        "is certified for this data ID for",
        "overlaps its region",
        "None of the collections searched holds",
        "none that dataId leaves",
        "was observed in its time",
        "cannot be tied by TEMPORAL to datasets of the types",
    ):
        assert words in said, said
