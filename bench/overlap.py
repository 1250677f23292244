"""Does a training photograph show what a test photograph shows? Whole pictures by perceptual hash, parts by features.

The hash is the DCT hash of C. Zauner (Implementation and Benchmarking of Perceptual Image Hash Functions, 2010) after
histogram equalization, so that exposures of one scene agree, and over the four flips of augmentation. Parts are found
by ORB features (Rublee et al., ICCV 2011) that agree on one similarity transform (RANSAC), mirrored or not.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.images import read_rgb

T = TypeVar("T")

NEAR = 8
"""Bits of 63 in which hashes of one scene may differ. Of 159,744 pairs of 1,536 training and 104 test photographs none
came so near."""
AGREEING = 10
"""Features that must agree on one transform. Of 12,000 pairs of EnlightenGAN's crops and LOL eval15 (with references)
those of one scene have 14 to 68; no other has 10."""
SIDE = 480  # pixels of the longer side on which features are looked for
FEATURES = 800
RATIO = 0.8  # a feature's best match must be this much nearer than its second (Lowe)
OFF = 4.0  # pixels that a feature may lie off the transform
SCALES = (0.25, 4.0)  # of the transform; beyond, many features fall on few and agree by accident


@dataclass(frozen=True)
class Overlap:
    """Two photographs that seem to show the same; `told` says by what."""

    train: Path
    test: Path
    told: str


@dataclass(frozen=True)
class Features:
    """Positions (N, 2) and descriptors (N, 32) of a picture."""

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


def same_whole(train: Sequence[Path], test: Sequence[Path], *, tick: Callable[[], None]) -> Iterator[Overlap]:
    """Pairs whose hashes differ in at most NEAR bits. `tick` is called after every photograph read.

    A picture of one colour, whose hash has no bit, is like no other.
    """
    known = np.stack([_ticked(hashes, path, tick)[0] for path in test])
    for path in train:
        flips = _ticked(hashes, path, tick)
        apart = (flips[:, None] != known[None]).sum(2).min(0)
        for bits, other, hashed in zip(apart, test, known, strict=True):
            if bits <= NEAR and flips.any() and hashed.any():
                yield Overlap(path, other, f"hashes differ in {bits} of 63 bits")


def same_part(train: Sequence[Path], test: Sequence[Path], *, tick: Callable[[], None]) -> Iterator[Overlap]:
    """Pairs of which at least AGREEING features agree on one transform, mirrored or not. `tick` as above."""
    known = [_ticked(features, path, tick) for path in test]
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    for path in train:
        grey = _ticked(_equalised, path, tick)
        sides = [_features(grey), _features(np.ascontiguousarray(grey[:, ::-1]))]
        for other, seen in zip(test, known, strict=True):
            agreeing = max(agreement(side, seen, matcher) for side in sides)
            if agreeing >= AGREEING:
                yield Overlap(path, other, f"{agreeing} features agree")


def hashes(path: Path) -> NDArray[np.bool_]:
    """The hash of a photograph as it is, mirrored, upside down and turned by 180 degrees: (4, 63)."""
    small = cv2.resize(_equalised(path), (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()[1:]
    # A mirrored picture has the same coefficients, the odd ones along that axis negated.
    row, column = (index.ravel()[1:] % 2 for index in np.indices((8, 8)))
    flips = [low * (-1.0) ** signs for signs in (0 * row, column, row, row + column)]
    return np.stack([flipped > np.median(flipped) for flipped in flips])


def features(path: Path) -> Features:
    """The ORB features of a photograph, equalised and at most SIDE pixels long."""
    return _features(_equalised(path))


def agreement(first: Features, second: Features, matcher: cv2.BFMatcher) -> int:
    """How many features of both agree on one similarity transform."""
    if min(len(first.points), len(second.points)) < AGREEING:
        return 0
    pairs = matcher.knnMatch(first.descriptors, second.descriptors, k=2)
    close = [best for best, next_best in pairs if best.distance < RATIO * next_best.distance]
    if len(close) < AGREEING:
        return 0
    here = first.points[[match.queryIdx for match in close]]
    there = second.points[[match.trainIdx for match in close]]
    transform, chosen = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=OFF)
    if transform is None or not SCALES[0] <= np.hypot(*transform[:, 0]) <= SCALES[1]:
        return 0
    agreeing = chosen.ravel().astype(bool)
    places = (np.unique(points[agreeing] // OFF, axis=0) for points in (here, there))  # many octaves see one corner
    return min(map(len, places))


def _equalised(path: Path) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(read_rgb(path), cv2.COLOR_RGB2GRAY)
    scale = SIDE / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.equalizeHist(grey), dtype=np.uint8)


def _features(grey: NDArray[np.uint8]) -> Features:
    points, descriptors = cv2.ORB.create(FEATURES).detectAndCompute(grey, None)
    if descriptors is None:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8))
    return Features(np.array([point.pt for point in points], np.float32), descriptors)


def _ticked(work: Callable[[Path], T], path: Path, tick: Callable[[], None]) -> T:
    result = work(path)
    tick()
    return result
