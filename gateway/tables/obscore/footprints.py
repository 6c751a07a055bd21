"""Where datasets lie, as ObsCore has it: a centre, a diameter and an outline, ICRS degrees.

The same numbers as lsst.daf.butler.registry.obscore's default spatial plugin gives for one region at a time. A registry has almost nothing
but convex polygons, which are worked on here all at once, with sphgeom's own arithmetic in its own order of operations
(ConvexPolygonImpl.h, Vector3d.cc, LonLat.cc), so that the last digits agree as well; any other shape goes through sphgeom itself.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lsst.sphgeom import Circle, ConvexPolygon, LonLat

from adapters import region

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.intp]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_SLACK = 2.0 * 2.5e-15
"""By how much sphgeom makes the square of a bounding circle's chord larger than the polygon needs (constants.h)."""


@dataclass(frozen=True, slots=True)
class Footprints:
    """Null where there is no region. ``outline`` is STC-S with six digits behind the point, and null for shapes that it has no word for."""

    ra: pa.DoubleArray
    dec: pa.DoubleArray
    fov: pa.DoubleArray
    outline: pa.StringArray

    @property
    def columns(self) -> dict[str, pa.Array]:
        return {"s_ra": self.ra, "s_dec": self.dec, "s_fov": self.fov, "s_region": self.outline}


def footprints(texts: pa.StringArray) -> Footprints:
    """Of regions as registries have them. Each is worked out once, however often it stands there."""
    if texts.null_count == len(texts):
        nothing = pa.nulls(len(texts), pa.float64())
        return Footprints(nothing, nothing, nothing, texts)
    encoded = texts.dictionary_encode()
    distinct: pa.StringArray = encoded.dictionary
    numbers = np.full((3, len(distinct)), np.nan)
    outlines = np.full(len(distinct), None, object)
    others = np.full(len(distinct), True)
    for places, (x, y, z) in _polygons(distinct):
        numbers[:, places] = _circle(x, y, z)
        outlines[places] = _outlines(x, y, z).to_numpy(zero_copy_only=False)
        others[places] = np.isnan(numbers[:, places]).any(axis=0)  # a side without length, for instance
    for place in np.flatnonzero(others):
        *numbers[:, place], outlines[place] = _shape(distinct[int(place)].as_py())
    ra, dec, fov = (pa.array(row, from_pandas=True).take(encoded.indices) for row in numbers)
    return Footprints(ra, dec, fov, pa.array(outlines, pa.string()).take(encoded.indices))


def _polygons(texts: pa.StringArray) -> Iterator[tuple[Places, Numbers]]:
    """Convex polygons, those with as many corners together: their places, and their corners as (x y z, corners, polygons).

    A polygon is a byte ``p`` and three little-endian doubles a corner (ConvexPolygon.cc): as base64 32 characters a corner and four more, of
    which the last two are padding.
    """
    lengths = pc.binary_length(texts).to_numpy()
    for length in np.unique(lengths):
        corners, rest = divmod(int(length) - 4, 32)
        if rest or corners < 3:
            continue
        places = np.flatnonzero(lengths == length)
        raw = _decoded(texts.take(pa.array(places)), int(length))
        convex = raw[:, 0] == ord("p")
        points = np.ascontiguousarray(raw[convex, 1 : 1 + 24 * corners]).view("<f8")
        yield places[convex], points.reshape(-1, corners, 3).transpose(2, 1, 0)


def _decoded(texts: pa.StringArray, length: int) -> Bytes:
    """Texts of one length as bytes, all decoded at once: with letters for their padding they are one text. All zero where one is not base64."""
    written = np.frombuffer("".join(texts.to_pylist()).encode(), np.uint8)
    if len(written) == len(texts) * length:
        padded = written.reshape(len(texts), length).copy()
        if (padded[:, -2:] == ord("=")).all():
            padded[:, -2:] = ord("A")
            with suppress(ValueError):
                raw = binascii.a2b_base64(padded.tobytes(), strict_mode=True)
                return np.frombuffer(raw, np.uint8).reshape(len(texts), -1)
    return np.zeros((len(texts), length), np.uint8)


def _circle(x: Numbers, y: Numbers, z: Numbers) -> Numbers:
    """Right ascension and declination of the middle, and the diameter, of circles around polygons; (corners, polygons) each."""
    with np.errstate(invalid="ignore", divide="ignore"):
        middle_x = middle_y = middle_z = np.zeros(x.shape[1])
        for j in range(len(x)):
            i = j - 1
            sum_x, sum_y, sum_z = x[j] + x[i], y[j] + y[i], z[j] + z[i]
            way_x, way_y, way_z = x[j] - x[i], y[j] - y[i], z[j] - z[i]
            normal_x, normal_y, normal_z, length = _normalised(
                sum_y * way_z - sum_z * way_y, sum_z * way_x - sum_x * way_z, sum_x * way_y - sum_y * way_x
            )
            angle = np.arctan2(0.5 * length, x[i] * x[j] + y[i] * y[j] + z[i] * z[j])
            middle_x = middle_x + normal_x * angle
            middle_y = middle_y + normal_y * angle
            middle_z = middle_z + normal_z * angle
        middle_x, middle_y, middle_z, _ = _normalised(middle_x, middle_y, middle_z)
        off_x, off_y, off_z = x - middle_x, y - middle_y, z - middle_z
        chord = (off_x * off_x + off_y * off_y + off_z * off_z).max(axis=0) + _SLACK
        radius = np.where(chord >= 4.0, math.pi, 2.0 * np.arcsin(0.5 * np.sqrt(np.minimum(chord, 4.0))))
        longitude, latitude = _degrees(middle_x, middle_y, middle_z)
        return np.stack([longitude, latitude, np.degrees(radius) * 2])


def _normalised(x: Numbers, y: Numbers, z: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Vectors of length one, and the lengths that they had."""
    most = np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(z))
    x, y, z = x / most, y / most, z / most
    small, middle, _ = np.sort(np.stack([x * x, y * y, z * z]), axis=0)
    length = np.sqrt(1.0 + (small + middle))
    return x / length, y / length, z / length, length * most


def _degrees(x: Numbers, y: Numbers, z: Numbers) -> tuple[Numbers, Numbers]:
    longitude = np.arctan2(y, x)
    longitude = np.where(longitude < 0.0, longitude + 2 * math.pi, longitude)
    flat = x * x + y * y
    latitude = np.where(z != 0.0, np.arctan2(z, np.sqrt(flat)), 0.0)
    return np.degrees(np.where(flat != 0.0, longitude, 0.0)), np.degrees(latitude)


def _outlines(x: Numbers, y: Numbers, z: Numbers) -> pa.StringArray:
    words = [_six_digits(one) for pair in zip(*_degrees(x, y, z), strict=True) for one in pair]
    return pc.binary_join_element_wise("POLYGON ICRS", *words, " ")


def _six_digits(numbers: Numbers) -> pa.StringArray:
    """Degrees as Python's ``%.6f`` has them: written by Arrow as decimals, and by Python where these may differ, which is half-way between two
    of them, and below zero but not by a millionth."""
    with np.errstate(invalid="ignore"):
        millionths = numbers * 1e6
        whole = np.rint(millionths)
        units = whole.astype(np.int64)
        odd = (np.abs(np.abs(millionths - whole) - 0.5) < 1e-6) | ((whole == 0) & np.signbit(numbers))
    decimals = np.stack([units, units >> 63], axis=1)  # 128 bits, little-endian
    written = pa.Array.from_buffers(pa.decimal128(18, 6), len(units), [None, pa.py_buffer(decimals)])
    texts = written.cast(pa.string())
    if odd.any():
        texts = pc.replace_with_mask(texts, pa.array(odd), pa.array([f"{one:.6f}" for one in numbers[odd]]))
    return texts


def _shape(text: str) -> tuple[float | None, float | None, float | None, str | None]:
    """Of a shape that is no ordinary polygon; nothing of one that sphgeom itself makes nothing of, such as half a sphere."""
    try:
        shape = region.decode(text)
        circle = shape.getBoundingCircle()
    except (RuntimeError, ValueError):
        return None, None, None, None
    if circle.isEmpty():
        return None, None, None, None
    middle = LonLat(circle.getCenter())
    ra, dec = middle.getLon().asDegrees(), middle.getLat().asDegrees()
    radius = circle.getOpeningAngle().asDegrees()
    outline = None
    if isinstance(shape, Circle):
        outline = f"CIRCLE ICRS {ra:.6f} {dec:.6f} {radius:.6f}"
    elif isinstance(shape, ConvexPolygon):
        corners = [LonLat(corner) for corner in shape.getVertices()]
        numbers = (f"{one.getLon().asDegrees():.6f} {one.getLat().asDegrees():.6f}" for one in corners)
        outline = f"POLYGON ICRS {' '.join(numbers)}"
    return ra, dec, radius * 2, outline
