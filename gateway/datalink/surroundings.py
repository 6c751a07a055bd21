"""Where links lead: what the answer to one request needs besides its datasets."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.question import Question
from gateway.datalink.member import PATH, address, ivoid
from gateway.datalink.signature import Signatures
from gateway.http.errors import Masking
from gateway.services import Directory
from resolvers.asked import Asked
from resolvers.context import Context, Scope


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``most``: links of one kind that a dataset has here; the rest is a table. ``auth``: whether links of the gateway want a token, in DataLink's words."""

    context: Context
    directory: Directory
    signatures: Signatures
    masking: Masking
    most: int
    auth: str

    @property
    def base_url(self) -> str:
        return self.context.base_url

    def links_of(self, scope: Scope, dataset: str) -> str:
        """The address of the links of a dataset (32 hex digits). The gateway's own, whatever service is configured: only here associations go on."""
        return address(f"{self.base_url}{PATH}", ivoid(scope.repository, dataset))

    async def table_of(self, scope: Scope, question: Question) -> tuple[str, str]:
        """Address and media type of a whole list as a table."""
        context = self.context
        assert context.tables is not None
        asked = Asked((scope.label,), (question,))
        link = await context.tables.link(asked, "VOTABLE", False, context.call.caller, self.base_url)
        return link.url, link.media_type
