"""The columns of answers that look alike whatever backend gives them: each is what the docstring of its question says."""

from __future__ import annotations

from .rows import Column, Kind

PARENT = Column("parent", Kind.LONG)
"""The index of the key, of a question with several, that a row is for."""

COLLECTION = (Column("name", Kind.STRING), Column("type", Kind.STRING), Column("documentation", Kind.STRING))
LINK = (PARENT, Column("position", Kind.LONG), *COLLECTION)
DATASET_TYPE = (
    Column("name", Kind.STRING),
    Column("required", Kind.NAMES),
    Column("dimensions", Kind.NAMES),
    Column("storage_class", Kind.STRING),
    Column("is_calibration", Kind.BOOL),
)

UNDATED = (Column("id", Kind.UUID), Column("type", Kind.STRING), Column("run", Kind.STRING))
DATASET = (*UNDATED, Column("ingest_date", Kind.TIME))
"""What stands in front of a dataset's dimensions."""

MEMBERSHIP = (Column("id", Kind.UUID), Column("collection", Kind.STRING), Column("type", Kind.STRING))
FILE = (
    Column("id", Kind.UUID),
    Column("uri", Kind.STRING),
    Column("component", Kind.STRING),
    Column("storage_class", Kind.STRING),
    Column("formatter", Kind.STRING),
    Column("size", Kind.LONG, unit="byte"),
    Column("checksum", Kind.STRING),
)
SIZE = (Column("id", Kind.UUID), Column("size", Kind.LONG, unit="byte"))

REGION = (PARENT, Column("source", Kind.STRING), Column("region", Kind.REGION))
TIMESPAN = (PARENT, Column("source", Kind.STRING), Column("begin", Kind.TIME), Column("end", Kind.TIME))
VALIDITY = (Column("valid_begin", Kind.TIME), Column("valid_end", Kind.TIME))
