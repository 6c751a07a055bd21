"""Asks a gateway for contents, and reads them as their users do."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import astropy.table
import httpx2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.time import Time

from tests.demonstration import Gateway
from tests.end_to_end.asking import Asker


class Contents(Asker):
    """One gateway, and the ids of what it holds."""

    def __init__(self, gateway: Gateway, ids: dict[str, str]) -> None:
        super().__init__(gateway.address)
        self.gateway = gateway
        self.ids = ids

    def get(
        self,
        name: str,
        form: str | None = None,
        repository: str = "tables",
        token: str | None = None,
        **more: str,
    ) -> httpx2.Response:
        given = {"form": form, **more}
        return self.http.get(
            f"/content/{repository}/{self.ids.get(name, name)}",
            params={key: value for key, value in given.items() if value is not None},
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
        )

    def content(self, name: str, form: str, **more: str) -> bytes:
        """What must be there."""
        response = self.get(name, form, **more)
        assert response.status_code == 200, response.text
        return response.content

    def refusal(self, name: str, form: str | None, status: int, **more: Any) -> dict[str, Any]:
        """The one error of a request that must be refused, its extensions beside its message."""
        response = self.get(name, form, **more)
        assert response.status_code == status, response.text
        (error,) = response.json()["errors"]
        return {"message": error["message"], **error["extensions"]}

    def node(self, name: str, selection: str, repository: str = "tables") -> Any:
        """Fields of the one dataset of a type."""
        document = f'{{ repository(name: "{repository}") {{ datasets(query: {{type: "{name}"}}) {{ nodes {{ {selection} }} }} }} }}'
        (node,) = self.data(document)["repository"]["datasets"]["nodes"]
        return node


def _astropy(format: str) -> Callable[[bytes], dict[str, list[Any]]]:
    def read(content: bytes) -> dict[str, list[Any]]:
        table = astropy.table.Table.read(io.BytesIO(content), format=format)
        return {
            name: list(table[name]) if isinstance(table[name], Time) else table[name].tolist()
            for name in table.colnames
        }

    return read


def _pandas(content: bytes) -> dict[str, list[Any]]:
    frame = pd.read_csv(io.BytesIO(content), dtype_backend="numpy_nullable")
    return {name: [None if value is pd.NA else value for value in frame[name]] for name in frame.columns}


def _objects(content: bytes) -> dict[str, list[Any]]:
    table = astropy.table.Table(rows=json.loads(content))
    return {name: table[name].tolist() for name in table.colnames}


READERS: dict[str, Callable[[bytes], dict[str, list[Any]]]] = {
    "PARQUET": lambda content: pq.read_table(io.BytesIO(content)).to_pydict(),
    "ARROW": lambda content: pa.ipc.open_stream(content).read_all().to_pydict(),
    "VOTABLE": _astropy("votable"),
    "ECSV": _astropy("ascii.ecsv"),
    "FITS": _astropy("fits"),
    "CSV": _pandas,
    "JSON": _objects,
}
"""The columns of each form, as a library of its users reads them."""


def plain(value: Any, form: str) -> Any:
    """A value as every form can say it: null for what has no number, and for an empty string or list, text for instants and bytes."""
    if isinstance(value, np.ndarray | list):
        listed = [
            plain(one, form) for one in (value.ravel() if isinstance(value, np.ndarray) else _flat(value))
        ]
        return listed if any(one is not None for one in listed) else None
    if isinstance(value, str) and value[:1] == "[":
        return plain(json.loads(value), form)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, np.generic):
        return plain(value.item(), form)
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) or form == "JSON" else value
    if form in ("VOTABLE", "CSV") and isinstance(value, str) and value.isdigit():
        return int(value)  # VOTable has no unsigned integers of 64 bits, nor pandas any with a null
    return None if value == "" or value is np.ma.masked else value


def _flat(values: list[Any]) -> list[Any]:
    return [one for value in values for one in (_flat(value) if isinstance(value, list) else [value])]
