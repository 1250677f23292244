"""Distances to a reference: SSIM over RGB, and PSNR and SSIM after the result is given the reference's brightness.

The GT-mean variants scale the result by mean(reference) / mean(result), both of the grey picture (Rec. 601), and clip
it to [0, 1], as the published code of Retinexformer (ICCV 2023) does under the option GT_mean. They say how good a
result would be had its brightness been known, so they are no rivals of the plain ones and carry names of their own.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.colour import luma
from bench.errors import BenchError

Floats = NDArray[np.floating]


def ssim_rgb(image: Tensor, reference: Tensor | None) -> float:
    """Both (1, 3, H, W) in [0, 1]."""
    return _ssim(*_pair(image, reference))


def ssim_gtmean(image: Tensor, reference: Tensor | None) -> float:
    """As `ssim_rgb`, of the scaled result."""
    result, truth = _pair(image, reference)
    return _ssim(scaled_to(result, truth), truth)


def psnr_gtmean(image: Tensor, reference: Tensor | None) -> float:
    """In dB, over RGB, of the scaled result. Infinite, hence an error's row, when the two are equal."""
    from skimage.metrics import peak_signal_noise_ratio

    result, truth = _pair(image, reference)
    with np.errstate(divide="ignore"):
        return float(peak_signal_noise_ratio(truth, scaled_to(result, truth), data_range=1.0))


def scaled_to(result: Floats, truth: Floats) -> Floats:
    """`result` with the mean grey of `truth`, clipped; both (H, W, 3) in [0, 1]. Raises BenchError for a black one."""
    mean = float(luma(result).mean())
    if mean == 0:
        raise BenchError("The result is black: no factor gives it the reference's brightness.")
    scaled = np.clip(result * (float(luma(truth).mean()) / mean), 0, 1)
    return np.asarray(scaled, dtype=truth.dtype)


def _ssim(result: Floats, truth: Floats) -> float:
    from skimage.metrics import structural_similarity

    return float(structural_similarity(result, truth, channel_axis=2, data_range=1.0))


def _pair(image: Tensor, reference: Tensor | None) -> tuple[Floats, Floats]:
    assert reference is not None
    first, second = (t.squeeze(0).permute(1, 2, 0).numpy() for t in (image, reference))
    return first, second
