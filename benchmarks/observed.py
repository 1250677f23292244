"""The figures of the shipped weights' card about single photographs, so that other weights can be compared by them.

python benchmarks/observed.py [--checkpoint FILE]... [--data-root DIR]

Prints JSON: for natural and for full size, by the digest of the weights (each file given, else what ships for that
form), the mean CIELAB colours of results that have had a cast, the mean L* that the dark parts of scenes before
something bright come to, and how far each of the well-lit photographs is moved (CIE76). The photographs are named by
the failures that were seen on them; nothing is chosen by these figures.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2lab
from torch import nn

from bench.data import data_root
from bench.environment import provenance
from bench.images import read_rgb, to_pixels, to_tensor
from bench.weights import shipped_weights
from methods import make

FORMS = "enlightengan_natural", "enlightengan"
CASTS = ("lime/7.bmp", *(f"lol_eval15/low/{name}.png" for name in (22, 23, 55, 665)), "dicm/27.jpg")
DARK_BEFORE_BRIGHT = tuple(f"dicm/{name}.jpg" for name in ("04", 34, 36, 41, 44, 61, 65))
DARK = 25  # L*, below which a part of a photograph is dark
WELL_LIT = range(45, 70)  # of DICM

Lab = NDArray[np.float64]


def colours(lab: Lab) -> list[float]:
    """The mean L*, a* and b* of (H, W, 3)."""
    return [float(value) for value in lab.mean((0, 1))]


@torch.inference_mode()
def observed(method: nn.Module, root: Path) -> dict[str, object]:
    """What one form of the weights makes of the named photographs."""

    def seen(path: Path) -> tuple[Lab, Lab]:
        pixels = read_rgb(path)
        return rgb2lab(pixels), rgb2lab(to_pixels(method(to_tensor(pixels))[0]))

    dark = {name: seen(root / name) for name in DARK_BEFORE_BRIGHT}
    lit = [seen(path) for path in (root / f"dicm/{k}.jpg" for k in WELL_LIT) if path.exists()]
    lightness = {name: (before[..., 0], after[..., 0]) for name, (before, after) in dark.items()}
    return {
        "casts": {name: colours(seen(root / name)[1]) for name in CASTS},
        "dark_parts": {name: float(after[before < DARK].mean()) for name, (before, after) in lightness.items()},
        "well_lit_moved": [float(np.sqrt(((after - before) ** 2).sum(-1)).mean()) for before, after in lit],
    }


def references(root: Path) -> dict[str, list[float]]:
    """The colours that those of CASTS have which come with a reference."""
    pairs = ((name, root / name.replace("/low/", "/high/")) for name in CASTS if "/low/" in name)
    return {name: colours(rgb2lab(read_rgb(path))) for name, path in pairs}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, action="append")
    parser.add_argument("--data-root", type=Path)
    given = parser.parse_args()
    root = data_root(given.data_root)
    told: dict[str, dict[str, object]] = {form: {} for form in FORMS}
    for form, by in told.items():
        for file in given.checkpoint or filter(None, [shipped_weights(form)]):
            method = make(form, file).eval()
            by[str(method.checkpoint)] = observed(method, root)
    print(json.dumps({"references": references(root), "forms": told, "provenance": provenance()}, indent=1))
