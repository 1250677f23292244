"""Which of several trainings ships for full size? The rule behind `weights/enlightengan.safetensors`.

python benchmarks/choose_weights.py --candidate NAME=FILE [--candidate NAME=FILE]... [--data-root DIR]

The first candidate is what ships now. Photographs of training sets alone are looked at, MANY of each kind: the scenes
of `exposures.py` that may have had part in choices before and are in no set that confirms (`results/README.md`), dark,
middle, dimmed and well exposed; the two kinds of other cameras by which the texture is chosen (`choose_texture.py`),
BSDS500 at a third of its values and the dark side of EnlightenGAN's crops; and those of BSDS500 again, noisy, at NIGHT
of their light with the noise that those crops have (`enlightengan.camera_noise`). All of them go through each
candidate's network at full size. Chosen is the one with the highest SSIM to the well-exposed photographs, the mean of
the means of the four kinds that are too dark and have these (TOO_DARK), of those that keep to two bounds: NIQE, the
mean of all seven kinds' means, is at most ROOM above the first's, and the four kinds are by CIEDE2000 (Sharma, Wu and
Dalal, 2005), in the mean, no further from the well-exposed photographs than by the first.

What is lighter, redder and yellower than the well-exposed photographs, in the mean, and by how much, is told, too.
How far well-exposed photographs come from themselves is told and no bound: who does not know whether a photograph is
too dark takes natural, which has weights of its own (`weights/enlightengan_guided.safetensors`). Earlier versions of
this rule chose those, when one file served all forms, and for full size by the lowest NIQE (`results/README.md`).

Prints JSON: what each candidate has, without rounding, whether it keeps to the bounds, and which is chosen.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from choose_texture import of_other_cameras
from exposures import Pixels, inputs, may_choose, scenes
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn

from bench.darken import to_linear, to_srgb
from bench.data import data_root
from bench.environment import provenance
from bench.images import read_rgb, to_pixels, to_tensor
from bench.metrics import get_metric
from enlightengan.camera_noise import camera_noise
from methods import make
from reports.document import public

METHOD = "enlightengan"
NOISY = "noisy"
TOO_DARK = ("dark", "middle", "dimmed", NOISY)
MANY = 36
ROOM = 0.05  # of NIQE
NIGHT = 0.03  # times the light
NOISE = 1.33  # levels of 255
OFFSETS = ("lighter", "redder", "yellower")  # of L*, a* and b*, from the well-exposed photograph's
WORKERS = 2  # processes, in one thread each

Photograph = tuple[str, Pixels, Pixels | None]
"""Its kind, what is seen, and the well-exposed one where results are compared with that."""
Means = dict[str, dict[str, float]]
"""By kind and score."""


@cache
def loaded(method: str, file: Path) -> nn.Module:
    """Each candidate once in a process."""
    return make(method, file).eval()


@torch.inference_mode()
def scored(photograph: Photograph, method: str, files: dict[str, Path]) -> list[tuple[str, str, str, float]]:
    """Candidate, kind, score and value of one photograph."""
    torch.set_num_threads(1)
    kind, source, reference = photograph
    lab = None if reference is None else rgb2lab(reference)
    niqe, found = get_metric("niqe").load(), []
    for name, file in files.items():
        pixels = to_pixels(loaded(method, file)(to_tensor(source)))
        values = {"niqe": niqe(to_tensor(pixels), None)}
        if reference is not None:
            came = rgb2lab(pixels)
            values["ciede2000"] = float(deltaE_ciede2000(lab, came).mean())
            values |= dict(zip(OFFSETS, (came - lab).mean((0, 1)).tolist(), strict=True))
            values["ssim"] = float(structural_similarity(reference, pixels, channel_axis=2))
            if not np.array_equal(pixels, reference):
                values["psnr"] = float(peak_signal_noise_ratio(reference, pixels))
        found += [(name, kind, score, value) for score, value in values.items()]
    return found


def photographs(root: Path, most: int | None) -> tuple[list[str], Iterator[Photograph]]:
    """The references' names, and every photograph."""
    every = [scene for k, scene in enumerate(scenes(root / "sice")) if may_choose(k)]
    places = np.linspace(0, len(every) - 1, min(most or len(every), len(every))).round().astype(int)
    picked = [every[place] for place in places]
    paired = ((kind, source, read_rgb(scene.reference)) for scene in picked for kind, source in inputs(scene))
    others = ((kind, source, None) for kind, source, _ in of_other_cameras(root, MANY, MANY))
    cards = (reference for _, _, reference in of_other_cameras(root, MANY, 1) if reference is not None)
    noisy = ((NOISY, at_night(reference, seed), reference) for seed, reference in enumerate(cards))
    return [scene.reference.name for scene in picked], chain(paired, others, noisy)


def at_night(pixels: Pixels, seed: int) -> Pixels:
    """A well-exposed photograph (H, W, 3) at NIGHT of its light, with NOISE."""
    dark = torch.from_numpy(to_srgb(to_linear(pixels / 255) * NIGHT) * 255).permute(2, 0, 1)[None].float()
    made = camera_noise(dark, torch.tensor([NOISE]), torch.Generator().manual_seed(seed))
    return to_pixels(made / 255)


def measured(every: Iterable[Photograph], method: str, files: dict[str, Path]) -> dict[str, Means]:
    """Each candidate's means."""
    values: dict[tuple[str, str, str], list[float]] = {}
    with ProcessPoolExecutor(WORKERS) as pool:
        for found in pool.map(partial(scored, method=method, files=files), every):
            for name, kind, score, value in found:
                values.setdefault((name, kind, score), []).append(value)
    means: dict[str, Means] = {}
    for (name, kind, score), some in values.items():
        means.setdefault(name, {}).setdefault(kind, {})[score] = float(np.mean(some))
    return means


def judged(means: dict[str, Means]) -> dict[str, Any]:
    """Every candidate with what the rule looks at, and the chosen one; the first is what ships now."""
    first = next(iter(means.values()))
    told: dict[str, dict[str, Any]] = {}
    for name, of in means.items():
        further = {kind: of[kind]["ciede2000"] - first[kind]["ciede2000"] for kind in TOO_DARK}
        in_all = float(np.mean(list(further.values())))
        niqe = float(np.mean([scores["niqe"] for scores in of.values()]))
        ssim = float(np.mean([of[kind]["ssim"] for kind in TOO_DARK]))
        told[name] = {"ssim": ssim, "niqe": niqe, "further": further, "further_in_all": in_all}
    most = next(iter(told.values()))["niqe"] + ROOM
    for one in told.values():
        one["keeps_to_bounds"] = one["niqe"] <= most and one["further_in_all"] <= 0
    chosen = max((name for name, one in told.items() if one["keeps_to_bounds"]), key=lambda name: told[name]["ssim"])
    return {"chosen": chosen, "candidates": told}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidate", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--scenes", type=int, help="At most, spread over all that there are.")
    parser.add_argument("--method", default=METHOD, help="The form that is looked at; the rule is about full size.")
    given = parser.parse_args()
    files = {name: Path(file) for name, _, file in (told.partition("=") for told in given.candidate)}
    references, every = photographs(data_root(given.data_root), given.scenes)
    means = measured(every, given.method, files)
    weights = {name: make(given.method, file).checkpoint for name, file in files.items()}
    print(json.dumps({**judged(means), "weights": weights, "references": references, "means": means,
                      "provenance": public(provenance())}, indent=1))  # fmt: skip
