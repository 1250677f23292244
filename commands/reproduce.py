"""`bench reproduce`: the numbers in print beside ours, cell by cell, and whether they can be compared."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import DataRoot, Device, Scheduler, TrackingUri, Workers

if TYPE_CHECKING:
    import pandas as pd

    from bench.cells import CellStore
    from bench.data import Dataset
    from bench.jobs import Contestant
    from bench.reproduction import Cell, Outcome, PublishedTable

OUT = Path("runs/reproduce")


def reproduce(
    method: Annotated[list[str] | None, typer.Option(help="Only these of ours; repeatable; all in print.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Only these datasets; repeatable; all in print.")] = None,
    checkpoint: Annotated[list[str] | None, typer.Option(help="METHOD=FILE: weights to use; repeatable.")] = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    out: Annotated[Path, typer.Option(help="Folder for the tables, csv and md.")] = OUT,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Measure what the EnlightenGAN paper printed, as far as it can be had here, and judge each cell.

    Finished scores are taken from earlier evaluations, else from those that come with the project, which is said; what
    is missing is computed.
    """
    from bench.cells import SHIPPED, CellStore
    from bench.data import data_root as root_of
    from bench.device import choose_device
    from bench.errors import BenchError
    from bench.reproduction import cells, judge, published_tables
    from commands.console import say
    from commands.scoring import whole

    started, tables = time.monotonic(), published_tables()
    every = [cell for table in tables for cell in cells(table)]
    _check(every, method, dataset)
    chosen = [cell for cell in every if (not method or cell.method in method)
              and (not dataset or cell.dataset in dataset)]  # fmt: skip
    if not chosen:
        raise BenchError(f"Nothing is in print of {', '.join(method or [])} on {', '.join(dataset or [])}.")
    contestants, other = _contestants(chosen, checkpoint or [], tracking_uri)
    datasets, absent = _datasets(chosen, root_of(data_root))
    store = CellStore(shipped=SHIPPED)
    scores = _scores(chosen, contestants, datasets, store, workers=workers, scheduler=scheduler,
                     device=str(choose_device(device)))  # fmt: skip
    outcomes = [judge(cell, scores, absent=absent, other=other) for cell in chosen]
    shown = [(table, part) for table in tables if (part := [o for o in outcomes if o.cell.table == table.name])]
    for table, part in shown:
        _print(table, part)
    if not method and not dataset:
        _print_people(tracking_uri)
    tags = {"partial": "yes"} if method or dataset else {}
    run = _keep(shown, scores, out, store, time.monotonic() - started, tags, tracking_uri)
    counts = [f"{sum(o.verdict == kind for o in outcomes)} {kind}" for kind in ("agrees", "differs", "not comparable")]
    say(f"{len(outcomes)} cells: {', '.join(counts)}. Tables in {out}; kept in MLflow as run {run}.")
    whole(scores, rest="The verdicts are those on the rest.")


def _check(every: Sequence["Cell"], methods: Sequence[str] | None, datasets: Sequence[str] | None) -> None:
    from bench.errors import unknown_name

    for kind, names, known in (
        ("method in the published tables", methods, {cell.method for cell in every if cell.method}),
        ("dataset in the published tables", datasets, {cell.dataset for cell in every}),
    ):
        for name in names or []:
            if name not in known:
                raise unknown_name(kind, name, known)


def _contestants(
    cells: Sequence["Cell"], checkpoints: Sequence[str], tracking_uri: str | None
) -> tuple[dict[str, "Contestant"], dict[str, str]]:
    """Our methods by name, and in what those differ from the ones in print that do."""
    from bench.errors import MissingWeightsError, unknown_name
    from commands.evaluate import files_of_methods
    from enlightengan.checkpoint import read_weights
    from methods import METHODS, contestant

    files = files_of_methods(checkpoints)
    asked = {cell.method for cell in cells if cell.method}
    for name in files.keys() - asked:
        raise unknown_name("method among the cells that are chosen", name, asked)
    found, other = {}, {}
    for name in dict.fromkeys(cell.method for cell in cells if cell.method):
        card = METHODS.card(name)
        try:
            found[name], source = contestant(name, files.get(name), tracking_uri)
        except MissingWeightsError:
            other[name] = f"there are no weights for {name}"
            continue
        if card.learned and (name not in files or "config" in read_weights(files[name])[1]):  # as all trained here
            other[name] = f"retrained weights ({source if name not in files else found[name].checkpoint})"
        elif card.trust.startswith("from the paper"):
            other[name] = "ours is written from the paper without the published code"
    return found, other


def _datasets(cells: Sequence["Cell"], root: Path) -> tuple[dict[str, "Dataset"], dict[str, str]]:
    """The datasets that are here, and why the others are not."""
    from bench.data import resolve
    from bench.errors import BenchError

    found, absent = {}, {}
    for name in dict.fromkeys(name for cell in cells for name in cell.images):
        if not (root / name).is_dir():
            absent[name] = f"{name} is not here."
            continue
        try:
            found[name] = resolve(name, root)
        except BenchError as error:
            absent[name] = str(error)
    return found, absent


def _scores(
    cells: Sequence["Cell"], contestants: Mapping[str, "Contestant"], datasets: Mapping[str, "Dataset"],
    store: "CellStore", *, workers: int, scheduler: str | None, device: str,
) -> "pd.DataFrame":  # fmt: skip
    import pandas as pd

    from bench.evaluation import evaluate
    from bench.metrics import get_metric
    from bench.scores import score_table
    from commands.console import progress
    from commands.workers import pool

    needed = {
        (metric, name): [m for m in contestants
                         if any(c.method == m and c.metric == metric and name in c.images for c in cells)]
        for metric in dict.fromkeys(cell.metric for cell in cells)
        for name in datasets
    }  # fmt: skip
    frames = [score_table([])]
    with progress() as bar, pool(workers, scheduler) as (executor, window):
        task = bar.add_task("reproduce", total=sum(len(v) * len(datasets[k[1]].low) for k, v in needed.items()))
        for (metric, name), methods in needed.items():
            frames.append(evaluate(
                [contestants[method] for method in methods], [datasets[name]], [get_metric(metric)], cells=store,
                executor=executor, window=window, device=device, on_picture=lambda *_: bar.advance(task),
            ))  # fmt: skip
    return pd.concat(frames[1:] or frames, ignore_index=True)


def _print(published: "PublishedTable", outcomes: Sequence["Outcome"]) -> None:
    from bench.metrics import get_metric
    from commands.console import bracketed, say, table

    rows = [
        [o.cell.label, o.cell.dataset, f"{o.cell.published:.3f}", "-" if o.measured is None else
         f"{o.measured.mean:.3f} {bracketed(o.measured.low, o.measured.high)}",
         str(sum(o.cell.images.values())), "-" if o.measured is None else str(o.measured.count),
         f"{o.cell.tolerance:g}", o.said]
        for o in outcomes
    ]  # fmt: skip
    headings = ("in print", "set", "published", "here [95 %]", "images", "here", "tolerance", "verdict")
    table(headings, rows, title=f"{published.name}. {published.citation}")
    metric = get_metric(published.metric)
    say(f"{metric.name}, {metric.direction}: {metric.variant}. Digest {metric.digest}.")
    if published.note:
        say(published.note)


def _print_people(tracking_uri: str | None) -> None:
    """The paper's user study beside the newest ranking of people's votes here that has the same methods."""
    from bench.reproduction import published_tables
    from bench.tracking import open_suite
    from commands.console import table
    from commands.report_beside import studies
    from study.simulate import published

    paper = published()
    ours = {row.label: row.method for row in published_tables()[0].rows}
    ranks = {label: sum(n * (k + 1) for k, n in enumerate(counts)) / sum(counts)
             for label, counts in paper["ranks"].items()}  # fmt: skip
    found = studies(open_suite(tracking_uri))
    rows = []
    for place, label in enumerate(sorted(ranks, key=lambda name: ranks[name]), start=1):
        here, why = "-", "no study here has ranked it"
        for facts, tables in found:
            names = list(tables["strengths"]["method"])
            if ours.get(label) in names and here == "-":
                here = f"{names.index(ours[label]) + 1} of {len(names)}"
                why = f"{facts['study']} has {facts['images']} other images and {facts['observers']} other observers"
        histogram = " ".join(str(count) for count in paper["ranks"][label])
        rows.append([label, str(place), histogram, f"{ranks[label]:.2f}", here, f"not comparable: {why}"])
    title = f"User study. {paper['citation']}: {paper['images']} images, {paper['observers']} observers"
    table(("in print", "rank", "images on rank 1 to 5", "mean rank", "rank here", "verdict"), rows, title=title)


def _keep(
    shown: Sequence[tuple["PublishedTable", Sequence["Outcome"]]], scores: "pd.DataFrame", out: Path,
    store: "CellStore", seconds: float, tags: dict[str, str], tracking_uri: str | None,
) -> str:  # fmt: skip
    """Write each table as csv and md, and log all to MLflow; the run's ID."""
    from bench.metrics import get_metric
    from bench.scores import write_csv, write_text
    from bench.tracking import open_suite
    from commands.reproduce_tables import layout, stem
    from commands.scoring import taken_told
    from reports.writers import to_csv, to_markdown

    tags = tags | {f"digest {name}": get_metric(name).digest for name in {table.metric for table, _ in shown}}
    with open_suite(tracking_uri).run("reproduce", kind="reproduce", tags=tags) as run:
        run.metrics({"wall_seconds": seconds})
        if store.taken:
            run.note(taken_told(store, len(scores)))
        for published, outcomes in shown:
            for suffix, text in ((".csv", to_csv), (".md", to_markdown)):
                file = (out / stem(published)).with_suffix(suffix)
                write_text(text(layout(published, outcomes)), file)
                run.artifact(file, "reproduce")
            for o in outcomes:
                if o.measured is not None and not o.why:
                    name = f"{published.name}/{o.cell.dataset}/{o.cell.method}"
                    run.metrics({name: o.measured.mean, f"difference {name}": o.measured.mean - o.cell.published})
        write_csv(scores, out / "scores.csv")
        run.artifact(out / "scores.csv")
        return str(run.id)
