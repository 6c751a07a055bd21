"""VOTables as services write them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

_HEAD = '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'


def votable(fields: dict[str, str], rows: Sequence[Sequence[Any]], *, overflow: bool = False) -> bytes:
    """``fields``: names and datatypes; char* is a text."""
    declared = "".join(
        f'<FIELD name="{name}" ID="{name}" datatype="{kind.removesuffix("*")}"{_size(kind)}/>'
        for name, kind in fields.items()
    )
    cells = "".join("<TR>" + "".join(f"<TD>{_cell(value)}</TD>" for value in row) + "</TR>" for row in rows)
    end = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>' if overflow else ""
    return (
        f'{_HEAD}<INFO name="QUERY_STATUS" value="OK"/><TABLE>{declared}<DATA><TABLEDATA>{cells}</TABLEDATA></DATA></TABLE>{end}'
        "</RESOURCE></VOTABLE>"
    ).encode()


def error(message: str) -> bytes:
    return f'{_HEAD}<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO></RESOURCE></VOTABLE>'.encode()


def _size(kind: str) -> str:
    return ' arraysize="*"' if kind.endswith("*") else ""


def _cell(value: Any) -> str:
    return "" if value is None else escape(str(value))


OBSCORE = {
    "dataproduct_type": "char*",
    "dataproduct_subtype": "char*",
    "obs_collection": "char*",
    "obs_publisher_did": "char*",
    "obs_id": "char*",
    "s_region": "char*",
    "t_min": "double",
    "t_max": "double",
    "access_url": "char*",
}
"""A table with little more than what ObsCore demands."""
