"""`bench data`: the datasets."""

import zlib
from pathlib import Path
from typing import Annotated

import typer

from commands.options import DataRoot, Force

app = typer.Typer(help="List, check and darken datasets.", no_args_is_help=True, rich_markup_mode=None)


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
    from bench.errors import BenchError
    from commands.console import say

    root = data.data_root(data_root)
    roles = ("test", "paired-test", "train", "adaptation")
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
                say(f"{label}  {name}  {side}  {len(files)}  {data.files_digest(found.folder, files)}")
    if wrong:
        raise BenchError(f"{len(wrong)} of {len(chosen)} datasets are wrong: {', '.join(wrong)}.")


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

    from bench.darken import Camera
    from bench.darken import darken as darkened
    from bench.errors import BenchError
    from bench.images import as_png, list_images, read_rgb, write_rgb
    from commands.console import progress, say

    camera, exposures, bad, old = Camera(full_well, read_noise, bits), exposure or [0.1], [], 0
    files = list_images(source)
    if not files:
        raise BenchError(f"There is no photograph in {source}.")
    names = as_png([file.relative_to(source).as_posix() for file in files])
    with progress() as bar:
        task = bar.add_task("darken", total=len(files) * len(exposures))
        for file in files:
            for value in exposures:
                suffix = f"_{value:g}" if len(exposures) > 1 else ""
                named = Path(names[file.relative_to(source).as_posix()])
                target = out / named.with_name(f"{named.stem}{suffix}.png")
                try:
                    if target.exists() and not force:
                        old += 1
                    else:
                        rng = np.random.default_rng([seed, zlib.crc32(str(named).encode())])
                        write_rgb(darkened(read_rgb(file), exposure=value, camera=camera, rng=rng), target)
                except BenchError as error:
                    bad.append(str(error))
                bar.advance(task)
    for sentence in bad:
        say(sentence)
    if bad:
        raise BenchError(f"{len(bad)} of {len(files) * len(exposures)} pictures could not be made.")
    kept = f", {old} were there already, with whatever settings (--force makes them anew)" if old else ""
    say(f"{len(files) * len(exposures) - old} pictures made in {out}{kept}")
