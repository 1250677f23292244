"""`bench report`: one page, tables and figures from what has been evaluated and trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import TrackingUri

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from reports.page import GalleryItem

OUT = Path("runs/report")
CURVE_POINTS = 150  # a run of thousands of steps is drawn by the means of so many stretches
CURVE_RUNS = 6


def report(
    out: Annotated[Path, typer.Option(help="Folder for index.html, tables/ and figures/.")] = OUT,
    csv: Annotated[list[Path] | None, typer.Option(help="Score tables to report on, instead of MLflow's.")] = None,
    demo: Annotated[bool, typer.Option(help="Report on the demo's runs, which are otherwise left out.")] = False,
    tracking_uri: TrackingUri = None,
) -> None:
    """Write the comparison of everything that was evaluated: open OUT/index.html in a browser."""
    from commands.console import say

    say(f"Report: {write(out, csv=csv or [], demo=demo, tracking_uri=tracking_uri)}")


def write(out: Path, *, csv: Sequence[Path] = (), demo: bool = False, tracking_uri: str | None = None) -> Path:
    """Gather scores, pictures, curves and provenance, and write the report; returns the page."""
    import pandas as pd

    from bench.environment import provenance
    from bench.errors import BenchError
    from bench.metrics import get_metric
    from bench.scores import read_scores
    from bench.tracking import open_suite
    from methods import METHODS
    from reports.page import write_report

    suite = open_suite(tracking_uri)
    evaluations = [run for run in suite.search(kind="evaluate") if run.info.status == "FINISHED"]
    evaluations = [run for run in evaluations if (run.data.tags.get("demo") == "yes") == demo]
    tables = [read_scores(path) for path in csv] or [
        read_scores(path) for run in evaluations if (path := suite.artifact(run.info.run_id, "scores.csv"))
    ]
    if not tables:
        raise BenchError("Nothing has been evaluated yet: run bench evaluate first, or bench demo to see it work.")
    scores, notes = newest(pd.concat(tables, ignore_index=True))
    metrics = [get_metric(name) for name in scores["metric"].unique()]
    notes += [f"{m.name}: {m.variant} (digest {m.digest})." for m in metrics]
    for run in evaluations:
        notes += [line for line in run.data.tags.get("mlflow.note.content", "").split("\n\n") if "not pinned" in line]
    return write_report(
        out,
        scores=scores,
        directions={metric.name: metric.lower_is_better for metric in metrics},
        cards={name: METHODS.card(name).as_text() for name in scores["method"].unique() if name in METHODS},
        gallery=[] if csv else gallery(suite, evaluations),
        curves=None if csv else curves(suite, demo=demo),
        provenance=provenance(),
        notes=list(dict.fromkeys(notes)),
    )


def newest(scores: "pd.DataFrame") -> tuple["pd.DataFrame", list[str]]:
    """Of scores given newest first: the newest checkpoint a method and variant a metric; and notes on the rest."""
    notes = []
    for column, group in (("checkpoint", "method"), ("metric_digest", "metric")):
        latest = scores.groupby(group)[column].transform("first")
        older = scores.loc[scores[column] != latest, group].unique()
        notes += [f"{name}: scores of an older {column.replace('_', ' ')} are left out." for name in older]
        scores = scores[scores[column] == latest]
    return scores.drop_duplicates(["method", "dataset", "image", "metric"]).reset_index(drop=True), notes


def gallery(suite: "Suite", evaluations: Sequence["MlflowRun"]) -> list["GalleryItem"]:
    """The sample pictures of the newest evaluation that has each method on each dataset."""
    from reports.page import GalleryItem

    low: dict[tuple[str, str], Path] = {}
    results: dict[tuple[str, str], dict[str, Path]] = {}
    for run in evaluations:
        for child in suite.children(run.info.run_id):
            method, dataset = child.data.tags["method"], child.data.tags["dataset"]
            samples, lows = (
                suite.artifact(child.info.run_id, "samples"),
                suite.artifact(run.info.run_id, f"low/{dataset}"),
            )
            if samples is None or lows is None:
                continue
            for file in sorted(samples.iterdir()):
                key = (dataset, file.name)
                if (lows / file.name).exists():
                    low.setdefault(key, lows / file.name)
                    results.setdefault(key, {}).setdefault(method, file)
    return [
        GalleryItem(dataset=key[0], image=key[1].removesuffix(".png").replace("__", "/"), low=low[key], results=found)
        for key, found in sorted(results.items())
    ]


def curves(suite: "Suite", *, demo: bool) -> "pd.DataFrame | None":
    """Losses and probe scores of the newest training run of each variant: run, step, name, value; None without any."""
    import pandas as pd

    chosen: dict[str, MlflowRun] = {}
    for run in suite.search(kind="train"):
        if run.info.status == "FINISHED" and (run.data.tags.get("low_data") == "demo") == demo:
            chosen.setdefault(run.data.tags.get("variant", "?"), run)
    frames = []
    for variant, run in list(chosen.items())[:CURVE_RUNS]:
        for name in run.data.metrics:
            points = suite.client.get_metric_history(run.info.run_id, name)
            frame = pd.DataFrame({"step": [p.step for p in points], "value": [p.value for p in points]})
            frames.append(_thinned(frame.sort_values("step")).assign(run=variant, name=name))
    return pd.concat(frames, ignore_index=True)[["run", "step", "name", "value"]] if frames else None


def _thinned(frame: "pd.DataFrame") -> "pd.DataFrame":
    if len(frame) <= CURVE_POINTS:
        return frame
    import numpy as np

    stretch = np.arange(len(frame)) * CURVE_POINTS // len(frame)
    return frame.groupby(stretch).mean()
