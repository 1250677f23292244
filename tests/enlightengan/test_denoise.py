"""A photograph without its noise: how much there is, and what is left of noise and of texture."""

import math

import pytest
import torch
import torch.nn.functional as F

from enlightengan import camera_noise as noise
from enlightengan.denoise import RADIUS, REACH, STRENGTH, UNLIKE, noise_deviations, non_local_means, without_noise


def scene(side=160):
    """A dark picture (1, 3, side, side) in levels: slopes, an edge, and fine texture in its lower half."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    plain = 12 + 4 * torch.sin(columns / 40) + 10.0 * (columns > 100)
    texture = F.avg_pool2d(
        torch.randn(1, 1, side + 2, side + 2, generator=torch.Generator().manual_seed(2)), 3, stride=1
    )
    coloured = torch.tensor([1.0, 0.9, 0.7])[:, None, None]
    return (plain * coloured)[None] + 12 * texture * (rows > side // 2)


@pytest.fixture(autouse=True)
def noise_of_the_usual_coarseness(monkeypatch):
    monkeypatch.setattr(noise, "WIDTHS", (0.485, 0.485))
    monkeypatch.setattr(noise, "COMMON", (0.22, 0.22))
    monkeypatch.setattr(noise, "FLOOR", 1e4)


def noisy(deviation):
    return noise.camera_noise(scene(), torch.tensor([deviation]), torch.Generator().manual_seed(3)) / 255


@pytest.mark.parametrize("deviation", [1.0, 1.5, 3.0])
def test_colour_tells_how_much_noise_there_is_and_texture_is_none(deviation):
    assert noise_deviations(noisy(deviation)) * 255 == pytest.approx(deviation, rel=0.2)
    assert noise_deviations(scene() / 255) * 255 < 0.1


def test_noise_goes_texture_and_edges_stay():
    clean, seen = scene(), noisy(1.5)
    made = without_noise(seen) * 255
    before, after = (seen * 255 - clean)[:, :, 8:72, 8:92], (made - clean)[:, :, 8:72, 8:92]
    assert after.std() < 0.4 * before.std() and abs(after.mean()) < 0.2
    lower = clean[:, :, 92:152]
    kept, was = (
        torch.corrcoef(torch.stack([some[:, :, 92:152].flatten(), lower.flatten()]))[0, 1] for some in (made, seen)
    )
    assert kept > was - 0.02 and made[:, :, 92:152].std() > 0.85 * lower.std(), "where noise cannot be told from it"
    step = made[0, 1, 8:72, 104:112].mean() - made[0, 1, 8:72, 90:98].mean()
    assert step == pytest.approx((clean[0, 1, 8:72, 104:112].mean() - clean[0, 1, 8:72, 90:98].mean()).item(), abs=0.3)


def test_what_has_no_noise_or_tells_none_is_left_as_it_is():
    clean = scene() / 255
    assert without_noise(clean) is clean
    grey = noisy(2.0).mean(1, keepdim=True).expand(1, 3, 160, 160)
    assert noise_deviations(grey) == pytest.approx(0, abs=1e-6) and without_noise(grey) is grey
    small = torch.rand(1, 3, 12, 40)
    assert noise_deviations(small) == 0 and without_noise(small) is small


def test_each_pixel_is_the_mean_of_places_whose_surround_is_alike():
    seen, deviation = noisy(1.5), 1.5 / 255
    made, around = non_local_means(seen, deviation), seen[0].double()

    def patch(row, column):
        return around[:, row - RADIUS : row + RADIUS + 1, column - RADIUS : column + RADIUS + 1]

    for y, x in ((40, 50), (70, 101), (120, 30)):
        shares, values = [], []
        for row in range(y - REACH, y + REACH + 1):
            for column in range(x - REACH, x + REACH + 1):
                apart = ((patch(y, x) - patch(row, column)) ** 2).mean() - 2 * deviation**2
                unlike = max(apart.item(), 0) / (STRENGTH * deviation) ** 2
                shares.append(math.exp(-unlike) if unlike <= UNLIKE else 0.0)
                values.append(around[:, row, column])
        expected = (torch.tensor(shares)[:, None].double() * torch.stack(values)).sum(0) / sum(shares)
        assert made[0, :, y, x].tolist() == pytest.approx(expected.tolist(), abs=1e-5)
