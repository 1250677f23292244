"""A dark photograph without its noise: what a network that is to leave noise out is taught with.

What is wanted of a dark photograph has its noise otherwise, and what asks for texture then asks for that, too. Its
level is told by colour: noise is nearly each channel's own, texture mostly common to them. Non-local means (Buades,
Coll and Morel, CVPR 2005) by scikit-image.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from enlightengan.noise import level, unevenness

# Times what a Laplacian tells of red's and of blue's difference from luma together: the noise of a channel, of which
# next pixels correlate by 0.24 and channels by 0.22 (`benchmarks/camera_noise.py`).
TOLD_BY_COLOUR = 0.9
LEAST = 0.3 / 255  # a level below which nothing is done: rounding's own deviation
STRENGTH = 1.1  # times the deviation: how unlike patches may be
PATCH, REACH = 5, 7  # pixels, the side of what is compared, and how far away that is looked for


def noise_deviation(photograph: Tensor) -> float:
    """The deviation of a channel's noise in `photograph` (1, 3, H, W), of 1; 0 where it is grey or nearly black."""
    _, red, _, blue = level(unevenness(photograph))[0].flatten().tolist()
    return float(TOLD_BY_COLOUR * (red + blue))


def without_noise(photograph: Tensor) -> Tensor:
    """`photograph` (1, 3, H, W) in [0, 1] without noise; between 8-bit levels, too, for it is to be brightened."""
    from skimage.restoration import denoise_nl_means

    deviation = noise_deviation(photograph)
    if deviation < LEAST:
        return photograph
    values: Any = photograph[0].permute(1, 2, 0).numpy()
    how = {"patch_size": PATCH, "patch_distance": REACH, "h": STRENGTH * deviation, "sigma": deviation}
    cleaned = denoise_nl_means(values, fast_mode=True, channel_axis=2, **how)
    return torch.from_numpy(np.asarray(cleaned, np.float32)).permute(2, 0, 1)[None].clamp(0, 1)
