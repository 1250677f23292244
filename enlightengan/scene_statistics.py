"""The statistics of natural scenes (Ruderman, Network 1994), by which the texture of two pictures is compared.

A loss that compares values asks a network that is unsure of fine texture for its mean, which is smooth; how strong and
how grained texture is, it does not ask for. The luma less its local mean, divided by its local deviation, tells that,
at the size of the picture and at half of it: how far it spreads and how peaked it is, and the same of its products with
four neighbours, whose two sides may differ. NIQE has its features from these fields (Mittal, Soundararajan and Bovik,
IEEE Signal Processing Letters 2013). So a network that is to have the statistics of a given target learns part of what
that metric looks at, though not what the metric calls natural.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from enlightengan.gain import luma

WINDOW, SIGMA = 7, 7 / 6  # pixels, of the local mean and deviation
STEADY = 1.0  # level of 255, added to the deviation
FLAT = 0.01  # added to a variance, for a root has no slope at 0
PATCH = 64  # pixels, the side of the squares that have statistics of their own
SIZES = (1, 2)  # by which the sides are divided
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns away
LEAST = 1e-3  # added to a mean, against logarithms of nothing
SPREAD = 0.05  # the least deviation among squares that a statistic counts as having


def in_levels(pictures: Tensor) -> Tensor:
    """`pictures` as they are seen, in 8 bits of [0, 1]; gradients pass as if nothing had been rounded or cut off."""
    return pictures + (pictures.detach().clamp(0, 1).mul(255).round().div(255) - pictures.detach())


def smoothed(values: Tensor) -> Tensor:
    """(B, 1, H, W) under a Gaussian window, the border replicated."""
    offsets = torch.arange(WINDOW, device=values.device, dtype=values.dtype) - WINDOW // 2
    line = torch.softmax(-(offsets**2) / (2 * SIGMA**2), dim=0)
    padded = F.pad(values, (WINDOW // 2,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))


def local_contrast(grey: Tensor) -> Tensor:
    """(B, 1, H, W) in levels of 255 to what deviates from the local mean, divided by the local deviation plus one."""
    centred = grey - grey.mean((2, 3), keepdim=True)  # squares of smaller numbers lose less in their difference
    mean = smoothed(centred)
    variance = smoothed(centred**2) - mean**2
    return (centred - mean) / (torch.sqrt(variance.clamp_min(0) + FLAT) + STEADY)


def scene_statistics(pictures: Tensor) -> Tensor:
    """Of each whole square of PATCH pixels of (B, 3, H, W) in [0, 1], picture by picture: (squares, 28), logarithms.

    For each size the spread of the local contrast and how flat its distribution is; then, for each neighbour, the
    spread of the product, which of its sides spreads further, and how flat it is.
    """
    grey = luma(in_levels(pictures)) * 255
    found = []
    for factor in SIZES:
        contrast = local_contrast(F.avg_pool2d(grey, factor))
        fields = [contrast.abs(), contrast**2]
        for away in NEIGHBOURS:
            product = contrast * torch.roll(contrast, away, (2, 3))
            fields += [product.abs(), product.clamp_min(0) ** 2, product.clamp_max(0) ** 2]
        means = F.avg_pool2d(torch.cat(fields, dim=1), PATCH // factor).flatten(2).transpose(1, 2).flatten(0, 1)
        size, square, *products = torch.log(means + LEAST).unbind(1)
        found += [square, 2 * size - square]
        for size, above, below in zip(products[::3], products[1::3], products[2::3], strict=True):
            both = torch.logaddexp(above, below)
            found += [both, above - below, 2 * size - both]
    return torch.stack(found, dim=1)


def unlike(pictures: Tensor, targets: Tensor) -> Tensor:
    """How far the statistics of `pictures` are from those of `targets`, both (B, 3, H, W) in [0, 1]: a scalar.

    The mean distance over squares and statistics, in units of a statistic's deviation among the squares of `targets`.
    So it hangs on the whole batch, and a flat square among textured ones makes the others count for less. `pictures`
    may leave [0, 1].
    """
    with torch.no_grad():
        wanted = scene_statistics(targets)
        spread = wanted.std(0, correction=0).clamp_min(SPREAD)
    return ((scene_statistics(pictures) - wanted) / spread).abs().mean()
