"""What can be configured about lists as tables: the group ``tables``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TablesConfig(BaseModel):
    """Lists as tables, to download."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout: float = Field(
        default=3600.0, gt=0, description="The seconds that one table may take, however long it is."
    )
    max_running: int = Field(
        default=8, ge=1, description="The number of tables that a process writes at a time."
    )
    max_running_each: int = Field(default=4, ge=1, description="... for one user.")
    max_waiting: int = Field(default=32, ge=1, description="The number of requests that wait for a place.")
    kept_hours: float = Field(
        default=24.0,
        gt=0,
        description="The hours for which a question is kept that is too long for an address, after it was last asked.",
    )
    kept_bytes: int = Field(
        default=256_000_000, ge=1, description="The bytes that such questions of one user may take."
    )
