import math

import pytest
import torch

from enlightengan.gain import DARK
from enlightengan.texture import CHOSEN, EDGE, FAINTEST, MARGIN, RADIUS, Emphasis, emphasis, texture

SPARING = Emphasis(strength=4.0, most=0.25, seen=1.5 / 255)  # leaves alone what may be noise


def logarithm_of(deviation, *, period, size=(64, 96)):
    """Lumas whose logarithm, DARK added, is a sinusoid of this standard deviation around that of 0.3."""
    wave = torch.sin(torch.arange(size[1]) * 2 * torch.pi / period)
    return (0.3 + DARK) * torch.exp(deviation * wave / wave.std()).expand(1, 1, *size) - DARK


@pytest.mark.parametrize("deviation", [0.002, 0.05, 0.5])
def test_what_varies_less_than_an_edge_is_texture(deviation):
    grey = logarithm_of(deviation, period=13)  # as long as the filter's windows are wide: their means are equal
    found = texture(grey)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    share = EDGE / (deviation**2 + EDGE)
    expected = share * torch.log((grey + DARK) / (0.3 + DARK))[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    torch.testing.assert_close(found, expected, atol=0.02 * deviation, rtol=0.02)


def test_a_step_is_no_texture_and_has_none_beside_it():
    grey = torch.full((1, 1, 80, 80), 0.05)
    grey[..., 40:] = 0.8
    found = texture(grey).abs()
    assert found.max() < 0.01 * float(torch.log(torch.tensor(0.82 / 0.07)))
    assert found[..., : 40 - MARGIN].max() < 1e-5


def added(deviation, how=CHOSEN, *, noise=0.0, log_gain=0.0):
    """How many times the texture of ripples of this deviation is added to it, on average over a place."""
    grey = logarithm_of(deviation, period=13)
    emphasised = emphasis(grey, torch.full((1, 1, 1, 1), noise), torch.full_like(grey, log_gain), how)
    inside = slice(MARGIN, -MARGIN)
    return float(emphasised[..., inside, inside].std() / texture(grey)[..., inside, inside].std())


def told(variance, disturbance):
    return variance**2 / (variance**2 + disturbance**2)


@pytest.mark.parametrize("deviation", [0.002, 0.003, 0.01])
def test_texture_is_added_unless_rounding_may_have_made_it(deviation):
    assert added(deviation) == pytest.approx(CHOSEN.strength * told(deviation**2, FAINTEST), rel=0.05)


def test_nothing_is_changed_by_more_than_is_said_and_nothing_is_turned_round():
    grey = 0.3 + 0.02 * torch.randn(1, 1, 90, 70, generator=torch.Generator().manual_seed(0))
    emphasised, found = emphasis(grey, torch.zeros(1, 1, 1, 1), torch.zeros_like(grey)), texture(grey)
    assert 0.9 * CHOSEN.most < emphasised.abs().max() <= CHOSEN.most
    assert (emphasised * found).min() >= 0


def test_what_is_no_stronger_than_noise_is_left_as_far_as_the_noise_is_seen():
    deviation = 0.015
    noise = EDGE / (deviation**2 + EDGE) * deviation * (0.3 + DARK)  # as strong as the ripples' texture
    alone = added(deviation, SPARING)
    left = added(deviation, SPARING, noise=noise, log_gain=20.0)
    assert left == pytest.approx(alone / 2, rel=0.1)
    assert added(deviation, SPARING, noise=10 * noise, log_gain=20.0) < 0.01
    half = math.log(SPARING.seen / noise)  # the gain of which half the noise is seen
    assert added(deviation, SPARING, noise=noise, log_gain=half) == pytest.approx((alone + left) / 2, rel=0.02)
    darker = added(deviation, SPARING, noise=noise, log_gain=-1.0)
    assert darker == pytest.approx(added(deviation, SPARING, noise=noise), rel=1e-4)
    assert darker > added(deviation, SPARING, noise=noise, log_gain=half)
    never = SPARING._replace(seen=math.inf)
    assert added(deviation, never, noise=noise, log_gain=20.0) == pytest.approx(alone, rel=1e-6)


def test_black_white_and_the_smallest_pictures_have_finite_texture():
    for height, width in ((1, 1), (1, 30), (5, 3)):
        for value in (0.0, 1.0, -1e-3):  # a filtered picture may fall below black
            grey = torch.full((1, 1, height, width), value)
            for noise in (0.0, 0.1):
                emphasised = emphasis(grey, torch.full((1, 1, 1, 1), noise), torch.ones_like(grey))
                assert emphasised.shape == texture(grey).shape == (1, 1, height, width)
                assert max(emphasised.abs().max(), texture(grey).abs().max()) < 1e-5


@pytest.mark.parametrize("how", [CHOSEN, SPARING])
def test_texture_and_what_is_added_hang_on_their_margins_alone(how):
    source = torch.Generator().manual_seed(0)
    grey, gain = torch.rand(2, 1, 1, 90, 100, generator=source)
    cut = slice(20, 70), slice(10, 80)
    near = slice(2 * RADIUS, -2 * RADIUS)
    assert torch.equal(texture(grey[..., *cut])[..., near, near], texture(grey)[..., *cut][..., near, near])
    noise = torch.full((1, 1, 1, 1), 0.01)
    whole, part = emphasis(grey, noise, gain, how), emphasis(grey[..., *cut], noise, gain[..., *cut], how)
    inside = slice(MARGIN, -MARGIN)
    assert torch.equal(part[..., inside, inside], whole[..., *cut][..., inside, inside])
    nearer = slice(MARGIN - 1, 1 - MARGIN)
    assert not torch.allclose(part[..., nearer, nearer], whole[..., *cut][..., nearer, nearer], atol=1e-6, rtol=0)
