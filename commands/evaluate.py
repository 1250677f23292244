"""`bench evaluate`: score methods on datasets; every run in MLflow, every finished cell kept."""

from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import DataRoot, Device, Force, TrackingUri

if TYPE_CHECKING:
    import pandas as pd

    from bench.cells import CellStore
    from bench.data import Dataset
    from bench.evaluation import Contestant
    from bench.metrics import Metric
    from bench.tracking import Run, Suite

SAMPLES = Path("runs/samples")
SAMPLE_COUNT = 6  # pictures of each dataset that are kept for MLflow and the report
PAPER_SETS = ("test", "paired-test")


@dataclass(frozen=True)
class Entry:
    """A contestant with what its card and its weights say."""

    contestant: "Contestant"
    source: str


def evaluate(
    method: Annotated[list[str] | None, typer.Option(help="Repeatable; all that have weights.")] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help="Dataset or folder; repeatable; all test sets here.")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Repeatable; any pyiqa name, too.")] = None,
    images: Annotated[Path | None, typer.Option(help="A folder of photographs as one more dataset.")] = None,
    checkpoint: Annotated[list[str] | None, typer.Option(help="METHOD=FILE: weights to use; repeatable.")] = None,
    workers: Annotated[int, typer.Option(help="Processes, one thread each; 1 works in this one.")] = 1,
    save_images: Annotated[Path | None, typer.Option(help="Write every result below this folder.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the score table here.")] = None,
    device: Device = "auto",
    force: Force = False,
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Score methods on datasets with metrics; without options: all that is here, by NIQE.

    Prints the mean of each method on each dataset and leaves the score table in MLflow, where `bench report` finds it.
    """
    from bench.data import data_root as root_of

    entries, absent = choose_methods(method, checkpoint or [], tracking_uri=tracking_uri)
    datasets, away = choose_datasets(dataset or [], root_of(data_root), folder=images)
    run_evaluation(
        entries, datasets, metric or ["niqe"], workers=workers, save_images=save_images, csv=csv, device=device,
        force=force, tracking_uri=tracking_uri, left_out=[*absent, *away],
    )  # fmt: skip


def choose_methods(
    names: Sequence[str] | None, checkpoints: Sequence[str], *, tracking_uri: str | None = None
) -> tuple[list[Entry], list[str]]:
    """The methods named, else all that have weights; and sentences on those left out."""
    from bench.errors import BenchError, MissingWeightsError
    from methods import METHODS, contestant

    files: dict[str, Path] = {}
    for given in checkpoints:
        name, equals, file = given.partition("=")
        if not equals or not METHODS.card(name).learned:
            raise BenchError(f"--checkpoint takes METHOD=FILE with a learned method, not '{given}'.")
        files[name] = Path(file)
    if names:
        chosen = list(dict.fromkeys([*names, *files]))
        return [Entry(*contestant(name, files.get(name), tracking_uri)) for name in chosen], []
    entries, absent = [], []
    for name in METHODS:
        try:
            entries.append(Entry(*contestant(name, files.get(name), tracking_uri)))
        except MissingWeightsError as error:
            absent.append(f"Left out: {error}")
    return entries, absent


def choose_datasets(
    chosen: Sequence[str], root: Path, *, folder: Path | None = None
) -> tuple[list["Dataset"], list[str]]:
    """The datasets named and `folder`, else every test set below `root`, else demo/test; and what was left out."""
    from bench.data import from_folder, names, resolve
    from bench.errors import BenchError

    left_out = []
    if not chosen and folder is None:
        present, absent = names(roles=PAPER_SETS, root=root)
        if absent:
            left_out.append(
                f"Left out, not below {root}: {', '.join(absent)} (bench data list says where to get them)."
            )
        if not present:
            left_out.append("No test set is here: scoring the demo photographs, which only shows that it works.")
        chosen = present or ["demo/test"]
    found = [resolve(name, root) for name in dict.fromkeys(chosen)] + ([from_folder(folder)] if folder else [])
    twice = [dataset.name for place, dataset in enumerate(found) if dataset.name in [d.name for d in found[:place]]]
    if twice:
        raise BenchError(f"Two datasets are named {twice[0]}: rename one folder, so that their scores stay apart.")
    for dataset in found:
        if not dataset.low:
            raise BenchError(f"{dataset.name} has no low-light side to evaluate on.")
    return found, left_out


def run_evaluation(
    entries: Sequence[Entry], datasets: Sequence["Dataset"], metric_names: Sequence[str], *, workers: int = 1,
    save_images: Path | None = None, csv: Path | None = None, device: str = "auto", force: bool = False,
    tracking_uri: str | None = None, left_out: Sequence[str] = (),
) -> str:  # fmt: skip
    """Evaluate, print the summary, log everything; returns the ID of the parent run."""
    from bench.cells import CellStore
    from bench.device import choose_device
    from bench.errors import BenchError
    from bench.metrics import get_metric
    from bench.scores import write_scores
    from bench.tracking import open_suite
    from commands.console import say

    for entry in entries:
        if entry.source:
            say(f"{entry.contestant.name}: weights {entry.contestant.checkpoint} from {entry.source}")
    metrics = [get_metric(name) for name in dict.fromkeys(metric_names)]
    unsuited = check_metrics(metrics, datasets)
    notes = [*left_out, *unsuited]
    notes += [f"{d.name} is not pinned: its files cannot be checked against the published set." for d in datasets
              if not d.pinned and d.role != "demo"]  # fmt: skip
    chosen = str(choose_device(device))
    suite = open_suite(tracking_uri)
    tags = {"datasets": ", ".join(d.name for d in datasets), "metrics": ", ".join(m.name for m in metrics)}
    tags |= {"demo": "yes" if all(d.role == "demo" for d in datasets) else "no", "device": chosen}
    troubles: list[str] = []
    with suite.run("evaluate", kind="evaluate", tags=tags) as parent:
        for sentence in notes:
            parent.note(sentence)
        frame = _run(entries, datasets, metrics, workers=workers, save_images=save_images, device=chosen, force=force,
                     cells=CellStore(), troubles=troubles)  # fmt: skip
        _log(suite, parent, frame, entries, datasets, metrics)
        if csv is not None:
            write_scores(frame, csv)
        print_summary(frame, metrics, datasets)
    say(f"Kept in MLflow as run {parent.id}. bench report makes the page; bench ui opens MLflow.")
    errors = frame[frame["error"] != ""]
    if len(errors):
        first = errors.iloc[0]
        raise BenchError(
            f"{len(errors)} of {len(frame)} scores are missing, {first.method} on {first.image} for one: {first.error} "
            "The rest is done and kept."
        )
    if troubles:
        raise BenchError(f"All is scored, but {len(troubles)} files were not written: {troubles[0]}")
    return str(parent.id)


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


def _pool(workers: int) -> AbstractContextManager[Executor | None]:
    import multiprocessing

    from bench.errors import BenchError
    from bench.evaluation import single_threaded

    if workers < 1:
        raise BenchError(f"--workers must be at least 1, not {workers}.")
    if workers == 1:
        return nullcontext(None)
    # A forked child of a process with running torch threads can hang; a spawned one cannot.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=single_threaded)


def sample_images(dataset: "Dataset") -> list[str]:
    """The pictures of `dataset` that are kept to be looked at: SAMPLE_COUNT, spread evenly over its list."""
    count = min(SAMPLE_COUNT, len(dataset.low))
    return [dataset.image_name(dataset.low[k * len(dataset.low) // count]) for k in range(count)]


def sample_file(contestant: "Contestant", dataset: "Dataset", image: str) -> Path:
    """Where the result of `contestant` on a sample picture is kept; changes with code, weights and photographs."""
    return SAMPLES / contestant.digest / f"{dataset.name}-{dataset.digest}" / artifact_name(image)


def artifact_name(image: str) -> str:
    """A picture's name as one flat file name, png."""
    return f"{image.replace('/', '__')}.png"


def _run(
    entries: Sequence[Entry], datasets: Sequence["Dataset"], metrics: Sequence["Metric"], *, workers: int,
    save_images: Path | None, device: str, force: bool, cells: "CellStore", troubles: list[str],
) -> "pd.DataFrame":  # fmt: skip
    from bench.evaluation import evaluate as evaluated
    from bench.images import as_png
    from commands.console import progress

    samples = {dataset.name: set(sample_images(dataset)) for dataset in datasets}
    saved = {dataset.name: as_png([dataset.image_name(path) for path in dataset.low]) for dataset in datasets}

    def save(contestant: "Contestant", dataset: "Dataset", image: str) -> tuple[Path, ...]:
        sample = sample_file(contestant, dataset, image)
        files = [sample] if image in samples[dataset.name] and (force or not sample.exists()) else []
        if save_images is not None:
            files.append(save_images / contestant.name / dataset.name / saved[dataset.name][image])
        return tuple(files)

    total = len(entries) * sum(len(dataset.low) for dataset in datasets)
    with progress() as bar, _pool(workers) as executor:
        task = bar.add_task("evaluate", total=total)

        def tell(contestant: "Contestant", dataset: "Dataset", reused: bool) -> None:
            bar.update(task, advance=1, description=f"{contestant.name} on {dataset.name}"[:44])

        frame = evaluated(
            [entry.contestant for entry in entries], datasets, metrics, cells=cells, executor=executor, device=device,
            force=force, save=save, on_picture=tell, troubles=troubles,
        )  # fmt: skip
        bar.update(task, description="evaluate")
    return frame


def _log(
    suite: "Suite", parent: "Run", frame: "pd.DataFrame", entries: Sequence[Entry], datasets: Sequence["Dataset"],
    metrics: Sequence["Metric"],
) -> None:  # fmt: skip
    """The whole table and the low-light samples to the parent; one child run for each method on each dataset."""
    import tempfile

    from bench.images import read_rgb, write_rgb
    from bench.scores import write_scores

    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "scores.csv"
        write_scores(frame, table)
        parent.artifact(table)
        parent.tags({f"variant {m.name}": m.variant for m in metrics} | {f"digest {m.name}": m.digest for m in metrics})
        for dataset in datasets:
            broken = set(frame.loc[(frame["dataset"] == dataset.name) & (frame["error"] != ""), "image"])
            for image in sorted(set(sample_images(dataset)) - broken):
                low = Path(scratch) / artifact_name(image)
                write_rgb(read_rgb(dataset.folder / image), low)
                parent.artifact(low, f"low/{dataset.name}")
            for entry in entries:
                name = entry.contestant.name
                part = frame[(frame["method"] == name) & (frame["dataset"] == dataset.name)]
                write_scores(part, table)
                _log_child(suite, parent, part, entry, dataset, table)


def _log_child(
    suite: "Suite", parent: "Run", part: "pd.DataFrame", entry: Entry, dataset: "Dataset", table: Path
) -> None:
    contestant = entry.contestant
    tags = {"method": contestant.name, "dataset": dataset.name, "dataset_digest": dataset.digest,
            "weights_digest": contestant.checkpoint, "pinned": "yes" if dataset.pinned else "no"}  # fmt: skip
    with suite.run(f"{contestant.name} on {dataset.name}", kind="score", tags=tags, parent=parent) as child:
        child.parameters(
            {
                "method": contestant.name,
                "dataset": dataset.name,
                "checkpoint": contestant.checkpoint,
                "weights": entry.source,
                "images": len(dataset.low),
            }
        )
        means = part.groupby("metric")["value"].agg(["mean", "count"])
        child.metrics({f"{dataset.name}/{metric}": row["mean"] for metric, row in means.iterrows() if row["count"]})
        child.metrics({"errors": float((part["error"] != "").sum()), "seconds": float(part["seconds"].mean())})
        child.artifact(table)
        for image in sample_images(dataset):
            file = sample_file(contestant, dataset, image)
            if file.exists():
                child.artifact(file, "samples")


def print_summary(frame: "pd.DataFrame", metrics: Sequence["Metric"], datasets: Sequence["Dataset"]) -> None:
    """Print, for each metric, the mean of each method on each dataset: best first, the best of a column marked."""
    from commands.console import table
    from reports.tables import summary

    pinned = {dataset.name: dataset.pinned or dataset.role == "demo" for dataset in datasets}
    means = summary(frame, directions={metric.name: metric.lower_is_better for metric in metrics})
    for metric in metrics:
        part = means[means["metric"] == metric.name]
        # A mean over fewer pictures than another method's is no rival to it.
        whole = part[part["images"] == part.groupby("dataset")["images"].transform("max")]
        best = whole.groupby("dataset")["mean"].agg("min" if metric.lower_is_better else "max")
        rivals = set(zip(whole["method"], whole["dataset"], strict=True))
        names = [dataset.name for dataset in datasets if dataset.name in best.index]
        cells = part.set_index(["method", "dataset"])
        order = part.groupby("method")["mean"].mean().sort_values(ascending=metric.lower_is_better).index
        rows = []
        for method in order:
            row = [str(method)]
            for name in names:
                if (method, name) not in cells.index:
                    row.append("-")
                    continue
                cell = cells.loc[(method, name)]
                mark = " *" if cell["mean"] == best[name] and (method, name) in rivals else "  "
                row.append(f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}] {int(cell['images']):>3}{mark}")
            rows.append(row)
        headings = ["method", *(name if pinned[name] else f"{name} (not pinned)" for name in names)]
        direction = "lower" if metric.lower_is_better else "higher"
        title = f"{metric.name}: mean [95 % interval] images, {direction} is better, * best"
        table(headings, rows, title=title, numbers=len(names))
