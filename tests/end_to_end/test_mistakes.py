"""A mistake is told by its code, with what was meant or what is allowed; never as an internal error (see Asker)."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from tests.end_to_end.asking import Asker

NONE = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("selection", "code", "nearest"),
    [
        ('collection(name: "HSC/default") { name }', "NOT_FOUND", "HSC/defaults"),
        ('datasets(query: { type: ["raw"], collections: ["HSC/raw"] }) { nodes { uuid } }', "NOT_FOUND", "HSC/raw/all"),
        ('datasetType(name: "calex") { name }', "NOT_FOUND", "calexp"),
        ('datasets(query: { type: ["rwa"] }) { totalCount }', "NOT_FOUND", "raw"),
        ('datasets(query: { type: ["raw", "rwa"] }) { nodes { uuid } }', "NOT_FOUND", "raw"),
        ('collection(name: "HSC/calib") { certifications(type: "falt") { totalCount } }', "NOT_FOUND", "flat"),
        ('dataIds(dimensions: ["exposure"], having: ["rwa"]) { totalCount }', "NOT_FOUND", "raw"),
        ('dataIds(dimensions: ["exposre"]) { totalCount }', "BAD_USER_INPUT", "exposure"),
        ('records(element: "visitt") { totalCount }', "BAD_USER_INPUT", "visit"),
        ('records(element: "visit") { nodes { field(name: "exposure_tim") } }', "BAD_USER_INPUT", "exposure_time"),
        ('datasets(query: { type: ["raw"] }) { nodes { dataId { record(element: "exposre") { element } } } }', "BAD_USER_INPUT", "exposure"),
        ('datasets(query: { type: ["raw"], orderBy: ["exposure.obsid"] }) { nodes { uuid } }', "BAD_USER_INPUT", "exposure.obs_id"),
        ('datasets(query: { type: ["raw"], dataId: { other: [{ name: "exposure.observation_typ", string: { eq: "" } }] } }) { totalCount }', "BAD_USER_INPUT", "exposure.observation_type"),
        ('datasets(query: { type: ["raw"] }) { facets(by: ["bnd"]) { complete } }', "BAD_USER_INPUT", "band"),
        ('datasets(query: { type: ["raw"], among: [{ exposre: 1 }] }) { totalCount }', "BAD_USER_INPUT", "exposure"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_answered_with_the_nearest(
    asker: Asker, selection: str, code: str, nearest: str
) -> None:
    error = asker.refused(selection)
    assert error["code"] == code
    assert nearest in error["nearest"]
    assert f"'{nearest}'" in error["message"]


def test_an_unknown_repository_is_answered_with_the_nearest(asker: Asker) -> None:
    for document in (
        '{ repository(name: "hcs") { name } }',
        '{ datasets(repositories: ["small", "hcs"], query: { type: ["raw"] }) { totalCount } }',
    ):
        error = asker.error(document)
        assert (error["code"], error["nearest"]) == ("NOT_FOUND", ["hsc"])


def cursor(asker: Asker) -> str:
    page = asker.hsc('datasets(query: { type: ["raw"] }, first: 2) { pageInfo { endCursor } }')
    found: str = page["datasets"]["pageInfo"]["endCursor"]
    return found


@pytest.mark.parametrize(
    "field",
    [
        'datasets(query: { type: ["bias"] }, after: "%s") { nodes { uuid } }',
        'datasets(query: { type: ["raw"], findFirst: false }, after: "%s") { nodes { uuid } }',
        'records(element: "visit", after: "%s") { nodes { element } }',
        'collections(after: "%s") { nodes { name } }',
        'collection(name: "HSC/defaults") { children(after: "%s") { nodes { name } } }',
    ],
)
def test_a_cursor_is_good_for_its_own_question_only(asker: Asker, field: str) -> None:
    for text in (cursor(asker), "garbage", "", "AAAA", "é", "W10"):
        assert asker.refused(field.replace("%s", text))["code"] == "BAD_CURSOR"


@pytest.mark.parametrize(
    "key",
    [[], None, {}, "abc", [None] * 5, ["x"] * 5, [[]] * 5, [1e308] * 5, [2**70] * 5, ["\0"] * 5, [True] * 5, ["raw"], ["raw", "HSC", 1, 903346, "no id"], ["raw", "HSC", 1, 903346, NONE, 1]],
    ids=repr,
)  # fmt: skip
def test_a_forged_cursor_is_a_bad_cursor(asker: Asker, key: Any) -> None:
    text = cursor(asker)
    whole = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps([*whole[:2], key]).encode()).decode().rstrip("=")
    error = asker.refused(f'datasets(query: {{ type: ["raw"] }}, after: "{forged}") {{ nodes {{ uuid }} }}')
    assert error["code"] == "BAD_CURSOR"


@pytest.mark.parametrize("first", [-1, 10_001, 2**31 - 1])
@pytest.mark.parametrize(
    "field",
    [
        'datasets(query: { type: ["raw"] }, first: %s) { nodes { uuid } }',
        'datasets(query: { type: ["raw"] }) { facets(by: ["band"], first: %s) { complete } }',
        "collections(first: %s) { nodes { name } }",
        "collections(first: 1) { nodes { children(first: %s) { nodes { name } } } }",
        'records(element: "visit", first: %s) { nodes { element } }',
    ],
)
def test_first_out_of_range_names_the_limit(asker: Asker, field: str, first: int) -> None:
    error = asker.refused(field.replace("%s", str(first)))
    assert (error["code"], error["limit"], error["actual"]) == ("BAD_USER_INPUT", 10_000, first)
    assert "10000" in error["message"]


def where(text: str) -> str:
    return f'datasets(query: {{ type: ["calexp"], where: {json.dumps(text)} }}) {{ totalCount }}'


@pytest.mark.parametrize(
    "text",
    [
        " OR ".join(f"(instrument='HSC' AND visit={n} AND detector={n})" for n in range(14)),
        "(" * 500 + "detector = 1" + ")" * 500,
        "NOT (" * 500 + "detector = 1" + ")" * 500,
        " OR ".join(f"visit={n}" for n in range(3000)),
    ],
    ids=["ORs of ANDs", "parentheses", "NOTs", "long"],
)
def test_where_that_would_explode_is_refused_at_once(asker: Asker, text: str) -> None:
    begin = time.monotonic()
    error = asker.refused(where(text))
    assert error["code"] == "QUERY_TOO_COMPLEX"
    assert error["actual"] > error["limit"]
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("visit = = 3", "Syntax error"),
        ("vist = 3", "vist"),
        ("visit = :x", ":x"),
        ("visit = 'a'", "do not agree"),
        ("visit = 9223372036854775808", "too large"),
        ("instrument = 'H\0C'", "NUL"),
    ],
)
def test_where_that_is_wrong_is_told_in_butlers_words(asker: Asker, text: str, words: str) -> None:
    error = asker.refused(where(text))
    assert error["code"] == "BAD_USER_INPUT"
    assert words in error["message"]


def test_a_circle_is_right_or_refused(asker: Asker) -> None:
    region = "visit_detector_region.region OVERLAPS"
    error = asker.refused(where(f"{region} CIRCLE(320.8, -0.33, 0.001)"))
    assert error["code"] == "BAD_USER_INPUT"
    assert "REGION" in error["message"]  # what to write instead
    whole = asker.hsc(where(f"{region} REGION('CIRCLE 320.8 -0.33 0.05')"))
    sky = "sky: { circle: { ra: 320.8, dec: -0.33, radius: 0.05 } }"
    by_sky = asker.hsc(f'datasets(query: {{ type: ["calexp"], {sky} }}) {{ totalCount }}')
    assert whole == by_sky
    assert 13 <= by_sky["datasets"]["totalCount"] <= 33


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('type: ["flat"], sky: { point: { ra: 320, dec: 0 } }', "no region"),
        ('type: ["raw", "flat"], sky: { point: { ra: 320, dec: 0 } }', "no region"),
        ('type: ["demo_coadd"], time: { at: "2013-11-02T05:18:30Z" }', "not observed"),
        ('type: ["raw"], validity: { at: "2013-11-02T05:18:30Z" }', "no calibration type"),
        ('type: ["flat"], findFirst: true', "findFirst"),
        ('type: ["raw"], sky: { point: { ra: 320, dec: 90.001 } }', "-90 and 90"),
        ('type: ["raw"], sky: {}', "exactly one"),
        ('type: ["raw"], sky: { shape: "BLOB 1 2 3" }', "CIRCLE, POLYGON and RANGE"),
        ('type: ["raw"], time: { at: "yesterday" }', "2025-12-03T07:58:30Z"),
        ('type: ["raw"], dataId: { exposure: { eq: 9007199254740992 } }', "2^53"),
        ('type: ["raw"], dataId: { exposure: { eq: 1000000000000000000000000 } }', "2^53"),
        ('type: ["raw"], dataId: { exposure: { eq: 1.0 } }', "Long"),
        ('type: ["raw"], dataId: { instrument: { eq: "H\\u0000C" } }', "NUL"),
        ('type: ["raw"], among: [{ exposure: 1 }, { visit: 1 }]', "same"),
        ("type: []", "empty list"),
    ],
)
def test_a_constraint_that_makes_no_sense_is_refused_with_the_reason(
    asker: Asker, query: str, words: str
) -> None:
    error = asker.refused(f"datasets(query: {{ {query} }}) {{ totalCount }}")
    assert error["code"] == "BAD_USER_INPUT"
    assert words in error["message"]


def test_bad_identifiers_are_told_and_unknown_ones_are_null(asker: Asker) -> None:
    for field in ('dataset(id: "nope") { id }', "dataset(id: 5) { id }", 'datasetsById(ids: ["x"]) { id }'):
        assert "32 hexadecimal digits" in asker.refused(field)["message"]
    for field in (
        'resolve(identifier: "x")',
        'resolve(identifier: "ivo://[::1")',
        'node(id: "x")',
        'node(id: "")',
    ):
        assert asker.error(f"{{ {field} {{ id }} }}")["code"] == "BAD_USER_INPUT"
    assert asker.hsc(f'dataset(id: "{NONE}") {{ id }}') == {"dataset": None}
    assert asker.data(f'{{ resolve(identifier: "{NONE}") {{ id }} }}') == {"resolve": None}


def test_nul_in_variables_is_refused_everywhere(asker: Asker) -> None:
    document = (
        'query Q($m: [String!]) { repository(name: "hsc") { collections(match: $m) { nodes { name } } } }'
    )
    error = asker.error(document, m=["a\0b"])
    assert error["code"] == "BAD_USER_INPUT"
    assert "NUL" in error["message"]


def test_a_query_that_costs_too_much_is_refused_before_the_work(asker: Asker) -> None:
    begin = time.monotonic()
    error = asker.refused(
        'datasets(query: { type: ["*"] }, first: 10000) { nodes { versions(first: 10000) { nodes { uuid } } } }'
    )
    assert (error["code"], error["what"], error["limit"]) == ("QUERY_TOO_COMPLEX", "cost", 1_000_000)
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize(
    "field",
    [
        'findDataset(type: "demo_*", dataId: { instrument: "HSC", visit: 903334, detector: 16 }) { run }',
        'collection(name: "HSC/calib") { certifications(type: "*") { totalCount } }',
    ],
)
def test_a_glob_where_one_type_is_meant_is_refused(asker: Asker, field: str) -> None:
    assert asker.refused(field)["code"] in ("BAD_USER_INPUT", "NOT_FOUND")
