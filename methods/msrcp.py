"""MSRCP: multi-scale Retinex with chromaticity preservation (Petro, Sbert and Morel, IPOL 2014, Algorithm 2)."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.enhancer import Card, PerPicture, Picture
from bench.retinex import SCALES, colour_balance, retinex
from methods import METHODS

CARD = Card(
    title="MSRCP",
    year=2014,
    family="classical",
    paper="Petro, Sbert and Morel, Multiscale Retinex, IPOL 2014",
    trust="from the paper: Algorithm 2, scales 15, 80, 250, balance 1 %",
)


def preserve(picture: Picture) -> NDArray[np.float64]:
    """Retinex on the intensity, all channels scaled alike by as much as none of them clips. (H, W, 3) in [0, 1]."""
    double = picture.astype(np.float64)
    intensity = double.mean(axis=2, keepdims=True)
    wanted = colour_balance(retinex(intensity, SCALES))
    black = intensity <= 0
    largest = 1 / np.where(black, 1, double.max(axis=2, keepdims=True))
    gain = np.minimum(largest, wanted / np.where(black, 1, intensity))
    return np.where(black, 0, gain * double)


@METHODS.register("msrcp", CARD)
def msrcp() -> nn.Module:
    """Scales in pixels as in the paper."""
    return PerPicture(preserve)
