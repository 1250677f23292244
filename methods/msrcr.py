"""Multi-scale Retinex with colour restoration (Jobson, Rahman and Woodell, IEEE TIP 6(7), 1997)."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.enhancer import Card, PerPicture, Picture
from bench.retinex import SCALES, colour_balance, retinex
from methods import METHODS

CARD = Card(
    title="MSRCR",
    year=1997,
    family="classical",
    paper="Jobson, Rahman and Woodell, A multiscale Retinex, IEEE TIP 1997; Petro et al., IPOL 2014",
    trust="named variant: scales 15, 80, 250, alpha 125; colour balance 1 % instead of a fixed gain and offset",
)
ALPHA = 125.0


def restore(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3). The restoration's factor beta and the final gain and offset cancel in the colour balance."""
    light = picture.astype(np.float64) * 255 + 1
    restoration = np.log(ALPHA * light) - np.log(light.sum(axis=2, keepdims=True))
    return colour_balance(restoration * retinex(picture, SCALES))


@METHODS.register("msrcr", CARD)
def msrcr() -> nn.Module:
    """Scales and constants as in the paper."""
    return PerPicture(restore)
