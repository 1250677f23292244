import pytest
import torch

from enlightengan.gain import DARK
from enlightengan.texture import EDGE, MARGIN, texture


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


def test_black_white_and_the_smallest_pictures_have_finite_texture():
    for height, width in ((1, 1), (1, 30), (5, 3)):
        for value in (0.0, 1.0, -1e-3):  # a filtered picture may fall below black
            found = texture(torch.full((1, 1, height, width), value))
            assert found.shape == (1, 1, height, width)
            assert found.abs().max() < 1e-5


def test_texture_hangs_on_its_margin_alone():
    grey = torch.rand(1, 1, 90, 70, generator=torch.Generator().manual_seed(0))
    whole, part = texture(grey), texture(grey[..., 20:70, 10:60])
    inside = slice(MARGIN, 50 - MARGIN)
    assert torch.equal(part[..., inside, inside], whole[..., 20:70, 10:60][..., inside, inside])
