"""The only door to pyiqa: its scorers, its list of metrics without importing it, and where their weights are.

Importing pyiqa takes nine seconds. Names and directions are read from the source of its list instead.
"""

import ast
import contextlib
import io
import logging
import os
import socket
import threading
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.errors import BenchError

Scorer = Callable[[Tensor, Tensor | None], float]
HUB = "huggingface.co"
PATIENCE = 0.8  # seconds that the hub has to answer
WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "brisque": ("pyiqa/brisque_svm_weights.pth",),
    "clipiqa": ("clip/RN50.pt",),
    "ilniqe": ("pyiqa/ILNIQE_templateModel.mat",),
    "liqe": ("clip/ViT-B-32.pt", "pyiqa/liqe_koniq.pt"),
    "lpips": ("checkpoints/alexnet-owt-7be5be79.pth", "pyiqa/LPIPS_v0.1_alex-df73285e.pth"),
    "musiq": ("pyiqa/musiq_koniq_ckpt-e95806b9.pth",),
    "nrqm": ("pyiqa/NRQM_model.mat",),
    "pi": ("pyiqa/NRQM_model.mat", "pyiqa/niqe_modelparameters.mat"),
}
"""What the metrics that people ask for most load, below torch's hub folder."""


@cache
def settings() -> Mapping[str, Mapping[str, Any]]:
    """pyiqa's own settings of each of its metrics, by name, read from its source. Raises BenchError."""
    found = find_spec("pyiqa")
    if found is None or found.origin is None:
        raise BenchError("pyiqa is not installed: run make install.")
    path = Path(found.origin).with_name("default_model_configs.py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DEFAULT_CONFIGS":
            written = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
            return dict(ast.literal_eval(written))
    raise BenchError(f"{path} holds no list of metrics: install the pyiqa that constraints.txt names.")


def variant(name: str, detail: str = "") -> str:
    """pyiqa's metric `name` in words, with the version."""
    return f"pyiqa {version('pyiqa')} {name}{', ' + detail if detail else ''}"


def weights_said(name: str) -> str:
    """Whether the weights of pyiqa's metric `name` are here, in words; decided in about a second."""
    if name not in WEIGHTS:
        return "whether its weights are here shows when it is used"
    missing = [file for file in WEIGHTS[name] if not (Path(torch.hub.get_dir()) / file).is_file()]
    if not missing:
        return "weights here"
    return f"{'to be downloaded' if online() else 'cannot be had offline'}: {', '.join(Path(m).name for m in missing)}"


@cache
def online() -> bool:
    """Whether the hub can be reached; asked once. A name server that does not answer counts as no."""
    if {"HF_ENDPOINT", "HTTPS_PROXY", "https_proxy"} & os.environ.keys():
        return True  # a way that the look below does not take
    reached = threading.Event()

    def look() -> None:
        with contextlib.suppress(OSError):
            socket.create_connection((HUB, 443), timeout=PATIENCE).close()
            reached.set()

    asking = threading.Thread(target=look, daemon=True)  # resolving a name knows no time limit
    asking.start()
    asking.join(PATIENCE)
    return reached.is_set()


def _imported(*, downloads: bool) -> Any:
    """pyiqa without its chatter; `downloads`: it may want weights from a hub."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if downloads and not online():
        os.environ["HF_HUB_OFFLINE"] = "1"  # otherwise hub clients try for a minute
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import pyiqa
    logging.getLogger("pyiqa").setLevel(logging.ERROR)
    return pyiqa


def parts_of_niqe() -> Any:
    """pyiqa's functions of which its NIQE is made: `blockproc`, `compute_feature`, `nanmean` and `nancov`."""
    _imported(downloads=False)
    from pyiqa.archs import niqe_arch

    return niqe_arch


def scorer(name: str, *, downloads: bool = False, **options: Any) -> Scorer:
    """A scorer from pyiqa's metric `name`. Raises BenchError when its weights cannot be had."""
    if downloads and weights_said(name).startswith("cannot"):
        raise BenchError(f"The metric {name} cannot be used here: its weights {weights_said(name)}. {_HINT}")
    pyiqa = _imported(downloads=downloads)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            model = pyiqa.create_metric(name, device=torch.device("cpu"), **options)
    except Exception as error:  # pyiqa lets every kind of download and import error through
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BenchError(f"The metric {name} cannot be used here: {reason[0]} {_HINT}") from error

    def score(image: Tensor, reference: Tensor | None) -> float:
        pictures = (image,) if reference is None else (image, reference)
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(model(*pictures).item())

    return score


_HINT = "Weights are downloaded once, online; bench metrics lists what works without."
