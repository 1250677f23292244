"""Which of several trainings ships? The rule behind `weights/enlightengan.safetensors`, on scenes of SICE alone.

python benchmarks/choose_weights.py --candidate NAME=FILE [--candidate NAME=FILE]... [--data-root DIR]

The first candidate is what ships now. The scenes are those of `exposures.py` that may have had part in choices before
and are in no set that confirms (`results/README.md`); their dark, middle, dimmed and well-exposed photographs go
through each candidate's natural form and its network at full size. Chosen is the one whose results are nearest to the
well-exposed photographs, by CIEDE2000 (Sharma, Wu and Dalal, 2005), the mean over both forms of the means of the four
kinds, of those that keep to three bounds against the first:

* natural comes further from the well-exposed photographs by at most FURTHER in each kind;
* the network at full size comes no further from them in the mean of the kinds;
* nor is its NIQE higher there than by NIQE_COST, the mean of the kinds.

Prints JSON: what each candidate has, without rounding, whether it keeps to the bounds, and which is chosen.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from exposures import Scene, inputs, may_choose, scenes
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn

from bench.data import data_root
from bench.environment import provenance
from bench.images import read_rgb, to_pixels, to_tensor
from bench.metrics import get_metric
from methods import make
from reports.document import public

FORMS = NATURAL, FULL_SIZE = "enlightengan_natural", "enlightengan"
SCORES = ("ciede2000", "niqe")  # that bounds are on
FURTHER, NIQE_COST = 0.3, 0.05
WORKERS = 2  # processes, in one thread each

Means = dict[str, dict[str, dict[str, float]]]
"""By form, kind and score."""


@cache
def loaded(form: str, file: Path) -> nn.Module:
    """Each form of each candidate once in a process."""
    return make(form, file).eval()


@torch.inference_mode()
def scored(scene: Scene, files: dict[str, Path]) -> list[tuple[str, str, str, str, float]]:
    """Candidate, form, kind, score and value of every photograph of one scene."""
    torch.set_num_threads(1)
    reference = read_rgb(scene.reference)
    lab, niqe = rgb2lab(reference), get_metric("niqe").load()
    found = []
    for name, file in files.items():
        for form in FORMS:
            for kind, source in inputs(scene):
                pixels = to_pixels(loaded(form, file)(to_tensor(source)))
                values = {
                    "ciede2000": float(deltaE_ciede2000(lab, rgb2lab(pixels)).mean()),
                    "ssim": float(structural_similarity(reference, pixels, channel_axis=2)),
                    "niqe": niqe(to_tensor(pixels), None),
                }
                if not np.array_equal(pixels, reference):
                    values["psnr"] = float(peak_signal_noise_ratio(reference, pixels))
                found += [(name, form, kind, score, value) for score, value in values.items()]
    return found


def measured(root: Path, files: dict[str, Path], most: int | None) -> tuple[list[str], dict[str, Means]]:
    """The references' names, and each candidate's means."""
    every = [scene for k, scene in enumerate(scenes(root / "sice")) if may_choose(k)]
    places = np.linspace(0, len(every) - 1, min(most or len(every), len(every))).round().astype(int)
    picked = [every[place] for place in places]
    values: dict[tuple[str, ...], list[float]] = {}
    with ProcessPoolExecutor(WORKERS) as pool:
        for found in pool.map(partial(scored, files=files), picked):
            for *where, value in found:
                values.setdefault(tuple(where), []).append(value)
    means: dict[str, Means] = {}
    for (name, form, kind, score), some in values.items():
        means.setdefault(name, {}).setdefault(form, {}).setdefault(kind, {})[score] = float(np.mean(some))
    return [scene.reference.name for scene in picked], means


def over_kinds(means: Means, form: str, score: str) -> float:
    """The mean over the kinds."""
    return float(np.mean([kind[score] for kind in means[form].values()]))


def judged(means: dict[str, Means]) -> dict[str, Any]:
    """Every candidate with what the rule looks at, and the chosen one; the first is what ships now."""
    first = next(iter(means.values()))
    told: dict[str, dict[str, Any]] = {}
    for name, of in means.items():
        further = {kind: of[NATURAL][kind]["ciede2000"] - first[NATURAL][kind]["ciede2000"] for kind in of[NATURAL]}
        cost = {score: over_kinds(of, FULL_SIZE, score) - over_kinds(first, FULL_SIZE, score) for score in SCORES}
        bounded = max(further.values()) <= FURTHER and cost["ciede2000"] <= 0 and cost["niqe"] <= NIQE_COST
        told[name] = {
            "ciede2000": float(np.mean([over_kinds(of, form, "ciede2000") for form in FORMS])),
            "natural_further": further, "full_size_further": cost["ciede2000"], "full_size_niqe_cost": cost["niqe"],
            "keeps_to_bounds": bounded,
        }  # fmt: skip
    (_, chosen), *_ = sorted((float(of["ciede2000"]), name) for name, of in told.items() if of["keeps_to_bounds"])
    return {"chosen": chosen, "candidates": told}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidate", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--scenes", type=int, help="At most, spread over all that there are.")
    given = parser.parse_args()
    files = {name: Path(file) for name, _, file in (told.partition("=") for told in given.candidate)}
    references, means = measured(data_root(given.data_root), files, given.scenes)
    weights = {name: make(FULL_SIZE, file).checkpoint for name, file in files.items()}
    print(json.dumps({**judged(means), "weights": weights, "references": references, "means": means,
                      "provenance": public(provenance())}, indent=1))  # fmt: skip
