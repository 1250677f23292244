"""How a method that works on one plane of brightness gives a colour picture back.

Pictures are RGB (H, W, 3) in [0, 1], planes (H, W). Results may leave [0, 1].
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
LUMA = np.array([0.299, 0.587, 0.114])  # Rec. 601


def luma(picture: Floats) -> NDArray[np.float64]:
    """Rec. 601 luma, Y of YCbCr."""
    return np.asarray(picture.astype(np.float64) @ LUMA)


def with_luma(picture: Floats, wanted: Floats) -> NDArray[np.float64]:
    """The picture with another Y and its own Cb and Cr: the same amount is added to all three channels."""
    return picture + (wanted - luma(picture))[..., None]


def value(picture: Floats) -> NDArray[np.float64]:
    """The largest channel, V of HSV."""
    return np.asarray(picture.max(axis=2), dtype=np.float64)


def with_value(picture: Floats, wanted: Floats) -> NDArray[np.float64]:
    """The picture with another V and its own hue and saturation; black, which has neither, becomes grey."""
    brightest = value(picture)
    black = brightest <= 0
    scaled = picture * (wanted / np.where(black, 1, brightest))[..., None]
    return np.where(black[..., None], wanted[..., None], scaled)
