"""SRIE: a weighted variational model for simultaneous reflectance and illumination (Fu et al., CVPR 2016).

minimise  |r + l - s|^2 + c1 |e^r grad r|_1 + c2 |e^l grad l|^2  with r <= 0 and l >= s, logarithms of values in 1..256,
on V. The weights e^r, e^l are those of the previous iterate, as the authors do; the L1 term is reweighted least squares
(the authors split it), so that both steps are one sparse system each.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter
from torch import nn

from bench.colour import value, with_value
from bench.enhancer import Card, PerPicture, Picture
from bench.smoothing import Plane, differences, smooth
from methods import METHODS

CARD = Card(
    title="SRIE",
    year=2016,
    family="classical",
    paper="Fu et al., A weighted variational model for simultaneous reflectance and illumination, CVPR 2016",
    trust="from the paper: c1 0.01, c2 0.1, gamma 2.2; reweighted least squares instead of splitting",
)
C1, C2, GAMMA = 0.01, 0.1, 2.2
ITERATIONS, ENOUGH = 20, 1e-3  # at most so many; until r and l change by less than a thousandth
FLOOR = 1e-3  # below which a gradient counts as none in the reweighting
SURROUND = 5.0  # pixels, of the first guess of the illumination


def objective(s: Plane, r: Plane, light: Plane) -> float:
    """The value that is minimised."""
    reflectance = sum(float(np.abs(np.exp(r) * step).sum()) for step in differences(r))
    illumination = sum(float(((np.exp(light) * step) ** 2).sum()) for step in differences(light))
    return float(((r + light - s) ** 2).sum()) + C1 * reflectance + C2 * illumination


def iterations(s: Plane) -> Iterator[tuple[Plane, Plane]]:
    """The iterates (r, l), the first guess first; `s` is the logarithm of values in 1..256."""
    light = np.maximum(gaussian_filter(s, SURROUND, mode="nearest"), s)
    r = np.zeros_like(s)
    yield r, light
    for _ in range(ITERATIONS):
        scale = np.exp(r)
        weights = [C1 * scale / np.maximum(2 * np.abs(step), FLOOR) for step in differences(r)]
        r = np.minimum(smooth(s - light, *weights, start=r, tolerance=ENOUGH), 0)
        weights = [C2 * np.exp(2 * light)] * 2
        light = np.maximum(smooth(s - r, *weights, start=light, tolerance=ENOUGH), s)
        yield r, light


def decompose(s: Plane) -> tuple[Plane, Plane]:
    """(r, l) when they have settled."""
    settled = iterations(s)
    for (old_r, old_light), (r, light) in pairwise(settled):
        moved = max(_change(old_r, r), _change(old_light, light))
        if moved < ENOUGH:
            break
    return r, light


def _change(old: Plane, new: Plane) -> float:
    return float(np.linalg.norm(new - old) / max(float(np.linalg.norm(new)), 1e-12))


def enhance(picture: Picture) -> Plane:
    """(H, W, 3) in [0, 1]."""
    r, light = decompose(np.log(value(picture) * 255 + 1))
    brightened = 256 * (np.exp(light) / 256) ** (1 / GAMMA)
    return with_value(picture, (np.exp(r) * brightened - 1) / 255)


@METHODS.register("srie", CARD)
def srie() -> nn.Module:
    """Constants as in the paper."""
    return PerPicture(enhance)
