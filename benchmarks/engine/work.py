"""What is asked: the same questions in the language of each server, and the answers brought to one form.

A raw has 8 fields: id, run, dataset type, instrument, exposure, detector, physical filter, begin of its time. The flat that is
valid for it has 5: id, run, collection, begin and end of its validity. The gateway is asked as a client of its schema would
ask, with its nested objects; the peers have flat types of their own, which is less work for them. Two answers are equal when the
plain rows of both are, every value, in the same order.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.engine.known import FLATS, RAWS
from benchmarks.engine.load import post

Rows = list[tuple[Any, ...]]
Values = dict[str, Any]

RAWS_WITH_FLATS, FLATS_WITH_RAWS, BY_ID = "raws", "flats", "one"

_TAI_UTC = 37 * 10**9  # nanoseconds, since 2017


@dataclass(frozen=True)
class Language:
    """How one kind of server is asked: a request for a question and its values, and the rows of the answer's data."""

    request: Callable[[str, Values], bytes]
    rows: Callable[[str, Any], Rows]

    def read(self, question: str, body: bytes) -> Rows:
        """The rows of an answer; RuntimeError where it has errors, which come with HTTP 200 too."""
        answer = json.loads(body)
        if answer.get("errors") or answer.get("data") is None:
            raise RuntimeError(f"an error instead of an answer: {body[:1000].decode(errors='replace')}")
        return self.rows(question, answer["data"])


def nanoseconds(utc: str) -> int:
    """Nanoseconds TAI of an instant in UTC."""
    day, _, fraction = utc.removesuffix("Z").partition(".")
    moment = datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.UTC)
    return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0")) + _TAI_UTC


# ---------------------------------------------------------------- the gateway, and the floor, which has its shape

_RAW = "uuid run type { name } dataId { instrument exposure detector physicalFilter } timespan { begin }"
_GATEWAY = {
    RAWS_WITH_FLATS: f"""
query Raws($first: Int!) {{ repository(name: "survey") {{
  datasets(query: {{type: ["raw"], collections: ["{RAWS}"]}}, first: $first) {{ nodes {{ {_RAW}
    calibration(type: "flat", collections: ["{FLATS}"]) {{ collection validity {{ begin end }} node {{ uuid run }} }}
  }} }}
}} }}""",
    FLATS_WITH_RAWS: f"""
query Flats($first: Int!, $each: Int!) {{ repository(name: "survey") {{
  datasets(query: {{type: ["flat"], collections: ["{FLATS}"]}}, first: $first) {{ nodes {{
    uuid run dataId {{ physicalFilter detector }}
    related(type: ["raw"], collections: ["{RAWS}"], first: $each) {{ nodes {{ {_RAW} }} }}
  }} }}
}} }}""",
    BY_ID: f"""query One($id: UUID!) {{ repository(name: "survey") {{ dataset(id: $id) {{ {_RAW} }} }} }}""",
}


def _gateway_raw(raw: Any) -> tuple[Any, ...]:
    data_id = raw["dataId"]
    place = (data_id["instrument"], data_id["exposure"], data_id["detector"], data_id["physicalFilter"])
    return (raw["uuid"], raw["run"], raw["type"]["name"], *place, nanoseconds(raw["timespan"]["begin"]))


def _gateway_flat(edge: Any) -> tuple[Any, ...] | None:
    if edge is None:
        return None
    valid = edge["validity"]
    times = (nanoseconds(valid["begin"]), nanoseconds(valid["end"]))
    return (edge["node"]["uuid"], edge["node"]["run"], edge["collection"], *times)


def _gateway_rows(question: str, data: Any) -> Rows:
    found = data["repository"]
    if question == BY_ID:
        return [_gateway_raw(found["dataset"])]
    nodes = found["datasets"]["nodes"]
    if question == RAWS_WITH_FLATS:
        return [(*_gateway_raw(raw), _gateway_flat(raw["calibration"])) for raw in nodes]
    return [
        (
            *(flat["uuid"], flat["run"], flat["dataId"]["physicalFilter"], flat["dataId"]["detector"]),
            tuple(_gateway_raw(raw) for raw in flat["related"]["nodes"]),
        )
        for flat in nodes
    ]


# ---------------------------------------------------------------- the peers

_FIELDS = ("uuid", "run", "type", "instrument", "exposure", "detector", "physicalFilter", "begin")
_PEER_RAW = " ".join(_FIELDS)
_PEER_FLAT = "flat { uuid run collection begin end }"
_PEER_FLATS = "uuid run physicalFilter detector"
_LOADERS = {
    RAWS_WITH_FLATS: f"query ($first: Int!) {{ raws(first: $first) {{ {_PEER_RAW} {_PEER_FLAT} }} }}",
    FLATS_WITH_RAWS: f"""query ($first: Int!, $each: Int!) {{
  flats(first: $first) {{ {_PEER_FLATS} raws(first: $each) {{ {_PEER_RAW} }} }} }}""",
    BY_ID: f"query ($id: ID!) {{ raw(id: $id) {{ {_PEER_RAW} }} }}",
}
_POSTGRAPHILE = {
    RAWS_WITH_FLATS: f"""query ($first: Int!) {{
  raws: allRaws(first: $first, orderBy: [INSTRUMENT_ASC, DETECTOR_ASC, EXPOSURE_ASC]) {{
    nodes {{ {_PEER_RAW} {_PEER_FLAT} }} }} }}""",
    FLATS_WITH_RAWS: f"""query ($first: Int!, $each: Int!) {{
  flats: allFlats(first: $first, orderBy: [INSTRUMENT_ASC, DETECTOR_ASC, PHYSICAL_FILTER_ASC, RUN_ASC]) {{
    nodes {{ {_PEER_FLATS} raws(first: $each, orderBy: [EXPOSURE_ASC]) {{ nodes {{ {_PEER_RAW} }} }} }} }} }}""",
    BY_ID: f"query ($id: UUID!) {{ raw: rawByUuid(uuid: $id) {{ {_PEER_RAW} }} }}",
}
_NUMBERS = {"exposure", "detector", "begin"}


def _peer_raw(raw: Any) -> tuple[Any, ...]:
    return tuple(int(raw[name]) if name in _NUMBERS else raw[name] for name in _FIELDS)


def _peer_flat(flat: Any) -> tuple[Any, ...] | None:
    if flat is None:
        return None
    return (flat["uuid"], flat["run"], flat["collection"], int(flat["begin"]), int(flat["end"]))


def _peer_rows(question: str, data: Any) -> Rows:
    def nodes(found: Any) -> Any:
        return found["nodes"] if isinstance(found, dict) else found

    if question == BY_ID:
        return [_peer_raw(data["raw"])]
    if question == RAWS_WITH_FLATS:
        return [(*_peer_raw(raw), _peer_flat(raw["flat"])) for raw in nodes(data["raws"])]
    return [
        (
            *(flat["uuid"], flat["run"], flat["physicalFilter"], int(flat["detector"])),
            tuple(map(_peer_raw, nodes(flat["raws"]))),
        )
        for flat in nodes(data["flats"])
    ]


def remote_rows(rows: list[dict[str, Any]]) -> Rows:
    """Rows of RemoteButler, of its client (Timespan, UUID) or off the wire (lists, strings)."""

    def ends(timespan: Any) -> tuple[int, int]:
        begin, end = timespan if isinstance(timespan, list) else timespan.nsec
        return begin, end

    return [
        (
            *(str(row["raw.dataset_id"]), row["raw.run"], "raw", row["instrument"], row["exposure"]),
            *(row["detector"], row["physical_filter"], ends(row["exposure.timespan"])[0]),
            (
                str(row["flat.dataset_id"]),
                row["flat.run"],
                row["flat.collection"],
                *ends(row["flat.timespan"]),
            ),
        )
        for row in rows
    ]


def _graphql(documents: dict[str, str]) -> Callable[[str, Values], bytes]:
    return lambda question, values: post("/graphql", {"query": documents[question], "variables": values})


FLOOR = Language(lambda question, values: post(f"/{question}", values), _gateway_rows)
GATEWAY = Language(_graphql(_GATEWAY), _gateway_rows)
LOADERS = Language(_graphql(_LOADERS), _peer_rows)
POSTGRAPHILE = Language(_graphql(_POSTGRAPHILE), _peer_rows)
