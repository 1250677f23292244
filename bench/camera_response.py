"""The camera model that BIMEF and CRM share: a response for another exposure, and how much light falls where.

Ying, Li, Ren, Wang and Wang, CAIP 2017 and ICCV workshops 2017: beta-gamma response with a = -0.3293, b = 1.1258,
fitted by the authors to the response curves of the DoRF database.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from bench.octave import half, resize
from bench.smoothing import differences, smooth

Floats = NDArray[np.floating[Any]]
A, B = -0.3293, 1.1258
WINDOW = 5  # pixels over which gradients are added up
SHARPNESS = 0.001
SMOOTHNESS = 0.5


def expose(image: Floats, ratio: Floats | float) -> Floats:
    """`image` in [0, 1] as if exposed `ratio` times as long (Eq. 8 of CAIP 2017); may leave [0, 1]."""
    power = np.power(ratio, A)
    return np.asarray(np.power(image, power) * np.exp(B * (1 - power)))


def illumination(picture: Floats) -> NDArray[np.float64]:
    """The light of each pixel, (H, W, 3) to (H, W): the largest channel, smoothed at half size where there is texture.

    Texture is where gradients of both signs add up to little over `WINDOW` pixels; the borders are periodic as in the
    authors' code, whose conjugate gradients stop early (at a residual of 0.1) where this solves to 1e-4.
    """
    brightest = picture.max(axis=2).astype(np.float64)
    small = half(brightest)
    across, down = differences(small, periodic=True)
    ones = np.ones(WINDOW)
    weights = [
        SMOOTHNESS / (np.abs(correlate1d(step, ones, axis=axis, mode="constant")) * np.abs(step) + SHARPNESS)
        for step, axis in ((across, 1), (down, 0))
    ]
    return resize(smooth(small, *weights, periodic=True), brightest.shape)
