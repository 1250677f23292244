"""Histogram equalization of each colour channel by itself."""

import cv2
import numpy as np
from torch import nn

from bench.enhancer import Card, PerChannel, Plane, to_bytes
from methods import METHODS

CARD = Card(
    title="Histogram equalization",
    year=None,
    family="classical",
    paper="Gonzalez and Woods, Digital Image Processing",
    trust="named variant: per channel, 256 bins, OpenCV equalizeHist",
)


LEVELS = np.arange(256, dtype=np.float32) / 255


def equalize(channel: Plane) -> Plane:
    """(H, W) in [0, 1]; a constant channel stays as it is, to 8 bits."""
    return np.asarray(cv2.LUT(cv2.equalizeHist(to_bytes(channel)), LEVELS))


@METHODS.register("histogram_equalization", CARD)
def histogram_equalization() -> nn.Module:
    """Per channel, on 8-bit values: colours shift, which is why luma variants exist."""
    return PerChannel(equalize)
