"""The statistics of natural scenes (Ruderman, Network 1994), by which the texture of two pictures is compared.

A loss that compares values asks a network that is unsure of fine texture for its mean, which is smooth; how strong and
how grained texture is, it does not ask for. That is told by the luma less its local mean, divided by its local
deviation, at the size of the picture and at half of it: how far that spreads, how peaked it is, and likewise of its
products with its four neighbours, whose sides may differ. These are what NIQE has its features from (Mittal,
Soundararajan and Bovik, IEEE Signal Processing Letters 2013): a network that learns to have those of a given target
learns part of what that metric looks at, though nothing of what it calls natural.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from enlightengan.gain import luma

WINDOW, SIGMA = 7, 7 / 6  # pixels, of the local mean and deviation
STEADY = 1.0  # level of 255, added to the deviation
PATCH = 64  # pixels, the side of the squares that have statistics of their own
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns further
FLAT = 0.01  # of a variance, where a root has no slope
LEAST = 1e-3  # of a mean, against logarithms of nothing
SPREAD = 0.05  # the least deviation that a statistic counts as having among targets


def in_levels(pictures: Tensor) -> Tensor:
    """`pictures` in [0, 1] rounded to 8 bits, as they are seen; gradients go through as if they were not."""
    return pictures + (pictures.detach().clamp(0, 1).mul(255).round().div(255) - pictures.detach())


def local_contrast(grey: Tensor) -> Tensor:
    """(B, 1, H, W) in levels of 255 to what deviates from the local mean, divided by the local deviation plus one."""
    offsets = torch.arange(WINDOW, device=grey.device, dtype=grey.dtype) - WINDOW // 2
    line = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    line = line / line.sum()

    def smooth(values: Tensor) -> Tensor:
        padded = F.pad(values, (WINDOW // 2,) * 4, mode="replicate")
        return F.conv2d(F.conv2d(padded, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))

    centred = grey - grey.mean((2, 3), keepdim=True)  # squares of smaller numbers cancel with less loss
    mean = smooth(centred)
    variance = smooth(centred**2) - mean**2
    return (centred - mean) / (torch.sqrt(variance.clamp_min(0) + FLAT) + STEADY)


def scene_statistics(pictures: Tensor) -> Tensor:
    """Of each square of PATCH pixels of (B, 3, H, W) in [0, 1], H and W at least PATCH: (squares, 28), logarithms."""
    grey = luma(in_levels(pictures)) * 255
    found = []
    for factor in (1, 2):
        contrast = local_contrast(F.avg_pool2d(grey, factor) if factor > 1 else grey)
        fields = [contrast.abs(), contrast**2]
        for rows, columns in NEIGHBOURS:
            product = contrast * torch.roll(contrast, (rows, columns), (2, 3))
            fields += [product.clamp_min(0) ** 2, product.clamp_max(0) ** 2, product.abs()]
        means = F.avg_pool2d(torch.cat(fields, 1), PATCH // factor).flatten(2).transpose(1, 2).flatten(0, 1)
        logarithms = torch.log(means + LEAST)
        size, square, *products = logarithms.unbind(1)
        found += [square, 2 * size - square]
        for k in range(0, len(products), 3):
            above, below, each = products[k : k + 3]
            both = torch.logaddexp(above, below)
            found += [both, above - below, 2 * each - both]
    return torch.stack(found, 1)


def unlike(pictures: Tensor, targets: Tensor) -> Tensor:
    """How far the statistics of `pictures` are from those of `targets`, (B, 3, H, W) in [0, 1], in their deviation
    among the squares of the targets: a scalar."""
    with torch.no_grad():
        wanted = scene_statistics(targets)
        spread = wanted.std(0, correction=0).clamp_min(SPREAD)
    return ((scene_statistics(pictures) - wanted) / spread).abs().mean()
