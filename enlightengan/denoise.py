"""A dark photograph without its noise: what a network that is to leave noise out is taught with.

What is wanted of a dark photograph has its noise otherwise, and what asks for texture then asks for that, too. Its
level is told by colour: noise is nearly each channel's own, texture mostly common to them. The noise goes by non-local
means (Buades, Coll and Morel, CVPR 2005).
"""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from enlightengan.gain import box
from enlightengan.noise import level, unevenness

# Times what a Laplacian tells of red's and of blue's difference from luma together: the noise of a channel, of which
# next pixels correlate by 0.24 and channels by 0.22 (`benchmarks/camera_noise.py`).
TOLD_BY_COLOUR = 0.9
LEAST = 0.3 / 255  # a level below which nothing is done: rounding's own deviation
STRENGTH = 1.4  # times the deviation: how unlike patches may be
UNLIKE = 5.0  # beyond which, in squares of that, a place counts for nothing: what is like no other stays
RADIUS, REACH = 2, 7  # pixels, of the patches that are compared, and how far away they are looked for


def noise_deviations(photographs: Tensor) -> Tensor:
    """The deviation of a channel's noise in each of (B, 3, H, W), of 1: (B,); 0 where it is grey or nearly black."""
    found = level(unevenness(photographs)).flatten(1)
    return TOLD_BY_COLOUR * (found[:, 1] + found[:, 3])


def without_noise(photograph: Tensor) -> Tensor:
    """`photograph` (1, 3, H, W) in [0, 1] without noise; between 8-bit levels, too, for it is to be brightened."""
    deviation = float(noise_deviations(photograph))
    return photograph if deviation < LEAST else non_local_means(photograph, deviation)


def non_local_means(image: Tensor, deviation: float) -> Tensor:
    """`image` (B, C, H, W), sides above 2 REACH, whose noise has this `deviation`, averaged over like places.

    Two places are as alike as each other, so that half of the ways between them are computed.
    """
    height, width = image.shape[-2:]
    around = F.pad(image, [2 * REACH] * 4, mode="reflect")

    def moved(values: Tensor, row: int, column: int, *, by: int, less: int) -> Tensor:
        """What lies there from each place, of `values` that reach `by` beyond the image, for `less` beyond it."""
        top, left = by - less + row, by - less + column
        return values[..., top : top + height + 2 * less, left : left + width + 2 * less]

    wide = moved(around, 0, 0, by=2 * REACH, less=REACH)
    total, weights = image.clone(), torch.ones_like(image[:, :1])
    ways = itertools.product(range(-REACH, REACH + 1), repeat=2)
    for row, column in (way for way in ways if way > (0, 0)):
        there = moved(around, row, column, by=2 * REACH, less=REACH)
        apart = box((wide - there).square_().mean(1, keepdim=True), RADIUS) - 2 * deviation**2
        apart = apart.clamp_min_(0).div_((STRENGTH * deviation) ** 2)
        alike = torch.exp(-apart).masked_fill_(apart > UNLIKE, 0)
        for sign, at in ((1, (0, 0)), (-1, (-row, -column))):
            weight = moved(alike, *at, by=REACH, less=0)
            total.addcmul_(weight, moved(wide, sign * row, sign * column, by=REACH, less=0))
            weights.add_(weight)
    return total.div_(weights)
