"""What can be configured about the gateway's own DataLink service: the group ``datalink``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class DatalinkConfig(BaseModel):
    """The gateway's own DataLink service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float = Field(
        default=900.0,
        gt=0,
        description="The seconds for which the address of a file in a document works, without a token.",
    )
    secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="What these addresses are signed with, the same for all machines that answer for one another. Left out: made once, and kept "
        "in the folder state.",
    )
    max_ids: int = Field(
        default=500,
        ge=1,
        description="The number of identifiers in one request that are answered; of more, the first, and the document says OVERFLOW.",
    )
    max_links: int = Field(
        default=50,
        ge=1,
        description="The number of links of one kind that a dataset has; where there are more, the last one leads to a table.",
    )
