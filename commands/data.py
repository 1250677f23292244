"""`bench data`: the datasets."""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from commands.options import DataRoot, Force

app = typer.Typer(help="List, add, check, compare and darken datasets.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_datasets(data_root: DataRoot = None) -> None:
    """Every dataset: role, photographs, whether it is here, licence, where to get it."""
    from bench import data
    from commands.console import say, table

    root = data.data_root(data_root)
    rows, away = [], []
    for name, spec in data.specs().items():
        here = "yes" if spec.role == "demo" or (root / name).is_dir() else "no"
        parts = {"": spec, **spec.splits}
        for split, part in parts.items():
            sides = {side: getattr(part, side) for side in data.SIDES if getattr(part, side)}
            if not sides:
                continue
            counts = ", ".join(f"{side} {where.count or '?'}" for side, where in sides.items())
            pinned = "made here" if spec.role == "demo" else "yes" if all(w.digest for w in sides.values()) else "no"
            label = f"{name}/{split}" if split else name
            rows.append((label, part.role or spec.role or "", counts, here, pinned, spec.licence))
        if here == "no":
            away.append(f"{name}: {spec.get} {spec.homepage}")
    table(("dataset", "role", "photographs", "here", "pinned", "licence"), rows)
    for sentence in away:
        say(sentence)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Datasets, NAME or NAME/SPLIT; all that are here.")] = None,
    data_root: DataRoot = None,
) -> None:
    """Check counts and digests; prints the digest of what cannot be pinned."""
    from bench import data
    from bench.digests import files_digest
    from bench.errors import BenchError
    from commands.console import say

    root = data.data_root(data_root)
    roles = ("test", "paired-test", "train", "adaptation", "held-out", "extra")
    chosen = names or [name for name in data.names(roles=roles, root=root)[0] if data.sides_of(name)]
    if not chosen:
        raise BenchError(f"There is no dataset below {root}: give --data-root, or set BENCH_DATA.")
    wrong = []
    for name in chosen:
        try:
            found = data.resolve(name, root)
        except BenchError as error:
            wrong.append(name)
            say(f"WRONG       {error}")
            continue
        for side in data.SIDES:
            files = getattr(found, side)
            if files:
                label = "ok        " if found.pinned else "not pinned"
                say(f"{label}  {name}  {side}  {len(files)}  {files_digest(found.folder, files)}")
    if wrong:
        raise BenchError(f"{len(wrong)} of {len(chosen)} datasets are wrong: {', '.join(wrong)}.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name; its photographs lie below the data root, in a folder of it.")],
    low: Annotated[list[str] | None, typer.Option(help="Low-light ones, such as 'low/*.jpg'; repeatable.")] = None,
    normal: Annotated[list[str] | None, typer.Option(help="Normal-light ones, to train on; likewise.")] = None,
    reference: Annotated[list[str] | None, typer.Option(help="Well-lit twins of low, by file name; likewise.")] = None,
    role: Annotated[str | None, typer.Option(help="test, paired-test, train, adaptation, held-out or extra.")] = None,
    title: Annotated[str | None, typer.Option(help="What people read.")] = None,
    licence: Annotated[str | None, typer.Option(help="Terms of the photographs.")] = None,
    paper: Annotated[str | None, typer.Option(help="What to cite.")] = None,
    homepage: Annotated[str | None, typer.Option(help="Where people learn more.")] = None,
    get: Annotated[str | None, typer.Option(help="How to get it, in words.")] = None,
    data_root: DataRoot = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the specification that is there; what is not given stays.")
    ] = False,
) -> None:
    """Make a dataset of photographs of your own: datasets/NAME.toml, with count and digest."""
    from bench.data import data_root as root_of
    from bench.errors import BenchError
    from bench.new_dataset import earlier_spec, write_spec
    from commands.console import say

    given = {"low": low, "normal": normal, "reference": reference}
    sides = {side: globs for side, globs in given.items() if globs}
    if not sides:
        raise BenchError("Say which files belong to which side, for example --low '*.jpg'.")
    usual = {"title": name, "paper": "-", "licence": "not stated", "homepage": "-", "get": "-"}
    usual["role"] = "paired-test" if reference else "train" if normal else "test"
    words = {"title": title, "paper": paper, "licence": licence, "homepage": homepage, "get": get, "role": role}
    before = earlier_spec(name) if force else {}
    told = {field: word or before.get(field) or usual[field] for field, word in words.items()}
    exclude = {side: before[side]["exclude"] for side in sides if before.get(side, {}).get("exclude")}
    path = write_spec(name, root_of(data_root), sides=sides, told=told, force=force, exclude=exclude)
    kept = [field for field, word in words.items() if not word and field in before and told[field] != usual[field]]
    if kept or exclude:
        say(f"Kept of the specification before: {', '.join([*kept, *(f'exclude of {side}' for side in exclude)])}.")
    say(f"Written: {path}. bench data verify {name} checks it.")


@app.command()
def overlap(
    names: Annotated[list[str] | None, typer.Argument(help="Training sets or folders; all that are here.")] = None,
    against: Annotated[list[str] | None, typer.Option(help="Test sets or folders; repeatable; all here.")] = None,
    parts: Annotated[
        bool, typer.Option("--parts", help="Look for parts of a picture, too (crops); thousands of pairs a minute.")
    ] = False,
    data_root: DataRoot = None,
) -> None:
    """Look for scenes that are in a training set and in a test set; exit status 1 when there are any."""
    from bench import data
    from bench.errors import BenchError
    from bench.overlap import same_part, same_whole
    from commands.console import progress, say

    root = data.data_root(data_root)
    chosen = {
        "train": names or [name for name in data.names(roles=("train",), root=root)[0] if data.sides_of(name)],
        "test": against or [n for n in data.names(roles=("test", "paired-test"), root=root)[0] if data.sides_of(n)],
    }
    if not chosen["train"] or not chosen["test"]:
        raise BenchError(f"There is no training set or no test set below {root}: name sets or folders.")
    files = {role: _photographs(listed, root) for role, listed in chosen.items()}
    ways = (same_whole, same_part) if parts else (same_whole,)
    with progress() as bar:
        task = bar.add_task("compare", total=len(ways) * sum(map(len, files.values())))
        found = [hit for way in ways for hit in way(files["train"], files["test"], tick=lambda: bar.advance(task))]
    for hit in found:
        say(f"{hit.train} shows what {hit.test} shows: {hit.told}")
    what = f"{len(files['train'])} training photographs, {len(files['test'])} test photographs"
    how = "whole pictures and parts" if parts else "whole pictures; --parts looks for crops"
    if found:
        raise BenchError(f"{len({hit.train for hit in found})} training photographs show test scenes ({what}, {how}).")
    say(f"No scene is in both ({what}; {how}).")


def _photographs(names: Sequence[str], root: Path) -> list[Path]:
    """All photographs of these datasets, each once."""
    from bench import data

    sides = [getattr(data.resolve(name, root), side) for name in names for side in data.SIDES]
    return list(dict.fromkeys(path for side in sides for path in side))


@app.command()
def darken(
    source: Annotated[Path, typer.Argument(help="Folder of normal-light photographs.")],
    out: Annotated[Path, typer.Argument(help="Folder for the darkened ones (png, tree kept).")],
    exposure: Annotated[list[float] | None, typer.Option(help="Share of the light that is left; repeatable.")] = None,
    full_well: Annotated[float, typer.Option(help="Electrons at saturation: fewer, more photon noise.")] = 8000.0,
    read_noise: Annotated[float, typer.Option(help="Noise of the amplifier, electrons.")] = 4.0,
    bits: Annotated[int, typer.Option(help="Resolution of the raw converter.")] = 12,
    seed: Annotated[int, typer.Option(help="Seed of the noise.", min=0)] = 0,
    force: Force = False,
) -> None:
    """Darken photographs as a camera would: linear light, exposure, Poisson-Gaussian noise, quantisation."""
    import numpy as np

    from bench.darken import Camera, check_exposure
    from bench.darken import darken as darkened
    from bench.errors import BenchError
    from bench.images import as_png, read_rgb, write_rgb
    from commands.console import progress, say

    camera, exposures, bad, old = Camera(full_well, read_noise, bits), exposure or [0.1], [], 0
    for value in exposures:
        check_exposure(value)
    if len({f"{value:g}" for value in exposures}) < len(exposures):
        raise BenchError("Two exposures are named alike, with six digits: give each once.")
    files = _to_darken(source, out)
    names = as_png([file.relative_to(source).as_posix() for file in files])
    named = {file: Path(names[file.relative_to(source).as_posix()]) for file in files}
    jobs = [(file, value, out / name.with_name(f"{name.stem}{f'_{value:g}' if len(exposures) > 1 else ''}.png"))
            for file, name in named.items() for value in exposures]  # fmt: skip
    if {target.resolve() for *_, target in jobs} & {file.resolve() for file in files}:
        raise BenchError(f"Darkened pictures would take the place of photographs in {source}: choose another folder.")
    with progress() as bar:
        task = bar.add_task("darken", total=len(jobs))
        for file, value, target in jobs:
            try:
                if target.exists() and not force:
                    old += 1
                else:
                    rng = np.random.default_rng([seed, zlib.crc32(os.fsencode(named[file]))])
                    write_rgb(darkened(read_rgb(file), exposure=value, camera=camera, rng=rng), target)
            except BenchError as error:
                bad.append(str(error))
            bar.advance(task)
    for sentence in bad:
        say(sentence)
    if bad:
        raise BenchError(f"{len(bad)} of {len(jobs)} pictures could not be made.")
    kept = f", {old} were there already, with whatever settings (--force makes them anew)" if old else ""
    say(f"{len(jobs) - old} pictures made in {out}{kept}")


def _to_darken(source: Path, out: Path) -> list[Path]:
    """The photographs in `source`; what was darkened already, into a folder within it, is none. Raises BenchError."""
    from bench.errors import BenchError
    from bench.folders import photographs_in

    within = source.resolve() in out.resolve().parents
    files = [file for file in photographs_in(source) if not (within and file.resolve().is_relative_to(out.resolve()))]
    if not files:
        raise BenchError(f"There is no photograph in {source}.")
    return files
