"""The contents of the derived frames: raw, bias and flat as small tables of pixels.

Derived, not real: the exports carry records only, so the light is simulated - on the real footprints of the
real detector regions. A frame is `COLUMNS` x `ROWS` coarse pixels, one table row each (x, y, value). Stars
come from one catalogue of the whole sky, so two visits of the same field see the same stars. All numbers
follow from `SEED` and the data ID alone: every build on every machine writes the same values.

Units: raw and bias in adu, flat as relative response, stars in nanojansky (AB magnitudes, zero point 31.4).
"""

from __future__ import annotations

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from gateway.demo.footprint import Floats, Footprint

SEED = 20130617
COLUMNS, ROWS = 32, 64
NJY_PER_ADU = 10.0  # the zero point that the calibrate task applies
READ_NOISE = 4.0  # adu
SEEING = 0.8  # standard deviation of a star's image, in these coarse pixels
STAR_CELL = 0.05  # degrees; the catalogue is generated cell by cell, so that it has no edge
STARS_PER_CELL = 3
SKY = {"r": 300.0, "i": 420.0, "z": 600.0}  # adu per pixel in a 30 s exposure
COLOUR = {"r": 0.0, "i": -0.3, "z": -0.5}  # mean magnitude difference to r


def pixel_grid() -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Pixel coordinates x, y of every row of a frame, y slowest."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.int16)
    return x.ravel(), y.ravel()


def raw(exposure: int, detector: int, band: str, footprint: Footprint, response: Floats) -> Table:
    """What the detector read out: stars and sky through its response, on its bias, with noise."""
    x, y = pixel_grid()
    light = np.full(x.shape, SKY[band])
    for ra, dec, flux in _stars(footprint, band):
        u, v = footprint.place(np.array([ra]), np.array([dec]))
        along_x, along_y = u[0] * COLUMNS - 0.5 - x, v[0] * ROWS - 0.5 - y
        image = np.exp(-(along_x**2 + along_y**2) / (2 * SEEING**2)) / (2 * np.pi * SEEING**2)
        light += flux / NJY_PER_ADU * image
    noise = np.random.default_rng([SEED, exposure, detector])
    signal = noise.poisson(light * response) + noise.normal(0.0, READ_NOISE, x.shape)
    return _frame("adu", np.rint(signal + _bias_level(detector)).astype(np.int32), "adu")


def bias(detector: int, epoch: int) -> Table:
    """The mean of many bias readouts: the detector's level, drifting a little from epoch to epoch."""
    noise = np.random.default_rng([SEED, 1, detector, epoch])
    level = _bias_level(detector) + noise.normal(0.0, 0.3, COLUMNS * ROWS)
    return _frame("adu", level.astype(np.float32), "adu")


def flat(detector: int, band: str, epoch: int) -> Table:
    """The relative response measured in one epoch, with its measurement noise."""
    noise = np.random.default_rng([SEED, 2, detector, ord(band), epoch])
    measured = response(detector, band) + noise.normal(0.0, 0.002, COLUMNS * ROWS)
    return _frame("response", measured.astype(np.float32), "")


def response(detector: int, band: str) -> Floats:
    """The true relative response of a detector in a band: vignetting along both axes plus pixel structure."""
    x, y = pixel_grid()
    tilt = np.random.default_rng([SEED, 3, detector, ord(band)])
    slope_x, slope_y = tilt.uniform(-0.08, 0.08, 2)
    structure = tilt.normal(0.0, 0.01, x.shape)
    return np.asarray(1.0 + slope_x * (x / COLUMNS - 0.5) + slope_y * (y / ROWS - 0.5) + structure)


def _bias_level(detector: int) -> float:
    return 1000.0 + detector % 16


def _stars(footprint: Footprint, band: str) -> list[tuple[float, float, float]]:
    """Stars on or near the footprint as (ra, dec, flux in nJy), always the same for the same piece of sky."""
    ra_min, ra_max, dec_min, dec_max = footprint.bounds()
    stars: list[tuple[float, float, float]] = []
    for column in range(int(ra_min // STAR_CELL), int(ra_max // STAR_CELL) + 1):
        for row in range(int(dec_min // STAR_CELL), int(dec_max // STAR_CELL) + 1):
            # Declinations are negative south of the equator and a seed is not, hence the shift.
            cell = np.random.default_rng([SEED, 4, column, row + 10_000])
            ra = (column + cell.random(STARS_PER_CELL)) * STAR_CELL
            dec = (row + cell.random(STARS_PER_CELL)) * STAR_CELL
            magnitude = cell.triangular(17.5, 22.5, 23.0, STARS_PER_CELL) + COLOUR[band]
            flux = 10 ** ((31.4 - magnitude) / 2.5)
            stars.extend(zip(ra.tolist(), dec.tolist(), flux.tolist(), strict=True))
    return stars


def _frame(column: str, values: NDArray[np.generic], unit: str) -> Table:
    x, y = pixel_grid()
    return Table([x, y, Column(values, unit=unit or None)], names=["x", "y", column])
