"""How much brighter each place becomes, without texture: a gain that is smooth except where the photograph has edges.

The logarithm of the gain of each channel is a linear function of the logarithm of the photograph's luma, fitted in
every window and averaged over the windows that cover a pixel: the guided filter of He, Sun and Tang (TPAMI 2013) with
the luma as its guide. The function changes slowly, so that it may be fitted on a small picture and applied to a large
one, as in He and Sun, Fast Guided Filter (arXiv 1505.00996).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from enlightengan.networks import LUMA

DARK = 0.02  # of 1, added before logarithms: below it there is more noise than picture


def luma(pictures: Tensor) -> Tensor:
    """Rec. 601 luma of (B, 3, H, W) in [0, 1], as (B, 1, H, W)."""
    weights = pictures.new_tensor(LUMA)[:, None, None]
    return (pictures * weights).sum(1, keepdim=True)


def box(values: Tensor, radius: int) -> Tensor:
    """The mean over the square of side 2 `radius` + 1 around each pixel, edges repeated; (B, C, H, W) likewise."""
    side = 2 * radius + 1
    padded = F.pad(values, [radius] * 4, mode="replicate")
    if torch.compiler.is_exporting():  # two nodes of the graph instead of two dozen
        return F.avg_pool2d(F.avg_pool2d(padded, (side, 1), stride=1), (1, side), stride=1)
    return sums(sums(padded, side, dim=-2), side, dim=-1) / side**2


def sums(values: Tensor, count: int, *, dim: int) -> Tensor:
    """The sum of each `count` neighbours along `dim`, which becomes `count` - 1 shorter; by doubling, faster than a
    pooling."""
    length, place, width = values.shape[dim] - count + 1, 0, 1
    total = values.new_zeros(())
    while True:
        if count & width:
            total = total + values.narrow(dim, place, length)
            place += width
        if 2 * width > count:
            return total
        rest = values.shape[dim] - width
        values = values.narrow(dim, 0, rest) + values.narrow(dim, width, rest)
        width *= 2


def moments(values: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of `values` (B, C, H, W) in the window of side 2 `radius` + 1 around each pixel, likewise."""
    mean = box(values, radius)
    return mean, (box(values * values, radius) - mean * mean).clamp_min_(0)


def towards_mean(values: Tensor, mean: Tensor, kept: Tensor, radius: int) -> Tensor:
    """`values` of which each window keeps the share `kept` of what differs from its `mean`, averaged over the windows
    that cover a pixel; all (B, C, H, W)."""
    return torch.addcmul(box(mean - kept * mean, radius), box(kept, radius), values)


def linear(guide: Tensor, values: Tensor, *, radius: int, epsilon: float) -> tuple[Tensor, Tensor]:
    """Slope and offset, (B, C, H, W) each, by which `guide` (B, 1, H, W) tells `values` (B, C, H, W) best.

    Least squares in windows of side 2 `radius` + 1, slopes held down by `epsilon`; the mean over the windows.
    """
    mean_guide, mean = box(guide, radius), box(values, radius)
    slope = (box(guide * values, radius) - mean_guide * mean) / (box(guide**2, radius) - mean_guide**2 + epsilon)
    return box(slope, radius), box(mean - slope * mean_guide, radius)


def fitted_gain(photograph: Tensor, enhanced: Tensor, *, radius: int, epsilon: float) -> tuple[Tensor, Tensor]:
    """Slope and offset of the gain from `photograph` to `enhanced`, both (B, 3, H, W) in [0, 1], for `gain_at`.

    Channel by channel, so that colours are those of `enhanced`. `epsilon` is a variance of the natural logarithm of
    luma: what varies less is no edge.
    """
    gain = torch.log((enhanced + DARK) / (photograph + DARK))
    return linear(torch.log(luma(photograph) + DARK), gain, radius=radius, epsilon=epsilon)


def log_gain(grey: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    """The logarithm of the gain where the luma is `grey` (B, 1, H, W); the others and the result are (B, 3, H, W)."""
    return torch.addcmul(offset, slope, torch.log(grey + DARK))


def gain_at(photograph: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    """The gain at each place of `photograph`, all (B, 3, H, W)."""
    return log_gain(luma(photograph), slope, offset).exp_()


def with_gain(photograph: Tensor, gain: Tensor) -> Tensor:
    """`photograph` in [0, 1] times `gain`, both (B, 3, H, W), within [0, 1]."""
    return torch.addcmul(gain.new_tensor(-DARK), photograph + DARK, gain).clamp_(0, 1)


def with_shoulder(photograph: Tensor, gain: Tensor) -> Tensor:
    """As `with_gain`, but where the gain exceeds 1 what is bright already rises less, and white stays white.

    x gain / (1 + (gain - 1) x^2): next to nothing changes where x is small.
    """
    squeezed = 1 + (gain - 1).clamp_(min=0) * photograph**2 * (1 + DARK)
    return torch.addcmul(gain.new_tensor(-DARK), photograph + DARK, gain).div_(squeezed).clamp_(0, 1)
