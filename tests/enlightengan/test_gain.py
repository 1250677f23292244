import pytest
import torch
from torch.nn import functional

from enlightengan.gain import DARK, box, fitted_gain, gain_at, linear, with_gain, with_shoulder


def rand(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def predicted(guide, values, **options):
    slope, offset = linear(guide, values, **options)
    return slope * guide + offset


def test_what_is_linear_in_the_guide_is_kept_and_the_rest_is_smoothed():
    guide = rand(1, 1, 20, 24)
    line = 2 * guide - 0.3
    torch.testing.assert_close(predicted(guide, line, radius=3, epsilon=1e-9), line, atol=1e-3, rtol=0)
    flat = torch.full_like(guide, 0.5)
    twice = box(box(guide, 3), 3)
    torch.testing.assert_close(predicted(flat, guide, radius=3, epsilon=0.1), twice, atol=1e-5, rtol=0)


def test_a_gain_of_each_channel_is_found_and_applied_again():
    photograph = 0.05 + 0.2 * rand(2, 3, 40, 30)
    gains = torch.tensor([2.0, 3.0, 1.5]).view(1, 3, 1, 1)
    brighter = (photograph + DARK) * gains - DARK
    found = fitted_gain(photograph, brighter, radius=4, epsilon=0.1)
    torch.testing.assert_close(gain_at(photograph, *found), gains.expand_as(photograph), atol=1e-4, rtol=0)
    torch.testing.assert_close(with_gain(photograph, gain_at(photograph, *found)), brighter, atol=1e-4, rtol=0)


def test_results_stay_within_black_and_white():
    photograph = rand(1, 3, 9, 9)
    assert with_gain(photograph, torch.full_like(photograph, 9.0)).max() == 1
    assert with_gain(photograph, torch.full_like(photograph, 0.01)).min() == 0


@pytest.mark.parametrize("radius", [1, 2, 4, 8])
def test_a_box_is_a_mean_over_a_square(radius):
    values = rand(2, 3, 20, 31)
    padded = functional.pad(values, [radius] * 4, mode="replicate")
    expected = functional.avg_pool2d(padded, 2 * radius + 1, stride=1)
    torch.testing.assert_close(box(values, radius), expected, atol=1e-5, rtol=0)


def test_a_shoulder_keeps_white_white_and_what_is_dark_as_bright_as_the_gain_makes_it():
    ramp = torch.linspace(0, 1, 256).expand(1, 3, 4, 256)
    for gain in (0.5, 1.0, 1.3, 1.7):
        gains = torch.full_like(ramp, gain)
        result = with_shoulder(ramp, gains)
        assert (result.diff(dim=-1) >= 0).all()
        torch.testing.assert_close(result[..., :15], with_gain(ramp, gains)[..., :15], atol=2e-3, rtol=0)
        if gain <= 1:
            torch.testing.assert_close(result, with_gain(ramp, gains))
        else:
            assert result[..., -1].min() > 1 - 1e-6 and result[..., :-1].max() < result[..., -1].max()
