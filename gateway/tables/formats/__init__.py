"""The formats of tables: by name, and by what a request says in RESPONSEFORMAT.

Each streams batch by batch; memory does not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from adapters.errors import BadUserInput, unknown
from gateway.tables.formats.arrow import Arrow
from gateway.tables.formats.csv import Csv
from gateway.tables.formats.ecsv import Ecsv
from gateway.tables.formats.jsonl import JsonLines
from gateway.tables.formats.parquet import Parquet
from gateway.tables.formats.votable import VOTable
from gateway.tables.table import Format

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "VOTABLE": VOTable(),
        "PARQUET": Parquet(),
        "ARROW": Arrow(),
        "CSV": Csv(),
        "ECSV": Ecsv(),
        "JSONL": JsonLines(),
    }
)

_KINDS = {
    **{name.lower(): name for name in FORMATS},
    "application/x-votable+xml": "VOTABLE",
    "text/xml": "VOTABLE",
    "application/xml": "VOTABLE",
    "votable/td": "VOTABLE",
    "application/vnd.apache.parquet": "PARQUET",
    "application/x-parquet": "PARQUET",
    "application/parquet": "PARQUET",
    "application/vnd.apache.arrow.stream": "ARROW",
    "text/csv": "CSV",
    "text/x-ecsv": "ECSV",
    "application/x-ecsv": "ECSV",
    "application/x-ndjson": "JSONL",
    "application/ndjson": "JSONL",
    "application/jsonl": "JSONL",
    "application/x-jsonlines": "JSONL",
    "ndjson": "JSONL",
}
_ONLY = {
    ("VOTABLE", "serialization"): "tabledata",
    ("CSV", "header"): "present",
}
"""Parameters of media types that would make another format of it, and the only value that is written here."""


def response_format(value: str) -> Format:
    """The format that RESPONSEFORMAT names (DALI 1.1, section 3.4.3): by a short name or a media type, whatever its case; VOTable where it
    is empty. Whoever asks for text/xml gets it under that name.

    Parameters of a media type that change nothing are passed over. Raises BadUserInput for a format that is not written here.
    """
    if not value.strip():
        return FORMATS["VOTABLE"]
    kind, *parameters = (part.strip() for part in value.lower().split(";"))
    name = _KINDS.get(kind)
    if name is None:
        message, details = unknown("format", value, _KINDS)
        raise BadUserInput(f"{message} There are {_known()}.", **details)
    for parameter in parameters:
        key, _, wanted = (word.strip() for word in parameter.partition("="))
        only = _ONLY.get((name, key))
        if only is not None and wanted.strip('"') != only:
            raise BadUserInput(
                f"{name} is written with {key}={only} only, not as '{value}'; there are {_known()}.",
                unknown=value,
            )
    return VOTable("text/xml") if kind == "text/xml" else FORMATS[name]


def _known() -> str:
    return ", ".join(f"{name.lower()} ({format.media_type})" for name, format in FORMATS.items())
