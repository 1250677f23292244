import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.exposure import adjust_gamma

from bench.images import to_pixels, to_tensor
from bench.retinex import colour_balance, retinex, surround
from methods import METHODS

CLASSICAL = [name for name in METHODS if METHODS.card(name).family == "classical"]
PIXELS = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)


def dark_picture():
    """A smooth scene with a little noise, mean near 25 of 255."""
    y, x = np.mgrid[0:80, 0:120] / 80
    scene = np.stack([np.sin(3 * x) ** 2, y / 2 + 0.2 * x, np.cos(2 * x * y) ** 2], axis=2)
    return np.clip(scene * 50 + np.random.default_rng(1).normal(0, 2, scene.shape), 0, 255).astype(np.uint8)


def flat(*colour, size=(30, 40)):
    return np.broadcast_to(np.array(colour, np.uint8), (*size, 3)).copy()


def applied(name, pixels, **options):
    return to_pixels(METHODS[name](**options)(to_tensor(pixels)))


def test_identity_changes_nothing():
    assert np.array_equal(applied("identity", PIXELS), PIXELS)


@pytest.mark.parametrize("exponent", [1 / 2.2, 1.0, 0.3])
def test_gamma_equals_that_of_scikit_image(exponent):
    ours = METHODS["gamma"](exponent=exponent)(to_tensor(PIXELS))[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - adjust_gamma(PIXELS / 255.0, exponent)).max() < 1e-6


def test_gamma_is_that_of_a_screen_unless_told_otherwise():
    assert torch.equal(METHODS["gamma"]()(to_tensor(PIXELS)), METHODS["gamma"](exponent=1 / 2.2)(to_tensor(PIXELS)))
    assert applied("gamma", flat(64, 64, 64))[0, 0, 0] == round(255 * (64 / 255) ** (1 / 2.2))


def test_histogram_equalization_equals_opencv_on_each_channel():
    dark = dark_picture()
    result = applied("histogram_equalization", dark)
    for channel in range(3):
        assert np.array_equal(result[..., channel], cv2.equalizeHist(np.ascontiguousarray(dark[..., channel])))
    assert (result.reshape(-1, 3).min(axis=0) == 0).all()
    assert (result.reshape(-1, 3).max(axis=0) == 255).all()


def test_histogram_equalization_follows_the_cumulative_histogram():
    ramp = np.repeat(np.array([[10, 20, 20, 40]], np.uint8)[..., None], 3, axis=2)
    # (cdf - cdf_min) / (n - cdf_min) * 255 with cdf 1, 3, 4
    assert applied("histogram_equalization", ramp)[0, :, 0].tolist() == [0, 170, 170, 255]


@pytest.mark.parametrize("colour", [(0, 0, 0), (7, 100, 200), (255, 255, 255)])
def test_histogram_equalization_leaves_a_constant_picture(colour):
    assert np.array_equal(applied("histogram_equalization", flat(*colour)), flat(*colour))


@pytest.mark.parametrize(("clip_limit", "tiles"), [(2.0, 8), (4.0, 4)])
def test_clahe_equals_opencv_on_the_lightness(clip_limit, tiles):
    dark = dark_picture()
    lab = cv2.cvtColor(dark, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clip_limit, (tiles, tiles)).apply(lab[..., 0].copy())
    expected = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    assert np.array_equal(applied("clahe", dark, clip_limit=clip_limit, tiles=tiles), expected)
    assert np.array_equal(applied("clahe", dark), applied("clahe", dark, clip_limit=2.0, tiles=8))


def test_a_higher_clip_limit_gives_more_contrast():
    limited, free = (applied("clahe", dark_picture(), clip_limit=limit).std() for limit in (1.0, 40.0))
    assert free > 1.5 * limited


@pytest.mark.parametrize("sigma", [2.0, 4.0, 15.0])
@pytest.mark.parametrize("size", [(64, 90), (31, 17)])
def test_the_surround_is_a_gaussian_with_even_borders(sigma, size):
    channel = np.random.default_rng(1).random(size)
    expected = gaussian_filter(channel, sigma, mode="reflect", truncate=8)
    assert np.abs(surround(channel, sigma) - expected).max() < 1e-3


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (6, 4)])
def test_a_surround_keeps_the_mean_and_constants(size):
    channel = np.random.default_rng(2).random(size)
    assert surround(channel, 80.0).mean() == pytest.approx(channel.mean(), rel=1e-12)
    assert surround(np.full(size, 0.7), 80.0) == pytest.approx(np.full(size, 0.7), rel=1e-12)


def test_the_ratio_is_the_mean_over_the_scales():
    picture = np.random.default_rng(3).random((40, 30, 3))
    single = [retinex(picture, [sigma]) for sigma in (5.0, 20.0)]
    assert retinex(picture, [5.0, 20.0]) == pytest.approx(np.mean(single, axis=0), abs=1e-12)


def test_the_ratio_is_the_logarithm_over_its_surround():
    picture = np.random.default_rng(4).random((50, 60, 3))
    light = picture * 255 + 1
    blurred = np.stack([gaussian_filter(light[..., c], 6, mode="reflect", truncate=8) for c in range(3)], axis=2)
    assert np.abs(retinex(picture, [6.0]) - np.log(light / blurred)).max() < 1e-3


def test_retinex_does_not_see_the_strength_of_the_light():
    light = np.random.default_rng(5).uniform(50, 250, (40, 50, 3))
    bright, dim = ((light * scale - 1) / 255 for scale in (1.0, 0.25))
    assert np.abs(retinex(bright, [15.0, 80.0]) - retinex(dim, [15.0, 80.0])).max() < 1e-9


def test_msr_gives_the_same_picture_for_half_the_light():
    light = np.random.default_rng(6).uniform(20, 250, (1, 40, 50, 3))
    bright, dim = (torch.from_numpy((light * s - 1) / 255).float().permute(0, 3, 1, 2) for s in (1.0, 0.5))
    msr = METHODS["msr"]()
    assert (msr(bright) - msr(dim)).abs().max() < 1e-3
    assert (METHODS["gamma"]()(bright) - METHODS["gamma"]()(dim)).abs().max() > 0.1  # the pictures do differ


def test_msr_with_one_scale_is_ssr():
    picture = PIXELS / 255.0
    expected = colour_balance(retinex(picture, [80.0]))
    ours = METHODS["ssr"]()(to_tensor(PIXELS))[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - expected).max() < 1e-4
    assert np.abs(applied("ssr", PIXELS, sigma=3.0).astype(int) - applied("ssr", PIXELS)).max() > 8


def test_the_balance_stretches_each_channel_and_clips_a_hundredth():
    values = np.stack([np.linspace(-3, 5, 10_000), np.linspace(100, 101, 10_000)], axis=1).reshape(100, 100, 2)
    balanced = colour_balance(values)
    for channel in range(2):
        assert (balanced[..., channel] == 0).mean() == pytest.approx(0.01, abs=2e-4)
        assert (balanced[..., channel] == 1).mean() == pytest.approx(0.01, abs=2e-4)
        assert balanced[..., channel].mean() == pytest.approx(0.5, abs=1e-6)


def test_the_balance_of_a_constant_channel_is_the_middle():
    assert (colour_balance(np.full((5, 6, 3), -2.5)) == 0.5).all()


@pytest.mark.parametrize("name", ["ssr", "msr"])
@pytest.mark.parametrize("value", [0, 90, 255])
def test_retinex_of_a_constant_picture_is_grey(name, value):
    assert (applied(name, flat(value, value, value)) == 128).all()


def test_msrcr_is_the_ratio_times_the_restoration():
    """Petro et al. 2014: log(125 I / sum I) times the mean log ratio, then the balance."""
    light = PIXELS.astype(float) + 1
    blurred = [gaussian_filter(light, (s, s, 0), mode="reflect", truncate=4) for s in (15, 80, 250)]
    ratio = np.mean([np.log(light / surround) for surround in blurred], axis=0)
    expected = colour_balance(np.log(125 * light / light.sum(axis=2, keepdims=True)) * ratio)
    ours = METHODS["msrcr"]()(to_tensor(PIXELS))[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - expected).max() < 5e-3
