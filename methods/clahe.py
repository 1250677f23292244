"""Contrast limited adaptive histogram equalization (Zuiderveld 1994) on the lightness of CIELAB."""

import cv2
import numpy as np
from torch import nn

from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="CLAHE",
    year=1994,
    family="classical",
    paper="Zuiderveld, Graphics Gems IV",
    trust="named variant: OpenCV, L of CIELAB, clip limit 2.0, 8 x 8 tiles",
)


@METHODS.register("clahe", CARD)
def clahe(*, clip_limit: float = 2.0, tiles: int = 8) -> nn.Module:
    """`clip_limit` in OpenCV's unit (multiples of the mean bin), `tiles` a side."""
    operator = cv2.createCLAHE(clip_limit, (tiles, tiles))

    def equalize(picture: Picture) -> Picture:
        lab = cv2.cvtColor(to_bytes(picture), cv2.COLOR_RGB2LAB)
        lab[..., 0] = operator.apply(np.ascontiguousarray(lab[..., 0]))
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) / np.float32(255))

    return PerPicture(equalize)
