"""Noise as cameras leave it: how strong, how coarse, and what the channels have in common."""

import pytest
import torch

from enlightengan.camera_noise import COMMON, LEVEL, WIDTHS, camera_noise, coarse


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def correlation(first, second):
    return torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1].item()


@pytest.mark.parametrize("width", [*WIDTHS, 0.65])
def test_coarse_noise_is_as_strong_as_before_and_next_pixels_have_in_common_what_the_gaussian_says(width):
    made = coarse(torch.randn(2, 3, 306, 256, generator=source()), torch.tensor([width, 0.01]))
    assert made.shape == (2, 3, 300, 250)
    assert made[0].std().item() == pytest.approx(1, abs=0.02) and made[1].std().item() == pytest.approx(1, abs=0.02)
    taps = torch.exp(-(torch.arange(-3, 4) ** 2) / (2 * width**2))
    expected = ((taps[1:] * taps[:-1]).sum() / (taps**2).sum()).item()
    assert correlation(made[0, :, :, 1:], made[0, :, :, :-1]) == pytest.approx(expected, abs=0.02)
    assert correlation(made[0, :, 1:], made[0, :, :-1]) == pytest.approx(expected, abs=0.02)
    assert correlation(made[1, :, 1:], made[1, :, :-1]) == pytest.approx(0, abs=0.02)


def test_its_deviation_is_what_is_asked_for_in_the_dark_and_grows_with_the_light():
    levels = torch.tensor([LEVEL, 22.0, 120.0, 200.0])[:, None, None, None].expand(4, 3, 200, 200)
    noise = camera_noise(levels, torch.full((4,), 3.0), source()) - levels
    assert noise.std((1, 2, 3)).tolist() == pytest.approx([3, 3 * 1.4**0.5, 4.5, 4.5], rel=0.03)
    assert noise.mean((1, 2, 3)).tolist() == pytest.approx([0, 0, 0, 0], abs=0.1)
    black = camera_noise(torch.zeros(1, 3, 99, 99), torch.ones(1), source())
    assert black.min() == 0 and torch.equal(black, black.round()) and (black > 0).float().mean() < 0.3


def test_each_item_has_its_own_share_in_common_to_the_channels_and_its_own_coarseness():
    levels = torch.full((40, 3, 64, 64), LEVEL)
    noise = camera_noise(levels, torch.full((40,), 3.0), source()) - levels
    shares = [correlation(item[0], item[2]) for item in noise]
    assert COMMON[0] - 0.06 < min(shares) < COMMON[0] + 0.1 and COMMON[1] - 0.1 < max(shares) < COMMON[1] + 0.06
    coarseness = [correlation(item[:, 1:], item[:, :-1]) for item in noise]
    assert min(coarseness) < 0.15 and max(coarseness) > 0.4
    again = camera_noise(levels, torch.full((40,), 3.0), source()) - levels
    assert torch.equal(noise, again) and not torch.equal(noise, camera_noise(levels, torch.full((40,), 3.0), source(1)))
