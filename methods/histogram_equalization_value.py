"""Histogram equalization of V, the largest channel; hue and saturation kept."""

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.colour import value, with_value
from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="Histogram equalization (value)",
    year=None,
    family="classical",
    paper="Gonzalez and Woods, Digital Image Processing",
    trust="named variant: V of HSV, 256 bins, OpenCV equalizeHist; hue not quantised",
)


def equalize(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]."""
    return with_value(picture, cv2.equalizeHist(to_bytes(value(picture))) / 255)


@METHODS.register("histogram_equalization_value", CARD)
def histogram_equalization_value() -> nn.Module:
    """Keeps hue and saturation, so dark colours become loud ones."""
    return PerPicture(equalize)
