"""The MSRCR variant in the comparison suite of BIMEF, which many published tables call MSRCR.

It differs from Jobson's (`msrcr`): light is scaled by 255 and lifted by 1 three times over before the logarithm, one is
added to the surround and a half to the ratio, and each channel is stretched twice, the second time with 1 % cut off.
"""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.enhancer import Card, PerPicture, Picture
from bench.octave import gaussian, stretch
from bench.retinex import SCALES
from methods import METHODS

CARD = Card(
    title="MSRCR (BIMEF suite)",
    year=2017,
    family="classical",
    paper="Jobson, Rahman and Woodell, IEEE TIP 1997, as coded in the comparison suite of Ying et al. 2017",
    trust="parity-tested: within 0.0003 of the published code run in GNU Octave, on two photographs",
)
ALPHA = 125.0
CUT = 0.01


def lift(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scaled to 1..256, so that black has a logarithm."""
    return light * 255 + 1


def restore(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]; a channel whose result is constant comes back as it was."""
    light = lift(picture.astype(np.float64))
    lifted = lift(lift(light))
    ratio = np.mean([np.log(lifted) - np.log(gaussian(lifted, sigma) + 1) + 0.5 for sigma in SCALES], axis=0)
    restored = (np.log(ALPHA * light) - np.log(light.sum(axis=2, keepdims=True))) * ratio
    low, high = restored.min(axis=(0, 1)), restored.max(axis=(0, 1))
    flat = high - low < 1e-9
    scaled = (restored - low) / np.where(flat, 1, high - low)
    channels = [picture[..., c] if flat[c] else stretch(scaled[..., c], CUT, CUT) for c in range(3)]
    return np.stack(channels, axis=2)


@METHODS.register("msrcr_bimef", CARD)
def msrcr_bimef() -> nn.Module:
    """Scales 15, 80, 250 pixels, colour balance 1 % at either end."""
    return PerPicture(restore)
