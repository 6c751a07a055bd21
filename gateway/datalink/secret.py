"""The secret that addresses are signed with: configured, or made once and kept for all processes and restarts."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import structlog

from gateway.datalink.signature import random_secret

log = structlog.get_logger("gateway.datalink")

SHORTEST = 32
"""Bytes of a secret: as many as HMAC with SHA-256 makes use of (RFC 2104, section 3)."""


def kept_secret(folder: Path) -> bytes:
    """The secret in a file of this folder, which only its owner can read; made where there is none.

    The file comes into being whole, under its name, by whoever is first; the others read his. Where the folder cannot be written, this process has a
    secret of its own, and the log says so.
    """
    place = folder / "secret"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = folder / f".secret.{secrets.token_hex(8)}"
        if not place.exists():
            try:
                with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(random_secret())
                    file.flush()
                    os.fsync(file.fileno())
                os.link(beside, place)
            except FileExistsError:
                pass  # another process was faster
            finally:
                beside.unlink(missing_ok=True)
        found = place.read_bytes()
        if len(found) >= SHORTEST:
            return found
        reason = "it is too short"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    log.warning(
        "the secret of signed links cannot be kept: links of one process are refused by the others, and after a restart",
        reason=reason,
    )
    return random_secret()
