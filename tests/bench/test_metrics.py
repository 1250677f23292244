import csv
import math
import socket
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench import metrics
from bench.errors import BenchError, UnknownNameError
from bench.images import read_image, to_tensor
from bench.metrics import get_metric, known_metrics

RNG = np.random.default_rng(0)
TEXTURE = to_tensor(RNG.integers(0, 256, (120, 110, 3), dtype=np.uint8))


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No name can be resolved; whether there is a network is not asked either, which would be remembered."""

    def refuse(*_, **__):
        raise socket.gaierror("no network in tests")

    monkeypatch.setattr(metrics, "_online", lambda: False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def score(name, image, reference=None):
    return get_metric(name).load()(image, reference)


def test_the_metrics_without_downloads_are_known_with_their_directions():
    told = {m.name: (m.lower_is_better, m.needs_reference) for m in known_metrics().values()}
    assert told == {
        "niqe": (True, False), "piqe": (True, False), "entropy": (False, False), "loe": (True, False),
        "psnr": (False, True), "ssim": (False, True), "ssim_rgb": (False, True),
    }  # fmt: skip


def test_the_digest_changes_with_name_variant_and_parameters():
    metric = known_metrics()["niqe"]
    others = [replace(metric, **{field: "other"}) for field in ("name", "variant", "parameters")]
    assert len({metric.digest, *(other.digest for other in others)}) == 4
    assert replace(metric, lower_is_better=False).digest == metric.digest
    assert len({m.digest for m in known_metrics().values()}) == len(known_metrics())


def test_the_digest_of_niqe_follows_its_parameter_file(tmp_path, monkeypatch):
    before = metrics._known()["niqe"].digest
    changed = tmp_path / "pristine.mat"
    changed.write_bytes(metrics.PRISTINE.read_bytes() + b"\0")
    monkeypatch.setattr(metrics, "PRISTINE", changed)
    assert metrics._known()["niqe"].digest != before
    assert metrics._known()["piqe"].digest == known_metrics()["piqe"].digest


def test_known_metrics_cannot_be_spoilt():
    known_metrics().clear()
    assert "niqe" in known_metrics()


@pytest.mark.parametrize("offset", [1, 10, 64])
def test_psnr_of_a_constant_offset_is_the_closed_formula(offset):
    low = torch.full((1, 3, 40, 50), 100 / 255)
    expected = 20 * math.log10(255 / offset)
    assert score("psnr", low + offset / 255, low) == pytest.approx(expected, abs=5e-3)  # pyiqa adds 1e-8 to the error


def test_entropy_counts_levels():
    levels = np.repeat(np.arange(64, dtype=np.uint8)[:, None, None] * 4, 3, axis=2).repeat(64, axis=1)
    assert score("entropy", to_tensor(levels)) == pytest.approx(6.0, abs=1e-4)  # 64 levels, equally often
    assert score("entropy", torch.full((1, 3, 64, 64), 0.5)) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("name", ["ssim", "ssim_rgb"])
def test_ssim_is_one_for_itself_and_less_for_others(name):
    assert score(name, TEXTURE, TEXTURE) == pytest.approx(1.0, abs=1e-6)
    noisy = (TEXTURE + 0.1 * torch.randn(TEXTURE.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    assert 0.5 < score(name, noisy, TEXTURE) < 0.99
    assert score(name, 1 - TEXTURE, TEXTURE) <= 0  # pyiqa's stops at 0


def test_ssim_rgb_sees_the_colours_that_ssim_on_luma_does_not():
    """A picture whose red and blue are swapped keeps part of its luma; over RGB two channels of three are wrong."""
    swapped = TEXTURE.flip(1)
    assert score("ssim_rgb", swapped, TEXTURE) == pytest.approx(1 / 3, abs=0.03)
    assert score("ssim", swapped, TEXTURE) > 0.6


def test_piqe_of_a_picture_without_texture_is_its_worst():
    assert score("piqe", torch.full((1, 3, 64, 64), 0.5)) == pytest.approx(100)  # (0 + 1) / (0 active blocks + 1)
    assert 0 < score("piqe", TEXTURE) < 90


def test_niqe_equals_the_authors_matlab(shared):
    with (shared / "oracles/niqe_matlab.csv").open() as stream:
        expected = {row["image"]: float(row["niqe"]) for row in csv.DictReader(stream) if row["dataset"] == "lime"}
    scorer = get_metric("niqe").load()
    ours = {name: scorer(read_image(shared / "data/lime" / name), None) for name in expected}
    assert len(expected) == 10
    assert max(abs(ours[name] - expected[name]) for name in expected) < 0.03
    assert np.mean(list(ours.values())) == pytest.approx(np.mean(list(expected.values())), abs=0.002)


@pytest.mark.parametrize("size", [(50, 50), (95, 300), (300, 95), (1, 1)])
def test_niqe_of_a_small_picture_says_how_large_it_must_be(size):
    with pytest.raises(BenchError, match="NIQE needs at least 96 x 96 pixels"):
        score("niqe", torch.rand(1, 3, *size))


def test_any_pyiqa_name_works_with_its_direction_and_need():
    pieapp, lpips, mad = (get_metric(name) for name in ("pieapp", "lpips", "mad"))
    assert (pieapp.lower_is_better, lpips.lower_is_better) == (True, True)
    assert (lpips.needs_reference, get_metric("musiq").needs_reference) == (True, False)
    assert not get_metric("musiq").lower_is_better
    assert "mad, defaults" in mad.variant
    assert score("mad", TEXTURE, TEXTURE) == pytest.approx(0.0, abs=1e-3)


def test_an_unknown_metric_comes_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"There is no metric named 'nique': did you mean .*niqe"):
        get_metric("nique")


@pytest.mark.parametrize("name", ["brisque", "musiq"])
def test_weights_that_cannot_be_had_are_one_sentence(name):
    try:
        get_metric(name).load()
    except BenchError as error:
        assert str(error).startswith(f"The metric {name} cannot be used here: ")
        assert "niqe, piqe, entropy, psnr and ssim work" in str(error)
        assert "\n" not in str(error)
    else:
        pytest.skip(f"the weights of {name} are cached here")
