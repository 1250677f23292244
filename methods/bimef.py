"""BIMEF: a bio-inspired multi-exposure fusion framework (Ying, Li and Gao, arXiv 1711.00591, 2017; CAIP 2017).

A second exposure is synthesised by a camera model, its ratio chosen for the largest entropy of what is dark, and fused
with the picture by its illumination. The entropy is a ragged function of the ratio, so that the search ends in one of
many local maxima: which one depends on how the mask of what is dark is made smaller. In GNU Octave, where the
reference outputs were made, every sample counts that a dark pixel reaches; in MATLAB those that are dark by half,
which gives larger ratios and brighter pictures (5.7 and 6.9 on the second picture of the set LIME).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fminbound
from torch import nn

from bench.camera_response import expose, illumination
from bench.enhancer import Card, PerPicture, Picture
from bench.octave import entropy, resize
from methods import METHODS

CARD = Card(
    title="BIMEF",
    year=2017,
    family="classical",
    paper="Ying, Li and Gao, A bio-inspired multi-exposure fusion framework, arXiv 1711.00591",
    trust="parity-tested: within 0.0003 of the published code run in GNU Octave, on two photographs",
)
SAMPLE = (50, 50)  # pixels that the entropy is measured on
DARK = 0.5
MU = 0.5  # the fusion weight is illumination^MU


def brighter_exposure(picture: NDArray[np.float64], light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The picture at the exposure ratio in 1..7 that gives its dark parts the largest entropy; itself if none is."""
    small = np.prod(np.maximum(resize(picture, SAMPLE), 0), axis=2) ** (1 / 3)
    dark = resize((light < DARK).astype(np.float64), SAMPLE) != 0
    if not dark.any():
        return picture
    ratio = fminbound(lambda ratio: -entropy(expose(small[dark], ratio)), 1, 7, xtol=1e-4)
    return np.asarray(expose(picture, ratio) - 0.01, dtype=np.float64)


def fuse(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]; the result may leave it by a hundredth."""
    double = picture.astype(np.float64)
    light = illumination(double)
    weight = np.maximum(light, 0)[..., None] ** MU
    return np.asarray(double * weight + brighter_exposure(double, light) * (1 - weight), dtype=np.float64)


@METHODS.register("bimef", CARD)
def bimef() -> nn.Module:
    """Constants as in the authors' code."""
    return PerPicture(fuse)
