"""Which texture of the guided form has the lowest NIQE on training photographs? The rule behind `texture.CHOSEN`.

python benchmarks/choose_texture.py [--data-root DIR | --measured FILE]

Six kinds of photographs, none of a test set or of the sets in `results/README.md` that confirm: SICE's dark, middle,
dimmed and well-exposed ones, of every so many-th scene that may have had part in choices before (as `exposures.py`
tells them), BSDS500 at a third of its values, and the dark side of EnlightenGAN's crops. Every setting of GRID is tried
on all of them. Chosen is the one whose mean of the six kinds' mean NIQE is the lowest, of those that keep to two
bounds:

* PSNR to the well-exposed photograph, the mean of the five kinds that have one, is at most COST below that without any
  stronger texture;
* noise in the dark of EnlightenGAN's crops, which are the noisy ones, is at most that with BEFORE, the setting before.

Prints JSON: what each setting has, without rounding, whether it keeps to the bounds, and which is chosen; --measured
takes what an earlier call printed and only judges anew.
"""

import argparse
import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from exposures import Pixels, inputs, may_choose, scenes
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from bench.data import data_root, resolve
from bench.environment import provenance
from bench.images import read_rgb, to_pixels, to_tensor
from bench.metrics import get_metric
from bench.weights import SHIPPED
from enlightengan.gain import luma
from enlightengan.guided import GuidedEnhancer, enlarged, raised, wanted_gain
from enlightengan.noise import quieted
from enlightengan.texture import Emphasis, emphasis
from methods import make
from reports.document import public

WEIGHTS = SHIPPED / "enlightengan_guided.safetensors"
NOISY = "crops"
STRENGTHS, BOUNDS, SEEN = (2.0, 3.0, 4.0, 6.0), (0.15, 0.25, 0.35), (0.75, 1.5, 3.0, math.inf)
GRID = [Emphasis(strength, most, seen / 255) for strength, most, seen in itertools.product(STRENGTHS, BOUNDS, SEEN)]
COST = 0.5  # dB
BEFORE = Emphasis(4.0, 0.25, 1.5 / 255)
SCENES, CARDS, CROPS = 24, 24, 48
DIVISOR = 3

Scores = dict[str, dict[str, list[float]]]
"""Values by kind and metric."""


def photographs(root: Path) -> Iterator[tuple[str, Pixels, Pixels | None]]:
    """Kind, dark photograph and the well-exposed one, where there is one."""
    every = [scene for k, scene in enumerate(scenes(root / "sice")) if may_choose(k)]
    for scene in every[:: max(1, len(every) // SCENES)][:SCENES]:
        reference = read_rgb(scene.reference)
        for kind, source in inputs(scene):
            yield kind, source, reference
    yield from of_other_cameras(root, CARDS, CROPS)


def of_other_cameras(root: Path, cards: int, crops: int) -> Iterator[tuple[str, Pixels, Pixels | None]]:
    """Likewise, so many of BSDS500's and of EnlightenGAN's crops, spread over all that there are."""
    bright = resolve("bsds500", root).normal
    for path in bright[:: max(1, len(bright) // cards)][:cards]:
        reference = read_rgb(path)
        yield "bsds500 / 3", np.round(reference / DIVISOR).astype(np.uint8), reference
    dark = resolve("enlightengan_crops", root).low
    for path in dark[:: max(1, len(dark) // crops)][:crops]:
        yield NOISY, read_rgb(path), None


def results(method: GuidedEnhancer, image: Tensor) -> Iterator[tuple[Emphasis | None, Tensor]]:
    """What `method` makes of `image` (1, 3, H, W) without stronger texture, and with every setting of it."""
    height, width = image.shape[-2:]
    seen = method.seen(lambda rows, columns: image[..., rows[0] : rows[-1] + 1, :], (height, width))
    window = slice(0, height), slice(0, width)
    gain = wanted_gain(image, seen, lambda values: enlarged(values, seen.factor, window))
    quiet, noise, mean = quieted(image, seen.noise), seen.noise[:, :1], gain.mean(1, keepdim=True)
    yield None, raised(image, quiet, gain.exp())
    for how in GRID:
        added = emphasis(luma(quiet), noise, mean.clone(), how)
        yield how, raised(image, quiet, (gain + added).exp_())


@torch.inference_mode()
def measured(root: Path) -> tuple[Scores, dict[Emphasis, Scores]]:
    """The scores without stronger texture, and with every setting of it."""
    method = make("enlightengan_guided", WEIGHTS).eval()
    assert isinstance(method, GuidedEnhancer)
    niqe, noise = (get_metric(name).load() for name in ("niqe", "dark_noise"))
    found: dict[Emphasis | None, Scores] = {}
    for kind, source, reference in photographs(root):
        image = to_tensor(source)
        for how, result in results(method, image):
            values = found.setdefault(how, {}).setdefault(kind, {"niqe": [], "psnr": [], "dark_noise": []})
            pixels = to_pixels(result[0])
            values["niqe"].append(niqe(to_tensor(pixels), None))
            if reference is not None:
                values["psnr"].append(float(peak_signal_noise_ratio(reference, pixels)))
            if kind == NOISY:
                values["dark_noise"].append(noise(to_tensor(pixels), image))
    return found[None], {how: scores for how, scores in found.items() if how}


def means(scores: Scores) -> dict[str, dict[str, float]]:
    """Of each kind and metric."""
    return {
        kind: {metric: float(np.mean(some)) for metric, some in values.items() if some}
        for kind, values in scores.items()
    }


def summary(how: Emphasis, scores: Scores, plain: Scores) -> dict[str, Any]:
    """The figures that the rule looks at."""
    kinds, without = means(scores), means(plain)
    costs = [without[kind]["psnr"] - values["psnr"] for kind, values in kinds.items() if "psnr" in values]
    return {
        **named(how), "niqe": float(np.mean([values["niqe"] for values in kinds.values()])),
        "psnr_cost": float(np.mean(costs)),
        "noise": kinds[NOISY]["dark_noise"] / without[NOISY]["dark_noise"], "kinds": kinds,
    }  # fmt: skip


def named(how: Emphasis) -> dict[str, float | None]:
    """A setting as JSON has it: `seen` in levels of 255, none: infinity."""
    return {"strength": how.strength, "most": how.most, "seen": how.seen * 255 if math.isfinite(how.seen) else None}


def judged(tried: list[dict[str, Any]]) -> dict[str, Any]:
    """The bounds, what is chosen, and the settings with whether they keep to the bounds, the lowest NIQE first."""
    (before,) = (one for one in tried if named(BEFORE).items() <= one.items())
    bounds = {"psnr_cost": COST, "noise": before["noise"]}
    every = [
        one | {"keeps_to_bounds": all(one[name] <= most for name, most in bounds.items())}
        for one in sorted(tried, key=lambda one: float(one["niqe"]))
    ]
    return {"bounds": bounds, "chosen": next(one for one in every if one["keeps_to_bounds"]), "tried": every}


def told(root: Path) -> dict[str, Any]:
    """What is measured below `root`."""
    plain, found = measured(root)
    return {
        "weights": make("enlightengan_guided", WEIGHTS).checkpoint,
        "photographs": {kind: len(values["niqe"]) for kind, values in plain.items()}, "without": means(plain),
        "tried": [summary(how, scores, plain) for how, scores in found.items()], "provenance": public(provenance()),
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--measured", type=Path)
    given = parser.parse_args()
    known = json.loads(given.measured.read_text()) if given.measured else told(data_root(given.data_root))
    print(json.dumps(known | judged(known["tried"]) | {"judged_at": provenance()["git commit"]}, indent=1))
