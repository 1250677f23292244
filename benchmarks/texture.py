"""What is NIQE with stronger texture and without it? Of the guided method, and of others whose results it is laid on.

python benchmarks/texture.py DATASET... [--method NAME]... [--every N] [--data-root DIR]

Of the photographs of each dataset or folder, every N-th is enhanced by the methods. The guided one does so with its
texture off and on; on the results of the others `enlightengan.texture` works as if they were photographs that no gain
had brightened. Prints JSON: for each dataset and method the digest of its weights, and the mean of NIQE, and of PSNR
and SSIM where there are references, without, with and the difference, with their 95 % intervals.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.data import Dataset, data_root, resolve
from bench.environment import provenance
from bench.images import read_image, to_pixels, to_tensor
from bench.metrics import get_metric
from bench.statistics import mean_interval
from enlightengan.gain import luma, with_gain
from enlightengan.guided import GuidedEnhancer
from enlightengan.noise import level, quieted, unevenness
from enlightengan.texture import emphasis
from methods import make

GUIDED = "enlightengan_guided"


def laid_on(result: Tensor) -> Tensor:
    """`result` (1, 3, H, W) in [0, 1] with its texture made stronger."""
    noise = level(unevenness(result))
    grey = luma(quieted(result, noise))
    return with_gain(result, emphasis(grey, noise[:, :1], torch.zeros_like(grey)).exp_())


def pair(name: str, method: nn.Module) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The method's result without the step and with it."""

    def of_guided(image: Tensor) -> tuple[Tensor, Tensor]:
        assert isinstance(method, GuidedEnhancer)
        results = []
        for method.texture in (0.0, 1.0):
            results.append(method(image))
        return results[0], results[1]

    def of_other(image: Tensor) -> tuple[Tensor, Tensor]:
        result = to_tensor(to_pixels(method(image)[0]))
        return result, laid_on(result)

    return of_guided if name == GUIDED else of_other


@torch.inference_mode()
def measured(dataset: Dataset, every: int, name: str) -> dict[str, Any]:
    """The scores of the results that `name` gives for every so many-th of the photographs."""
    method = make(name).eval()
    both, values = pair(name, method), dict[str, list[tuple[float, float]]]()
    metrics = {m: get_metric(m).load() for m in ("niqe", *(("psnr", "ssim_rgb") if dataset.reference else ()))}
    for k, low in list(enumerate(dataset.low))[::every]:
        reference = read_image(dataset.reference[k]) if dataset.reference else None
        without, stronger = (to_tensor(to_pixels(one[0])) for one in both(read_image(low)))
        for metric, score in metrics.items():
            values.setdefault(metric, []).append((score(without, reference), score(stronger, reference)))
    return {"weights": getattr(method, "checkpoint", ""), **{metric: told(found) for metric, found in values.items()}}


def told(values: list[tuple[float, float]]) -> dict[str, dict[str, float]]:
    """Means of pairs of values, and of what the second is more than the first."""
    columns = {"without": [a for a, _ in values], "with": [b for _, b in values], "change": [b - a for a, b in values]}
    return {name: asdict(mean_interval(column)) for name, column in columns.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--method", action="append", help=f"identity, msrcp, crm, clahe and {GUIDED} without.")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--data-root", type=Path)
    arguments = parser.parse_args()
    names = arguments.method or ["identity", "msrcp", "crm", "clahe", GUIDED]
    chosen = {name: resolve(name, data_root(arguments.data_root)) for name in arguments.datasets}
    scores = {
        name: {method: measured(dataset, arguments.every, method) for method in names}
        for name, dataset in chosen.items()
    }
    print(json.dumps({"scores": scores, "provenance": provenance()}, indent=1))
