"""The scalars of the schema: what they carry inside the gateway, and how they are written and read.

Long is an int, DateTime an int (nanoseconds of TAI since 1970-01-01 TAI), UUID a string of 32 lower-case hex
digits, DataIdMap a dict. What cannot be read is a ValueError, which graphql-core reports at its place in the
document or the variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from adapters import instant

Long = NewType("Long", int)
UUID = NewType("UUID", str)
DateTime = NewType("DateTime", int)
DataIdMap = NewType("DataIdMap", dict[str, Any])
JSON = NewType("JSON", object)
URL = NewType("URL", str)

LARGEST = 2**53 - 1
_LONGEST_NAME = 200
_UUID = re.compile(
    r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}", re.ASCII
)


def long_out(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise GraphQLError(
            f"Long cannot represent {value!r}: an integer between -(2^53 - 1) and 2^53 - 1 is needed."
        )
    return value


def long_in(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"Long is a JSON integer such as 2026010100001, not {_shown(value)}.")
    if abs(value) > LARGEST:
        raise ValueError(f"Long is between -(2^53 - 1) and 2^53 - 1; {_shown(value)} is not.")
    return value


def uuid_out(value: Any) -> str:
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def uuid_in(value: Any) -> str:
    if not isinstance(value, str) or _UUID.fullmatch(value) is None:
        raise ValueError(f"UUID is 32 hexadecimal digits, with or without dashes, not {_shown(value)}.")
    return value.replace("-", "").lower()


def instant_in(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f"DateTime is a string such as '2025-12-03T07:58:30Z', not {_shown(value)}.")
    return instant.from_text(value)


def data_id_in(value: Any) -> dict[str, str | int]:
    if not isinstance(value, Mapping):
        raise ValueError(f"DataIdMap is a JSON object from dimension names to values, not {_shown(value)}.")
    for name, part in value.items():
        if not isinstance(name, str) or not name:
            raise ValueError("DataIdMap has a name that is empty.")
        if len(name) > _LONGEST_NAME:
            raise ValueError(f"DataIdMap: {_shown(name)} is longer than the name of any dimension.")
        if isinstance(part, bool) or not isinstance(part, str | int):
            raise ValueError(
                f"DataIdMap: the value of '{name}' is a string or an integer, not {_shown(part)}."
            )
        if isinstance(part, int) and abs(part) > LARGEST:
            raise ValueError(
                f"DataIdMap: '{name}' is between -(2^53 - 1) and 2^53 - 1; {_shown(part)} is not."
            )
    return dict(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="64-bit integer, a JSON number (exposure and visit ids pass 2^31; all stay below 2^53). Numbers with a\n"
        "fraction or an exponent, strings and booleans are refused.",
        serialize=long_out,
        parse_value=long_in,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="Id of a dataset: 32 hexadecimal digits. Written in lower case with dashes; read in either case, with or\n"
        "without dashes.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=uuid_out,
        parse_value=uuid_in,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC, ISO 8601 with a trailing Z and up to nine digits of a second:\n"
        "2025-12-03T07:58:30.425363958Z. As exact as Butler's own clock (nanoseconds of TAI); a leap second is\n"
        "23:59:60. Read also with an offset from UTC (+03:00). Years 1678 to 2261.",
        serialize=instant.to_text,
        parse_value=instant_in,
    ),
    DataIdMap: strawberry.scalar(
        name="DataIdMap",
        description="A Butler data ID: a JSON object from dimension name (Butler's spelling, snake_case) to a string or an\n"
        "integer. What is given here can be handed to Butler, or back to this API, as it is. Read also with what\n"
        "Butler takes besides: alternate keys (exposure.obs_id, detector.full_name, day_obs with seq_num). In a\n"
        "list of data IDs all have the same keys.",
        parse_value=data_id_in,
    ),
    JSON: strawberry.scalar(name="JSON", description="Any JSON value."),
    URL: strawberry.scalar(
        name="URL",
        description="An absolute address.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
    ),
}
