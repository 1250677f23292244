"""CRM: low-light enhancement by a camera response model (Ying, Li, Ren, Wang and Wang, ICCV workshops 2017)."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.camera_response import expose, illumination
from bench.enhancer import Card, PerPicture, Picture
from methods import METHODS

CARD = Card(
    title="CRM",
    year=2017,
    family="classical",
    paper="Ying et al., A new low-light image enhancement algorithm using camera response model, ICCV workshops 2017",
    trust="parity-tested: within 0.0003 of the published code run in GNU Octave, on two photographs",
)
LARGEST_RATIO = 7.0


def respond(picture: Picture) -> NDArray[np.float64]:
    """Each pixel exposed longer by the inverse of its illumination, at most `LARGEST_RATIO` times. (H, W, 3)."""
    light = illumination(picture)[..., None]
    ratio = 1 / np.maximum(light, 1 / LARGEST_RATIO)
    return np.asarray(expose(picture.astype(np.float64), ratio))


@METHODS.register("crm", CARD)
def crm() -> nn.Module:
    """Constants as in the authors' code."""
    return PerPicture(respond)
