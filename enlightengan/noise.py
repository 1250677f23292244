"""How noisy a photograph is, and the photograph without that noise.

The level is what a Laplacian's neighbours cannot tell (Immerkaer, Fast Noise Variance Estimation, CVIU 1996), in the
quietest quarter of the photograph: texture there is least. What is nearly black does not count, for its noise is lost
in black. The filter shrinks what varies in a small window towards its
mean, by the share that noise of this level has in it (Lee, TPAMI 1980; the adaptive Wiener filter), averaged over the
windows that cover a pixel. Colour has wider windows than luma: its noise is coarser.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from enlightengan.gain import luma, moments, towards_mean

BLOCK = 16  # pixels, the side of the squares that are compared
QUIETEST = 0.25  # the share of them that is at most as noisy as the level that is found
RADIUS, COLOUR_RADIUS = 2, 4  # pixels, of the windows for luma and colour
BLACK = 2 / 255  # the mean luma below which a square is nearly black
MARGIN = 2 * COLOUR_RADIUS  # pixels around a place that its filtered value depends on
TOLD = 2.0  # times the level's variance that a window's must exceed to be the photograph's
COLOUR_TOLD = 8.0  # likewise, of colour: its noise is coarse, of which a Laplacian sees a part
LEAST = 1e-9  # of a variance


def planes(photograph: Tensor) -> Tensor:
    """Luma, and how far each channel is from it, of (B, 3, H, W): (B, 4, H, W)."""
    grey = luma(photograph)
    return torch.cat([grey, photograph - grey], dim=1)


def unevenness(photograph: Tensor) -> Tensor:
    """The deviation of noise that the Laplacian tells in each whole square of BLOCK pixels: (B, 4, squares).

    Of `planes`; NaN where a square is nearly black. By squares alone, so that parts of a photograph, cut between
    squares, give what the whole gives.
    """
    height, width = (side // BLOCK * BLOCK for side in photograph.shape[-2:])
    if height == 0 or width == 0:
        return photograph.new_zeros(len(photograph), 4, 0)
    values = planes(photograph[..., :height, :width])
    rows = values[..., :-2, :] - 2 * values[..., 1:-1, :] + values[..., 2:, :]
    laplacian = (rows[..., :-2] - 2 * rows[..., 1:-1] + rows[..., 2:]).abs_()
    # What reaches into the next square is not counted: a square has BLOCK - 2 values a side.
    squares = F.pad(laplacian, (0, 2, 0, 2)).reshape(-1, 4, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    inside: Tensor = squares[..., : BLOCK - 2, :, : BLOCK - 2].mean(dim=(-3, -1))
    black = F.avg_pool2d(values[:, :1], BLOCK) < BLACK
    return inside.masked_fill(black, math.nan).flatten(2) * (math.sqrt(math.pi / 2) / 6)


def level(found: Tensor) -> Tensor:
    """The deviation of a photograph's noise, of 1, from its `unevenness`: (B, 4, 1, 1); 0 where no square tells."""
    if found.shape[-1] == 0:
        return found.new_zeros(*found.shape[:2], 1, 1)
    return torch.nanquantile(found, QUIETEST, dim=-1).nan_to_num(0)[..., None, None]


def quieted(photograph: Tensor, levels: Tensor) -> Tensor:
    """`photograph` (B, 3, H, W) in [0, 1] without noise of these `levels` (B, 4, 1, 1)."""
    values = planes(photograph)
    grey = shrunk(values[:, :1], TOLD * levels[:, :1] ** 2, radius=RADIUS)
    return grey + shrunk(values[:, 1:], COLOUR_TOLD * levels[:, 1:] ** 2, radius=COLOUR_RADIUS)


def shrunk(values: Tensor, noise: Tensor, *, radius: int) -> Tensor:
    """`values` (B, C, H, W) with what varies in windows of side 2 `radius` + 1 shrunk by its share of `noise`.

    That is a variance, (B, C, 1, 1).
    """
    mean, variance = moments(values, radius)
    kept = 1 - (noise / variance.clamp_min_(LEAST)).clamp_max_(1)
    return towards_mean(values, mean, kept, radius)
