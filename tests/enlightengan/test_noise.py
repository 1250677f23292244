import pytest
import torch

from enlightengan.noise import BLOCK, level, planes, quieted, unevenness


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def scene(height, width):
    """A ramp with an edge down the middle, (1, 3, height, width)."""
    ramp = torch.linspace(0.1, 0.3, height)[:, None] + 0.3 * (torch.arange(width) > width / 2)
    return torch.stack([ramp, 0.8 * ramp, 0.6 * ramp])[None]


@pytest.mark.parametrize("deviation", [0.0, 0.01, 0.03])
def test_the_level_of_noise_is_found_whatever_the_scene(deviation):
    photograph = scene(256, 320) + deviation * noise(1, 3, 256, 320)
    found = level(unevenness(photograph))
    truth = (planes(deviation * noise(1, 3, 256, 320))).std((2, 3), keepdim=True)
    torch.testing.assert_close(found, truth, atol=1e-6, rtol=0.12)


def test_texture_is_no_noise_where_a_quarter_is_quiet():
    photograph = scene(256, 256) + 0.005 * noise(1, 3, 256, 256)
    photograph[..., :160, :] += 0.1 * noise(1, 3, 160, 256, seed=1)
    assert level(unevenness(photograph))[0, 0, 0, 0] < 0.005


def test_what_is_clipped_to_black_does_not_hide_the_noise():
    photograph = scene(256, 256) + 0.01 * noise(1, 3, 256, 256)
    truth = level(unevenness(photograph))
    photograph[..., :160, :] = (0.02 * noise(1, 3, 160, 256, seed=1) - 0.08).clamp_min(0)
    torch.testing.assert_close(level(unevenness(photograph)), truth, rtol=0.05, atol=0)
    assert level(unevenness(torch.zeros(1, 3, 64, 64))).eq(0).all()  # nothing tells


def test_parts_tell_what_the_whole_tells():
    photograph = 0.5 + 0.1 * noise(1, 3, 100, 75)
    photograph[..., :40, :40] = 0
    parts = [unevenness(photograph[..., top : top + 2 * BLOCK, :]) for top in range(0, 100, 2 * BLOCK)]
    torch.testing.assert_close(torch.cat(parts, dim=2), unevenness(photograph), equal_nan=True)
    assert unevenness(photograph).shape[-1] == (100 // BLOCK) * (75 // BLOCK)
    assert level(unevenness(photograph[..., :7, :])).eq(0).all()  # too small to tell


def test_noise_goes_and_edges_stay():
    clean = scene(96, 128)
    noisy = clean + 0.02 * noise(1, 3, 96, 128)
    quiet = quieted(noisy, level(unevenness(noisy)))
    left, there = ((picture - clean).square().mean().sqrt() for picture in (quiet, noisy))
    assert left < 0.5 * there
    beside = slice(62, 68)  # the edge lies between the columns 64 and 65
    assert (quiet - clean)[..., beside].abs().mean() < 0.02  # of an edge of 0.3


def test_a_photograph_without_noise_is_left_as_it_is():
    clean = scene(64, 64)
    torch.testing.assert_close(quieted(clean, torch.zeros(1, 4, 1, 1)), clean, atol=3e-3, rtol=0)
    textured = clean + 0.1 * noise(1, 3, 64, 64).abs()
    torch.testing.assert_close(quieted(textured, torch.zeros(1, 4, 1, 1)), textured, atol=3e-3, rtol=0)
