"""Exposure fusion (Mertens, Kautz and Van Reeth, Pacific Graphics 2007) of one picture at several virtual exposures."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.camera_response import expose
from bench.enhancer import Card, PerPicture, Picture
from methods import METHODS

CARD = Card(
    title="Exposure fusion",
    year=2007,
    family="classical",
    paper="Mertens, Kautz and Van Reeth, Exposure fusion, Pacific Graphics 2007",
    trust="named variant: OpenCV's MergeMertens, exposures 1, 2, 4, 8 by the camera model of Ying et al. 2017",
)
RATIOS = (1.0, 2.0, 4.0, 8.0)


def fuse(pictures: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Pictures (H, W, 3) in [0, 1] fused by contrast, saturation and well-exposedness; may leave [0, 1] a little."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # several add the weights up in an order that changes from call to call
    try:
        merged = cv2.createMergeMertens().process([np.ascontiguousarray(p * 255, dtype=np.float32) for p in pictures])
    finally:
        cv2.setNumThreads(threads)
    return np.asarray(merged, dtype=np.float64)


def brighten(picture: Picture) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]."""
    double = picture.astype(np.float64)
    return fuse([np.clip(expose(double, ratio), 0, 1) for ratio in RATIOS])


@METHODS.register("exposure_fusion", CARD)
def exposure_fusion() -> nn.Module:
    """Weights all 1, as OpenCV's default."""
    return PerPicture(brighten)
