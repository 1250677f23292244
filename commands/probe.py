"""`bench probe`: what blur, noise, sharpening and contrast stretch do to each metric, so that nobody is fooled."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import DataRoot, Scheduler, TrackingUri, Workers

if TYPE_CHECKING:
    import pandas as pd

    from bench.metrics import Metric


def probe(
    dataset: Annotated[
        list[str] | None, typer.Option(help="Dataset or folder; repeatable; all test sets here.")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Repeatable; any pyiqa name, too; niqe.")] = None,
    method: Annotated[str, typer.Option(help="Probe the results of this method; the input itself.")] = "identity",
    images: Annotated[Path | None, typer.Option(help="A folder of photographs as one more dataset.")] = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    csv: Annotated[Path | None, typer.Option(help="Write the effects here.")] = None,
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Do metrics reward what makes no better picture? Paired differences on the same photographs, with intervals."""
    from bench.cells import CellStore
    from bench.data import data_root as root_of
    from bench.evaluation import evaluate
    from bench.gaming import contestants, directions_of, effects
    from bench.metrics import get_metric
    from bench.scores import check_writable
    from commands.console import progress, say
    from commands.evaluate import choose_datasets, choose_methods
    from commands.scoring import check_metrics, whole
    from commands.workers import pool

    if csv is not None:
        check_writable(csv)
    datasets, notes = choose_datasets(dataset or [], root_of(data_root), folder=images)
    metrics = [get_metric(name) for name in dict.fromkeys(metric or ["niqe"])]
    for note in [*notes, *check_metrics(metrics, datasets)]:
        say(note)
    entries = contestants(choose_methods([method], [], tracking_uri=tracking_uri)[0][0].contestant)
    with progress() as bar, pool(workers, scheduler) as (executor, window):
        task = bar.add_task("probe", total=len(entries) * sum(len(d.low) for d in datasets))
        scores = evaluate(entries, datasets, metrics, cells=CellStore(), executor=executor, window=window,
                          on_picture=lambda *_: bar.advance(task))  # fmt: skip
    found = effects(scores, directions_of(metrics))
    measured = [metric for metric in metrics if metric.name in set(found["metric"])]
    _show(found, measured)
    for lacking in metrics:
        if lacking not in measured:
            say(f"{lacking.name}: no photograph has a value with and without every probe.", style="bold red")
    run = _keep(found, measured, [d.name for d in datasets], method, csv, tracking_uri)
    say(f"Kept in MLflow as run {run}; bench report shows it.")
    whole(scores, rest="The effects are those on the rest.")


def _show(found: "pd.DataFrame", metrics: "list[Metric]") -> None:
    from bench.statistics import Interval
    from commands.compare import bounds
    from commands.console import table

    for metric in metrics:
        part = found[found["metric"] == metric.name]
        rows = [
            [row.probe, bounds(Interval(row.difference, row.low, row.high, row.images)), str(row.images),
             "yes" if row.better else ""]
            for row in part.itertuples()
        ]  # fmt: skip
        headings = ("probe", "difference [95 %]", "images", "taken for better")
        table(headings, rows, title=f"{metric.name}, {metric.direction}: probed minus untouched", numbers=2)


def _keep(
    found: "pd.DataFrame", metrics: "list[Metric]", datasets: list[str], method: str, csv: Path | None, uri: str | None
) -> str:
    import json
    import tempfile

    from bench.scores import write_csv
    from bench.tracking import open_suite

    if csv is not None:
        write_csv(found, csv)
    tags = {"datasets": ", ".join(datasets), "probed": json.dumps(datasets), "method": method}
    tags |= {f"digest {m.name}": m.digest for m in metrics}
    with (
        open_suite(uri).run("gaming probes", kind="gaming", tags=tags) as run,
        tempfile.TemporaryDirectory() as scratch,
    ):
        write_csv(found, Path(scratch) / "gaming.csv")
        run.artifact(Path(scratch) / "gaming.csv")
        for row in found.itertuples():
            run.metrics({f"{row.metric}/{row.probe.replace('%', 'percent')}": row.difference})
        return str(run.id)
