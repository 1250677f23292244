"""Somebody else's results: a folder's files matched to the pictures of a dataset by name, every mismatch said.

A file belongs to a picture when their paths agree, else when they agree without suffix, else when the file names do,
else the names without suffix. At each step only one file may be meant, or none is taken.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from bench.data import Dataset
from bench.errors import BenchError
from bench.folders import photographs_in
from bench.images import size_of

Found = Mapping[str, Path | str]
"""By the name of each picture of a dataset: its result, or a sentence on why there is none."""
Key = Callable[[str], str]


def match_all(name: str, folder: Path, datasets: Sequence[Dataset]) -> tuple[dict[str, Found], list[str]]:
    """The results of the method `name` in `folder` for each dataset they are for, and sentences on what is amiss.

    Subfolders named like datasets are taken where there are any; otherwise the folder must fit exactly one dataset.
    Raises BenchError when it fits none or several.
    """
    below = [dataset for dataset in datasets if (folder / dataset.name).is_dir()]
    if below:
        parts = {dataset.name: match(name, folder / dataset.name, dataset) for dataset in below}
        notes = [f"{name} has no folder {d.name} in {folder}, so it is not scored on it."
                 for d in datasets if d not in below]  # fmt: skip
    else:
        every = {dataset.name: match(name, folder, dataset) for dataset in datasets}
        parts = {key: part for key, part in every.items() if any(isinstance(file, Path) for file in part[0].values())}
        if not parts:
            known = datasets[0].image_name(datasets[0].low[0])
            raise BenchError(f"No file in {folder} is called like a picture of {_or(every)}, such as {known}.")
        if len(parts) > 1:
            raise BenchError(f"The files in {folder} fit {_or(parts)}: put them into subfolders of these names.")
        notes = [f"{name} is scored on {key} only." for key in parts if len(datasets) > 1]
    return {key: found for key, (found, _) in parts.items()}, [*notes, *(n for _, told in parts.values() for n in told)]


def match(name: str, folder: Path, dataset: Dataset) -> tuple[Found, list[str]]:
    """The result in `folder` of each picture of `dataset`, or why there is none; and sentences on what is amiss."""
    pictures = {dataset.image_name(path): path for path in dataset.low}
    paths = {path.relative_to(folder).as_posix(): path for path in photographs_in(folder)}
    steps: list[tuple[Key, Key]] = [(str, str), (_saved, str), (_stem, _stem), (_name, _name)]
    steps.append((lambda path: _stem(_name(path)), lambda path: _stem(_name(path))))
    taken: dict[str, str] = {}
    why: dict[str, str] = {}
    doubtful: set[str] = set()
    for of_picture, of_file in steps:
        rest = _by(of_file, paths.keys() - taken.values() - doubtful)
        for key, images in _by(of_picture, pictures.keys() - taken.keys() - why.keys()).items():
            files = rest.get(key, [])
            if len(images) == len(files) == 1:
                taken[images[0]] = files[0]
            elif files:
                why |= dict.fromkeys(images, f"It is not clear which is its result: {', '.join(files)}.")
                doubtful.update(files)
    found: dict[str, Path | str] = {}
    for image, path in pictures.items():
        found[image] = paths[taken[image]] if image in taken else why.get(image, f"There is no result in {folder}.")
        if image in taken:
            found[image] = _fitting(paths[taken[image]], path)
    return found, _amiss(name, dataset.name, found, sorted(paths.keys() - taken.values() - doubtful))


def _fitting(result: Path, low: Path) -> Path | str:
    """The result, or a sentence when it has another size than its picture or cannot be opened."""
    try:
        made, wanted = size_of(result), size_of(low)
    except BenchError as error:
        return str(error)
    return result if made == wanted else f"{result} is {made[0]} x {made[1]}, its picture {wanted[0]} x {wanted[1]}."


def _amiss(name: str, dataset: str, found: Found, extra: Sequence[str]) -> list[str]:
    lacking = [f"{image}: {why}" for image, why in found.items() if isinstance(why, str)]
    sentences = [f"{name} has no score on {len(lacking)} of {len(found)} pictures of {dataset}:", *lacking]
    told = ["\n  ".join(sentences)] if lacking else []
    if extra:
        files = "1 file that is" if len(extra) == 1 else f"{len(extra)} files that are"
        told.append("\n  ".join([f"{name} has {files} of no picture of {dataset}:", *extra]))
    return told


def _by(key: Key, names: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        groups[key(name)].append(name)
    return groups


def _saved(path: str) -> str:
    """As `bench evaluate --save-images` calls the result where two pictures differ in their suffix only."""
    return f"{path}.png"


def _stem(path: str) -> str:
    return PurePosixPath(path).with_suffix("").as_posix()


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)
