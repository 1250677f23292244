"""How much brighter does a network make a crop than the same place of the whole photograph?

python benchmarks/crops.py [--checkpoint FILE] [--side PIXELS]... [--scenes N] [--data-root DIR]

What a network of convolutions makes of a place depends on the edges within its reach, about a hundred pixels for the
U-Net, and a small crop is edges all over: a training on small crops teaches a brightness that the network does not give
to a whole photograph. The scenes are those of `exposures.py` that may have had part in choices; their dark, middle,
dimmed and well-exposed photographs are seen whole, and in crops side by side from the upper left corner on. Prints
JSON: by kind the mean brightness (levels of 255) of what the network makes of the whole, of what the natural form does
and of the well-exposed photograph, and by side how much brighter crops are, each the mean over the scenes with its 95 %
interval.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from exposures import inputs, may_choose, scenes
from torch import Tensor, nn

from bench.data import data_root
from bench.environment import provenance
from bench.images import read_rgb, to_tensor
from bench.statistics import mean_interval
from bench.weights import shipped_weights
from methods import make

FORMS = "enlightengan", "enlightengan_natural"
SIDES = (112, 160, 256, 320)


def crops(picture: Tensor, side: int) -> Iterator[tuple[slice, slice]]:
    """The squares of `side` pixels, side by side, that a picture (1, 3, H, W) has."""
    height, width = picture.shape[-2:]
    for y in range(0, height - side + 1, side):
        for x in range(0, width - side + 1, side):
            yield slice(y, y + side), slice(x, x + side)


def brighter(network: nn.Module, picture: Tensor, whole: Tensor, side: int) -> float:
    """Levels of 255 by which crops of `side` pixels come out brighter than `whole`, the result for all of `picture`."""
    found = [float((network(picture[..., y, x]) - whole[..., y, x]).mean()) for y, x in crops(picture, side)]
    return 255 * float(np.mean(found))


@torch.inference_mode()
def measured(root: Path, network: nn.Module, natural: nn.Module, sides: list[int], most: int) -> dict[str, object]:
    """By kind."""
    every = [scene for k, scene in enumerate(scenes(root / "sice")) if may_choose(k)]
    found: dict[str, dict[str, list[float]]] = {}
    for place in np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int):
        reference = read_rgb(every[place].reference)
        for kind, pixels in inputs(every[place]):
            picture = to_tensor(pixels)
            whole = network(picture)
            values = {
                "whole": 255 * float(whole.mean()), "natural": 255 * float(natural(picture).mean()),
                "reference": float(reference.mean()),
                **{f"crops_of_{side}": brighter(network, picture, whole, side) for side in sides},
            }  # fmt: skip
            for name, value in values.items():
                found.setdefault(kind, {}).setdefault(name, []).append(value)
    return {kind: {name: asdict(mean_interval(some)) for name, some in of.items()} for kind, of in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="For both forms; without it those that ship for each.")
    parser.add_argument("--side", type=int, action="append", help="Several; 112, 160, 256 and 320 without.")
    parser.add_argument("--scenes", type=int, default=36, help="At most, spread over all that there are.")
    parser.add_argument("--data-root", type=Path)
    given = parser.parse_args()
    network, natural = (make(form, given.checkpoint or shipped_weights(form)).eval() for form in FORMS)
    found = measured(data_root(given.data_root), network, natural, given.side or list(SIDES), given.scenes)
    told = {"weights": {"network": network.checkpoint, "natural": natural.checkpoint}, "kinds": found}
    print(json.dumps({**told, "provenance": provenance()}, indent=1))
