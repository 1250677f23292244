"""NIQE (Mittal, Soundararajan and Bovik, IEEE Signal Processing Letters 20(3), 2013) as the authors' MATLAB release
gives it: pyiqa's block features, of grey values and local contrast that are computed here.

In a flat area the local contrast is zero but for rounding, and NIQE counts the signs of it. pyiqa rounds grey values
and the window to single precision, which moves the score of a photograph by up to 0.08, that of some results by far
more, and makes it depend on the processor. Here every sum has one order, in double precision, so a picture has the same
coefficients everywhere; the order is that of the MATLAB release in GNU Octave. Halving keeps flat areas flat, as its
weights are 256ths.
"""

import math
import warnings
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import scipy.io
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench import iqa
from bench.errors import BenchError
from bench.images import to_pixels
from bench.iqa import Scorer
from bench.octave import half

Plane = NDArray[np.float64]
BLOCK = 96  # pixels; a smaller picture holds no block
WINDOW, SIGMA = 7, 7 / 6  # pixels
MARGIN = WINDOW // 2


def rgb2gray(pixels: NDArray[np.uint8]) -> Plane:
    """(H, W, 3) to (H, W), whole numbers in 0..255, with MATLAB's weights."""
    return _weighted(pixels, (0.298936021293775, 0.587043074451121, 0.114020904255103), 0)


def limited_luma(pixels: NDArray[np.uint8]) -> Plane:
    """(H, W, 3) to Y of YCbCr (H, W), whole numbers in 16..235."""
    return _weighted(pixels, (65.481 / 255, 128.553 / 255, 24.966 / 255), 16)


def _weighted(pixels: NDArray[np.uint8], weights: tuple[float, float, float], offset: int) -> Plane:
    red, green, blue = (weight * pixels[..., k].astype(np.float64) for k, weight in enumerate(weights))
    return np.asarray(np.floor(red + green + blue + (offset + 0.5)), dtype=np.float64)


@cache
def _window() -> Plane:
    """The Gaussian (7, 7) of sum 1. `Decimal` rounds exponentials alike everywhere, mathematical libraries do not."""
    offsets = range(-MARGIN, MARGIN + 1)
    values = [[float(Decimal(-(x * x + y * y) / (2 * SIGMA * SIGMA)).exp()) for x in offsets] for y in offsets]
    return np.array(values) / math.fsum(value for row in values for value in row)


def _smoothed(padded: Plane, window: Plane) -> Plane:
    height, width = (length - 2 * MARGIN for length in padded.shape)
    total = np.zeros((height, width))
    for column in reversed(range(WINDOW)):  # column by column, from the last: the order of a convolution in Octave
        for row in reversed(range(WINDOW)):
            total += window[row, column] * padded[row : row + height, column : column + width]
    return total


def local_contrast(grey: Plane) -> Plane:
    """(H, W) in 0..255 to what deviates from the local mean, divided by the local standard deviation plus one."""
    window, padded = _window(), np.pad(grey, MARGIN, mode="edge")
    contrast = np.empty_like(grey)
    for top in range(0, len(grey), BLOCK):  # strips stay in the processor's cache
        strip = padded[top : top + BLOCK + 2 * MARGIN]
        mean, square = _smoothed(strip, window), _smoothed(strip**2, window)
        contrast[top : top + BLOCK] = (grey[top : top + BLOCK] - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
    return contrast


def scorer(parameters: Path, to_grey: Callable[[NDArray[np.uint8]], Plane]) -> Scorer:
    """NIQE, lower is better, of a picture (1, 3, H, W) in [0, 1], rounded to 8 bits, against the pristine model that
    the file has. The scorer raises BenchError for pictures that are too small or have no texture.
    """
    parts = iqa.parts_of_niqe()
    model = scipy.io.loadmat(parameters)
    mean, covariance = (torch.from_numpy(model[f"{name}_prisparam"]) for name in ("mu", "cov"))

    def features(grey: Plane, block: int) -> Tensor:
        contrast = torch.from_numpy(local_contrast(grey))[None, None]
        return parts.blockproc(contrast, [block, block], fun=parts.compute_feature)  # type: ignore[no-any-return]

    def score(image: Tensor, _: Tensor | None) -> float:
        """NIQE of `image` (1, 3, H, W) in [0, 1]; there is no reference. Raises BenchError."""
        if min(image.shape[-2:]) < BLOCK:
            raise BenchError(f"NIQE needs at least {BLOCK} x {BLOCK} pixels.")
        height, width = (length // BLOCK * BLOCK for length in image.shape[-2:])
        grey = to_grey(to_pixels(image[..., :height, :width]))
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a covariance without degrees of freedom: the error below says it
            blocks = torch.cat([features(grey, BLOCK), features(half(grey), BLOCK // 2)], dim=-1)
            away = mean - parts.nanmean(blocks, dim=1)
            try:
                inverse = torch.linalg.pinv((covariance + parts.nancov(blocks)[0]) / 2)
            except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
                raise BenchError("NIQE has no value for it: there is no texture in it to look at.") from error
            return float((away @ inverse @ away.T).sqrt())

    return score
