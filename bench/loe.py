"""LOE, the lightness order error (Wang, Zheng, Hu and Li, IEEE TIP 22(9), 2013), sampled on a grid of 100 x 100.

Lightness is the largest channel of the 8-bit picture. For each sample, the samples are counted whose order to it (at
least as light, or not) differs between the input and the result; the error is the mean of these counts. This is the
definition of the comparison suite of Ying et al. 2017; Wang's own resizes to a longer side of 50 pixels and gives
other numbers.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.images import to_pixels

GRID = 100


def lightness_order_error(result: NDArray[np.uint8], source: NDArray[np.uint8]) -> float:
    """In 0..10,000, lower is better; both (H, W, 3) of one size."""
    first, second = (_samples(picture.max(axis=2)) for picture in (source, result))
    joint = np.zeros((257, 257))
    np.add.at(joint, (first, second), 1)
    # at_least[a, b]: how many samples have a source lightness of at least a and a result lightness of at least b
    at_least = joint[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]
    counts = at_least[first, 0] + at_least[0, second] - 2 * at_least[first, second]
    return float(counts.mean())


def _samples(lightness: NDArray[np.uint8]) -> NDArray[np.intp]:
    # MATLAB's round(linspace(1, n, 100)): halves go up.
    rows, columns = (np.floor(np.linspace(1, n, GRID) + 0.5).astype(int) - 1 for n in lightness.shape)
    return np.asarray(lightness[np.ix_(rows, columns)].ravel(), dtype=np.intp)


def score(image: Tensor, source: Tensor | None) -> float:
    """As a metric: the result and the input, both (1, 3, H, W) in [0, 1]."""
    assert source is not None
    return lightness_order_error(to_pixels(image), to_pixels(source))
