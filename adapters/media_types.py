"""Media types, as RFC 4047, the IVOA and the registry of IANA have them: of the forms that tables are written in, and of stored files by their names.

One list for all rooms, and none of the machine's: what a file is called by must not depend on where the gateway runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import basename
from types import MappingProxyType

ARROW = "application/vnd.apache.arrow.stream"
CSV = "text/csv"
DATALINK = "application/x-votable+xml;content=datalink"
"""Of a links document (DataLink 1.1, section 3.3). Without a space: pyvo compares it letter by letter."""
ECSV = "text/x-ecsv"
FITS = "application/fits"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
OCTETS = "application/octet-stream"
"""Bytes of which nothing is known (RFC 2046, section 4.5.1)."""
PARQUET = "application/vnd.apache.parquet"
VOTABLE = "application/x-votable+xml"

TABLES: Mapping[str, str] = MappingProxyType(
    {
        "VOTABLE": VOTABLE,
        "PARQUET": PARQUET,
        "ARROW": ARROW,
        "CSV": f"{CSV};header=present",
        "ECSV": ECSV,
        "JSONL": JSON_LINES,
    }
)
"""What tables are written in, by the names that the schema has for it."""

_TEXT = "text/plain"

ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        ".arrow": "application/vnd.apache.arrow.file",
        ".arrows": ARROW,
        ".csv": CSV,
        ".ecsv": ECSV,
        ".fit": FITS,
        ".fits": FITS,
        ".fits.fz": FITS,
        ".fits.gz": FITS,
        ".fz": FITS,
        ".gz": "application/gzip",
        ".h5": "application/x-hdf5",
        ".hdf5": "application/x-hdf5",
        ".jpeg": "image/jpeg",
        ".jpg": "image/jpeg",
        ".json": JSON,
        ".jsonl": JSON_LINES,
        ".log": _TEXT,
        ".parq": PARQUET,
        ".parquet": PARQUET,
        ".pdf": "application/pdf",
        ".png": "image/png",
        ".py": _TEXT,
        ".txt": _TEXT,
        ".vot": VOTABLE,
        ".xml": "application/xml",
        ".yaml": "application/yaml",
        ".yml": "application/yaml",
        ".zip": "application/zip",
    }
)
"""By the end of a name; of several that fit, the longest counts."""


def media_type_of(path: str) -> str | None:
    """What the name at the end of a path tells, whatever its case; None where it tells nothing."""
    name = basename(path).lower()
    for dot in (place for place, letter in enumerate(name) if letter == "."):
        if name[dot:] in ENDINGS:
            return ENDINGS[name[dot:]]
    return None
