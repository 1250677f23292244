"""Dong: a dark picture turned negative looks hazy, so remove the haze (Dong et al., ICME 2011).

Follows the MATLAB code that the comparisons in this field use, not the video part of the paper.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.enhancer import Card, PerPicture, Picture
from methods import METHODS

CARD = Card(
    title="Dong",
    year=2011,
    family="classical",
    paper="Dong et al., Fast efficient algorithm for enhancement of low lighting video, ICME 2011",
    trust="parity-tested: within 0.0003 of the published code run in GNU Octave, on two photographs",
)
MARGIN = 10  # pixels replicated round the picture
WINDOW = 7  # pixels of the minimum filter
SHARE = 0.002  # of the pixels are candidates for the airlight
OMEGA = 0.8  # of the haze is removed


def airlight(hazy: NDArray[np.float64], dark_channel: NDArray[np.float64]) -> NDArray[np.float64]:
    """RGB of the brightest pixel among the `SHARE` with the largest dark channel, (H, W, 3) and (H, W) to (3,).

    Of equals the first in MATLAB's order, column by column.
    """
    colours = hazy.transpose(1, 0, 2).reshape(-1, 3)
    count = max(int(len(colours) * SHARE), 1)
    candidates = np.argsort(-dark_channel.T.ravel(), kind="stable")[:count]
    return np.asarray(colours[candidates[np.argmax(colours[candidates].mean(axis=1))]])


def clear(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]; the result may leave it."""
    padded = np.pad(picture.astype(np.float64), ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge")
    hazy = 1 - padded
    window = np.ones((WINDOW, WINDOW), np.uint8)
    lowest = cv2.erode(hazy, window, borderType=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))
    light = np.maximum(airlight(hazy, lowest.min(axis=2)), 1e-6)  # a white picture has none
    transmission = np.maximum(1 - OMEGA * (lowest / light).min(axis=2), 1e-7)
    transmission = np.where(transmission < 0.5, 2 * transmission**2, transmission)
    clean = 1 - ((hazy - light) / transmission[..., None] + light)
    return np.asarray(clean[MARGIN:-MARGIN, MARGIN:-MARGIN])


@METHODS.register("dong", CARD)
def dong() -> nn.Module:
    """Constants as in the published code."""
    return PerPicture(clear)
