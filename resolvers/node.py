"""Relay's global object identification: one id for everything that can be asked for again."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Literal

import strawberry

from adapters.errors import BadUserInput

from .noun import interface

Kind = Literal["Repository", "Collection", "DatasetType", "Dataset", "Quantum"]
_LENGTH = {"Repository": 2, "Collection": 3, "DatasetType": 3, "Dataset": 3, "Quantum": 3}
_ALPHABET = re.compile(r"[A-Za-z0-9_-]{1,8192}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{32}", re.ASCII)


@interface
class Node:
    """Something with an id of its own, which `node` finds again."""

    __slots__ = ()

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Relay global id: opaque, stable, valid across restarts and replicas of the gateway."""
        raise NotImplementedError


def node_id(kind: Kind, *parts: str) -> strawberry.ID:
    """base64url of compact JSON: the kind, the repository's label, the name (or 32 hex digits of a dataset or quantum)."""
    text = json.dumps([kind, *parts], separators=(",", ":"))
    return strawberry.ID(base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode())


def parts_of(identifier: str) -> list[str]:
    """Kind, label and name in a node id. Raises BadUserInput for what this service never wrote."""
    parts = None
    if _ALPHABET.fullmatch(identifier):
        try:
            parts = json.loads(base64.urlsafe_b64decode(identifier + "=" * (-len(identifier) % 4)))
        except (binascii.Error, ValueError, RecursionError):
            parts = None
    if (
        not isinstance(parts, list)
        or not all(isinstance(part, str) for part in parts)
        or not parts
        or _LENGTH.get(parts[0]) != len(parts)
        or (parts[0] in ("Dataset", "Quantum") and not _HEX.fullmatch(parts[2]))
    ):
        raise BadUserInput(
            "This is no id of a node; take the field id of an object as it is.", id=identifier[:100]
        )
    return parts
