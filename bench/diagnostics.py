"""What a result looks like, in numbers that are neither good nor bad: colours, brightness, clipping, noise in the dark.

All take (1, 3, H, W) in [0, 1]. Colourfulness: Hasler and Suesstrunk, Measuring colourfulness in natural images, SPIE
5007, 2003. Noise: the mask of Immerkaer, Fast noise variance estimation, CVIU 64(2), 1996, with the median absolute
deviation in place of the mean, so that edges weigh little.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.colour import luma
from bench.errors import BenchError

Plane = NDArray[np.float64]
MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)  # of white noise sigma it makes 6 sigma
NORMAL_MAD = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
DARKEST = 0.25  # share of the picture that counts as dark
SMOOTH_WINDOW = 9  # pixels
FEWEST = 64  # pixels that a median is taken over


def colourfulness(image: Tensor, _: Tensor | None = None) -> float:
    """M3 of the paper on 0 to 255: grey is 0, about 45 is fairly and above 80 very colourful."""
    red, green, blue = _pixels(image).transpose(2, 0, 1) * 255
    first, second = red - green, (red + green) / 2 - blue
    return float(np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean()))


def mean_brightness(image: Tensor, _: Tensor | None = None) -> float:
    """The mean over RGB, 0 to 255."""
    return float(_pixels(image).mean() * 255)


def clipped_dark(image: Tensor, _: Tensor | None = None) -> float:
    """The share of pixels whose three channels are 0."""
    return float((_pixels(image).max(axis=2) <= 0).mean())


def clipped_bright(image: Tensor, _: Tensor | None = None) -> float:
    """The share of pixels of which a channel is 255."""
    return float((_pixels(image).max(axis=2) >= 1).mean())


def dark_noise(image: Tensor, source: Tensor | None) -> float:
    """Standard deviation, in levels of 0 to 255, of the result's luma where the input is dark and smooth.

    Dark is the darkest quarter of the input, blurred; smooth the half of it with the least spread there. Clipped
    pixels of the result, which show no noise, are left out. Raises BenchError when too few pixels remain.
    """
    assert source is not None
    result, low = luma(_pixels(image)) * 255, luma(_pixels(source)) * 255
    mean = cv2.blur(low, (SMOOTH_WINDOW, SMOOTH_WINDOW))
    spread = cv2.blur(low**2, (SMOOTH_WINDOW, SMOOTH_WINDOW)) - mean**2
    dark = mean <= np.quantile(mean, DARKEST)
    chosen = dark & (spread <= np.median(spread[dark])) & (result > 0) & (result < 255)
    if chosen.sum() < FEWEST:
        raise BenchError(f"Fewer than {FEWEST} dark, smooth pixels that are not clipped: no noise can be estimated.")
    answers = cv2.filter2D(result, cv2.CV_64F, MASK)[chosen]
    return float(np.median(np.abs(answers - np.median(answers))) * NORMAL_MAD / 6)


def _pixels(image: Tensor) -> Plane:
    return np.asarray(image.squeeze(0).permute(1, 2, 0).numpy(), dtype=np.float64)
