"""`bench train ablations`: a factorial of trainings, times seeds, in one resumable parent run."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import training_options as options
from commands.options import DataRoot, Device, TrackingUri

if TYPE_CHECKING:
    import pandas as pd

    from bench.run import Run
    from bench.tracking import Suite
    from commands.sides import Sides
    from enlightengan.config import TrainConfig
    from reports.ablations import Trained

DEFAULT = ("attention", "local-discriminator")
Factors = Annotated[
    list[str] | None,
    typer.Option("--without", help="A factor of the grid, on and off; repeatable; attention and local-discriminator."),
]


def ablations(
    seeds: Annotated[int, typer.Option("--seeds", help="Trainings of each cell, with seeds 0, 1, ...")] = 1,
    without: Factors = None,
    low: options.Low = None,
    normal: options.Normal = None,
    preset: options.PresetName = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    max_steps: Annotated[int | None, typer.Option(help="End each training after so many steps instead.")] = None,
    batch_size: options.BatchSize = None,
    crop: options.Crop = None,
    smallest_scale: options.SmallestScale = None,
    bright_inputs: options.BrightInputs = None,
    learning_rate: options.LearningRate = None,
    pairing: options.Pairing = None,
    precision: options.Precision = None,
    features: options.Features = None,
    feature_weights: options.FeatureWeights = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Score every cell on this afterwards; repeatable.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="With these metrics; niqe.")] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Train EnlightenGAN with every combination of the factors on and off, once for each seed.

    The same command given again continues: finished cells are skipped, an interrupted one goes on where it stopped.
    """
    from bench.data import data_root as root_of
    from bench.errors import BenchError
    from bench.tracking import open_suite
    from commands.sides import say_demo, tell_sides

    changes = {
        "epochs": epochs, "minutes": minutes, "max_steps": max_steps, "batch_size": batch_size, "crop": crop,
        "smallest_scale": smallest_scale, "bright_inputs": bright_inputs, "learning_rate": learning_rate,
        "pairing": pairing, "precision": precision, "features": features}  # fmt: skip
    root = root_of(data_root)
    sides, fallen_back = tell_sides(low, normal, root)
    factors, grid = grid_of(preset or ("smoke" if fallen_back else "fast"), without or DEFAULT, seeds, changes)
    if fallen_back:
        say_demo(grid[0])
    _can_be_scored(dataset or [], metric or ["niqe"], root)
    suite = open_suite(tracking_uri)
    lacking = _train_grid(suite, grid, factors, sides, feature_weights, device=device, tracking_uri=tracking_uri)
    if dataset:
        lacking += _score(suite, grid, sides, feature_weights, dataset, metric or ["niqe"], root, device, tracking_uri)
    print_effects(suite, grid_key(grid[0], sides, feature_weights))
    if lacking:
        raise BenchError(f"Not everything could be done; the rest is done and kept. {lacking[0]}")


def _can_be_scored(datasets: Sequence[str], metrics: Sequence[str], root: Path) -> None:
    """Raises BenchError before anything is trained that could not be scored."""
    from bench.metrics import get_metric
    from commands.evaluate import choose_datasets
    from commands.scoring import check_metrics

    if datasets:
        check_metrics([get_metric(name) for name in metrics], choose_datasets(datasets, root)[0])


def grid_of(
    preset: str, without: Sequence[str], seeds: int, changes: dict[str, Any]
) -> tuple[tuple[str, ...], list["TrainConfig"]]:
    """The factors in the usual order and the cells: every combination of them, for each seed."""
    from bench.errors import BenchError
    from enlightengan.config import preset as chosen_preset

    if seeds < 1:
        raise BenchError(f"--seeds must be at least 1, not {seeds}.")
    factors = chosen_preset(preset, without=tuple(without)).without
    return factors, [
        chosen_preset(preset, without=lacking, seed=seed, **changes)
        for seed in range(seeds)
        for count in range(len(factors) + 1)
        for lacking in combinations(factors, count)
    ]


def cell_key(config: "TrainConfig", sides: "Sides", feature_weights: Path | None) -> str:
    """16 hex digits that change with anything that a cell's training depends on."""
    told = [config.told(), sides.tags(), str(feature_weights.resolve()) if feature_weights else ""]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def grid_key(config: "TrainConfig", sides: "Sides", feature_weights: Path | None) -> str:
    """What all cells have in common whose trainings differ in nothing but parts and seed, 16 hex digits likewise."""
    return cell_key(replace(config, without=(), seed=0), sides, feature_weights)


def _train_grid(
    suite: "Suite", grid: Sequence["TrainConfig"], factors: Sequence[str], sides: "Sides", weights: Path | None, *,
    device: str, tracking_uri: str | None,
) -> list[str]:  # fmt: skip
    """Train what is not finished yet; returns a sentence for each cell that failed."""
    from bench.errors import BenchError
    from commands.console import say

    keys = [cell_key(config, sides, weights) for config in grid]
    plan = hashlib.sha256(" ".join([*factors, *keys]).encode()).hexdigest()[:16]
    known = suite.search(kind="ablations", plan=plan)
    tags = {"plan": plan, "factors": ", ".join(factors)}
    failed: list[str] = []
    with suite.run("ablations", kind="ablations", tags=tags, run_id=known[0].info.run_id if known else None) as parent:
        for number, (config, key) in enumerate(zip(grid, keys, strict=True), start=1):
            say(f"Cell {number} of {len(grid)}: {config.variant}, seed {config.seed}")
            marks = {
                "cell": key, "grid": grid_key(config, sides, weights),
                "factors": ", ".join(factors), "without": ", ".join(config.without),
            }  # fmt: skip
            try:
                _train_cell(suite, config, sides, weights, marks, parent, device=device, tracking_uri=tracking_uri)
            except BenchError as error:
                failed.append(f"{config.variant}, seed {config.seed}: {error}")
                say(failed[-1])
    return failed


def _train_cell(
    suite: "Suite", config: "TrainConfig", sides: "Sides", weights: Path | None, marks: dict[str, str], parent: "Run",
    *, device: str, tracking_uri: str | None,
) -> None:  # fmt: skip
    from commands.console import say
    from commands.training import TRAINING, continue_run, start_run

    before = suite.search(kind="train", cell=marks["cell"])
    if any(run.info.status == "FINISHED" for run in before):
        say("  finished already")
        return
    torn = [run for run in before if (TRAINING / run.info.run_id / "plan.json").exists()]
    if torn:
        continue_run(torn[0].info.run_id, config.method, alone=True, device=device, tracking_uri=tracking_uri)
        return
    start_run(
        config, sides, feature_weights=weights, device=device, tracking_uri=tracking_uri, parent=parent,
        more_tags=marks, keep_optimisers=False, name=f"{config.variant} {config.preset} seed {config.seed}",
    )  # fmt: skip


def _score(
    suite: "Suite", grid: Sequence["TrainConfig"], sides: "Sides", weights: Path | None, datasets: Sequence[str],
    metrics: Sequence[str], root: Path, device: str, tracking_uri: str | None,
) -> list[str]:  # fmt: skip
    """One evaluation for each seed: within it the cells' names differ. Returns a sentence where scores are lacking."""
    from bench.errors import MissingScoresError
    from commands.evaluate import choose_datasets
    from commands.scoring import Entry, run_evaluation
    from methods import contestant

    found, _ = choose_datasets(datasets, root)
    lacking = []
    for seed in dict.fromkeys(config.seed for config in grid):
        entries = []
        for config in grid:
            runs = suite.search(kind="train", cell=cell_key(config, sides, weights)) if config.seed == seed else []
            for run in [run for run in runs if run.info.status == "FINISHED"][:1]:
                file = suite.artifact(run.info.run_id, "weights.safetensors")
                entries.append(Entry(contestant(config.variant, file)[0], f"run {run.info.run_id[:8]}, seed {seed}"))
        if entries:
            try:
                run_evaluation(entries, found, metrics, device=device, tracking_uri=tracking_uri)
            except MissingScoresError as error:
                lacking.append(f"seed {seed}: {error}")
    return lacking


def trained_cells(suite: "Suite", grid: str | None = None) -> list["Trained"]:
    """Finished cells in MLflow, newest first: of `grid` (see `grid_key`), else all, but where any is trusted those."""
    from bench.trainings import grid_of
    from commands.report_runs import steps
    from reports.ablations import Trained

    finished = [run for run in suite.search(kind="train") if run.info.status == "FINISHED"]
    cells = [run for run in finished if "cell" in run.data.tags and "weights_digest" in run.data.tags]
    if grid is None:
        cells = [run for run in cells if run.data.tags["trusted"] == "yes"] or cells
    cells = [run for run in cells if grid in (None, run.data.tags.get("grid"))]
    return [
        Trained(
            checkpoint=tags["weights_digest"], seed=int(tags["seed"]), factors=tuple(tags["factors"].split(", ")),
            without=frozenset(filter(None, tags["without"].split(", "))),
            grid=grid_of(run), method=tags["variant"], steps=steps(suite, run),
        )
        for run, tags in ((run, run.data.tags) for run in cells)
    ]  # fmt: skip


def ablation_scores(suite: "Suite", scores: "pd.DataFrame | None" = None, *, demo: bool = False) -> "pd.DataFrame":
    """Every finished score in MLflow (or in `scores`, newest first), the newest of each kind; the `demo`'s likewise."""
    from bench.scores import score_table
    from commands.kept import NothingEvaluatedError, evaluations_of, of_newest_variants, tables_of

    if scores is None:
        every = evaluations_of(suite) + (evaluations_of(suite, demo=True) if demo else [])
        try:
            scores, _ = tables_of(suite, sorted(every, key=lambda run: run.info.start_time, reverse=True))
        except NothingEvaluatedError:
            scores = score_table([])
    return of_newest_variants(scores).drop_duplicates(["method", "checkpoint", "dataset", "image", "metric"])


def print_effects(suite: "Suite", grid: str) -> None:
    """Print the effect of each factor of this grid where its cells were scored, else how to score them."""
    from commands.console import say, table
    from reports.ablations import effects

    found: Any = effects(ablation_scores(suite, demo=True), trained_cells(suite, grid))
    if not found:
        say("Not all cells of this grid have scores: give --dataset NAME to score them, and the effects are printed.")
        return
    rows = [
        (e.factor, e.metric, e.dataset, f"{e.difference.mean:+.3f}",
         f"[{e.difference.low:+.3f}, {e.difference.high:+.3f}]" if e.difference.count > 1 else "one seed: none",
         str(e.difference.count))
        for e in found
    ]  # fmt: skip
    headings = ("factor", "metric", "dataset", "with - without", "95 % over seeds", "seeds")
    table(headings, rows, title="What each part changes", numbers=3)
