"""`bench evaluate`: score methods on datasets; every run in MLflow, every finished cell kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import DataRoot, Device, Force, Scheduler, TrackingUri, Workers, folders, is_name

if TYPE_CHECKING:
    from bench.data import Dataset
    from commands.scoring import Entry

PAPER_SETS = ("test", "paired-test")


def evaluate(
    method: Annotated[list[str] | None, typer.Option(help="Repeatable; else all that have weights.")] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help="Dataset or folder; repeatable; all test sets here.")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Repeatable; any pyiqa name, too.")] = None,
    images: Annotated[Path | None, typer.Option(help="A folder of photographs as one more dataset.")] = None,
    references: Annotated[
        Path | None, typer.Option(help="Folder of the well-lit twins of --images, by file name.")
    ] = None,
    outputs: Annotated[
        list[str] | None, typer.Option(help="NAME=DIR: somebody's results as one more method; repeatable.")
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(help="METHOD=FILE: weights to use, or NAME=METHOD:FILE: as one more method; repeatable."),
    ] = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    save_images: Annotated[Path | None, typer.Option(help="Write every result below this folder.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the score table here.")] = None,
    device: Device = "auto",
    force: Force = False,
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Score methods on datasets with metrics; without options: all that is here, by NIQE.

    Prints the mean of each method on each dataset and leaves the score table in MLflow, where `bench report` finds it.
    With --outputs and no --method only those results are scored, and with weights that all have names of their own
    (--checkpoint NAME=METHOD:FILE) only these.
    """
    from bench.data import data_root as root_of
    from commands.scoring import run_evaluation

    only_given = outputs and not method and not checkpoint
    entries, absent = ([], []) if only_given else choose_methods(method, checkpoint or [], tracking_uri=tracking_uri)
    apart = [place for place in (save_images, references, *folders(outputs or []).values()) if place is not None]
    datasets, away = choose_datasets(dataset or [], root_of(data_root), folder=images, references=references, but=apart)
    away += _of_references(datasets[-1], metric or []) if references is not None else []
    given, notes = choose_outputs(outputs or [], datasets, taken=[entry.contestant.name for entry in entries])
    run_evaluation(
        [*entries, *given], datasets, metric or ["niqe"], workers=workers, scheduler=scheduler, save_images=save_images,
        csv=csv, device=device, force=force, tracking_uri=tracking_uri, left_out=[*absent, *away, *notes],
    )  # fmt: skip


def _of_references(dataset: "Dataset", metrics: Sequence[str]) -> list[str]:
    """A sentence where no metric looks at references. Raises BenchError where a photograph and its reference differ in
    size, as far as they can be read; what cannot is told later."""
    from bench.errors import BenchError
    from bench.images import size_of
    from bench.metrics import get_metric

    if not any(get_metric(name).needs_reference for name in metrics):
        return ["No metric that was asked for looks at references: --metric psnr --metric ssim_rgb does."]
    for low, reference in zip(dataset.low, dataset.reference, strict=True):
        try:
            found, wanted = size_of(reference), size_of(low)
        except BenchError:
            continue
        if found != wanted:
            told = f"{reference} is {found[0]} x {found[1]}, its photograph {wanted[0]} x {wanted[1]}"
            raise BenchError(f"{told}: they are compared pixel by pixel.")
    return []


def choose_methods(
    names: Sequence[str] | None, checkpoints: Sequence[str], *, tracking_uri: str | None = None
) -> tuple[list["Entry"], list[str]]:
    """The methods named, else the weights given by names of their own, else all that have weights; and sentences on
    those left out."""
    from bench.errors import MissingWeightsError
    from methods import METHODS

    given = weight_files(checkpoints)
    if names or (given and not any(name in METHODS for name in given)):
        return [_entry(name, given, tracking_uri) for name in dict.fromkeys([*(names or []), *given])], []
    entries, absent = [], []
    for name in dict.fromkeys([*METHODS, *given]):
        try:
            entries.append(_entry(name, given, tracking_uri))
        except MissingWeightsError as error:
            absent.append(f"Left out: {error}")
    return entries, absent


def _entry(name: str, given: Mapping[str, tuple[str, Path]], tracking_uri: str | None) -> "Entry":
    from commands.scoring import Entry
    from methods import contestant

    method, file = given.get(name, (name, None))
    found, source = contestant(method, file, tracking_uri)
    told = source if method == name else f"{source}, as weights of {method}"
    return Entry(replace(found, name=name), told, method, file)


def weight_files(checkpoints: Sequence[str]) -> dict[str, tuple[str, Path]]:
    """{name: (method, file)} of --checkpoint METHOD=FILE and NAME=METHOD:FILE. Raises BenchError for other words."""
    from bench.errors import BenchError
    from methods import METHODS

    files = {}
    for given in checkpoints:
        name, equals, file = given.partition("=")
        method = name
        if name not in METHODS:
            method, colon, file = file.partition(":")
            equals = equals and colon
        if not equals or not file or not METHODS.card(method).learned or not is_name(name):
            raise BenchError(
                f"--checkpoint takes METHOD=FILE or NAME=METHOD:FILE with a learned method, not '{given}'."
            )
        if name in files:
            raise BenchError(f"--checkpoint names two files for {name}: give one a name, NAME={method}:FILE.")
        files[name] = (method, Path(file))
    return files


def files_of_methods(checkpoints: Sequence[str]) -> dict[str, Path]:
    """{method: file} of --checkpoint METHOD=FILE. Raises BenchError for weights under another name."""
    from bench.errors import BenchError

    given = weight_files(checkpoints)
    if named := [name for name, (method, _) in given.items() if name != method]:
        raise BenchError(f"Numbers in print are those of methods here, and {named[0]} is none: give METHOD=FILE.")
    return {name: file for name, (_, file) in given.items()}


def choose_datasets(
    chosen: Sequence[str], root: Path, *, folder: Path | None = None, references: Path | None = None,
    but: Sequence[Path] = (),
) -> tuple[list["Dataset"], list[str]]:  # fmt: skip
    """The datasets named and `folder`, else every test set below `root`, else demo/test; and what was left out.

    Of folders what lies in one of `but` is no photograph.
    """
    from bench.data import from_folder, names, resolve
    from bench.errors import BenchError
    from commands.sides import not_read

    left_out = []
    if references is not None and folder is None:
        raise BenchError("--references are those of --images: give both.")
    if not chosen and folder is None:
        present, absent = names(roles=PAPER_SETS, root=root)
        if absent:
            left_out.append(
                f"Left out, not below {root}: {', '.join(absent)} (bench data list says where to get them)."
            )
        if not present:
            left_out.append("No test set is here: scoring the demo photographs, which only shows that it works.")
        chosen = present or ["demo/test"]
    found = [resolve(name, root, but=but) for name in dict.fromkeys(name.rstrip("/") or name for name in chosen)] + (
        [from_folder(folder, references, but=but)] if folder else []
    )
    twice = [dataset.name for place, dataset in enumerate(found) if dataset.name in [d.name for d in found[:place]]]
    if twice:
        raise BenchError(f"Two datasets are named {twice[0]}: rename one folder, so that their scores stay apart.")
    for dataset in found:
        if not dataset.low:
            raise BenchError(f"{dataset.name} has no low-light side to evaluate on.")
    return found, [*left_out, *not_read(found, but=but)]


def choose_outputs(
    outputs: Sequence[str], datasets: Sequence["Dataset"], *, taken: Sequence[str] = ()
) -> tuple[list["Entry"], list[str]]:  # fmt: skip
    """Somebody else's results, NAME=DIR each, as methods; and sentences on what does not match.

    Raises BenchError for the name of a method, or one that is `taken` otherwise.
    """
    from bench.errors import BenchError
    from bench.outputs import match_all
    from commands.scoring import Entry, results_contestant
    from methods import METHODS

    entries, notes = [], []
    for name, folder in folders(outputs).items():
        if name in METHODS:
            raise BenchError(
                f"--outputs {name}=...: {name} is a method of this project; give the results another name."
            )
        if name in taken:
            raise BenchError(f"Two methods are called {name}, by --outputs and by --checkpoint: give one another name.")
        results, amiss = match_all(name, folder, datasets)
        entries.append(Entry(results_contestant(name, results), f"results in {folder}", results=folder))
        notes += amiss
    return entries, notes
