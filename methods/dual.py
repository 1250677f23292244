"""DUAL: dual illumination estimation for robust exposure correction (Zhang, Nie and Zheng, CGF 38(7), 2019).

The picture and its negative are each relit by LIME's illumination map; both results and the picture are fused.
"""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.colour import value
from bench.enhancer import Card, PerPicture, Picture
from bench.lime import relight, sped_up
from methods import METHODS
from methods.exposure_fusion import fuse

CARD = Card(
    title="DUAL",
    year=2019,
    family="classical",
    paper="Zhang, Nie and Zheng, Dual illumination estimation for robust exposure correction, CGF 2019",
    trust="from the paper: lambda 0.15, sigma 3, gamma 0.6, OpenCV's Mertens fusion",
)
ALPHA, SIGMA, GAMMA = 0.15, 3.0, 0.6


def relit(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W, 3) divided by its illumination to the power of gamma, in [0, 1]."""
    return np.clip(relight(picture, sped_up(value(picture), alpha=ALPHA, sigma=SIGMA), GAMMA), 0, 1)


def correct(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]."""
    double = picture.astype(np.float64)
    return fuse([double, relit(double), 1 - relit(1 - double)])


@METHODS.register("dual", CARD)
def dual() -> nn.Module:
    """Corrects what is too dark and what is too bright at once."""
    return PerPicture(correct)
