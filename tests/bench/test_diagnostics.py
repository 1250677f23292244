import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.images import to_tensor
from bench.metrics import get_metric


def score(name, image, source=None):
    return get_metric(name).load()(image, source)


def flat(red, green, blue, size=(20, 30)):
    return to_tensor(np.full((*size, 3), (red, green, blue), np.uint8))


def test_colourfulness_is_the_papers_formula():
    assert score("colourfulness", flat(90, 90, 90)) == pytest.approx(0, abs=1e-4)
    # One colour has no spread: 0.3 times the length of (R - G, (R + G) / 2 - B).
    assert score("colourfulness", flat(200, 100, 50)) == pytest.approx(0.3 * np.hypot(100, 100), rel=1e-5)
    halves = torch.cat([flat(255, 0, 0), flat(0, 255, 0)], dim=3)  # R - G is +-255, (R + G) / 2 - B is 127.5
    assert score("colourfulness", halves) == pytest.approx(255 + 0.3 * 127.5, rel=1e-5)


def test_brightness_is_the_mean_over_channels():
    assert score("mean_brightness", flat(30, 60, 120)) == pytest.approx(70, abs=1e-4)


def test_clipped_shares_count_pixels():
    pixels = np.full((10, 10, 3), 100, np.uint8)
    pixels[0, :5] = 0
    pixels[1, :3, 1] = 255
    pixels[2, :4] = (0, 0, 7)  # nearly black, not clipped
    assert score("clipped_dark", to_tensor(pixels)) == pytest.approx(0.05)
    assert score("clipped_bright", to_tensor(pixels)) == pytest.approx(0.03)


@pytest.mark.parametrize("sigma", [2.0, 6.0, 15.0])
def test_dark_noise_finds_the_noise_that_was_added_in_the_dark(sigma):
    """A ramp from dark to bright; noise in the result's dark half only, a wild texture in its bright half."""
    rng = np.random.default_rng(0)
    ramp = np.repeat(np.linspace(5, 200, 200)[None, :, None], 150, axis=0).repeat(3, axis=2)
    result = ramp * 0.5 + 60
    result[:, :100] += rng.normal(0, sigma, (150, 100, 1))
    result[:, 120:] += 60 * (rng.random((150, 80, 1)) > 0.5)
    low, made = (to_tensor(np.clip(np.rint(p), 0, 255).astype(np.uint8)) for p in (ramp, result))
    assert score("dark_noise", made, low) == pytest.approx(sigma, rel=0.06)
    assert score("dark_noise", to_tensor(np.full((150, 200, 3), 90, np.uint8)), low) == 0


def test_dark_noise_of_black_or_tiny_pictures_is_a_sentence():
    with pytest.raises(BenchError, match="Fewer than 64 dark, smooth pixels"):
        score("dark_noise", torch.zeros(1, 3, 40, 40), torch.rand(1, 3, 40, 40))
    with pytest.raises(BenchError, match="Fewer than 64"):
        score("dark_noise", torch.rand(1, 3, 1, 1), torch.rand(1, 3, 1, 1))
