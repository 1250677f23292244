"""What is NIQE with stronger texture and without it? Of the guided method, and of others whose results it is laid on.

python benchmarks/texture.py FOLDER... [--method NAME]... [--every N]

Of the photographs of each folder, every N-th is enhanced by the methods. The guided one does so with its texture off
and on; on the results of the others `enlightengan.texture` works as if they were photographs that no gain had
brightened. Prints JSON: for each folder and method the mean NIQE with its 95 % interval, without and with.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

from bench.environment import provenance
from bench.images import list_images, read_image, to_pixels, to_tensor
from bench.metrics import get_metric
from bench.statistics import mean_interval
from enlightengan import guided
from enlightengan.gain import luma, with_gain
from enlightengan.noise import level, quieted, unevenness
from enlightengan.texture import emphasis
from methods import make

GUIDED = "enlightengan_guided"


def laid_on(result: Tensor) -> Tensor:
    """`result` (1, 3, H, W) in [0, 1] with its texture made stronger."""
    noise = level(unevenness(result))
    grey = luma(quieted(result, noise))
    return with_gain(result, emphasis(grey, noise[:, :1], torch.zeros_like(grey)).exp_())


def pair(name: str) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The method's result without the step and with it."""
    method = make(name).eval()

    def of_guided(image: Tensor) -> tuple[Tensor, Tensor]:
        with patch.object(guided, "emphasis", lambda grey, *_: torch.zeros_like(grey)):
            without = method(image)
        return without, method(image)

    def of_other(image: Tensor) -> tuple[Tensor, Tensor]:
        result = to_tensor(to_pixels(method(image)[0]))
        return result, laid_on(result)

    return of_guided if name == GUIDED else of_other


@torch.inference_mode()
def measured(files: list[Path], name: str) -> dict[str, dict[str, float]]:
    """NIQE of the results that `name` gives for `files`."""
    niqe, both = get_metric("niqe").load(), pair(name)
    values = [[niqe(to_tensor(to_pixels(one[0])), None) for one in both(read_image(file))] for file in files]
    without, stronger = (mean_interval(column) for column in zip(*values, strict=True))
    return {"without": asdict(without), "with": asdict(stronger)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--method", action="append", help=f"identity, msrcp, crm, clahe and {GUIDED} without.")
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    names = arguments.method or ["identity", "msrcp", "crm", "clahe", GUIDED]
    told = {}
    for folder in arguments.folders:
        chosen = list_images(folder)[:: arguments.every]
        told[folder.name] = {name: measured(chosen, name) for name in names}
    print(json.dumps({"niqe": told, "provenance": provenance()}, indent=1))
