"""A peer that is no GraphQL: RemoteButler, Rubin's own client and server, for the same question.

It is asked as batched as it allows: one general query that joins the search for flats to the search for raws, with the fields
that the others return, in the same order, limited by the server. Butler adds the dimensions that come with an exposure, which
its wire format cannot leave out. Two things are measured: the REST call alone, recorded from the client once and sent again
by the same bare client as all others are asked with, and the call through RemoteButler, which also makes Python objects of it.

The server needs an older starlette than the gateway and so has an environment of its own (``benchmarks.engine.install``). It
runs under uvicorn with uvloop and httptools and without authorisation, which would cost it another call.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import httpx2
from lsst.daf.butler import LabeledButlerFactory

from benchmarks.engine.known import FLATS, RAWS, Registry
from benchmarks.engine.process import HOST

_FACTORY = "lsst.daf.butler.remote_butler.server:create_app"


def command(python: Path, port: int) -> list[str]:
    uvicorn = [str(python), "-m", "uvicorn", "--factory", _FACTORY, "--host", HOST, "--port", str(port)]
    return [*uvicorn, "--no-access-log", "--log-level", "warning"]


def environment(known: Registry) -> dict[str, str]:
    repositories = {"survey": {"config_uri": known.root, "authorized_groups": ["*"]}}
    return {
        "DAF_BUTLER_SERVER_REPOSITORIES": json.dumps(repositories),
        "DAF_BUTLER_SERVER_GAFAELFAWR_URL": "DISABLED",
        "DAF_BUTLER_SERVER_AUTHENTICATION": "rubin_science_platform",
    }


class Remote:
    """The client."""

    def __init__(self, port: int) -> None:
        os.environ["NO_PROXY"] = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST]))
        url = f"http://{HOST}:{port}/api/butler/repo/survey/butler.json"
        self._butler = LabeledButlerFactory({"survey": url}).create_butler("survey", access_token="anybody's")

    def ask(self, first: int) -> list[dict[str, Any]]:
        """Raws with their flats, in Butler's own rows."""
        with self._butler.query() as query:
            query = query.join_dataset_search("raw", [RAWS]).join_dataset_search("flat", [FLATS])
            rows = query.general(
                ["instrument", "exposure", "detector", "physical_filter"],
                dimension_fields={"exposure": {"timespan"}},
                dataset_fields={
                    "raw": {"dataset_id", "run"},
                    "flat": {"dataset_id", "run", "collection", "timespan"},
                },
                find_first=False,
            )
            return list(rows.order_by("detector", "exposure").limit(first))

    def call(self, first: int) -> tuple[str, bytes]:
        """Path and body of the REST call that this question is, as the client sends it."""
        send, calls = httpx2.Client.send, []

        def record(client: httpx2.Client, request: httpx2.Request, **how: Any) -> Any:
            calls.append(request)
            return send(client, request, **how)

        self.ask(first)  # the first time also asks for the dataset types
        with mock.patch.object(httpx2.Client, "send", record):
            self.ask(first)
        (request,) = calls
        return urlsplit(str(request.url)).path, request.content


def rows_of(answer: bytes, columns: list[str]) -> list[dict[str, Any]]:
    """The rows of a REST answer, lines of JSON, with the names of the client's columns; RuntimeError for an error in it."""
    rows: list[dict[str, Any]] = []
    for line in answer.splitlines():
        page = json.loads(line)
        if page["type"] == "general":
            rows += [dict(zip(columns, row, strict=True)) for row in page["rows"]]
        elif page["type"] != "keep-alive":
            raise RuntimeError(f"RemoteButler answers {page}")
    return rows
