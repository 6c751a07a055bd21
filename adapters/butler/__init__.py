"""The adapter for repositories that this process can reach directly: SQLite and PostgreSQL registries.

Importing this package imports nothing heavy; Butler comes with the first repository that is opened.
"""

from __future__ import annotations

from ..protocol import Repository, Settings


def open_repository(name: str, settings: Settings) -> Repository:
    """A repository by label; nothing is read before its first question (see ``adapters.protocol``)."""
    from .repository import ButlerRepository

    return ButlerRepository(name, settings)
