"""How what a report shows was made: by which command, in how many finished runs, in how many minutes."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from commands.report_runs import finished

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from reports.blocks import Made

TRAIN, GRID = "bench train METHOD", "bench train ablations"


def made(
    suite: "Suite", evaluations: Sequence["MlflowRun"], *, weights: Collection[str], seeds: Collection[str],
    timed: Collection[str], grids: Collection[str],
) -> dict[str, "Made"]:  # fmt: skip
    """Runs and minutes of each kind. `weights` and `seeds` are the digests that were scored and compared as seeds,
    `timed` the runs whose times are shown, by ID, `grids` those of which effects are (see `ablations.Trained`).

    Of an evaluation only the parent counts, of a factorial only its trainings: the parent of one that was interrupted
    spans the pause, too. Speeds and numbers in print are kept by a run that begins when all is measured, so they count
    by what the command itself told.
    """
    from bench.trainings import grid_of, weights_of
    from reports.blocks import Made

    trained = list(finished(suite, "train"))
    cells = [run for run in trained if "cell" in run.data.tags and grid_of(run) in grids]
    adapted = [run for run in trained if "adapted" in run.data.tags]
    scored, compared = ([run for run in trained if weights_of(run) & set(digests)]
                        for digests in (weights, seeds))  # fmt: skip
    seeding = GRID if all("cell" in run.data.tags for run in compared) else TRAIN
    found: dict[str, tuple[str, str, list[float | None]]] = {
        "evaluate": ("bench evaluate", "run", [_lasted(run) for run in evaluations]),
        "speed": ("bench speed", "run", [_told(run) for run in finished(suite, "speed") if run.info.run_id in timed]),
        "reproduce": ("bench reproduce", "run", [_told(run) for run in reproduced(suite)[:1]]),
        "ablations": (GRID, "training", list(map(minutes, cells))),
        "adapt": ("bench adapt", "training", list(map(minutes, adapted))),
        "train": (TRAIN, "training", list(map(minutes, scored))),
        "seeds": (seeding, "training", list(map(minutes, compared))),
    }
    return {
        kind: Made(command, len(lasted), _sum(lasted), noun)
        for kind, (command, noun, lasted) in found.items() if lasted
    }  # fmt: skip


def contributing(
    suite: "Suite", evaluations: Sequence["MlflowRun"], scores: "pd.DataFrame"
) -> list["MlflowRun"]:  # fmt: skip
    """The evaluations that scored something of what `scores` shows: its methods' weights on its datasets.

    They are given newest first; on other photographs of a dataset's name nothing counts.
    """
    from commands.kept import same_photographs

    shown = set(scores[["method", "checkpoint", "dataset"]].itertuples(index=False, name=None))
    latest: dict[str, Mapping[str, str]] = {}
    found = []
    for run in evaluations:
        tags = [child.data.tags for child in suite.children(run.info.run_id)]
        parts = [(tag, same_photographs(latest.setdefault(tag["dataset"], tag), tag)) for tag in tags]
        if any(same and (tag["method"], tag["weights_digest"], tag["dataset"]) in shown for tag, same in parts):
            found.append(run)
    return found


def forms(suite: "Suite", evaluations: Sequence["MlflowRun"]) -> dict[str, str]:
    """Of weights that were scored under names of their own the method that they are weights of, by name."""
    tags = (child.data.tags for run in reversed(evaluations) for child in suite.children(run.info.run_id))
    return {tag["method"]: tag["made_by"] for tag in tags if "made_by" in tag}


def reproduced(suite: "Suite") -> list["MlflowRun"]:
    """The finished runs of `bench reproduce`, newest first; those of all cells before those of some methods or sets."""
    return sorted(finished(suite, "reproduce"), key=lambda run: "partial" in run.data.tags)


def minutes(run: "MlflowRun") -> float | None:
    """Of a training: by its own clock, else from its first beginning to its end; None where it was only imported."""
    if "cost/seconds" in run.data.metrics:
        return float(run.data.metrics["cost/seconds"]) / 60
    return None if "imported" in run.data.tags else _lasted(run)


def _lasted(run: "MlflowRun") -> float:
    """Minutes from the beginning of a finished run to its end; MLflow keeps milliseconds."""
    return float(run.info.end_time - run.info.start_time) / 60_000


def _told(run: "MlflowRun") -> float | None:
    seconds = run.data.metrics.get("wall_seconds")
    return None if seconds is None else float(seconds) / 60


def _sum(lasted: Sequence[float | None]) -> float | None:
    """All together; None where one is not known, for a sum without it would be too small."""
    known = [one for one in lasted if one is not None]
    return sum(known) if len(known) == len(lasted) else None
