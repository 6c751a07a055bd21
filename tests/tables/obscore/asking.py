"""Asks a repository for datasets, and for their ObsCore rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from lsst.daf.butler import Butler

from adapters.butler import open_repository
from adapters.caller import Call
from adapters.protocol import Repository, Settings
from adapters.question import Beside, Datasets, Page, Question
from adapters.rows import Rows
from gateway.tables.obscore.configuration import Configured
from gateway.tables.obscore.obscore import BESIDE, ObsCore

IVOID = "ivo://org.example/judged?repo={repository}&id={id}"


def datalink(ivoid: str) -> str:
    from urllib.parse import quote

    return f"https://data.example.org/datalink/links?ID={quote(ivoid, safe='')}"


class Opened:
    """An opened repository; ``questions`` that were asked of it last."""

    def __init__(self, root: Path, repository: Repository, runner: asyncio.Runner) -> None:
        self.root = root
        self.repository = repository
        self.runner = runner
        self.questions: list[Question] = []

    @classmethod
    @contextmanager
    def at(cls, root: Path) -> Iterator[Opened]:
        with asyncio.Runner() as runner:
            repository = open_repository("judged", Settings(str(root), ivoid=IVOID))
            yield cls(root, repository, runner)
            runner.run(repository.close())

    @contextmanager
    def butler(self) -> Iterator[Butler]:
        with Butler.from_config(str(self.root)) as butler:
            yield butler

    def datasets(self, *types: str, first: int = 100_000, beside: Beside | None = BESIDE) -> Rows:
        """Every dataset of these types, in whatever run."""
        question = Datasets(types or ("*",), ("*",), find_first=False, page=Page(first), beside=beside)
        return self.runner.run(self.repository.ask(question, Call()))

    def rows(self, rows: Rows, configured: Configured | None = None) -> pa.RecordBatch:
        """Their ObsCore rows, checked by Arrow."""
        core = ObsCore("judged", IVOID, datalink, configured)
        self.questions.clear()
        batch = self.runner.run(core.batch(_Counted(self), rows, Call()))
        batch.validate(full=True)
        assert batch.schema.equals(core.schema, check_metadata=True)
        assert batch.num_rows == len(rows.rows)
        return batch


class _Counted:
    """The repository, every question written down."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened.repository, name)

    async def ask(self, question: Question, call: Call) -> Rows:
        self._opened.questions.append(question)
        return await self._opened.repository.ask(question, call)
