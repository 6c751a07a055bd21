"""The adapter for ObsCore services: a table of observations behind the IVOA's Table Access Protocol.

Importing this package imports nothing heavy; astropy and the HTTP client come with the first repository that is opened.
"""

from __future__ import annotations

from ..protocol import Repository, Settings


def open_repository(name: str, settings: Settings) -> Repository:
    """A repository by label; nothing is read before its first question (see ``adapters.protocol``)."""
    from .repository import TapRepository

    return TapRepository(name, settings)
