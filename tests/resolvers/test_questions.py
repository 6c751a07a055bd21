"""What clients write becomes the question that Butler understands."""

from __future__ import annotations

from typing import Any

import pytest

from adapters import instant
from adapters.errors import BadUserInput, TooComplex
from adapters.question import Among, Constraint, Op, Order, Span
from adapters.question import Bind as Bound
from resolvers.among import MOST, among
from resolvers.bind import Bind, BindValue, where
from resolvers.dataset_query import DatasetQuery, question
from resolvers.filters import (
    NAMES,
    DataIdFilter,
    FloatFilter,
    LongFilter,
    NamedFilter,
    StringFilter,
    constraints,
)
from resolvers.order import order
from resolvers.sky import BoxInput, CircleInput, PointInput, SkyFilter, sky
from resolvers.time_filter import TimeFilter, span
from resolvers.timespan import TimeScale

NOON = instant.from_text("2025-01-01T12:00:00Z")


def test_every_typed_dimension_has_its_butler_name() -> None:
    for name in NAMES:
        filter = (
            LongFilter(eq=1)
            if name in ("detector", "day_obs", "exposure", "visit", "tract", "patch")
            else StringFilter(eq="x")
        )
        assert [found.name for found in constraints(DataIdFilter(**{name: filter}))] == [name]


def test_each_comparison_is_a_constraint() -> None:
    found = constraints(DataIdFilter(visit=LongFilter(eq=1, ne=2, in_=[3, 4], gte=5, gt=6, lte=7, lt=8)))
    assert found == tuple(
        Constraint("visit", op, value)
        for op, value in zip(
            (Op.EQ, Op.NE, Op.IN, Op.GE, Op.GT, Op.LE, Op.LT), (1, 2, (3, 4), 5, 6, 7, 8), strict=True
        )
    )
    assert constraints(DataIdFilter(band=StringFilter(glob="[ri]"))) == (Constraint("band", Op.GLOB, "[ri]"),)


def test_null_and_an_empty_filter_are_no_constraint() -> None:
    assert constraints(None) == ()
    assert constraints(DataIdFilter()) == ()
    assert constraints(DataIdFilter(visit=LongFilter(), band=None, other=[])) == ()
    assert constraints(DataIdFilter(visit=LongFilter(eq=None, gte=0))) == (Constraint("visit", Op.GE, 0),)


def test_an_empty_list_of_values_stays_and_matches_nothing() -> None:
    assert constraints(DataIdFilter(visit=LongFilter(in_=[]))) == (Constraint("visit", Op.IN, ()),)


def test_other_dimensions_take_exactly_one_kind() -> None:
    named = [
        NamedFilter(name="htm7", long=LongFilter(eq=7)),
        NamedFilter(name="visit.exposure_time", float_=FloatFilter(gte=1.5)),
        NamedFilter(name="exposure.can_see_sky", bool_=False),
        NamedFilter(name="exposure.obs_id", string=StringFilter(glob="MC*")),
    ]
    assert constraints(DataIdFilter(other=named)) == (
        Constraint("htm7", Op.EQ, 7),
        Constraint("visit.exposure_time", Op.GE, 1.5),
        Constraint("exposure.can_see_sky", Op.EQ, False),
        Constraint("exposure.obs_id", Op.GLOB, "MC*"),
    )
    for wrong in (
        NamedFilter(name="x"),
        NamedFilter(name="x", bool_=True, long=LongFilter()),
        NamedFilter(name="", bool_=True),
    ):
        with pytest.raises(BadUserInput, match="other"):
            constraints(DataIdFilter(other=[wrong]))


def test_times_become_half_open_spans() -> None:
    assert span(None, "time") is None
    assert span(TimeFilter(), "time") is None
    assert span(TimeFilter(at=NOON), "time") == Span(NOON, NOON + 1)
    assert span(TimeFilter(begin=NOON, end=None), "time") == Span(NOON, None)
    assert span(TimeFilter(end_mjd=60676.5), "time") == Span(None, NOON)
    assert span(TimeFilter(begin_mjd=60676.5, mjd_scale=TimeScale.TAI), "time") == Span(
        NOON - 37 * 10**9, None
    )


@pytest.mark.parametrize(
    ("filter", "words"),
    [
        (TimeFilter(begin=NOON, end=NOON), "before end"),
        (TimeFilter(begin=NOON + 1, end=NOON), "before end"),
        (TimeFilter(at=NOON, end=NOON), "alone"),
        (TimeFilter(begin=NOON, begin_mjd=60000.0), "not both"),
        (TimeFilter(at_mjd=1e12), "no MJD"),
    ],
)
def test_a_time_that_means_nothing_is_refused(filter: TimeFilter, words: str) -> None:
    with pytest.raises(BadUserInput, match=f"validity: .*{words}"):
        span(filter, "validity")


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        ({"point": PointInput(ra=10.0, dec=-5.0)}, "CIRCLE 10.0 -5.0 0"),
        ({"point": PointInput(ra=-10.0, dec=-5.0)}, "CIRCLE 350.0 -5.0 0"),
        ({"circle": CircleInput(ra=1.0, dec=2.0, radius=0.5)}, "CIRCLE 1.0 2.0 0.5"),
        ({"box": BoxInput(ra=10.0, dec=0.0, width=4.0, height=2.0)}, "RANGE 8.0 12.0 -1.0 1.0"),
        ({"box": BoxInput(ra=1.0, dec=0.0, width=4.0, height=2.0)}, "RANGE 359.0 3.0 -1.0 1.0"),
        ({"box": BoxInput(ra=359.0, dec=89.0, width=4.0, height=4.0)}, "RANGE 357.0 1.0 87.0 90.0"),
        ({"box": BoxInput(ra=7.0, dec=0.0, width=360.0, height=180.0)}, "RANGE 0.0 360.0 -90.0 90.0"),
        (
            {
                "polygon": [
                    PointInput(ra=0.0, dec=0.0),
                    PointInput(ra=1.0, dec=0.0),
                    PointInput(ra=1.0, dec=1.0),
                ]
            },
            "POLYGON 0.0 0.0 1.0 0.0 1.0 1.0",
        ),
        ({"shape": " circle ICRS 1 2  3"}, "CIRCLE 1 2 3"),
    ],
)
def test_shapes_become_text(filter: dict[str, Any], text: str) -> None:
    found = sky(SkyFilter(**filter))
    assert found is not None
    assert found.shape == text


def test_a_box_is_the_box_of_butlers_expressions() -> None:
    from lsst.sphgeom import Angle, Box, LonLat, Region

    for ra, dec, width, height in ((0.5, 3.0, 2.0, 1.0), (180.0, -89.5, 30.0, 4.0), (300.0, 0.0, 359.5, 1.0)):
        found = sky(SkyFilter(box=BoxInput(ra=ra, dec=dec, width=width, height=height)))
        assert found is not None
        ours = Region.from_ivoa_pos(found.shape)
        butlers = Box(
            LonLat.fromDegrees(ra, dec), Angle.fromDegrees(width / 2), Angle.fromDegrees(height / 2)
        )
        assert ours.dilatedBy(Angle(1e-12)).contains(butlers)
        assert butlers.dilatedBy(Angle(1e-12)).contains(ours)


@pytest.mark.parametrize(
    "filter",
    [
        {"point": PointInput(ra=0.0, dec=91.0)},
        {"point": PointInput(ra=float("nan"), dec=0.0)},
        {"point": PointInput(ra=400.0, dec=0.0)},
        {"circle": CircleInput(ra=0.0, dec=0.0, radius=-1.0)},
        {"circle": CircleInput(ra=0.0, dec=0.0, radius=181.0)},
        {"polygon": [PointInput(ra=0.0, dec=0.0)] * 2},
        {"box": BoxInput(ra=0.0, dec=0.0, width=361.0, height=1.0)},
        {"shape": "ELLIPSE 1 2 3"},
        {"shape": "CIRCLE 1 2"},
        {"shape": "CIRCLE 1 2 x"},
        {"shape": ""},
        {},
    ],
)
def test_what_is_no_shape_is_refused(filter: dict[str, Any]) -> None:
    with pytest.raises(BadUserInput, match="sky"):
        sky(SkyFilter(**filter))


def test_binds_belong_to_an_expression() -> None:
    bind = Bind(name="v", value=BindValue(longs=[1, 2]))
    found = where("visit IN (:v)", [bind])
    assert found is not None
    assert found.binds == (Bound("v", "longs", (1, 2)),)
    assert where(None, None) is None
    assert where("  ", []) is None
    for text, binds, words in (
        (None, [bind], "no where"),
        ("x", [bind, bind], "twice"),
        ("x", [Bind(name=":v", value=BindValue(long=1))], "no name"),
        ("x", [Bind(name="v", value=BindValue(timespan=TimeFilter()))], "timespan"),
        ("x", [Bind(name="v", value=BindValue(region="BLOB"))], "CIRCLE"),
    ):
        with pytest.raises(BadUserInput, match=words):
            where(text, binds)


def test_every_kind_of_bind_is_carried() -> None:
    values: dict[str, tuple[BindValue, Any]] = {
        "string": (BindValue(string=""), ""),
        "long": (BindValue(long=0), 0),
        "float": (BindValue(float_=0.0), 0.0),
        "strings": (BindValue(strings=[]), ()),
        "time": (BindValue(time=NOON), NOON),
        "timespan": (BindValue(timespan=TimeFilter(begin=NOON)), Span(NOON, None)),
        "region": (BindValue(region="circle 1 2 3"), "CIRCLE 1 2 3"),
        "uuid": (BindValue(uuid="0" * 32), "0" * 32),
    }
    for kind, (value, meant) in values.items():
        found = where("x", [Bind(name="v", value=value)])
        assert found is not None
        assert found.binds == (Bound("v", kind, meant),)


def test_uploaded_data_ids_have_the_same_keys() -> None:
    assert among(None) is None
    assert among([]) == Among((), ())
    assert among([{"visit": 1, "detector": 2}, {"detector": 3, "visit": 4}]) == Among(
        ("visit", "detector"), ((1, 2), (4, 3))
    )
    with pytest.raises(BadUserInput, match="data ID 1 ") as error:
        among([{"visit": 1}, {"exposure": 1}])
    assert error.value.details["row"] == 1
    with pytest.raises(BadUserInput, match="empty"):
        among([{}])
    with pytest.raises(TooComplex, match=str(MOST)):
        among([{"visit": 1}] * (MOST + 1))


def test_order_terms_have_a_direction() -> None:
    assert order(["visit", "-exposure.obs_id"]) == (Order("visit"), Order("exposure.obs_id", True))
    assert order(None) == ()
    for wrong in ([""], ["-"], ["visit", "-visit"]):
        with pytest.raises(BadUserInput, match="orderBy"):
            order(wrong)


def test_a_question_is_the_same_however_its_nulls_are_written() -> None:
    bare = question(DatasetQuery(type=["raw"]))
    nulls = question(
        DatasetQuery(
            type=["raw"],
            collections=None,
            data_id=None,
            among=None,
            where=None,
            bind=None,
            sky=None,
            time=None,
            validity=None,
            ingested_before=None,
            find_first=None,
            order_by=None,
        )
    )
    assert bare == nulls
    assert bare.digest() == nulls.paged(7, ("x",)).digest()
    assert question(DatasetQuery(type=["raw"], collections=[])).collections == ()
    with pytest.raises(BadUserInput, match="type"):
        question(DatasetQuery(type=[]))
