"""Noise as cameras leave it in dark photographs, for inputs that are to come out without it.

As the noisy ones of EnlightenGAN's own training set have it (`benchmarks/camera_noise.py`): a little coarser than a
pixel, nearly each channel's own, and a little stronger where there is more light. `bench.darken` has a sensor's noise,
before what a camera makes of it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

WIDTHS = (0.4, 0.6)  # pixels, the deviation of the Gaussian by which it is coarse: next pixels correlate by 0.1 to 0.4
COMMON = (0.0, 0.5)  # shares of its power that all channels have in common
REACH = 3  # pixels, of that Gaussian
LEVEL = 10.0  # of 255, where the noise has the deviation that is asked for
FLOOR = 20.0  # levels, added to what the deviation is the square root of
MOST = 1.5  # times that deviation, where it is bright


def camera_noise(levels: Tensor, deviations: Tensor, source: torch.Generator) -> Tensor:
    """`levels` (B, 3, H, W) of 255 with noise of these `deviations` (B,), whole and in [0, 255].

    How coarse it is and what the channels have in common is drawn for each item, from `source`, of the same device.
    """
    count, _, height, width = levels.shape
    drawn = torch.rand(2, count, generator=source, device=levels.device)
    widths, common = (least + (most - least) * of for (least, most), of in zip((WIDTHS, COMMON), drawn, strict=True))
    size = (count, 4, height + 2 * REACH, width + 2 * REACH)
    made = coarse(torch.randn(size, generator=source, device=levels.device), widths)
    common = common[:, None, None, None]
    mixed = common.sqrt() * made[:, :1] + (1 - common).sqrt() * made[:, 1:]
    grown = ((levels.clamp_min(0) + FLOOR) / (LEVEL + FLOOR)).sqrt().clamp_max(MOST)
    noisy: Tensor = levels + deviations[:, None, None, None] * grown * mixed
    return noisy.round().clamp(0, 255)


def coarse(white: Tensor, widths: Tensor) -> Tensor:
    """`white` (B, C, H, W) under Gaussians of these `widths` (B,), as strong as before; REACH less on each side."""
    offsets = torch.arange(-REACH, REACH + 1, device=white.device)
    lines = torch.exp(-(offsets**2) / (2 * widths[:, None] ** 2))
    lines = (lines / lines.norm(dim=1, keepdim=True)).repeat_interleave(white.shape[1], dim=0)
    across = F.conv2d(white.flatten(0, 1)[None], lines[:, None, None, :], groups=len(lines))
    made = F.conv2d(across, lines[:, None, :, None], groups=len(lines))
    return made.view(*white.shape[:2], *made.shape[-2:])
