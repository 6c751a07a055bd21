"""A gateway over two repositories, as a process."""

from __future__ import annotations

from tests.end_to_end.conftest import asker, small_repository

__all__ = ["asker", "small_repository"]
