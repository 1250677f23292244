"""How what a report shows was made: by which command, in how many finished runs, in how many minutes."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from reports.blocks import Made

TRAIN = "bench train METHOD"


def made(
    suite: "Suite", evaluations: Sequence["MlflowRun"], *, weights: Collection[str], seeds: Collection[str]
) -> dict[str, "Made"]:
    """Runs and minutes of each kind. `weights` and `seeds` are the digests that were scored and compared as seeds.

    Of an evaluation only the parent counts, of a factorial only its trainings: the parent of one that was interrupted
    spans the pause, too. Speeds and numbers in print are kept by a run that begins when all is measured, so they count
    by what the command itself told.
    """
    from bench.tracking import weights_of
    from reports.blocks import Made

    trained = _finished(suite, "train")
    cells = [run for run in trained if "cell" in run.data.tags]
    adapted = [run for run in trained if "adapted" in run.data.tags]
    scored, compared = ([run for run in trained if weights_of(run) & set(digests)]
                        for digests in (weights, seeds))  # fmt: skip
    found: dict[str, tuple[str, str, list[float | None]]] = {
        "evaluate": ("bench evaluate", "run", [_lasted(run) for run in evaluations]),
        "speed": ("bench speed", "run", [_told(run) for run in _finished(suite, "speed")]),
        "reproduce": ("bench reproduce", "run", [_told(run) for run in _finished(suite, "reproduce")[:1]]),
        "ablations": ("bench train ablations", "training", _trainings(cells)),
        "adapt": ("bench adapt", "training", _trainings(adapted)),
        "train": (TRAIN, "training", _trainings(scored)),
        "seeds": (TRAIN, "training", _trainings(compared)),
    }
    return {
        kind: Made(command, len(minutes), _sum(minutes), noun)
        for kind, (command, noun, minutes) in found.items() if minutes
    }  # fmt: skip


def _finished(suite: "Suite", kind: str) -> list["MlflowRun"]:
    """Newest first."""
    return [run for run in suite.search(kind=kind) if run.info.status == "FINISHED"]


def _trainings(runs: Iterable["MlflowRun"]) -> list[float | None]:
    """Minutes by a training's own clock, else from its first beginning to its end; None where it was only imported."""
    return [
        run.data.metrics["cost/seconds"] / 60 if "cost/seconds" in run.data.metrics
        else None if "imported" in run.data.tags else _lasted(run)
        for run in runs
    ]  # fmt: skip


def _lasted(run: "MlflowRun") -> float:
    """Minutes from the beginning of a finished run to its end; MLflow keeps milliseconds."""
    return float(run.info.end_time - run.info.start_time) / 60_000


def _told(run: "MlflowRun") -> float | None:
    seconds = run.data.metrics.get("wall_seconds")
    return None if seconds is None else float(seconds) / 60


def _sum(minutes: Sequence[float | None]) -> float | None:
    """All together; None where one is not known, for a sum without it would be too small."""
    known = [one for one in minutes if one is not None]
    return sum(known) if len(known) == len(minutes) else None
