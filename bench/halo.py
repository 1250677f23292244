"""How much of a halo a method draws around lamps: the artefact of night photographs that no other metric names.

Luma is Rec. 601 of the 8-bit picture, in [0, 1]. A lamp is a region of the *input* (8-connected) of luma at least
250/255 with at least LEAST pixels and at most LARGEST of the picture; what is larger is a sky or a window. With r = 2 %
of the shorter side, at least 2 pixels, the surround is what lies within r of a lamp, the background what lies from 3 r
to 6 r away; pixels as bright as a lamp belong to neither. The halo is how far

    log2((surround + 1/255) / (background + 1/255)) of the result, minus the same of the input,

with the mean lumas of the two, in stops, lies from 0, where the lamps' surround kept its relation to the background:
above 0 it glows, below 0 a dark rim is drawn, and a person sees either. One factor on the whole picture changes nothing
but by the 1/255, which keeps black from deciding.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from bench.errors import BenchError
from bench.images import to_pixels

SATURATED = 250 / 255
LEAST = 4  # pixels
LARGEST = 0.02  # of the picture
REACH = 0.02  # of the shorter side
LUMA = np.array([0.299, 0.587, 0.114])


def halo(result: NDArray[np.uint8], source: NDArray[np.uint8]) -> float:
    """In stops from 0, which is best; both pictures (H, W, 3) of one size. Raises BenchError when there is no lamp."""
    return abs(glow(result, source))


def glow(result: NDArray[np.uint8], source: NDArray[np.uint8]) -> float:
    """The halo with its sign: above 0 the lamps' surround glows, below 0 it is a dark rim."""
    before, after = (picture @ LUMA / 255 for picture in (source, result))
    near, far = rings(before)
    return _glow(after, near, far) - _glow(before, near, far)


def rings(luma: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The lamps' surround and the background of an input (H, W), as masks. Raises BenchError when either is empty."""
    bright = luma >= SATURATED
    regions, _ = ndimage.label(bright, structure=np.ones((3, 3)))
    areas = np.bincount(regions.ravel())
    lamp = (areas >= LEAST) & (areas <= LARGEST * luma.size)
    lamp[0] = False  # what is not bright
    lamps = lamp[regions]
    if not lamps.any():
        raise BenchError("The halo needs a lamp: a small saturated region in the low-light picture.")
    reach = max(2.0, REACH * min(luma.shape))
    distance = ndimage.distance_transform_edt(~lamps)
    near = (distance <= reach) & ~bright
    far = (distance >= 3 * reach) & (distance <= 6 * reach) & ~bright
    if not near.any() or not far.any():
        raise BenchError("The halo needs dark background around a lamp, and the low-light picture has none.")
    return near, far


def _glow(luma: NDArray[np.float64], near: NDArray[np.bool_], far: NDArray[np.bool_]) -> float:
    return float(np.log2((luma[near].mean() + 1 / 255) / (luma[far].mean() + 1 / 255)))


def score(image: Tensor, source: Tensor | None) -> float:
    """As a metric: the result and the input, both (1, 3, H, W) in [0, 1]."""
    assert source is not None
    return halo(to_pixels(image), to_pixels(source))
