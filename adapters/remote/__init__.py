"""The adapter for repositories behind a Butler server (RemoteButler): asked as the caller, with the caller's token.

Importing this package imports nothing heavy; Butler comes with the first repository that is opened.
"""

from __future__ import annotations

from ..protocol import Repository, Settings


def open_repository(name: str, settings: Settings) -> Repository:
    """A repository by label, at the address of its ``butler.yaml``; nothing is sent before its first question (see ``adapters.protocol``).

    Raises
    ------
    BadUserInput
        The address or an option is not what it should be.
    """
    from .repository import RemoteRepository

    return RemoteRepository(name, settings)
