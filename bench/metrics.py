"""The metrics, and the only door to pyiqa. Every pyiqa name works; ours register themselves below.

A metric scores a picture after it was rounded to 8 bits, so a number here equals the number of the saved file.
"""

import contextlib
import hashlib
import io
import logging
import os
import socket
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import loe
from bench.errors import BenchError, unknown_name

Scorer = Callable[[Tensor, Tensor | None], float]
PRISTINE = Path(__file__).parent / "niqe_pristine" / "niqe_pristine.mat"
NIQE_BLOCK = 96  # pixels; a smaller picture holds no block


@dataclass(frozen=True)
class Metric:
    """A metric: its direction, whether it needs a reference, which variant it is, and how to load its function."""

    name: str
    lower_is_better: bool
    needs_reference: bool
    variant: str
    """Implementation, colour conversion and parameters, in words."""
    load: Callable[[], Scorer]
    parameters: str = ""
    """Digest of the parameter file, if it has one."""
    needs_input: bool = False
    """Compares with the low-light input, which then takes the place of the reference."""

    @property
    def digest(self) -> str:
        """16 hex digits that change with the variant or the parameters."""
        return hashlib.sha256(f"{self.name}|{self.variant}|{self.parameters}".encode()).hexdigest()[:16]


def _quiet_pyiqa(*, downloads: bool) -> Any:
    """pyiqa, imported late (nine seconds) and without its chatter; `downloads`: it may want weights from a hub."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if downloads and not _online():
        os.environ["HF_HUB_OFFLINE"] = "1"  # otherwise hub clients try for a minute
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import pyiqa
    logging.getLogger("pyiqa").setLevel(logging.ERROR)
    return pyiqa


@cache
def _online() -> bool:
    if {"HF_ENDPOINT", "HTTPS_PROXY", "https_proxy"} & os.environ.keys():
        return True  # a way that the look below does not take
    try:
        socket.create_connection(("huggingface.co", 443), timeout=2).close()
    except OSError:
        return False
    return True


def pyiqa_scorer(name: str, **options: Any) -> Scorer:
    """A scorer from pyiqa's metric `name`. Raises BenchError when its weights cannot be had."""
    pyiqa = _quiet_pyiqa(downloads=name not in _all_known())
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            model = pyiqa.create_metric(name, device=torch.device("cpu"), **options)
    except Exception as error:  # pyiqa lets every kind of download and import error through
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BenchError(
            f"The metric {name} cannot be used here: {reason[0]} Its weights are downloaded once, online; without "
            "them niqe, piqe, entropy, loe, psnr and ssim work."
        ) from error

    def score(image: Tensor, reference: Tensor | None) -> float:
        pictures = (image,) if reference is None else (image, reference)
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(model(*pictures).item())

    return score


def _niqe() -> Scorer:
    scorer = pyiqa_scorer("niqe", pretrained_model_path=str(PRISTINE))

    def score(image: Tensor, reference: Tensor | None) -> float:
        if min(image.shape[-2:]) < NIQE_BLOCK:
            raise BenchError(f"NIQE needs at least {NIQE_BLOCK} x {NIQE_BLOCK} pixels.")
        return scorer(image, reference)

    return score


def _ssim_rgb() -> Scorer:
    from skimage.metrics import structural_similarity

    def score(image: Tensor, reference: Tensor | None) -> float:
        assert reference is not None
        pair = [t.squeeze(0).permute(1, 2, 0).numpy() for t in (image, reference)]
        return float(structural_similarity(*pair, channel_axis=2, data_range=1.0))

    return score


def _pyiqa_variant(name: str, detail: str = "") -> str:
    return f"pyiqa {version('pyiqa')} {name}{', ' + detail if detail else ''}"


def _known() -> dict[str, Metric]:
    def plain(name: str, detail: str, *, lower: bool = False, reference: bool = False) -> Metric:
        return Metric(name, lower, reference, _pyiqa_variant(name, detail), lambda: pyiqa_scorer(name))

    parameters = hashlib.sha256(PRISTINE.read_bytes()).hexdigest()[:16]
    detail = "grey as MATLAB's rgb2gray, original pristine parameters, blocks of 96 x 96, no border cropped"
    metrics = (
        Metric("niqe", True, False, _pyiqa_variant("niqe", detail), _niqe, parameters),
        plain("piqe", "no parameters", lower=True),
        plain("entropy", "no parameters"),
        plain("psnr", "over RGB", reference=True),
        plain("ssim", "on Y of YCbCr", reference=True),
        Metric("loe", True, False, "100 x 100 samples, lightness max(R, G, B)", lambda: loe.score, needs_input=True),
        Metric(
            "ssim_rgb", False, True, f"scikit-image {version('scikit-image')}, 7 x 7, mean over RGB", _ssim_rgb
        ),
    )  # fmt: skip
    return {metric.name: metric for metric in metrics}


def known_metrics() -> dict[str, Metric]:
    """The metrics that need no download, by name; found without importing pyiqa."""
    return dict(_all_known())


@cache
def _all_known() -> dict[str, Metric]:
    return _known()


@cache
def get_metric(name: str) -> Metric:
    """The metric called `name`: one of ours, else pyiqa's of that name with pyiqa's defaults. Raises BenchError."""
    known = _all_known()
    if name in known:
        return known[name]
    pyiqa = _quiet_pyiqa(downloads=True)
    names = pyiqa.list_models()
    if name not in names:
        raise unknown_name("metric", name, {*names, *known})
    from pyiqa.default_model_configs import DEFAULT_CONFIGS

    settings = DEFAULT_CONFIGS[name]
    return Metric(
        name, settings.get("lower_better", False), settings["metric_mode"] == "FR", _pyiqa_variant(name, "defaults"),
        lambda: pyiqa_scorer(name),
    )  # fmt: skip
