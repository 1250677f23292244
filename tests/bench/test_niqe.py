import hashlib
from fractions import Fraction

import numpy as np
import pytest

from bench import niqe
from bench.octave import half

RNG = np.random.default_rng(0)


def flat_and_rough(height, width):
    """Noise above flat steps of forty pixels."""
    plane = np.tile(np.arange(width) // 40 * 7 % 256, (height, 1)).astype(np.float64)
    plane[: height // 2] = RNG.integers(0, 256, (height // 2, width))
    return plane


def test_local_contrast_is_the_same_to_the_bit_on_every_processor():
    """The signs of what rounding leaves in flat areas are counted: whoever changes their order changes scores."""
    plane = np.tile(np.arange(4000) // 40 * 7 % 256, (96, 1)).astype(np.float64)
    plane[::17] += np.arange(4000) % 5
    assert hashlib.sha256(niqe.local_contrast(plane).tobytes()).hexdigest()[:16] == "860fec9c847a1bcf"


def test_local_contrast_does_not_depend_on_the_strips():
    plane = flat_and_rough(480, 240)
    whole = niqe.local_contrast(plane)
    part = niqe.local_contrast(plane[130:330])
    np.testing.assert_array_equal(part[3:-3], whole[133:327])


def test_local_contrast_follows_its_definition():
    plane = flat_and_rough(20, 30)
    row, column = 8, 12
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    around = plane[row - 3 : row + 4, column - 3 : column + 4]
    mean = (window * around).sum()
    deviation = np.sqrt((window * (around - mean) ** 2).sum())
    assert niqe.local_contrast(plane)[row, column] == pytest.approx((plane[row, column] - mean) / (deviation + 1))


def test_halving_is_exact():
    plane = flat_and_rough(12, 16)
    weights = [Fraction(n, 256) for n in (-3, -9, 29, 111, 111, 29, -9, -3)]
    assert sum(weights) == 1
    padded = np.pad(plane, 3, mode="symmetric")
    expected = [
        [
            float(sum(
                a * b * Fraction(int(padded[2 * y + i, 2 * x + j]))
                for i, a in enumerate(weights) for j, b in enumerate(weights)
            ))
            for x in range(8)
        ]
        for y in range(6)
    ]  # fmt: skip
    np.testing.assert_array_equal(half(plane), expected)


def test_halving_keeps_flat_areas_flat():
    np.testing.assert_array_equal(half(np.full((8, 10), 77.0)), np.full((4, 5), 77.0))


@pytest.mark.parametrize(
    ("to_grey", "of"),
    [
        (niqe.rgb2gray, {(255, 255, 255): 255, (0, 0, 0): 0, (255, 0, 0): 76, (0, 255, 0): 150, (0, 0, 255): 29}),
        (niqe.limited_luma, {(255, 255, 255): 235, (0, 0, 0): 16, (255, 0, 0): 81, (0, 255, 0): 145, (0, 0, 255): 41}),
    ],
)
def test_grey_values(to_grey, of):
    pixels = np.array([list(of)], dtype=np.uint8)
    assert to_grey(pixels).tolist() == [list(of.values())]


def test_rgb2gray_has_matlabs_weights_and_not_the_rounded_ones():
    """Where 0.299, 0.587 and 0.114 end in a half, which rounding in single precision takes up or down."""
    tied = np.array([[[r, g, b]] for r in range(0, 256, 5) for g in range(0, 256, 5) for b in range(256)
                     if (299 * r + 587 * g + 114 * b) % 1000 == 500], dtype=np.uint8)  # fmt: skip
    assert len(tied) > 500
    exact = (tied.astype(float) @ [0.298936021293775, 0.587043074451121, 0.114020904255103])[:, 0]
    np.testing.assert_array_equal(niqe.rgb2gray(tied)[:, 0], np.round(exact))
