"""Addresses in the configuration."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"it should be an address such as https://data.example.org/butler, not {value!r}")
    return value.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
"""A service below which others are: http or https, without a query, and without a slash at its end."""
