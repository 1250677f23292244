import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from bench.octave import entropy, gaussian, half, resize, stretch, to_bytes

PLANE = np.random.default_rng(0).random((37, 52))
OCTAVE = np.array(
    [
        [0.0096127946, 0.2042037037, 0.4309764310, 0.6577491582, 0.8523400673],
        [0.1476599327, 0.3422508418, 0.5690235690, 0.7957962963, 0.9903872054],
    ]
)


@pytest.mark.parametrize("size", [(12, 20), (37, 26), (90, 52), (50, 50)], ids=str)
def test_inside_the_picture_resizing_is_that_of_pillow(size):
    """Pillow's bicubic has the same kernel; it makes the weights sum to 1 and cuts them off at the border."""
    ours = resize(PLANE, size) / resize(np.ones(PLANE.shape), size)
    theirs = np.asarray(Image.fromarray(PLANE.astype(np.float32)).resize(size[::-1], Image.Resampling.BICUBIC))
    margins = [int(np.ceil(2 * max(new / old, 1))) + 2 for new, old in zip(size, PLANE.shape, strict=True)]
    inside = tuple(slice(margin, -margin) for margin in margins)
    assert np.abs(ours[inside] - theirs[inside]).max() < 1e-5


def test_half_the_size_of_a_line_by_hand():
    """The cubic kernel's eight taps at half scale, centred between two pixels, the line mirrored at its ends."""
    taps = np.array(
        [-0.01171875, -0.03515625, 0.11328125, 0.43359375, 0.43359375, 0.11328125, -0.03515625, -0.01171875]
    )
    line = np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    mirrored = np.concatenate([line[::-1], line, line[::-1]])
    expected = [mirrored[6 + 2 * k - 3 : 6 + 2 * k + 5] @ taps for k in range(3)]
    assert half(line[None].repeat(2, axis=0))[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (5, 1), (2, 7)], ids=str)
def test_a_constant_stays_constant_at_any_size(size):
    assert resize(np.full(size, 0.4), (4, 3)) == pytest.approx(np.full((4, 3), 0.4), rel=0.02)
    assert half(np.full(size, 0.4)).shape == tuple(-(-n // 2) for n in size)


def test_colour_planes_are_resized_alike():
    picture = np.stack([PLANE, PLANE**2], axis=2)
    assert np.array_equal(resize(picture, (9, 8))[..., 1], resize(PLANE**2, (9, 8)))


def test_resizing_equals_octave_digit_by_digit():
    """Measured with GNU Octave 7.3 and its image package 2.14: imresize(reshape(0:11, 3, 4) / 11, [2 5])."""
    plane = np.arange(12).reshape(4, 3).T / 11
    assert resize(plane, (2, 5)) == pytest.approx(OCTAVE, abs=1e-9)


@pytest.mark.parametrize("sigma", [1.0, 4.0, 15.0])
def test_the_gaussian_is_cut_at_two_sigma_and_replicates_the_border(sigma):
    expected = gaussian_filter(PLANE, sigma, mode="nearest", radius=int(np.ceil(2 * sigma)))
    assert np.abs(gaussian(PLANE, sigma) - expected).max() < 1e-9


def test_stretching_cuts_shares_of_the_histogram():
    ramp = np.linspace(0.2, 0.6, 10_000).reshape(100, 100)
    stretched = stretch(ramp, 0.01, 0.01)
    assert (stretched == 0).mean() == pytest.approx(0.01, abs=2e-4)
    assert (stretched == 1).mean() == pytest.approx(0.01, abs=2e-4)
    assert np.array_equal(stretch(np.full((3, 3), 0.3), 0.01, 0.01), np.full((3, 3), 0.3))


def test_entropy_counts_bits():
    assert entropy(np.array([0.0, 1.0, 0.0, 1.0])) == 1
    assert entropy(np.arange(256) / 255) == 8
    assert entropy(np.full(7, 0.3)) == 0
    assert entropy(np.array([1.0, 5.0])) == 0  # saturated alike


def test_bytes_are_rounded_half_up():
    assert to_bytes(np.array([-1.0, 0.5 / 255, 2.5 / 255, 0.49 / 255, 2.0])).tolist() == [0, 1, 3, 0, 255]
