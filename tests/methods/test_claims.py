"""What classical methods claim, over the registry: how far each is trusted, that it brightens, that grey stays grey."""

import numpy as np
import pytest
import torch

from bench.images import read_image, to_tensor
from methods import METHODS

CLASSICAL = [name for name in METHODS if METHODS.card(name).family == "classical"]
KEEPS_BRIGHTNESS = {"bpdhe"}
CONSTANT_STAYS = {"agcwd", "autolevels", "bpdhe", "dong", "histogram_equalization", "histogram_equalization_64",
                  "histogram_equalization_luma", "histogram_equalization_value", "msrcr_bimef"}  # fmt: skip
CURVES = ("gamma", "logarithm", "sigmoid", "agcwd", "autolevels")  # one curve for all pixels: order is kept
ORACLES = {"bimef": "bimef", "crm": "crm", "dong": "dong", "msrcr_bimef": "msrcr"}
PUBLISHED = (("lime/2.bmp", "lime_2"), ("dicm/05.jpg", "dicm_05"))


def dark_picture():
    """A smooth scene with a little noise, mean near 25 of 255."""
    y, x = np.mgrid[0:80, 0:120] / 80
    scene = np.stack([np.sin(3 * x) ** 2, y / 2 + 0.2 * x, np.cos(2 * x * y) ** 2], axis=2)
    noisy = scene * 50 + np.random.default_rng(1).normal(0, 2, scene.shape)
    return to_tensor(np.clip(noisy, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", CLASSICAL)
def test_every_card_says_how_far_to_trust_it(name):
    kind = METHODS.card(name).trust.split(":")[0]
    assert kind in ("parity-tested", "named variant", "from the paper")
    assert (kind == "parity-tested") == (name in {*ORACLES, "histogram_equalization_64"})


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_dark_picture_becomes_brighter(name):
    dark = dark_picture()
    ratio = float(METHODS[name]()(dark).mean() / dark.mean())
    if name in KEEPS_BRIGHTNESS:
        assert ratio == pytest.approx(1, abs=0.02)
    else:
        assert ratio > 1.15


@pytest.mark.parametrize("name", CLASSICAL)
def test_grey_stays_grey(name):
    grey = dark_picture().mean(dim=1, keepdim=True).expand(1, 3, 80, 120)
    channels = METHODS[name]()(grey)
    eight_bit_lab = name == "clahe"  # OpenCV's, which rounds
    assert (channels.amax(1) - channels.amin(1)).max() <= (1.01 / 255 if eight_bit_lab else 1e-5)


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("value", [0.05, 0.3, 0.9])
def test_a_constant_picture_stays_constant(name, value):
    result = METHODS[name]()(torch.full((1, 3, 45, 60), value))
    assert result.amax() - result.amin() < 1e-4
    if name in CONSTANT_STAYS:
        assert float(result.mean()) == pytest.approx(value, abs=0.51 / 255)


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_keeps_the_order_of_lightness(name):
    dark = dark_picture().mean(dim=1, keepdim=True).expand(1, 3, 80, 120)
    before, after = dark[0, 0].ravel(), METHODS[name]()(dark)[0, 0].ravel()
    assert (after[before.argsort()].diff() >= -1e-6).all()


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize(("image", "oracle"), PUBLISHED)
def test_it_equals_the_published_code(shared, name, image, oracle):
    """Before rounding to 8 bits; the reference is stored as float16, whose own error is up to 2.4e-4."""
    expected = np.clip(np.load(shared / f"oracles/classical/{oracle}.npz")[ORACLES[name]].astype(np.float32), 0, 1)
    ours = METHODS[name]()(read_image(shared / "data" / image))[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - expected).max() < 5e-4
