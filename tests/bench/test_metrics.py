import csv
import math
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch

from bench import iqa, metrics
from bench.errors import BenchError, UnknownNameError
from bench.images import read_image, to_tensor
from bench.metrics import get_metric, known_metrics

REALLY_ONLINE = iqa.online.__wrapped__
RNG = np.random.default_rng(0)
TEXTURE = to_tensor(RNG.integers(0, 256, (120, 110, 3), dtype=np.uint8))


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No name can be resolved; whether there is a network is not asked either, which would be remembered."""

    def refuse(*_, **__):
        raise socket.gaierror("no network in tests")

    monkeypatch.setattr(iqa, "online", lambda: False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def score(name, image, reference=None):
    return get_metric(name).load()(image, reference)


def test_the_metrics_without_downloads_are_known_with_their_directions():
    told = {m.name: (m.lower_is_better, m.needs_reference) for m in known_metrics().values() if not m.diagnostic}
    assert told == {
        "niqe": (True, False), "niqe_y": (True, False), "piqe": (True, False), "entropy": (False, False),
        "psnr": (False, True), "ssim": (False, True), "loe": (True, False), "halo": (True, False),
        "ssim_rgb": (False, True), "psnr_gtmean": (False, True), "ssim_gtmean": (False, True),
    }  # fmt: skip


def test_diagnostics_have_no_direction():
    told = {m.name for m in known_metrics().values() if m.diagnostic}
    assert told == {"colourfulness", "mean_brightness", "clipped_dark", "clipped_bright", "dark_noise"}
    assert known_metrics()["dark_noise"].direction == "a diagnostic, neither direction is better"
    assert known_metrics()["psnr"].direction == "higher is better"


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
        expected = {(row["dataset"], row["image"]): float(row["niqe"]) for row in csv.DictReader(stream)}
    scorer = get_metric("niqe").load()
    differences = np.array(
        [
            scorer(read_image(shared / "data" / dataset / name), None) - value
            for (dataset, name), value in expected.items()
        ]
    )
    assert len(differences) == 74
    assert np.abs(differences).max() < 1e-3
    assert np.median(np.abs(differences)) < 1e-6
    assert abs(differences.mean()) < 3e-5


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


def test_names_and_directions_of_pyiqa_are_known_without_importing_it():
    code = (
        "import sys, time; from bench.metrics import get_metric; start = time.perf_counter();"
        "print(get_metric('musiq').lower_is_better, get_metric('brisque').lower_is_better, 'pyiqa' in sys.modules);"
        "assert time.perf_counter() - start < 3"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.stdout == "False True False\n", told.stderr


def test_the_names_read_from_the_source_are_those_of_pyiqa():
    import pyiqa
    from pyiqa.default_model_configs import DEFAULT_CONFIGS

    assert dict(iqa.settings()) == dict(DEFAULT_CONFIGS)
    sources = "".join(path.read_text() for path in (Path(pyiqa.__file__).parent / "archs").glob("*_*.py"))
    files = {Path(file).name for names in iqa.WEIGHTS.values() for file in names} - {"alexnet-owt-7be5be79.pth"}
    assert [name for name in files if name not in sources] == []
    from torchvision.models import AlexNet_Weights

    assert AlexNet_Weights.DEFAULT.url.endswith("/alexnet-owt-7be5be79.pth")


def test_where_weights_are_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    assert iqa.weights_said("pi") == "cannot be had offline: NRQM_model.mat, niqe_modelparameters.mat"
    (tmp_path / "pyiqa").mkdir()
    (tmp_path / "pyiqa/NRQM_model.mat").touch()
    assert iqa.weights_said("pi") == "cannot be had offline: niqe_modelparameters.mat"
    assert iqa.weights_said("nrqm") == "weights here"
    monkeypatch.setattr(iqa, "online", lambda: True)
    assert iqa.weights_said("pi") == "to be downloaded: niqe_modelparameters.mat"
    assert iqa.weights_said("dbcnn") == "whether its weights are here shows when it is used"


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    released = threading.Event()

    def silent(*_, **__):
        released.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", silent)
    for name in ("HF_ENDPOINT", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    started = time.perf_counter()
    assert REALLY_ONLINE() is False
    assert time.perf_counter() - started < 3
    released.set()


@pytest.mark.parametrize("name", ["brisque", "musiq"])
def test_weights_that_cannot_be_had_are_one_sentence(name, monkeypatch, tmp_path):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(BenchError) as told:
        get_metric(name).load()
    assert str(told.value).startswith(f"The metric {name} cannot be used here: its weights cannot be had offline: ")
    assert "\n" not in str(told.value)


def test_niqe_y_is_niqe_of_the_limited_luma():
    """Y of YCbCr, 16 to 235: computed here and given as a grey picture, whose own grey value it is."""
    red, green, blue = TEXTURE[0].double() * 255
    luma = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    grey = luma.round().clamp(0, 255).float().div(255).expand(1, 3, -1, -1)
    assert score("niqe_y", TEXTURE) == pytest.approx(score("niqe", grey), rel=1e-3)
    assert abs(score("niqe_y", TEXTURE) - score("niqe", TEXTURE)) > 0.01


def test_niqe_is_pyiqas_but_for_its_single_precision():
    photograph = to_tensor(skimage.data.astronaut())
    theirs = iqa.scorer("niqe", pretrained_model_path=str(metrics.PRISTINE))(photograph, None)
    assert score("niqe", photograph) == pytest.approx(theirs, abs=0.01)
    assert score("niqe", photograph) != theirs


def test_gtmean_forgives_a_factor_and_nothing_else():
    dark = TEXTURE * 0.25
    assert score("psnr", dark, TEXTURE) < 10
    assert score("psnr_gtmean", dark, TEXTURE) > 90
    assert score("ssim_gtmean", dark, TEXTURE) == pytest.approx(1, abs=1e-5)
    offset = dark + 0.1
    assert score("psnr_gtmean", offset, TEXTURE) < 25


def test_psnr_gtmean_is_the_formula():
    rng = np.random.default_rng(1)
    truth, result = rng.uniform(0.2, 0.9, (2, 20, 30, 3)).astype(np.float32)
    grey = np.array([0.299, 0.587, 0.114])
    scaled = np.clip(result * (truth @ grey).mean() / (result @ grey).mean(), 0, 1)
    expected = -10 * np.log10(np.mean((scaled - truth) ** 2))
    given = [torch.from_numpy(p.transpose(2, 0, 1)[None].copy()) for p in (result, truth)]
    assert score("psnr_gtmean", *given) == pytest.approx(expected, abs=1e-4)
    with pytest.raises(BenchError, match="The result is black"):
        score("psnr_gtmean", torch.zeros(1, 3, 9, 9), torch.ones(1, 3, 9, 9))
