"""What the servers are told about the registry. They import no Butler: a floor that carries it would be slower than one that
does not, for each collection of garbage visits all that was imported.
"""

from __future__ import annotations

from dataclasses import dataclass

RAWS, FLATS = "LSSTCam/raw/all", "LSSTCam/calib"
"""The collections that are asked: a RUN and a CALIBRATION."""


@dataclass(frozen=True)
class Registry:
    """A built repository and the names that hand-written SQL needs: Butler numbers its tables and collections."""

    root: str
    dsn: str
    """What asyncpg and node-postgres connect with: a host that is a folder is a Unix socket."""
    tags: str
    calibs: str
    flat_tags: str
    raw_type: int
    flat_type: int
    raw_collection: int
    flat_collection: int
