"""Making a study: matching the methods' results by name, and copying them once, all versions of an image in one size.

Copies are JPEG, quality 95 without colour subsampling, for every method alike; their names are random.
"""

import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bench.errors import BenchError
from bench.folders import photographs_in
from bench.images import as_png, read_rgb
from study.database import DATABASE, PICTURES, Picture, create
from study.design import Plan

LONGEST = 1600
ASPECT = 0.02  # a network that pads to multiples of 16 changes the aspect ratio by less


@dataclass(frozen=True)
class Scene:
    """One image: how it is called, each method's result, and the input where there is one."""

    name: str
    results: tuple[Path, ...]
    low: Path | None


def inputs_of(images: Mapping[str, Path]) -> dict[str, tuple[str, Path]]:
    """A dataset's photographs {name inside it: file}, keyed as `bench evaluate` names its results: (name, file)."""
    saved = as_png(list(images))
    return {saved[name].removesuffix(".png"): (name, file) for name, file in images.items()}


def match(
    outputs: Mapping[str, Path], inputs: Mapping[str, tuple[str, Path]] | None = None, *, common: bool = False
) -> tuple[list[Scene], list[str]]:
    """The images that every method (a folder each) has a result for, by name without suffix, and notes on the rest.

    The name is the path inside the folder; beside a dataset's photographs (`inputs`) the file's name alone does, too,
    where one photograph and one result are called so.
    Raises BenchError, naming every mismatch, unless `common` drops what does not match. Photographs of the dataset
    that no method has a result for are left out.
    """
    found = {method: _keyed(method, folder) for method, folder in outputs.items()}
    if inputs is not None:
        found = {method: _as_in_dataset(files, inputs) for method, files in found.items()}
    everything = {key for files in found.values() for key in files}
    shared = {key for key in everything if all(key in files for files in found.values())}
    lacking = [_missing(method, everything - files.keys()) for method, files in found.items()]
    if inputs is not None:
        lacking.append(_missing("the dataset", everything - inputs.keys()))
        shared &= inputs.keys()
    lacking = [sentence for sentence in lacking if sentence]
    if lacking and not common:
        raise BenchError(
            f"The results do not match by name: {'; '.join(lacking)}. Add them, or leave them out with --common."
        )
    if not shared:
        raise BenchError(f"No image has a result in every folder: {'; '.join(lacking)}.")
    scenes = []
    for key in sorted(shared):
        name, low = (key, None) if inputs is None else inputs[key]
        scenes.append(Scene(name, tuple(files[key] for files in found.values()), low))
    return scenes, [f"Left out: {sentence}." for sentence in lacking]


def _keyed(method: str, folder: Path) -> dict[str, Path]:
    files = photographs_in(folder)
    if not files:
        raise BenchError(f"{method}: there is no picture in {folder}.")
    keys = {file: file.relative_to(folder).with_suffix("").as_posix() for file in files}
    twice = [key for key, count in Counter(keys.values()).items() if count > 1]
    if twice:
        raise BenchError(f"{method}: {folder} has several pictures called {twice[0]}, told apart only by their suffix.")
    return {key: file for file, key in keys.items()}


def _as_in_dataset(files: Mapping[str, Path], inputs: Mapping[str, tuple[str, Path]]) -> dict[str, Path]:
    """`files` by the keys of `inputs`; a file that cannot be told to belong to one keeps its own."""
    called: dict[str, list[str]] = {}
    for key in inputs.keys() - files.keys():
        called.setdefault(key.rpartition("/")[2], []).append(key)
    count = Counter(key.rpartition("/")[2] for key in files.keys() - inputs.keys())
    found = dict[str, Path]()
    for key, file in files.items():
        name = key.rpartition("/")[2]
        meant = called.get(name, [])
        found[meant[0] if key not in inputs and len(meant) == count[name] == 1 else key] = file
    return found


def _missing(who: str, keys: set[str]) -> str:
    if not keys:
        return ""
    return f"{who} lacks {len(keys)} ({', '.join(sorted(keys))})"


def choose(scenes: Sequence[Scene], count: int | None, seed: int) -> list[Scene]:
    """`count` of the images, drawn by the seed, in their order; all without a count."""
    if count is None or count == len(scenes):
        return list(scenes)
    if not 1 <= count <= len(scenes):
        raise BenchError(f"--images must lie between 1 and {len(scenes)}, the number of matching images, not {count}.")
    chosen = set(Random(f"{seed}/images").sample(range(len(scenes)), count))
    return [scene for place, scene in enumerate(scenes) if place in chosen]


def make_study(
    folder: Path, scenes: Sequence[Scene], plan: Plan, *, methods: Sequence[str], dataset: str = "",
    longest: int = LONGEST, on_image: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Prepare the pictures and the database of a study in `folder`; aside first, then renamed. Raises BenchError."""
    if folder.exists():
        raise BenchError(f"There is a study {folder.name} already: choose another name, or remove {folder}.")
    _check_names(scenes)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    except OSError as error:
        raise BenchError(f"Cannot write below {folder.parent}: {error}") from error
    try:
        (aside / PICTURES).mkdir()
        pictures: list[Picture] = []
        images: list[tuple[str, int, int]] = []
        for number, scene in enumerate(scenes):
            made, size = _prepare(scene, number, plan, aside / PICTURES, methods, longest)
            pictures += made
            images.append((scene.name, *size))
            on_image()
        create(aside / DATABASE, name=folder.name, dataset=dataset, plan=plan, methods=methods, images=images,
               pictures=pictures)  # fmt: skip
        aside.chmod(0o755)
        aside.rename(folder)
    except OSError as error:
        raise BenchError(f"Cannot write the study {folder}: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _check_names(scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        try:
            scene.name.encode()
        except UnicodeEncodeError as error:
            told = f"The name of {scene.name!a} is not UTF-8, so no database could tell it: rename it."
            raise BenchError(told) from error


def _prepare(
    scene: Scene, number: int, plan: Plan, folder: Path, methods: Sequence[str], longest: int
) -> tuple[list[Picture], tuple[int, int]]:
    """Copies of one image: a result a method, the input, degraded copies for the catch trials that fall on it."""
    results = [read_rgb(path) for path in scene.results]
    low = None if scene.low is None else read_rgb(scene.low)
    size = _common_size(
        [*results, *([] if low is None else [low])], [*scene.results, *filter(None, [scene.low])], longest
    )
    made = []

    def keep(picture: Image.Image, kind: str, method: int | None = None, catch: int | None = None) -> None:
        token = secrets.token_hex(16)
        picture.save(folder / f"{token}.jpg", quality=95, subsampling=0)
        made.append(Picture(token, number, kind, method, catch))

    for method, _ in enumerate(methods):
        keep(_resized(results[method], size), "result", method)
    if low is not None:
        keep(_resized(low, size), "input")
    for catch in range(plan.catches):
        image, method = plan.catch(catch)
        if image == number:
            keep(degraded(_resized(results[method], size)), "degraded", catch=catch)
    return made, size


def _common_size(pictures: Sequence[NDArray[np.uint8]], paths: Sequence[Path], longest: int) -> tuple[int, int]:
    """Width and height for all versions: the smallest version's, at most `longest`; nothing is enlarged."""
    shapes = [picture.shape[:2] for picture in pictures]
    smallest = min(shapes, key=lambda shape: shape[0] * shape[1])
    for shape, path in zip(shapes, paths, strict=True):
        if abs(shape[0] * smallest[1] / (shape[1] * smallest[0]) - 1) > ASPECT:
            (h, w), (H, W) = shape, smallest
            raise BenchError(
                f"{path} is {w} x {h} where another version of the same image is {W} x {H}: versions of an image "
                "must have the same shape to be compared."
            )
    scale = min(1.0, longest / max(smallest))
    return max(1, round(smallest[1] * scale)), max(1, round(smallest[0] * scale))


def _resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(pixels)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def degraded(picture: Image.Image) -> Image.Image:
    """A copy that nobody should prefer: blurred by a fortieth of its longest side, at a third of its light."""
    blurred = picture.filter(ImageFilter.GaussianBlur(max(2.0, max(picture.size) / 40)))
    return blurred.point([value // 3 for value in range(256)] * 3)
