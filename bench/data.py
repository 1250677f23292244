"""Datasets: one TOML file each, checked against its count and digest whenever it is used.

The files lie in `datasets/` beside this package; the photographs below a data root, one folder a dataset.
"""

import hashlib
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.demo import write_demo
from bench.digests import files_digest
from bench.errors import BenchError, unknown_name
from bench.folders import PAIRED, in_hidden, known_once, others_told, photographs_in, twins_of
from bench.images import read_rgb

DATA = Path("data")  # the usual data root
SPECS = Path(__file__).resolve().parent.parent / "datasets"
DEMO_FOLDER = Path("runs/photographs/demo")
SIDES = ("low", "normal", "reference")
ANEW = "Fetch the dataset anew; one of your own is pinned anew by bench data add --force."
Role = Literal["test", "paired-test", "train", "adaptation", "held-out", "extra", "demo"]


class Side(BaseModel):
    """Where one side's files are: globs or paths below the dataset's folder, or lists of names in another."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    globs: tuple[str, ...] = ()
    lists: dict[str, str] = {}
    paths: tuple[str, ...] = ()
    """Files by path below the folder."""
    exclude: tuple[str, ...] = ()
    """Files of those, by path below the folder, that do not belong: a test scene among training photographs, say."""
    max_mean: float | None = None
    """Selection rule: keep photographs whose mean intensity (0 to 255, over all channels) lies below."""
    count: int | None = None
    digest: str = ""
    """Of names and contents; empty where the files cannot be pinned."""


class Split(BaseModel):
    """One named part of a dataset, with at most the three sides."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    role: Role | None = None
    low: Side | None = None
    normal: Side | None = None
    reference: Side | None = None
    pairs: dict[str, str] = {}
    """The reference of each low-light photograph, by paths below the folder, where names do not tell; all of both."""

    def files_of(self, side: str) -> "Side | None":
        """Where the files of `side`, of SIDES, are: of pairs those that they name."""
        found: Side | None = getattr(self, side)
        named = {"low": list(self.pairs), "reference": list(self.pairs.values())}.get(side)
        return found.model_copy(update={"paths": tuple(dict.fromkeys(named))}) if found and named else found


class Spec(Split):
    """A dataset's TOML file."""

    title: str
    paper: str
    licence: str
    homepage: str
    get: str
    """Where the photographs come from, in words."""
    note: str = ""
    splits: dict[str, Split] = {}


@dataclass(frozen=True)
class Dataset:
    """The files of a dataset or a split of it, found and checked; the references go with `low` by order, some twice."""

    name: str
    folder: Path
    role: str
    low: tuple[Path, ...] = ()
    normal: tuple[Path, ...] = ()
    reference: tuple[Path, ...] = ()
    digest: str = ""
    low_digest: str = ""
    """Of the low-light side alone: with other references it is another dataset of the same photographs."""
    pinned: bool = True
    title: str = ""
    licence: str = "not stated"
    references: Path | None = None
    """The folder of the references of a bare folder."""
    but: tuple[Path, ...] = ()
    """Of a bare folder, places below it where no photographs of it lie."""

    def image_name(self, path: Path) -> str:
        """The path inside the dataset, with its extension: how score tables name a photograph."""
        return path.relative_to(self.folder).as_posix()


@cache
def specs() -> dict[str, Spec]:
    """All specifications by name. Raises BenchError, naming the file, when one is wrong."""
    found = {}
    for path in sorted(path for path in SPECS.glob("*.toml") if not path.name.startswith(".")):
        try:
            found[path.stem] = Spec.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
            raise BenchError(f"{path} is not a dataset specification: {error}") from error
    return found


def data_root(given: Path | None = None) -> Path:
    """`given`, else $BENCH_DATA if that is not empty, else data/ in the current directory."""
    return given or Path(os.environ.get("BENCH_DATA") or DATA)


def names(*, roles: tuple[str, ...], root: Path) -> tuple[list[str], list[str]]:
    """The names (`NAME` or `NAME/SPLIT`) of datasets with one of `roles`: those present below `root`, those absent.

    Raises BenchError where `root` is not there, but for the usual one: a mistyped one must not end in the demo.
    """
    if root != DATA and not root.is_dir():
        raise BenchError(f"There is no folder {root}: --data-root and $BENCH_DATA name that of the datasets' folders.")
    present: list[str] = []
    absent: list[str] = []
    for name, spec in specs().items():
        parts = {name: spec.role} | {f"{name}/{split}": part.role or spec.role for split, part in spec.splits.items()}
        for part, role in parts.items():
            if role in roles:
                (present if (root / name).is_dir() else absent).append(part)
    return present, absent


def sides_of(name: str) -> list[str]:
    """The sides that the dataset (or split) called `name` has, of SIDES."""
    head, _, split = name.partition("/")
    part: Split = specs()[head].splits[split] if split else specs()[head]
    return [side for side in SIDES if getattr(part, side) is not None]


def resolve(name: str, root: Path, *, but: Sequence[Path] = ()) -> Dataset:
    """The dataset called `name` (or NAME/SPLIT, or a folder without what lies in `but`), its files found, checked.

    Raises BenchError when it is unknown, absent, or its files differ in number or content from its specification.
    """
    head, _, split = name.rstrip("/").partition("/")
    if head not in specs():
        if name and Path(name).is_dir():
            return from_folder(Path(name), but=but)
        raise unknown_name("dataset or folder", name, specs())
    name, spec = name.rstrip("/"), specs()[head]  # a shell completes folders with a slash
    if split and split not in spec.splits:
        raise unknown_name(f"split of {head}", split, spec.splits)
    part: Split = spec.splits[split] if split else spec
    if not any(getattr(part, side) for side in SIDES):
        raise BenchError(f"{head} has parts: choose {' or '.join(f'{head}/{one}' for one in spec.splits)}.")
    folder = DEMO_FOLDER if spec.role == "demo" else root / head
    if spec.role == "demo":
        write_demo(folder)
    if not folder.is_dir():
        raise BenchError(f"The dataset {head} is not below {root}: {spec.get} Put it into {folder}.")
    sides = {side: where for side in SIDES if (where := part.files_of(side)) is not None}
    files = {side: _find(f"{name} ({side})", folder, where) for side, where in sides.items()}
    digests = {side: _check(f"{name} ({side})", folder, files[side], where) for side, where in sides.items()}
    if "reference" in files and "low" not in files:
        raise BenchError(f"{name} has references and no low-light photographs that they belong to.")
    if "reference" in files:
        pairs = {folder / one: folder / other for one, other in part.pairs.items()}
        files["reference"] = _pair(name, files["low"], files["reference"], pairs)
    return Dataset(
        name=name, folder=folder, role=part.role or spec.role or "", title=spec.title, licence=spec.licence,
        digest=hashlib.sha256("".join([*digests.values(), *sum(part.pairs.items(), ())]).encode()).hexdigest()[:16],
        low_digest=digests.get("low", "")[:16],
        pinned=all(where.digest for where in sides.values()), references=None, **files,
    )  # fmt: skip


def from_folder(folder: Path, references: Path | None = None, *, but: Sequence[Path] = ()) -> Dataset:
    """All photographs below `folder` (see `photographs_in`) as a dataset of the folder's name, not pinned.

    With `references`, a folder of their well-lit twins, which match by path without extension. Raises BenchError
    without any photograph, and where not each has its twin.
    """
    if not (files := tuple(photographs_in(folder, but=but))):
        raise BenchError(f"There is no photograph in {folder}.{others_told(folder)}")
    digest = files_digest(folder, files)[:16]
    found = Dataset(
        folder.resolve().name, folder, "test", low=files, normal=files, digest=digest, low_digest=digest, pinned=False,
        but=tuple(but),
    )  # fmt: skip
    if references is None:
        return found
    pairs = twins_of(files, folder, references)
    digest = hashlib.sha256(f"{digest} {files_digest(references, pairs)}".encode()).hexdigest()[:16]
    return replace(found, reference=pairs, references=references, digest=digest)


def _find(name: str, folder: Path, side: Side) -> tuple[Path, ...]:
    globbed = (path for glob in side.globs for path in folder.glob(glob) if path.is_file())
    found = {path for path in globbed if not in_hidden(path, folder)}
    found |= {folder / path for path in side.paths}
    for listing, below in side.lists.items():
        try:
            lines = (folder / listing).read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BenchError(f"{name}: cannot read its list {folder / listing}: {error}") from error
        found |= {folder / below / line.strip() for line in lines if line.strip()}
    left_out = {folder / entry for entry in side.exclude}
    if left_out - found and not side.digest:  # where there is one, it tells
        raise BenchError(f"{name}: exclude names {min(left_out - found)}, which is not among its photographs.")
    found -= left_out
    if missing := [path for path in sorted(found) if not path.is_file()]:
        raise BenchError(f"{name}: {len(missing)} photographs are missing, {missing[0]} for one.")
    if side.max_mean is not None:
        found = {path for path in found if read_rgb(path).mean() < side.max_mean}
    return tuple(sorted(found))


def _check(name: str, folder: Path, files: tuple[Path, ...], side: Side) -> str:
    if side.count is not None and len(files) != side.count:
        raise BenchError(f"{name} has {len(files)} photographs in {folder} where {side.count} belong. {ANEW}")
    if not files:
        raise BenchError(f"{name} has no photograph in {folder}.")
    digest = files_digest(folder, files)
    if side.digest and side.digest != digest:
        raise BenchError(
            f"{name}: the photographs in {folder} are not the pinned ones (digest {digest[:12]}, expected "
            f"{side.digest[:12]}): scores would not be comparable. {ANEW}"
        )
    return digest


def _pair(name: str, low: tuple[Path, ...], reference: tuple[Path, ...], pairs: dict[Path, Path]) -> tuple[Path, ...]:
    if pairs:
        if pairs.keys() != set(low) or set(pairs.values()) != set(reference):
            raise BenchError(f"{name}: its pairs are not all of its low-light and reference photographs.")
        return tuple(pairs[path] for path in low)
    by_name = known_once({path: path.stem for path in reference}, f"{name}: references")
    known_once({path: path.stem for path in low}, f"{name}: low-light photographs")
    unpaired = [path.name for path in low if path.stem not in by_name]
    if unpaired or len(low) != len(reference):
        raise BenchError(
            f"{name}: low and reference do not pair by file name, {(unpaired or '?')[0]} for one. {PAIRED}"
        )
    return tuple(by_name[path.stem] for path in low)
