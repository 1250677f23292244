"""The fine texture of a photograph, and how much of it is made stronger.

Texture is what varies within a few pixels and is no edge: the logarithm of luma, less what a guided filter keeps of it
when it is its own guide (He, Sun and Tang, TPAMI 2013, the edge-preserving smoothing): all of a step, little of a
weave. Where that is amplified, edges get no halos.

What is faint is made the strongest and nothing is changed by more than a bound, so that what was crisp stays as it was.
Left alone is what is too faint to be the photograph's, what 8 bits round away; and, where an `Emphasis` asks for it,
what is no stronger than the noise, as far as that becomes strong enough to be seen where a place is brightened.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from enlightengan.gain import DARK, box, moments, towards_mean

RADIUS = 6  # pixels, of all windows here
EDGE = 0.003  # the filter's epsilon, a variance of the natural logarithm: what varies much more is an edge
FAINTEST = 0.003**2  # the variance of texture, likewise, of which half is left alone: that of rounded bright places
TINY = 1e-20  # of a variance's square, against division by zero
MARGIN = 3 * RADIUS  # pixels around a place that what is added there depends on


class Emphasis(NamedTuple):
    """How much stronger texture becomes, and where noise keeps it from that."""

    strength: float
    """Times faint texture that is added to it."""
    most: float
    """That is added anywhere, a difference of natural logarithms."""
    seen: float
    """The deviation of noise, of 1, times the gain, of which half is seen; infinity: none is."""


CHOSEN = Emphasis(strength=3.0, most=0.15, seen=3 / 255)  # by benchmarks/choose_texture.py


def texture(grey: Tensor) -> Tensor:
    """The texture of lumas (B, 1, H, W) in [0, 1], a difference of natural logarithms; the same shape."""
    logarithm = torch.log(grey.clamp_min(0).add_(DARK))
    mean, variance = moments(logarithm, RADIUS)
    return logarithm - towards_mean(logarithm, mean, variance / (variance + EDGE), RADIUS)


def emphasis(grey: Tensor, noise: Tensor, log_gain: Tensor, how: Emphasis = CHOSEN) -> Tensor:
    """What is added to the logarithm of the gain, and so to that of luma, to make texture stronger: (B, 1, H, W).

    `grey` is the luma, (B, 1, H, W) in [0, 1], without its noise, whose deviation was `noise` (B, 1, 1, 1), and
    `log_gain` (B, 1, H, W) tells how much each place is brightened.
    """
    found = texture(grey)
    variance = box(found * found, RADIUS)
    share = told(variance, FAINTEST)
    if math.isfinite(how.seen):
        unseen = 1 / (1 + (log_gain.clamp_min(0).exp_() * (noise / how.seen)) ** 2)
        left = told(variance, (noise / grey.clamp_min(0).add_(DARK)) ** 2)
        share.mul_(torch.lerp(left, left.new_ones(()), unseen))
    return found.mul_(share).mul_(how.strength / how.most).tanh_().mul_(how.most)


def told(variance: Tensor, disturbance: Tensor | float) -> Tensor:
    """The share of a `variance` that counts where one of `disturbance` may hide in it: all or none, a half if equal."""
    squared = variance * variance
    return squared / (squared + disturbance**2 + TINY)
