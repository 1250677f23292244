"""`bench report`: one page, tables and figures from what has been evaluated and trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    from bench.metrics import get_metric
    from bench.tracking import open_suite
    from commands.ablations import ablation_scores, trained_cells
    from commands.kept import evaluations_of, newest, tables_of
    from methods import METHODS
    from reports.ablations import effects
    from reports.page import write_report

    suite = open_suite(tracking_uri)
    evaluations = [] if csv else evaluations_of(suite, demo=demo)
    every, notes = tables_of(suite, evaluations, csv)
    scores, more = newest(every)
    metrics = [get_metric(name) for name in scores["metric"].unique()]
    seen = [metric.name for metric in metrics if metric.diagnostic]
    if seen and len(seen) < len(metrics):  # a page of rankings; what has no direction has none
        metrics, scores = [m for m in metrics if not m.diagnostic], scores[~scores["metric"].isin(seen)]
        more.append(f"{', '.join(seen)}: no direction is better, so not ranked here; see the score tables.")
    digests = scores.groupby("metric")["metric_digest"].first()
    for metric in metrics:
        known = f"{metric.variant}, " if metric.digest == digests[metric.name] else "a variant of another version, "
        notes.append(f"{metric.name}: {known}digest {digests[metric.name]}.")
    return write_report(
        out,
        scores=scores,
        directions={metric.name: metric.lower_is_better for metric in metrics},
        cards={name: METHODS.card(name).as_text() for name in scores["method"].unique() if name in METHODS},
        gallery=gallery(suite, evaluations, dict(zip(scores["method"], scores["checkpoint"], strict=True))),
        curves=curves(suite, set(scores["checkpoint"])),
        provenance=origin(evaluations),
        studies=studies(suite) if not demo else [],
        gaming=probes(suite) if not demo else None,
        ablations=effects(ablation_scores(suite, every), trained_cells(suite)),
        costs=costs(suite, set(scores["checkpoint"])),
        notes=list(dict.fromkeys([*notes, *more])),
    )


def probes(suite: "Suite") -> tuple["pd.DataFrame", dict[str, bool]] | None:
    """What the newest `bench probe` found, and whether lower is better for each of its metrics; None without any."""
    import pandas as pd

    from bench.metrics import get_metric

    for run in suite.search(kind="gaming"):
        file = suite.artifact(run.info.run_id, "gaming.csv") if run.info.status == "FINISHED" else None
        if file is not None:
            found = pd.read_csv(file)
            return found, {name: get_metric(name).lower_is_better for name in found["metric"].unique()}
    return None


def studies(suite: "Suite") -> list[tuple[dict[str, Any], dict[str, "pd.DataFrame"]]]:
    """Facts and tables of the newest ranking of each human study that `bench study rank` kept."""
    import json

    import pandas as pd

    found: dict[str, tuple[dict[str, Any], dict[str, pd.DataFrame]]] = {}
    for run in suite.search(kind="study"):
        name = run.data.tags.get("study", "")
        folder = suite.artifact(run.info.run_id, "study") if name not in found else None
        if folder is None or run.info.status != "FINISHED":
            continue
        text = dict.fromkeys(("method", "other", "observer", "metric", "image", "excluded"), str)
        tables = {
            file.stem: pd.read_csv(file, dtype=text, keep_default_na=False, na_values=[""])
            for file in sorted(folder.glob("*.csv"))
        }
        found[name] = (json.loads((folder / "study.json").read_text(encoding="utf-8")), tables)
    return list(found.values())


def origin(evaluations: Sequence["MlflowRun"]) -> dict[str, str]:
    """Commit, versions and device of the evaluations reported on, where they differ all of them; and of the report."""
    from bench.environment import provenance

    found: dict[str, str] = {}
    for name in [*provenance(), "device"] if evaluations else []:
        values = dict.fromkeys(run.data.tags.get(name.replace(" ", "_"), "") for run in evaluations)
        found[name] = ", ".join(value for value in values if value)
    return found | {"report written with": f"lowlight-bench at commit {provenance()['git commit']}"}


def gallery(suite: "Suite", evaluations: Sequence["MlflowRun"], checkpoints: Mapping[str, str]) -> list["GalleryItem"]:
    """The sample pictures of the newest evaluation of each method, with its scored checkpoint, on each dataset."""
    from reports.page import GalleryItem

    low: dict[tuple[str, str], Path] = {}
    results: dict[tuple[str, str], dict[str, Path]] = {}
    for run in evaluations:
        for child in suite.children(run.info.run_id):
            method, dataset = child.data.tags["method"], child.data.tags["dataset"]
            if child.data.tags["weights_digest"] != checkpoints.get(method):
                continue
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


def curves(suite: "Suite", checkpoints: set[str]) -> "pd.DataFrame | None":
    """Losses and probe scores of the runs whose weights were scored: run, step, name, value; None without any."""
    import pandas as pd

    frames = []
    scored = [run for run in suite.search(kind="train") if run.data.tags.get("weights_digest") in checkpoints]
    for run in scored[:CURVE_RUNS]:
        for name in [name for name in run.data.metrics if not name.startswith(("cost/", "health/"))]:
            points = suite.client.get_metric_history(run.info.run_id, name)
            frame = pd.DataFrame({"step": [p.step for p in points], "value": [p.value for p in points]})
            label = run.data.tags.get("variant", run.info.run_name)
            frames.append(_thinned(frame.sort_values("step")).assign(run=label, name=name))
    return pd.concat(frames, ignore_index=True)[["run", "step", "name", "value"]] if frames else None


def costs(suite: "Suite", checkpoints: set[str]) -> dict[str, dict[str, float]]:
    """What the runs whose weights were scored cost, by method, crop, batch and device."""
    found: dict[str, dict[str, float]] = {}
    for run in suite.search(kind="train"):
        told = {name: value for name, value in run.data.metrics.items() if name.startswith("cost/")}
        if told and run.data.tags.get("weights_digest") in checkpoints:
            settings = run.data.params
            label = f"{run.data.tags['variant']}, {settings['crop']} pixels, batch {settings['batch_size']}"
            found.setdefault(f"{label}, {settings['precision_used']}, {settings['device']}", told)
    return found


def _thinned(frame: "pd.DataFrame") -> "pd.DataFrame":
    if len(frame) <= CURVE_POINTS:
        return frame
    import numpy as np

    stretch = np.arange(len(frame)) * CURVE_POINTS // len(frame)
    return frame.groupby(stretch).mean()
