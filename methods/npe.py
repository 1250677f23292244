"""NPE: naturalness preserved enhancement (Wang, Zheng, Hu and Li, IEEE TIP 22(9), 2013).

A bright-pass filter takes the illumination of each pixel from neighbours that are brighter; the illumination is mapped
by the bi-log transformation, which keeps the order of lightness, and multiplied with the reflectance again.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.colour import value
from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="NPE",
    year=2013,
    family="classical",
    paper="Wang et al., Naturalness preserved enhancement algorithm for non-uniform illumination images, IEEE TIP 2013",
    trust="from the paper: Eq. 5 to 17, neighbourhood 15 x 15, levels pooled over 5",
)
REACH = 7  # pixels to each side of the neighbourhood
POOL = 5  # levels over which the frequency of neighbouring levels is averaged


def neighbour_frequency(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How often level l lies beside level k among the 4-neighbours of the picture, (256, 256), Eq. 6 and 7."""
    pairs = np.zeros(256 * 256)
    wide = levels.astype(np.intp)
    for first, second in ((wide[:, :-1], wide[:, 1:]), (wide[:-1], wide[1:])):
        for a, b in ((first, second), (second, first)):
            pairs += np.bincount((a * 256 + b).ravel(), minlength=pairs.size)
    table = pairs.reshape(256, 256)
    total = table.sum(axis=1, keepdims=True)
    pooled = cv2.blur(table / np.maximum(total, 1), (POOL, 1), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(pooled, dtype=np.float32)


def bright_pass(levels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The illumination in 0..255: neighbours at least as bright, weighted by how often they are neighbours. Eq. 5."""
    frequency = np.triu(neighbour_frequency(levels) + np.float32(1e-12)).ravel()  # nothing darker counts
    padded = np.pad(levels, REACH, mode="symmetric" if min(levels.shape) >= REACH else "edge").astype(np.intp)
    height, width = levels.shape
    base = levels.astype(np.intp) * 256
    weighted, weights = np.zeros(levels.shape, np.float32), np.zeros(levels.shape, np.float32)
    for down in range(2 * REACH + 1):
        for across in range(2 * REACH + 1):
            neighbour = padded[down : down + height, across : across + width]
            share = frequency[base + neighbour]
            weights += share
            weighted += share * neighbour
    return np.asarray(weighted / weights, dtype=np.float64)


def bi_log(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps the illumination, 0..255, so that its log-weighted distribution takes a logarithmic shape. Eq. 12 to 16."""
    levels = np.rint(np.clip(light, 0, 255)).astype(np.intp)
    counts = np.bincount(levels.ravel(), minlength=256)
    logarithms = np.log(np.arange(256) + 1.0)
    weighted = counts * logarithms
    reached = np.cumsum(weighted) / max(float(weighted.sum()), 1e-12)
    wanted = np.cumsum(logarithms) / logarithms.sum()
    curve = np.interp(reached, wanted, np.arange(256))
    return np.asarray(np.interp(light, np.arange(256), curve))


def enhance(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]."""
    light = np.maximum(bright_pass(to_bytes(value(picture))), value(picture) * 255)
    black = light <= 0
    return np.asarray(picture * (np.where(black, 0, bi_log(light)) / np.where(black, 1, light))[..., None])


@METHODS.register("npe", CARD)
def npe() -> nn.Module:
    """Constants as in the paper where it gives them."""
    return PerPicture(enhance)
