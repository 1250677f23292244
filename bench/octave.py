"""What the published MATLAB codes take from the image toolbox, where no Python library does exactly the same.

As GNU Octave's image package 2.14 does it, in which the reference outputs were made. Where MATLAB differs in a way that
shows, the docstring says so. Arrays are float64, (H, W) or (H, W, C) in [0, 1] unless said otherwise.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Floats = NDArray[np.floating[Any]]


def resize(image: Floats, size: tuple[int, int], *, scale: float | None = None) -> NDArray[np.float64]:
    """`imresize`, bicubic with antialiasing, to `size` (height, width); `scale` when it was called with a factor."""
    rows = _resampling(image.shape[0], size[0], scale)
    columns = _resampling(image.shape[1], size[1], scale)
    planes = image.reshape(*image.shape[:2], -1)
    resized = [columns.dot(rows.dot(planes[..., k]).T).T for k in range(planes.shape[2])]
    return np.stack(resized, axis=2).reshape(*size, *image.shape[2:])


def half(image: Floats) -> NDArray[np.float64]:
    """`imresize(image, 0.5)`: half the size, rounded up."""
    return resize(image, (math.ceil(image.shape[0] / 2), math.ceil(image.shape[1] / 2)), scale=0.5)


def _resampling(length: int, wanted: int, scale: float | None) -> csr_matrix:
    """The matrix (wanted, length) that resamples a line: Keys' cubic, a = -0.5, widened when it shrinks.

    MATLAB divides each row by its sum, Octave does not: they are within 1e-4 of 1, and exactly 1 at half size.
    """
    factor = wanted / length if scale is None else scale
    stretch = min(factor, 1.0)
    width = 4 / stretch
    centre = (np.arange(wanted) + 0.5) / factor - 0.5
    taps = np.floor(centre - width / 2).astype(int)[:, None] + np.arange(math.ceil(width) + 2)
    weights = stretch * _cubic(stretch * (centre[:, None] - taps))
    mirrored = np.mod(taps, 2 * length)
    mirrored = np.where(mirrored < length, mirrored, 2 * length - 1 - mirrored)
    rows = np.repeat(np.arange(wanted), taps.shape[1])
    return csr_matrix((weights.ravel(), (rows, mirrored.ravel())), shape=(wanted, length))


def _cubic(x: Floats) -> Floats:
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def gaussian(image: Floats, sigma: float) -> NDArray[np.float64]:
    """`imgaussfilt`: a Gaussian cut at ceil(2 sigma) pixels, the border replicated."""
    from scipy.signal import fftconvolve  # imports half of SciPy: only for who needs it

    radius = math.ceil(2 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    result = np.asarray(image, dtype=np.float64)
    for axis in (0, 1):
        shape = [1] * image.ndim
        shape[axis] = kernel.size
        margins = [(radius, radius) if k == axis else (0, 0) for k in range(image.ndim)]
        padded = np.pad(result, margins, mode="edge")
        result = fftconvolve(padded, kernel.reshape(shape), mode="valid", axes=axis)
    return result


def stretch(plane: Floats, low: float, high: float) -> NDArray[np.float64]:
    """`imadjust(plane, stretchlim(plane, [low, 1 - high]))`: the smallest and largest shares of the values are clipped.

    MATLAB takes the limits from a histogram of 256 bins. Limits that fall together stretch nothing.
    """
    first, last = int(low * plane.size), math.ceil((1 - high) * plane.size) - 1
    bottom, top = np.partition(plane.ravel(), (first, last))[[first, last]]
    return np.clip((plane - bottom) / (top - bottom), 0, 1) if top > bottom else np.asarray(plane, dtype=np.float64)


def to_bytes(image: Floats) -> NDArray[np.uint8]:
    """`im2uint8`: rounded half away from zero, saturated."""
    return np.asarray(np.floor(np.clip(image, 0, 1) * 255 + 0.5), dtype=np.uint8)


def entropy(values: Floats) -> float:
    """`entropy`: bits of the histogram of the values as 8-bit numbers."""
    share = np.bincount(to_bytes(values).ravel(), minlength=256) / values.size
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())
