"""AGCWD: adaptive gamma correction with weighting distribution (Huang, Cheng and Chiu, IEEE TIP 22(3), 2013).

Each level gets a gamma of its own, 1 minus the weighted cumulative distribution; on V of HSV. The video part of the
paper is left out.
"""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.colour import value, with_value
from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="AGCWD",
    year=2013,
    family="classical",
    paper="Huang, Cheng and Chiu, Efficient contrast enhancement using adaptive gamma correction, IEEE TIP 2013",
    trust="from the paper: Eq. 5 to 9 on V, alpha 0.5 (public codes use 0.25 to 1)",
)


def curve(levels: NDArray[np.uint8], alpha: float) -> NDArray[np.float64]:
    """The curve of 256 values in [0, 1] for a plane of 8-bit levels."""
    density = np.bincount(levels.ravel(), minlength=256) / levels.size
    spread = density.max() - density.min()
    share = (density - density.min()) / spread if spread > 0 else np.ones(256)
    weighted = density.max() * share**alpha  # Eq. 5
    gamma = 1 - np.cumsum(weighted) / weighted.sum()  # Eq. 6 to 8
    return np.asarray((np.arange(256) / 255) ** gamma)


def correct(picture: Picture, alpha: float) -> NDArray[np.float64]:
    """(H, W, 3); a picture of one V only has no distribution and comes back as it is."""
    levels = to_bytes(value(picture))
    if levels.min() == levels.max():
        return picture.astype(np.float64)
    return with_value(picture, curve(levels, alpha)[levels])


@METHODS.register("agcwd", CARD)
def agcwd(*, alpha: float = 0.5) -> nn.Module:
    """`alpha` in 0..1 flattens the histogram before it is summed up: 0 makes all levels equal, 1 leaves it."""
    return PerPicture(lambda picture: correct(picture, alpha))
