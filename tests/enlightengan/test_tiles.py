import numpy as np
import pytest
import torch
from torch import nn

from bench.enhancer import Windowed
from enlightengan import tiles
from enlightengan.enhancer import LearnedEnhancer
from enlightengan.networks import Generator, initialise, pad_to_stride
from enlightengan.tiles import Axis, Span, enhance_window, padded_indices, sources, window_bytes

SIZE = (35, 701)
WINDOW = (slice(0, 35), slice(301, 360))  # far from both ends: its surround is cut off on either side


def lively(*, attention=True, align_corners=True, key=False):
    """A seeded generator whose deep layers matter: a fresh one's signal fades on the way down."""
    generator = Generator(attention=attention, align_corners=align_corners, key=key)
    initialise(generator, torch.Generator().manual_seed(0))
    for module in generator.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.mul_(90 * module.weight[0].numel() ** -0.5)
    generator.conv10.weight.data.mul_(0.01)  # the residual is as large as the picture
    return generator.eval().requires_grad_(False)


def picture(size):
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))


def reader(image):
    return lambda rows, columns: image[:, :, torch.from_numpy(rows)][:, :, :, torch.from_numpy(columns)]


@pytest.fixture(scope="module")
def lit():
    """(generator, picture, the whole picture's result): computed once."""
    generator, image = lively(), picture(SIZE)
    with torch.inference_mode():
        return generator, image, (generator(image * 2 - 1)[0] + 1) / 2


def apart(generator, image, whole, window):
    with torch.inference_mode():
        part = enhance_window(generator, reader(image), tuple(image.shape[-2:]), window)
    return float((part - whole[..., window[0], window[1]]).abs().max() / whole.std())


@pytest.mark.parametrize("columns", [(0, 40), (301, 360), (640, 701), (333, 334)])
def test_a_window_equals_the_whole_picture(lit, columns):
    assert apart(*lit, (slice(0, 35), slice(*columns))) < 3e-5
    assert lit[2].std() > 0.3


@pytest.mark.parametrize(("attention", "align_corners"), [(True, False), (False, True)])
def test_a_window_of_the_variants_equals_the_whole(attention, align_corners):
    generator, image = lively(attention=attention, align_corners=align_corners), picture((701, 20))
    with torch.inference_mode():
        whole = (generator(image * 2 - 1)[0] + 1) / 2
    assert apart(generator, image, whole, (slice(301, 350), slice(0, 20))) < 3e-5


def test_windows_take_the_key_of_the_whole_picture_which_is_read_once(monkeypatch):
    monkeypatch.setattr(tiles, "STRIP", 20 * 64)
    enhancer, image = LearnedEnhancer(lively(key=True), source="seeded"), picture((320, 20)) ** 2
    image[..., 160:, :] /= 8  # a window's own key would be another
    asked = []

    def read(rows, columns):
        asked.append((len(rows), len(columns)))
        return reader(image)(rows, columns)

    with torch.inference_mode():
        whole = enhancer(image)
        for window in ((slice(0, 30), slice(0, 20)), (slice(290, 320), slice(0, 20))):
            part = enhancer.enhance_window(read, (320, 20), window)
            assert (part - whole[..., window[0], window[1]]).abs().max() < 3e-5
    assert asked.count((64, 20)) == 5 and len(asked) == 7
    other = picture((320, 20)) / 3
    with torch.inference_mode():
        part = enhancer.enhance_window(reader(other), (320, 20), (slice(0, 30), slice(0, 20)))
        assert (part - enhancer(other)[..., :30, :]).abs().max() < 3e-5


@pytest.mark.parametrize(("name", "value"), [("REACH_UP", 2), ("REACH_DOWN", 1)])
def test_less_surround_would_show(lit, monkeypatch, name, value):
    monkeypatch.setattr(tiles, name, value)
    assert apart(*lit, WINDOW) > 1e-3


def test_positions_that_ignore_the_whole_would_show(lit, monkeypatch):
    monkeypatch.setattr(tiles, "sources", lambda span, size, _: sources(span, size, False))
    assert apart(*lit, WINDOW) > 1e-2


@pytest.mark.parametrize("size", [1, 5, 8, 9, 16, 17, 37])
def test_indices_pad_as_the_network_does(size):
    places, before = padded_indices(size)
    line = torch.arange(size, dtype=torch.float32).view(1, 1, 1, size)
    padded, (_, inside) = pad_to_stride(line.expand(1, 1, 16, size))
    assert places.tolist() == padded[0, 0, 0].int().tolist()
    assert before == inside.start


@pytest.mark.parametrize("align_corners", [True, False])
def test_positions_are_those_of_torch(align_corners):
    values = torch.rand(23, generator=torch.Generator().manual_seed(0))
    enlarged = nn.functional.interpolate(
        values.view(1, 1, 1, 23), scale_factor=(1.0, 2.0), mode="bilinear", align_corners=align_corners
    ).flatten()
    low, weight = sources(Span(7, 40), 23, align_corners)
    high = np.minimum(low + 1, 22)
    mixed = values.numpy()[low] * (1 - weight) + values.numpy()[high] * weight
    assert np.abs(mixed - enlarged.numpy()[7:40]).max() < 1e-6


def test_the_surround_is_bounded_and_aligned():
    axis = Axis(4096, 1024, 2048, True)
    assert (axis.crop.start % 16, axis.crop.stop % 16) == (0, 0)
    assert 1024 - axis.crop.start <= tiles.SURROUND + 16
    assert axis.crop.stop - 2048 <= tiles.SURROUND + 16
    assert axis.work[0] == Span(1021, 2051)


def test_the_learned_enhancer_says_that_it_works_in_windows():
    enhancer = LearnedEnhancer(lively(), source="seeded")
    assert isinstance(enhancer, Windowed)
    assert not isinstance(nn.Identity(), Windowed)
    assert enhancer.window_bytes((512, 512)) == window_bytes((512, 512)) > 100e6


def test_bfloat16_stays_close(lit):
    enhancer, image = LearnedEnhancer(lively(), source="seeded"), lit[1][..., :64]
    with torch.inference_mode():
        exact = enhancer(image)
        with torch.autocast("cpu", torch.bfloat16):
            fast = enhancer(image)
    assert 0 < (fast - exact).abs().max() < 0.05
    assert (fast - exact).abs().mean() < 0.005
