"""MF: a fusion-based enhancing method for weakly illuminated images (Fu et al., Signal Processing 129, 2016).

Three versions of the illumination (as it is, brightened by an arctangent, with local contrast) are fused in a pyramid
by how well exposed and how colourful they are, and put back.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.colour import value
from bench.enhancer import Card, PerPicture, Picture, to_bytes
from methods import METHODS

CARD = Card(
    title="MF",
    year=2016,
    family="classical",
    paper="Fu et al., A fusion-based enhancing method for weakly illuminated images, Signal Processing 2016",
    trust="from the paper: closing by a disk of 15 pixels, guided filter of radius 7 and 0.001, OpenCV's CLAHE",
)
DISK, RADIUS, SOFTNESS = 15, 7, 1e-3
ALPHA, PHI = 2.0, np.deg2rad(250)  # of the chromatic contrast
Plane = NDArray[np.float64]


def illumination(picture: Picture) -> Plane:
    """The largest channel, closed by a disk and guided back to its edges, in (0, 1], (H, W). Eq. 2 to 4."""
    brightest = value(picture)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (DISK, DISK))
    closed = cv2.morphologyEx(brightest, cv2.MORPH_CLOSE, disk, borderType=cv2.BORDER_REFLECT)
    return np.clip(np.maximum(_guided(brightest, closed), brightest), 1 / 255, 1)


def _guided(guide: Plane, plane: Plane) -> Plane:
    def mean(values: Plane) -> Plane:
        return np.asarray(cv2.blur(values, (2 * RADIUS + 1,) * 2, borderType=cv2.BORDER_REFLECT))

    middle, average = mean(guide), mean(plane)
    slope = (mean(guide * plane) - middle * average) / (mean(guide * guide) - middle**2 + SOFTNESS)
    return mean(slope) * guide + mean(average - slope * middle)


def versions(light: Plane) -> list[Plane]:
    """The illumination, its arctangent (Eq. 6, 7) and its CLAHE, each in [0, 1]."""
    middle = float(light.mean())
    steepness = 10 + (1 - middle) / middle
    local = cv2.createCLAHE(2.0, (8, 8)).apply(to_bytes(light)) / 255
    return [light, 2 / np.pi * np.arctan(steepness * light), local]


def fuse(planes: list[Plane], weights: list[Plane]) -> Plane:
    """Laplacian pyramids blended by Gaussian pyramids of the weights. Eq. 11 to 13."""
    depth = max(int(np.log2(min(planes[0].shape))), 0)
    total = np.sum(weights, axis=0)
    fused: list[Plane] | None = None
    for plane, weight in zip(planes, weights, strict=True):
        shares = _gaussian_pyramid(weight / total, depth)
        gaussian = _gaussian_pyramid(plane, depth)
        bands = [fine - _expanded(coarse, fine.shape) for fine, coarse in pairwise(gaussian)]
        blended = [share * band for share, band in zip(shares, [*bands, gaussian[-1]], strict=True)]
        fused = blended if fused is None else [a + b for a, b in zip(fused, blended, strict=True)]
    assert fused is not None
    result = fused[-1]
    for band in reversed(fused[:-1]):
        result = band + _expanded(result, band.shape)
    return result


def _gaussian_pyramid(plane: Plane, depth: int) -> list[Plane]:
    pyramid = [plane]
    for _ in range(depth):
        pyramid.append(np.asarray(cv2.pyrDown(pyramid[-1])))
    return pyramid


def _expanded(plane: Plane, shape: tuple[int, ...]) -> Plane:
    return np.asarray(cv2.pyrUp(plane, dstsize=(shape[1], shape[0])))


def enhance(picture: Picture) -> Plane:
    """(H, W, 3) in [0, 1]."""
    light = illumination(picture)
    hue, saturation, _ = cv2.split(cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2HSV))
    colourful = 1 + np.cos(ALPHA * np.deg2rad(hue) + PHI) * saturation  # Eq. 9
    planes = versions(light)
    weights = [np.exp(-((p - 0.5) ** 2) / (2 * 0.25**2)) * (p * colourful) + 1e-9 for p in planes]  # Eq. 8 to 10
    return picture * (fuse(planes, weights) / light)[..., None]


@METHODS.register("mf", CARD)
def mf() -> nn.Module:
    """Constants as in the paper where it gives them."""
    return PerPicture(enhance)
