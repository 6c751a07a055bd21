"""Shapes on the sky, as they are asked for: ICRS, degrees."""

from __future__ import annotations

import math

import strawberry
from strawberry import UNSET

from adapters.errors import BadUserInput
from adapters.question import Sky

from .given import alone, given


@strawberry.input(description="A position, ICRS.")
class PointInput:
    ra: float = strawberry.field(description="Right ascension, degrees, -360 to 360.")
    dec: float = strawberry.field(description="Declination, degrees, -90 to 90.")


@strawberry.input(description="A circle on the sky, ICRS.")
class CircleInput:
    ra: float = strawberry.field(description="Right ascension of the centre, degrees, -360 to 360.")
    dec: float = strawberry.field(description="Declination of the centre, degrees, -90 to 90.")
    radius: float = strawberry.field(description="Degrees on the sky, 0 to 180.")


@strawberry.input(
    description="A box between two meridians and two parallels, centred on (ra, dec), as ADQL's BOX and Butler's. Its width\n"
    "is a difference of right ascensions, not an angle on the sky: near a pole the box gets narrow. Past a pole\n"
    "it is cut there. Of a Butler repository a box is compared with the boxes around regions, as Butler does it\n"
    "(lsst.sphgeom): something that lies just outside may be found too. Circles and polygons are exact."
)
class BoxInput:
    ra: float = strawberry.field(description="Right ascension of the centre, degrees, -360 to 360.")
    dec: float = strawberry.field(description="Declination of the centre, degrees, -90 to 90.")
    width: float = strawberry.field(description="Degrees of right ascension, 0 to 360.")
    height: float = strawberry.field(description="Degrees of declination, 0 to 180.")


@strawberry.input(
    one_of=True,
    description="Overlap with a shape on the sky, ICRS degrees. Exactly one of the shapes.",
)
class SkyFilter:
    point: PointInput | None = strawberry.field(default=UNSET, description="Contains this position.")
    circle: CircleInput | None = strawberry.field(default=UNSET, description="Overlaps this circle.")
    polygon: list[PointInput] | None = strawberry.field(
        default=UNSET, description="Overlaps this convex polygon of three or more vertices, in order."
    )
    box: BoxInput | None = strawberry.field(default=UNSET, description="Overlaps this box of ra and dec.")
    shape: str | None = strawberry.field(
        default=UNSET,
        description="Overlaps this shape in DALI / ObsCore text: CIRCLE ra dec radius, POLYGON ra1 dec1 ra2 dec2 ...,\n"
        "RANGE ra1 ra2 dec1 dec2 (a box, as far as that is exact); degrees.",
    )


def sky(filter: SkyFilter | None) -> Sky | None:
    """The shape as IVOA POS text. Raises BadUserInput for what is no shape."""
    filter = given(filter)
    if filter is None:
        return None
    chosen = alone(
        point=filter.point, circle=filter.circle, polygon=filter.polygon, box=filter.box, shape=filter.shape
    )
    if chosen is None:
        raise BadUserInput("sky: give exactly one of point, circle, polygon, box and shape.")
    _, value = chosen
    if isinstance(value, PointInput):
        return Sky(f"CIRCLE {_position(value.ra, value.dec, 'point')} 0")
    if isinstance(value, CircleInput):
        radius = _number(value.radius, "sky: circle: radius", 0, 180)
        return Sky(f"CIRCLE {_position(value.ra, value.dec, 'circle')} {radius}")
    if isinstance(value, BoxInput):
        return Sky(_box(value))
    if isinstance(value, str):
        return Sky(shape_text(value, "sky: shape"))
    if len(value) < 3:
        raise BadUserInput(f"sky: polygon: {len(value)} vertices; at least 3 are needed.")
    return Sky("POLYGON " + " ".join(_position(point.ra, point.dec, "polygon") for point in value))


def shape_text(text: str, name: str) -> str:
    """Shape text with the right keyword and the right count of numbers; the adapter reads the numbers."""
    words = text.split()
    keyword = words[0].upper() if words else ""
    if len(words) > 1 and words[1].upper() == "ICRS":  # as in s_region
        del words[1]
    count = len(words) - 1
    right = {"CIRCLE": count == 3, "RANGE": count == 4, "POLYGON": count >= 6 and count % 2 == 0}
    if keyword not in right:
        box = "; a box of ra and dec is sky: {box: ...}" if keyword == "BOX" else ""
        raise BadUserInput(f"{name}: {text[:80]!r} begins with none of CIRCLE, POLYGON and RANGE{box}.")
    if not right[keyword]:
        raise BadUserInput(
            f"{name}: {count} numbers after {keyword}; write CIRCLE ra dec radius, POLYGON ra1 dec1 ra2 dec2 ra3 dec3 ... "
            "or RANGE ra1 ra2 dec1 dec2, in degrees."
        )
    for word in words[1:]:
        try:
            float(word)
        except ValueError:
            raise BadUserInput(f"{name}: {word[:40]!r} is no number.") from None
    return " ".join([keyword, *words[1:]])


def _box(box: BoxInput) -> str:
    ra = _turned(_number(box.ra, "sky: box: ra", -360, 360))
    dec = _number(box.dec, "sky: box: dec", -90, 90)
    width = _number(box.width, "sky: box: width", 0, 360)
    height = _number(box.height, "sky: box: height", 0, 180)
    bottom, top = max(-90.0, dec - height / 2), min(90.0, dec + height / 2)
    if width == 360:
        return f"RANGE 0.0 360.0 {bottom!r} {top!r}"
    # Where ra1 is greater than ra2 the range goes round through 0 (lsst.sphgeom's Box).
    return f"RANGE {_turned(ra - width / 2)!r} {_turned(ra + width / 2)!r} {bottom!r} {top!r}"


def _position(ra: float, dec: float, name: str) -> str:
    ra = _turned(_number(ra, f"sky: {name}: ra", -360, 360))
    return f"{ra!r} {_number(dec, f'sky: {name}: dec', -90, 90)!r}"


def _turned(ra: float) -> float:
    """The same right ascension from 0 to 360; what is there already stays as it is."""
    if 0 <= ra <= 360:
        return ra
    return ra + 360 if ra < 0 else ra - 360


def _number(value: float, name: str, low: float, high: float) -> float:
    if not math.isfinite(value) or not low <= value <= high:
        raise BadUserInput(f"{name} is {value}; it must be between {low} and {high} degrees.")
    return float(value)
