"""Histogram equalization of each colour channel by itself."""

import cv2
import numpy as np
from torch import nn

from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="Histogram equalization",
    year=None,
    family="classical",
    paper="Gonzalez and Woods, Digital Image Processing",
    trust="named variant: per channel, 256 bins, OpenCV equalizeHist",
)


def equalize(picture: Picture) -> Picture:
    """(H, W, 3) in [0, 1]; a constant channel stays as it is."""
    channels = [cv2.equalizeHist(channel) for channel in cv2.split(to_bytes(picture))]
    return np.asarray(cv2.merge(channels) / np.float32(255))


@METHODS.register("histogram_equalization", CARD)
def histogram_equalization() -> nn.Module:
    """Per channel, on 8-bit values: colours shift, which is why luma variants exist."""
    return PerPicture(equalize)
