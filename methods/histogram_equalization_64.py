"""Histogram equalization as MATLAB's histeq does it by default: each channel towards 64 equal bins.

The "HE" of the comparison suites that are written in MATLAB.
"""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="Histogram equalization (64 bins)",
    year=None,
    family="classical",
    paper="Gonzalez and Woods, Digital Image Processing; MATLAB's histeq",
    trust="parity-tested",
)
BINS = 64


def curve(levels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The curve of 256 values in [0, 1]: to each level the bin whose cumulative count is nearest from above.

    Half of the level's own count is tolerated, so that a large bin is not pushed up.
    """
    counts = np.bincount(levels.ravel(), minlength=256).astype(np.float64)
    reached = np.cumsum(counts)
    wanted = levels.size * np.arange(1, BINS + 1) / BINS
    tolerance = np.minimum(np.append(counts[:-1], 0), np.append(0, counts[1:])) / 2
    error = wanted[:, None] - reached + tolerance
    error[error < -levels.size * np.sqrt(np.finfo(float).eps)] = levels.size
    return np.asarray(np.argmin(error, axis=0) / (BINS - 1))


def equalize(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]; a constant channel stays as it is."""
    channels = []
    for levels, channel in zip(np.moveaxis(to_bytes(picture), 2, 0), np.moveaxis(picture, 2, 0), strict=True):
        channels.append(curve(levels)[levels] if levels.min() < levels.max() else channel)
    return np.stack(channels, axis=2)


@METHODS.register("histogram_equalization_64", CARD)
def histogram_equalization_64() -> nn.Module:
    """Per channel."""
    return PerPicture(equalize)
