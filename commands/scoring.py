"""One evaluation from its parts: check, run through an executor, print, keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.workers import pool

if TYPE_CHECKING:
    import pandas as pd

    from bench.cells import CellStore
    from bench.data import Dataset
    from bench.jobs import Contestant
    from bench.metrics import Metric


@dataclass(frozen=True)
class Entry:
    """A contestant with what its card and its weights say."""

    contestant: "Contestant"
    source: str
    method: str = ""
    """The method here that makes its results; it may go by another name."""
    weights: Path | None = None
    """The file that was given."""
    results: Path | None = None
    """The folder that was given, of results that were made elsewhere."""


def results_contestant(name: str, results: "Mapping[str, Mapping[str, Path | str]]") -> "Contestant":
    """Somebody else's results as a contestant: its digest is that of the files, and it cannot be run."""
    import hashlib

    from bench.digests import file_digest
    from bench.jobs import Contestant

    files = [file for found in results.values() for file in found.values() if isinstance(file, Path)]
    digest = hashlib.sha256("".join(map(file_digest, files)).encode()).hexdigest()[:16]
    return Contestant(name, f"results-{digest}", _cannot_run, results=results)


def _cannot_run() -> Any:
    raise AssertionError("finished results are read, not made")


def run_evaluation(
    entries: Sequence[Entry], datasets: Sequence["Dataset"], metric_names: Sequence[str], *, workers: int = 1,
    scheduler: str | None = None, save_images: Path | None = None, csv: Path | None = None, device: str = "auto",
    force: bool = False, tracking_uri: str | None = None, left_out: Sequence[str] = (),
) -> str:  # fmt: skip
    """Evaluate, print the summary, log everything; returns the ID of the parent run."""
    from bench.cells import SHIPPED, CellStore
    from bench.device import choose_device
    from bench.metrics import get_metric
    from bench.scores import check_writable
    from bench.tracking import open_suite
    from commands.console import say
    from commands.recording import record
    from commands.summary import print_summary

    for entry in entries:
        if entry.source:
            made = f"weights {entry.contestant.checkpoint}, " if entry.contestant.checkpoint else ""
            say(f"{entry.contestant.name}: {made}{entry.source}")
    if csv is not None:
        check_writable(csv)
    to_save = _files_to_save(save_images, entries, datasets)
    metrics = [get_metric(name) for name in dict.fromkeys(metric_names)]
    unsuited = check_metrics(metrics, datasets)
    _check_covered(entries, datasets, metrics)
    notes = [*left_out, *unsuited]
    notes += [f"{d.name} is not pinned: its files cannot be checked against the published set." for d in datasets
              if not d.pinned and d.role not in ("demo", "held-out")]  # fmt: skip
    chosen = str(choose_device(device))
    suite = open_suite(tracking_uri)
    tags = {"datasets": ", ".join(d.name for d in datasets), "metrics": ", ".join(m.name for m in metrics)}
    tags |= {"demo": "yes" if all(d.role == "demo" for d in datasets) else "no", "device": chosen}
    troubles: list[str] = []
    cells = CellStore(shipped=None if force else SHIPPED)
    with suite.run("evaluate", kind="evaluate", tags=tags) as parent:
        for sentence in notes:
            parent.note(sentence)
        frame = _run(entries, datasets, metrics, workers=workers, scheduler=scheduler, to_save=to_save,
                     device=chosen, force=force, cells=cells, troubles=troubles)  # fmt: skip
        if cells.taken:
            parent.note(taken_told(cells, len(frame)))
        print_summary(frame, metrics, datasets)
        record(suite, parent, frame, entries, datasets, metrics, device=chosen)
    page = "bench report --demo" if tags["demo"] == "yes" else "bench report"
    say(f"Kept in MLflow as run {parent.id}. {page} makes the page; bench ui opens MLflow.")
    if csv is not None:
        _write(frame, csv)
    _complete(frame, troubles)
    return str(parent.id)


def _files_to_save(
    save_images: Path | None, entries: Sequence[Entry], datasets: Sequence["Dataset"]
) -> dict[tuple[str, str, str], Path]:  # fmt: skip
    """Where each result is saved, by method, dataset and photograph; nothing without a folder.

    Raises BenchError where that is what is read: a photograph, a reference, or somebody else's result.
    """
    from bench.errors import BenchError
    from bench.images import as_png

    if save_images is None:
        return {}
    for name in (entry.contestant.name for entry in entries):
        if name in (".", "..") or {"/", "\\"} & set(name):
            raise BenchError(
                f"--save-images makes a folder for each method, and {name} cannot be one: name it otherwise."
            )
    found = dict[tuple[str, str, str], Path]()
    for dataset in datasets:
        names = as_png([dataset.image_name(path) for path in dataset.low])
        for method in (entry.contestant.name for entry in entries if entry.contestant.covers(dataset.name)):
            found |= {(method, dataset.name, of): save_images / method / dataset.name / to for of, to in names.items()}
    results = [each for entry in entries for each in (entry.contestant.results or {}).values()]
    read = [file for dataset in datasets for file in (*dataset.low, *dataset.reference)]
    read += [file for each in results for file in each.values() if isinstance(file, Path)]
    taken = {file.resolve() for file in read}
    for file in found.values():
        if file.resolve() in taken:
            raise BenchError(f"--save-images would write over {file}, which is read: choose another folder.")
    return found


def _write(frame: "pd.DataFrame", csv: Path) -> None:
    """Write the table; where that fails and scores are missing, too, both are said."""
    from bench.errors import BenchError
    from bench.scores import write_csv
    from commands.console import say

    try:
        write_csv(frame, csv)
    except BenchError as error:
        if (frame["error"] == "").all():
            raise
        say(f"Error: {error}", style="bold red")


def taken_told(cells: "CellStore", count: int) -> str:
    """In words, how many of `count` scores were taken from those that come with the project."""
    from bench.cells import SHIPPED

    return (
        f"{cells.taken:,} of {count:,} scores come with the project (results/{SHIPPED.name}), of the same code, "
        "libraries and photographs. bench evaluate --force computes them here."
    )


def _complete(frame: "pd.DataFrame", troubles: Sequence[str]) -> None:
    """Raises MissingScoresError where a score is missing, BenchError where a picture or a score was not written."""
    from bench.errors import BenchError

    whole(frame, rest="The rest is done and kept.")
    if troubles:
        raise BenchError(f"All is scored, but {len(troubles)} files were not written: {troubles[0]}")


def whole(scores: "pd.DataFrame", *, rest: str) -> None:
    """Raises MissingScoresError where scores are missing: the first one's reason, and what is true of the `rest`."""
    from bench.errors import MissingScoresError

    errors = scores[scores["error"] != ""]
    if len(errors):
        first = errors.iloc[0]
        raise MissingScoresError(
            f"{len(errors)} of {len(scores)} scores are missing, {first.method} on {first.image} for one: "
            f"{first.error} {rest}"
        )


def check_metrics(metrics: Sequence["Metric"], datasets: Sequence["Dataset"]) -> list[str]:
    """Sentences on (metric, dataset) that do not suit. Raises BenchError when a metric suits no dataset at all.

    A metric that may lack its weights is loaded here, so that the command stops before any work is done.
    """
    from bench.errors import BenchError
    from bench.evaluation import suits
    from bench.metrics import known_metrics

    sentences = []
    for metric in metrics:
        without = [d.name for d in datasets if not suits(metric, d)]
        if len(without) == len(datasets):
            raise BenchError(f"{metric.name} needs reference photographs, and {', '.join(without)} has none.")
        if without:
            sentences.append(f"{metric.name} needs references, so it is not computed on {', '.join(without)}.")
        if metric.name not in known_metrics():
            metric.load()
    return sentences


def _check_covered(entries: Sequence[Entry], datasets: Sequence["Dataset"], metrics: Sequence["Metric"]) -> None:
    """Raises BenchError where nothing at all of a method would be scored."""
    from bench.errors import BenchError
    from bench.evaluation import suits

    for contestant in (entry.contestant for entry in entries):
        covered = [dataset for dataset in datasets if contestant.covers(dataset.name)]
        if not any(suits(metric, dataset) for metric in metrics for dataset in covered):
            asked = " or ".join(metric.name for metric in metrics)
            raise BenchError(f"{contestant.name} has results on no dataset that {asked} could score.")


def _run(
    entries: Sequence[Entry], datasets: Sequence["Dataset"], metrics: Sequence["Metric"], *, workers: int,
    scheduler: str | None, to_save: Mapping[tuple[str, str, str], Path], device: str, force: bool, cells: "CellStore",
    troubles: list[str],
) -> "pd.DataFrame":  # fmt: skip
    from bench.evaluation import evaluate as evaluated
    from commands.console import progress
    from commands.recording import sample_file, sample_images

    samples = {dataset.name: set(sample_images(dataset)) for dataset in datasets}

    def save(contestant: "Contestant", dataset: "Dataset", image: str) -> tuple[Path, ...]:
        sample = sample_file(contestant, dataset, image)
        files = [sample] if image in samples[dataset.name] and (force or not sample.exists()) else []
        if to_save:
            files.append(to_save[contestant.name, dataset.name, image])
        return tuple(files)

    total = sum(len(d.low) for d in datasets for entry in entries if entry.contestant.covers(d.name))
    with progress() as bar, pool(workers, scheduler) as (executor, window):
        task = bar.add_task("evaluate", total=total)

        def tell(contestant: "Contestant", dataset: "Dataset", reused: bool) -> None:
            bar.update(task, advance=1, description=f"{contestant.name} on {dataset.name}"[:44])

        frame = evaluated(
            [entry.contestant for entry in entries], datasets, metrics, cells=cells, executor=executor, window=window,
            device=device, force=force, save=save, on_picture=tell, troubles=troubles,
        )  # fmt: skip
        bar.update(task, description="evaluate")
    return frame
