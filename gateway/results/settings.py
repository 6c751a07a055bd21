"""What can be configured about saved results: the group ``results``."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ResultsConfig(BaseModel):
    """Results that callers save."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = Field(
        default=None,
        description="The folder that holds them, on a disk that all processes share and whose locks (flock) work. Left out: the folder "
        "results below state. A relative path begins at the folder of the configuration file.",
    )
    lifetime: int = Field(
        default=604_800,
        ge=1,
        description="The seconds that a result is kept; then it is deleted from the disk.",
    )
    max_rows: int = Field(
        default=1_000_000,
        ge=1,
        description="The rows of one result. A longer answer is cut there, and says so.",
    )
    max_bytes: int = Field(
        default=10_000_000_000, ge=1, description="The bytes on disk of all results together."
    )
    max_bytes_each: int = Field(
        default=2_000_000_000,
        ge=1,
        description="... of all results of one user; those without a name are one user here.",
    )
    max_results_each: int = Field(
        default=1_000, ge=1, description="The results of one user; those without a name are one user here."
    )
    wait: float = Field(
        default=1.0,
        ge=0.0,
        description="The seconds that saveResult waits for the result to be complete. A longer one goes on in the background.",
    )
    timeout: float = Field(
        default=600.0, gt=0.0, description="The seconds that the freezing of one result may take."
    )
    max_running: int = Field(
        default=4, ge=1, description="The results that one process freezes at a time. More wait (PENDING)."
    )
    max_running_each: int = Field(
        default=2,
        ge=1,
        description="The results of one user that one process freezes or keeps waiting; another one is refused. Those without a name "
        "share none.",
    )
    max_waiting: int = Field(
        default=32, ge=1, description="The results that wait in one process. Another one is refused."
    )
    memory: int = Field(
        default=256,
        ge=64,
        description="The megabytes that filtering, sorting or counting one result may take; at most four do so in one process at a time.",
    )
