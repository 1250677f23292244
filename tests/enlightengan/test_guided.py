import gc

import numpy as np
import pytest
import torch
from torch import nn

from bench.brighten import brighten
from bench.enhancer import Windowed
from enlightengan import guided
from enlightengan.gain import DARK, luma
from enlightengan.guided import GuidedEnhancer, capped, overview, reduced, reduction
from enlightengan.texture import CHOSEN, FAINTEST

SIZES = [(300, 401), (64, 64), (65, 30), (1, 1), (3, 700), (129, 128)]


class Lamp(nn.Module):
    """Three times as bright, less so where it is bright already; remembers the sizes that it saw."""

    checkpoint = "0123456789abcdef"

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, image):
        self.seen.append(tuple(image.shape[-2:]))
        return (3 * image / (1 + 2 * image)).clamp(0, 1)


def picture(height, width, *, noise=0.01):
    source = torch.Generator().manual_seed(0)
    waves = torch.sin(torch.linspace(0, 9, height))[:, None] * torch.cos(torch.linspace(0, 7, width))
    grey = 0.15 + 0.1 * waves + noise * torch.randn(1, 3, height, width, generator=source)
    return grey.clamp(0, 1)


def reader(image, read_sizes=None):
    def read(rows, columns):
        if read_sizes is not None:
            read_sizes.append((len(rows), len(columns)))
        return image[:, :, torch.from_numpy(rows)][:, :, :, torch.from_numpy(columns)]

    return read


def enhanced(method, image):
    with torch.inference_mode():
        return method(image)


def test_texture_can_be_left_as_it_is_or_made_stronger_by_a_share():
    image = picture(120, 140)
    image[:, :, :60] *= 1 + 0.02 * torch.sin(torch.arange(140) * 1.3)
    none, half, whole = (enhanced(GuidedEnhancer(Lamp(), source="a test", texture=t), image) for t in (0.0, 0.5, 1.0))
    stronger = [float(torch.log((one + DARK) / (none + DARK)).abs().mean()) for one in (half, whole)]
    assert stronger[0] > 1e-3
    assert stronger[0] == pytest.approx(stronger[1] / 2, rel=0.03)
    assert torch.equal(whole, enhanced(GuidedEnhancer(Lamp(), source="a test"), image))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_window_is_what_the_whole_picture_gives_there(size, monkeypatch):
    monkeypatch.setattr(guided, "STRIP", 3000)  # several strips
    method, image = GuidedEnhancer(Lamp(), source="a test"), picture(*size)
    assert isinstance(method, Windowed)
    whole, read, worst = enhanced(method, image), reader(image), 0.0
    for top in range(0, size[0], 37):
        for left in range(0, size[1], 53):
            window = slice(top, min(top + 37, size[0])), slice(left, min(left + 53, size[1]))
            with torch.inference_mode():
                part = method.enhance_window(read, size, window)
            worst = max(worst, float((part - whole[..., window[0], window[1]]).abs().max()))
    assert worst < 1e-5


def test_the_network_sees_the_whole_photograph_small_and_once():
    lamp, pixels = Lamp(), (picture(500, 700)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    windows = brighten(GuidedEnhancer(lamp, source="a test"), pixels, tile=200)
    looks = [(100, 140)]  # 500 and 700 by 5; as it is and with its lights held down at once
    assert lamp.seen == looks
    brighten(GuidedEnhancer(lamp, source="a test"), pixels[::-1].copy(), tile=200)
    assert lamp.seen == 2 * looks  # another picture of the same size is looked at anew
    assert np.abs(windows.astype(int) - brighten(GuidedEnhancer(lamp, source="a test"), pixels)).max() <= 1


class Eye(nn.Module):
    """Lights a picture the more, the darker it is as a whole."""

    checkpoint = "0123456789abcdef"

    def forward(self, image):
        gain = (0.4 / image.mean((1, 2, 3), keepdim=True).clamp_min(0.05)).clamp_min(1)
        return (image * gain).clamp(0, 1)


def backlit(*, sky):
    """A dark ground, 0.05, below a sky of 0.9 that takes the share `sky` of the picture."""
    image = torch.full((1, 3, 256, 256), 0.05)
    image[:, :, : round(256 * sky)] = 0.9
    return image


def test_what_stands_before_a_bright_sky_is_lit_as_far_as_it_is_most_of_the_picture():
    method, gains = GuidedEnhancer(Eye(), source="a test"), []
    for sky in (0.45, 0.7, 0.95):
        image = backlit(sky=sky)
        result = enhanced(method, image)
        gains.append(float(result[..., -4:, :].mean() / 0.05))
        assert float(result[..., :4, :].mean()) == pytest.approx(0.9, abs=0.02)  # the sky stays
    alone = enhanced(Eye(), backlit(sky=0.45))  # what the network makes of it by itself
    assert float(alone[..., -4:, :].mean() / 0.05) == pytest.approx(1, abs=0.05)
    assert gains[0] > 1.5 > gains[1] > gains[2]
    assert gains[2] == pytest.approx(1, abs=0.02)


def test_a_coloured_light_is_no_dark_foreground():
    """A red and a grey place of one luma: only the red one shines, so a look with light held down lifts it less."""
    image, grey, red = backlit(sky=0.3), 0.1, 0.1 / 0.299
    rows, left, right = slice(216, 256), slice(0, 128), slice(128, 256)
    image[..., rows, left], image[..., rows, right], image[:, 0, rows, right] = grey, 0, red
    result = enhanced(GuidedEnhancer(Eye(), source="a test"), image)
    dull, light = (float(result[:, 0, 236:, side][..., 20:-20].mean()) for side in (left, right))
    assert dull / grey == pytest.approx(2.11, abs=0.05)
    assert light / red == pytest.approx(1.56, abs=0.05)  # 1.75 by luma alone


def test_a_cap_holds_light_down_and_keeps_colour():
    image = torch.tensor([0.9, 0.6, 0.3, 0.05, 0.04, 0.03]).reshape(1, 2, 3).permute(0, 2, 1)[..., None]  # two pixels
    held = capped(image, 0.2)
    assert float(luma(held)[0, 0, 0]) == pytest.approx(0.2)
    torch.testing.assert_close(held[0, :, 0, 0] / held[0, 0, 0, 0], image[0, :, 0, 0] / 0.9)
    assert torch.equal(held[..., 1, :], image[..., 1, :])


def test_every_picture_of_a_batch_has_its_own_looks():
    method, pictures = GuidedEnhancer(Eye(), source="a test"), [backlit(sky=0.3), 0.5 * backlit(sky=0.6)]
    together = enhanced(method, torch.cat(pictures))
    for one, alone in zip(together, pictures, strict=True):
        torch.testing.assert_close(one[None], enhanced(method, alone))


def test_a_picture_that_was_seen_is_not_kept():
    method, image = GuidedEnhancer(Lamp(), source="a test"), picture(300, 300)
    read = reader(image)
    method.enhance_window(read, (300, 300), (slice(0, 50), slice(0, 50)))
    assert method._last[0]() is read
    del read
    gc.collect()
    assert method._last[0]() is None


def test_brightness_follows_the_network_and_detail_the_photograph(monkeypatch):
    monkeypatch.setattr(guided, "emphasis", lambda grey, *_: torch.zeros_like(grey))  # what that adds is measured below
    base, image = Lamp(), picture(512, 512, noise=0)
    pattern = 0.02 * (-1.0) ** (torch.arange(512) // 2 + torch.arange(512)[:, None] // 2)  # finer than the network sees
    pattern[:300] = 0  # where the photograph is quiet
    result = enhanced(GuidedEnhancer(base, source="a test"), (image + pattern).clamp(0, 1))
    torch.testing.assert_close(reduced(result, 4), base(reduced(image, 4)), atol=0.03, rtol=0)  # the shoulder
    gain = (base(image) + DARK) / (image + DARK)
    left = (result - enhanced(GuidedEnhancer(base, source="a test"), image)).abs().mean() / (
        pattern.abs() * gain
    ).mean()
    assert 0.7 < left < 1.1


def test_faint_texture_is_made_stronger_by_what_is_said():
    """Faint ripples beside what is smooth, and so no noise: the result's are the photograph's and what is added."""
    ripples = 0.002 * torch.sin(torch.arange(400) * 1.1).repeat(1, 3, 400, 1)
    ripples[..., 240:] = 0
    flat = torch.full((1, 3, 400, 400), 0.15)
    method = GuidedEnhancer(Lamp(), source="a test")
    result, before = (enhanced(method, image) for image in (flat + ripples, flat))
    inside = slice(40, 200)
    deviation = ripples[..., inside].std() / (0.15 + DARK)
    left = ((result - before)[..., inside, inside].std() / before.mean()) / deviation
    variance = float(deviation) ** 2
    assert float(left) == pytest.approx(1 + CHOSEN.strength * variance**2 / (variance**2 + FAINTEST**2), rel=0.1)


def test_noise_is_not_amplified():
    clean, noisy = picture(256, 256, noise=0), picture(256, 256)
    method = GuidedEnhancer(Lamp(), source="a test")
    smooth, grain = enhanced(method, clean), (noisy - clean).std()
    gain = float(((smooth + DARK) / (clean + DARK)).mean())
    assert gain > 1.8
    assert (enhanced(method, noisy) - smooth).std() < 1.15 * grain


def test_the_small_copy_is_about_as_long_as_it_may_be_and_strips_give_the_same():
    assert [reduction((1, longer)) for longer in (1, 191, 193, 600, 8000)] == [1, 1, 2, 5, 62]
    image = picture(421, 665)
    factor = reduction(image.shape[-2:])
    small, _ = overview(reader(image), (421, 665), factor)
    assert small.shape[-2:] == (85, 133)
    torch.testing.assert_close(small, reduced(image, factor))
    assert small[0, 0, 84, 132] == pytest.approx(float(image[0, 0, 420:, 660:].mean()), abs=1e-6)  # a cut square


def test_a_panorama_is_read_in_small_strips(monkeypatch):
    monkeypatch.setattr(guided, "STRIP", 3000)
    image, read_sizes = picture(90, 3000), []
    overview(reader(image, read_sizes), (90, 3000), reduction((90, 3000)))
    assert max(read_sizes) == (23, 3000)  # for the small copy; 16 for the squares of the noise
    assert sum(rows for rows, _ in read_sizes) == 2 * 90
