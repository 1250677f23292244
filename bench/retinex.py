"""What the Retinex family shares: Gaussian surrounds, the log ratio, and the colour balance that ends it.

Jobson, Rahman and Woodell 1997 (two papers); Petro, Sbert and Morel, "Multiscale Retinex", IPOL 2014.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

Floats = NDArray[np.floating[Any]]
SCALES = (15.0, 80.0, 250.0)
"""Standard deviations of the three surrounds of multi-scale Retinex, pixels."""


def surround(channel: Floats, sigma: float) -> NDArray[np.float64]:
    """`channel` (H, W) blurred by a Gaussian of `sigma` pixels, exactly, with even symmetry beyond the border.

    In the cosine transform the blur is a product, so the cost does not grow with sigma.
    """
    fall = [np.exp(-0.5 * (sigma * np.pi * np.arange(size) / size) ** 2) for size in channel.shape]
    spectrum = dctn(np.asarray(channel, dtype=np.float64), norm="ortho")
    return np.asarray(idctn(spectrum * np.outer(*fall), norm="ortho"))


def retinex(picture: Floats, scales: Sequence[float]) -> NDArray[np.float64]:
    """Mean over `scales` of log(I) - log(I * G) by channel, (H, W, 3); I in 1 .. 256 so that black has a logarithm."""
    light = np.asarray(picture, dtype=np.float64) * 255 + 1
    ratio = np.zeros_like(light)
    for sigma in scales:
        for channel in range(light.shape[2]):
            ratio[..., channel] -= np.log(np.maximum(surround(light[..., channel], sigma), 1.0)) / len(scales)
    return ratio + np.log(light)


def colour_balance(values: Floats, *, clip: float = 0.01) -> NDArray[np.float64]:
    """Simplest colour balance (Limare et al., IPOL 2011): each channel stretched to [0, 1], `clip` cut off either end.

    A constant channel has nothing to stretch and becomes 0.5.
    """
    low, high = np.quantile(values, (clip, 1 - clip), axis=(0, 1))
    spread = np.where(high - low > 1e-9, high - low, 1.0)
    stretched = np.clip((values - low) / spread, 0, 1)
    return np.where(high - low > 1e-9, stretched, 0.5)
