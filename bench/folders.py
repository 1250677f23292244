"""The photographs in a folder, wherever a folder is named."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.images import list_images

RUNS = Path("runs")
PAIRED = "Name them alike, or name the pairs (datasets/README.md)."
RAW = {
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
    ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
}  # fmt: skip
"""Cameras' own formats. Many are TIFFs to Pillow, which finds the small preview in them."""
OTHERS = RAW | {
    ".apng", ".avif", ".avifs", ".dib", ".exr", ".gif", ".hdr", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2",
    ".jpe", ".jxl", ".mpo", ".pbm", ".pfm", ".pnm", ".psd", ".qoi", ".tga",
}  # fmt: skip
"""Suffixes of pictures that are not read out of folders."""
CONVERT = "convert them first, raw ones to TIFF or PNG of 16 bits."
OURS = ("mlflow.db", "cells.db", "artifacts", "samples", "training", "report")
"""One of these is in RUNS where that is this program's own, and not somebody's photographs of runs."""


def photographs_in(folder: Path, *, but: Sequence[Path] = ()) -> list[Path]:
    """Every picture file below `folder`, sorted by path; what is hidden, or in a hidden folder, is left out.

    So is what this program keeps in `runs` and what lies in `but`, unless the folder itself lies there: results are no
    photographs. Raises BenchError without such a folder.
    """
    return _apart(list_images(folder), folder, but)


def _apart(files: Iterable[Path], folder: Path, but: Sequence[Path]) -> list[Path]:
    """Of `files`, which are below `folder`, those that are neither hidden nor results."""
    apart = [*but, *([RUNS] if any((RUNS / name).exists() for name in OURS) else [])]
    whole = folder.resolve()
    within = [place.resolve() for place in apart if whole in place.resolve().parents]
    every = (path for path in files if not in_hidden(path, folder))
    if not within:
        return list(every)
    return [path for path in every if not any(path.parent.resolve().is_relative_to(place) for place in within)]


def others_in(folder: Path, *, but: Sequence[Path] = ()) -> list[Path]:
    """The pictures below `folder` that are not read, for their suffix is of OTHERS; what `photographs_in` leaves out is
    left out here, too."""
    whole = folder.absolute()
    found = sorted(path for path in whole.rglob("*") if path.suffix.lower() in OTHERS and path.is_file())
    return _apart(found, whole, but)


def left_out(others: Iterable[Path]) -> str:
    """A sentence on pictures that are not read."""
    suffixes = [path.suffix.lower() for path in others]
    return f"Left out, of no format that is taken: {len(suffixes)} ({', '.join(sorted(set(suffixes)))})."


def others_told(folder: Path) -> str:
    """How many pictures a folder has that are not read, and what to do about them; nothing where it has none."""
    away = len(others_in(folder))
    return f" {away} of other formats {'is' if away == 1 else 'are'} there: {CONVERT}" if away else ""


def in_hidden(path: Path, folder: Path) -> bool:
    """Whether `path`, which is below `folder`, is hidden there or in a hidden folder, as thumbnails often are."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def twins_of(files: Sequence[Path], folder: Path, references: Path) -> tuple[Path, ...]:
    """For each of `files`, which are below `folder`, the photograph below `references` of its path without extension.

    Raises BenchError where there is none, or more than one.
    """
    keys = {path: path.relative_to(folder).with_suffix("") for path in files}
    known_as = {path: path.relative_to(references).with_suffix("") for path in photographs_in(references)}
    wanted = set(keys.values())
    twins = known_once({path: key for path, key in known_as.items() if key in wanted}, "references")
    lacking = [path for path, key in keys.items() if key not in twins]
    if lacking:
        raise BenchError(
            f"{len(lacking)} of {len(files)} photographs have no twin in {references}: {lacking[0]}. {PAIRED}"
        )
    return tuple(twins[key] for key in keys.values())


def known_once(known_as: Mapping[Path, Hashable], what: str) -> dict[Hashable, Path]:
    """The files by what they are `known_as`. Raises BenchError where two are known as one."""
    found: dict[Hashable, Path] = {}
    for path, key in known_as.items():
        if found.setdefault(key, path) != path:
            raise BenchError(f"{what} pair by name without extension, and two have one name: {found[key]} and {path}.")
    return found
