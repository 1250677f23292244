"""Histogram equalization of luma, chroma kept."""

import cv2
import numpy as np
from torch import nn

from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="Histogram equalization (luma)",
    year=None,
    family="classical",
    paper="Gonzalez and Woods, Digital Image Processing",
    trust="named variant: Y of OpenCV's YCrCb, 256 bins, OpenCV equalizeHist",
)


def equalize(picture: Picture) -> Picture:
    """(H, W, 3) in [0, 1]."""
    planes = cv2.cvtColor(to_bytes(picture), cv2.COLOR_RGB2YCrCb)
    planes[..., 0] = cv2.equalizeHist(np.ascontiguousarray(planes[..., 0]))
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB)) / np.float32(255)


@METHODS.register("histogram_equalization_luma", CARD)
def histogram_equalization_luma() -> nn.Module:
    """Keeps the chroma, so colours look paler where the luma rises."""
    return PerPicture(equalize)
