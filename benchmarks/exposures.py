"""How near do methods come to a well-exposed photograph? On scenes that a camera took several times, as SICE has them.

python benchmarks/exposures.py --sice FOLDER [--method NAME]... [--scenes N]
python benchmarks/exposures.py --sice FOLDER --pairs

A scene of SICE is photographs with numbers that follow each other. It is taken up where one of them is well exposed and
on the list of `normal`, and its darker ones are on no list: no training has had them. The well-exposed one a training
may have had, for an example or, where it has well-lit inputs, for an input. The methods see a dark exposure (mean 12 to
38 of 255), a middle one (50 to 80), and the well-exposed one at 1/1.6 of its values and as it is; what they give is
compared with the well-exposed one. Prints JSON: for each method and kind the means with their 95 % intervals of PSNR,
CIELAB distance (CIE76) and NIQE, and how many stops darker than there what was dark has become.

With --pairs it prints the two splits of `datasets/sice.toml` that confirm what the test sets say, each with a dark
exposure of a scene or, where it has none, a middle one: `examples`, of scenes as above, those that had no part in
choosing the guided form's settings (which took every second, third or thirteenth); `inputs`, of scenes the other way
round, the darker ones on a list and the well-exposed one on none: a training may have had the dark one, nothing the
reference.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor, nn

from bench.colour import luma
from bench.digests import files_digest
from bench.environment import provenance
from bench.images import read_rgb, to_pixels, to_tensor
from bench.metrics import get_metric
from bench.statistics import mean_interval
from methods import make

Pixels = NDArray[np.uint8]
REACH = 8  # numbers before a well-exposed photograph's among which its scene's darker ones are
ALIKE = 0.75  # correlation of the gradients of log luma from which two photographs show one scene
DARK, MIDDLE = (12, 38), (50, 80)  # mean lumas, of 255
DIMMED = 1.6
SHADOW = 0.15  # of 1, the input's luma below which a place is dark


@dataclass(frozen=True)
class Scene:
    """A well-exposed photograph and darker ones of its scene by kind."""

    reference: Path
    darker: dict[str, Path]


def thumbnail(path: Path) -> tuple[NDArray[np.float64], float]:
    """Gradients of log luma at 48 x 48 pixels, of mean 0 and deviation 1; and the mean luma of 255."""
    grey = Image.open(path).convert("L")
    small = np.log(np.asarray(grey.resize((48, 48)), float) + 2)
    gradients = np.stack([np.diff(small, axis=1)[:-1], np.diff(small, axis=0)[:, :-1]]).ravel()
    return (gradients - gradients.mean()) / max(gradients.std(), 1e-6), float(np.asarray(grey, float).mean())


def scenes(folder: Path, *, examples: bool = True) -> Iterator[Scene]:
    """The scenes whose well-exposed photograph is on a list and no darker one, or the other way round, each once."""
    listed = {name: (folder / f"{name}_disjoint.txt").read_text().split() for name in ("low", "mid", "normal")}
    trained = {*listed["low"], *listed["mid"]}
    files = {int(path.stem): path for name in ("low", "mid") for path in (folder / name).iterdir()}
    unlisted = {path.name for path in (folder / "normal").iterdir()} - set(listed["normal"])
    taken: set[Path] = set()
    for name in listed["normal"] if examples else sorted(unlisted):
        reference = folder / "normal" / name
        gradients, _ = thumbnail(reference)
        number, darker = int(reference.stem), dict[str, Path]()
        for path in (files[k] for k in range(number - REACH, number) if k in files):
            others, mean = thumbnail(path)
            if (path.name in trained) is examples or (gradients * others).mean() < ALIKE:
                continue
            for kind, (least, most) in (("dark", DARK), ("middle", MIDDLE)):
                if least < mean < most:
                    darker[kind] = path
        if darker and not taken & set(darker.values()):
            taken |= set(darker.values())
            yield Scene(reference, darker)


def inputs(scene: Scene) -> Iterator[tuple[str, Pixels]]:
    """What the methods see, by kind."""
    reference = read_rgb(scene.reference)
    yield "well exposed", reference
    yield "dimmed", np.round(reference / DIMMED).astype(np.uint8)
    for kind, path in scene.darker.items():
        yield kind, read_rgb(path)


def measured(result: Tensor, source: Pixels, reference: Pixels) -> dict[str, float]:
    """The scores of one result, (1, 3, H, W) in [0, 1]."""
    pixels = to_pixels(result[0])
    truth, found = reference / 255, pixels / 255
    before, after, wanted = (luma(picture) for picture in (source / 255, found, truth))
    dark = (before < SHADOW) & (wanted > 0.02) & (wanted < 0.9)
    scores = {
        "cielab": float(np.sqrt(((rgb2lab(found) - rgb2lab(truth)) ** 2).sum(-1)).mean()),
        "niqe": get_metric("niqe").load()(to_tensor(pixels), None),
    }
    if dark.any():
        scores["stops_darker"] = float(np.log2((wanted[dark] + 0.02) / (after[dark] + 0.02)).mean())
    if not np.array_equal(pixels, reference):
        scores["psnr"] = float(peak_signal_noise_ratio(reference, pixels))
    return scores


def may_choose(k: int) -> bool:
    """Whether the k-th of `scenes` had part in choosing the guided form's settings, or may have."""
    return not (k % 2 and k % 3 and k % 13)


def splits(folder: Path) -> str:
    """The splits of `datasets/sice.toml` with pairs, in TOML."""
    examples = [scene for k, scene in enumerate(scenes(folder)) if not may_choose(k)]
    lines = []
    for name, chosen in (("examples", examples), ("inputs", list(scenes(folder, examples=False)))):
        pairs = {scene.darker.get("dark", scene.darker.get("middle")): scene.reference for scene in chosen}
        lines += ["", f"[splits.{name}]", 'role = "held-out"']
        for side, files in (("low", pairs.keys()), ("reference", pairs.values())):
            unique = tuple({path for path in files if path})
            lines += [f"{side}.count = {len(unique)}", f'{side}.digest = "{files_digest(folder, unique)}"']
        inside = ((f"{low.parent.name}/{low.name}", f"normal/{high.name}") for low, high in pairs.items() if low)
        lines += ["", f"[splits.{name}.pairs]", *(f'"{low}" = "{high}"' for low, high in inside)]
    return "\n".join(lines)


@torch.inference_mode()
def compare(chosen: Sequence[Scene], methods: dict[str, nn.Module]) -> dict[str, dict[str, dict[str, object]]]:
    """Method, kind and score: mean, bounds and count."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for scene in chosen:
        reference = read_rgb(scene.reference)
        for kind, source in inputs(scene):
            for name, method in methods.items():
                of_kind = found.setdefault(name, {}).setdefault(kind, {})
                for score, value in measured(method(to_tensor(source)), source, reference).items():
                    of_kind.setdefault(score, []).append(value)
    return {
        name: {kind: {score: _told(values) for score, values in scores.items()} for kind, scores in kinds.items()}
        for name, kinds in found.items()
    }


def _told(values: list[float]) -> dict[str, float]:
    interval = mean_interval(values)
    return {"mean": interval.mean, "low": interval.low, "high": interval.high, "count": interval.count}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sice", type=Path, required=True)
    parser.add_argument("--method", action="append", help="identity, enlightengan and enlightengan_guided without.")
    parser.add_argument("--scenes", type=int, default=24, help="Spread over all that there are.")
    parser.add_argument("--pairs", action="store_true", help="Print the splits of pairs instead.")
    arguments = parser.parse_args()
    if arguments.pairs:
        print(splits(arguments.sice))
        raise SystemExit
    names = arguments.method or ["identity", "enlightengan", "enlightengan_guided"]
    every = list(scenes(arguments.sice))
    step = max(1, len(every) // arguments.scenes)
    picked = every[::step][: arguments.scenes]
    made = {name: make(name).eval() for name in names}
    told = {"scenes": len(every), "references": [scene.reference.name for scene in picked]}
    print(json.dumps({**told, "methods": compare(picked, made), "provenance": provenance()}, indent=1))
