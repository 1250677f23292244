"""The fine texture of a photograph: what varies within a few pixels and is no edge.

The logarithm of luma, less what a guided filter keeps of it when it is its own guide (He, Sun and Tang, TPAMI 2013, the
edge-preserving smoothing): all of a step, little of a weave. Where that is amplified, edges get no halos.
"""

import torch
from torch import Tensor

from enlightengan.gain import DARK, moments, towards_mean

RADIUS = 6  # pixels, of the filter's windows
EDGE = 0.003  # its epsilon, a variance of the natural logarithm: what varies much more is an edge
MARGIN = 2 * RADIUS  # pixels around a place that its texture depends on


def texture(grey: Tensor) -> Tensor:
    """The texture of lumas (B, 1, H, W) in [0, 1], a difference of natural logarithms; the same shape."""
    logarithm = torch.log(grey.clamp_min(0).add_(DARK))
    mean, variance = moments(logarithm, RADIUS)
    return logarithm - towards_mean(logarithm, mean, variance / (variance + EDGE), RADIUS)
