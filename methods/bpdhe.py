"""BPDHE: brightness preserving dynamic histogram equalization (Ibrahim and Kong, IEEE TCE 53(4), 2007).

The smoothed histogram is cut at its local maxima, each part is given a range that grows with its span and its pixels
and is equalized within it, and the mean brightness is restored. It does not brighten: that is its point.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from torch import nn

from bench.colour import luma, with_luma
from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="BPDHE",
    year=2007,
    family="classical",
    paper="Ibrahim and Kong, Brightness preserving dynamic histogram equalization, IEEE Trans. Consum. Electron. 2007",
    trust="from the paper: on luma with the chroma kept, Gaussian 1 x 9 of sigma 1.0762",
)
GAUSSIAN = np.exp(-0.5 * (np.arange(-4, 5) / 1.0762) ** 2)
RISING, FALLING = 8, 4
"""So many steps up and then down make a maximum: the paper's trace of signs, with single outliers filtered."""


def smoothed(histogram: NDArray[np.float64]) -> NDArray[np.float64]:
    """256 counts with empty bins between filled ones interpolated, then smoothed."""
    filled = np.flatnonzero(histogram)
    whole = np.interp(np.arange(256), filled, histogram[filled], left=0, right=0)
    return np.asarray(correlate1d(whole, GAUSSIAN / GAUSSIAN.sum(), mode="constant"))


def maxima(histogram: NDArray[np.float64]) -> list[int]:
    """The levels where the histogram has risen for `RISING` steps and falls for `FALLING`."""
    up = np.diff(histogram) > 0
    return [
        level
        for level in range(RISING, 256 - FALLING)
        if up[level - RISING : level].sum() >= RISING - 1
        and up[level - 1]
        and not up[level]
        and (~up[level : level + FALLING]).sum() == FALLING
    ]


def mapping(levels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The curve of 256 values in 0..255, before the brightness is restored."""
    histogram = np.bincount(levels.ravel(), minlength=256).astype(np.float64)
    lowest, highest = int(levels.min()), int(levels.max())
    inner = [level for level in maxima(smoothed(histogram)) if lowest < level < highest]
    edges = [lowest, *inner, highest + 1]
    counts = np.array([histogram[a:b].sum() for a, b in pairwise(edges)])
    spans = np.diff(edges).astype(np.float64)
    factors = spans * np.log10(np.maximum(counts, 1))  # Eq. 4
    ranges = 255 * (factors / factors.sum() if factors.sum() > 0 else spans / spans.sum())  # Eq. 5
    starts = np.concatenate([[0], np.cumsum(ranges)[:-1]])
    curve = np.zeros(256)
    for (a, b), start, span, count in zip(pairwise(edges), starts, ranges, counts, strict=True):
        curve[a:b] = start + span * np.cumsum(histogram[a:b]) / max(count, 1)  # Eq. 8
    return curve


def equalize(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3); a picture of one luma only comes back as it is."""
    brightness = luma(picture)
    levels = to_bytes(brightness)
    if levels.min() == levels.max():
        return picture.astype(np.float64)
    equalized = mapping(levels)[levels] / 255
    return with_luma(picture, np.clip(equalized * (brightness.mean() / equalized.mean()), 0, 1))


@METHODS.register("bpdhe", CARD)
def bpdhe() -> nn.Module:
    """Constants as in the paper."""
    return PerPicture(equalize)
