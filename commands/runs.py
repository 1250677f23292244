"""`bench runs`: what MLflow keeps of all commands, what it takes on disk, and how to be rid of it."""

import re
import shutil
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import TrackingUri

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite

app = typer.Typer(help="List, remove and slim what MLflow keeps.", no_args_is_help=True, rich_markup_mode=None)
Runs = Annotated[list[str], typer.Argument(help="IDs, their first six or more digits, or names of trainings.")]
PREFIX = re.compile("[0-9a-f]{6,32}")
STATES = "state-*.pt"


@app.command("list")
def list_runs(
    kind: Annotated[str | None, typer.Option(help="Only these, such as train or evaluate.")] = None,
    removed: Annotated[bool, typer.Option("--removed", help="Those that were removed instead.")] = False,
    tracking_uri: TrackingUri = None,
) -> None:
    """Every run, newest first: what it was, whether it ended well, what it takes on disk, whose weights it gives."""
    from datetime import datetime

    from bench.errors import BenchError, unknown_name
    from bench.tracking import open_suite
    from commands.console import table

    suite = open_suite(tracking_uri, must_exist=True)
    every = suite.runs(removed=removed)
    used, rows = {} if removed else _used(suite, every), []
    for run in every:
        info, what = run.info, run.data.tags.get("kind", "")
        if kind in (None, what):
            begun = datetime.fromtimestamp(info.start_time / 1000)
            status = "interrupted" if _interrupted(run) else info.status.lower()
            told = (info.run_id[:8], what, info.run_name, status, f"{begun:%Y-%m-%d %H:%M}")
            rows.append((*told, used.get(info.run_id, ""), f"{_bytes(_folders(suite, run)) / 1e6:,.1f}"))
    if not rows and kind is not None and every:
        raise unknown_name("kind of run", kind, {run.data.tags.get("kind", "") for run in every} - {""})
    if not rows:
        raise BenchError(f"There is no such run in {suite.uri}.")
    table(("run", "kind", "name", "status", "begun", "used for", "MB"), rows, numbers=1)


@app.command()
def remove(
    runs: Runs,
    files: Annotated[bool, typer.Option("--files", help="Delete what they keep on this disk, too, for good.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also what counts as running; a training that does run here stays.")
    ] = False,
    tracking_uri: TrackingUri = None,
) -> None:
    """Take runs, and those nested in them, out of everything: neither their weights nor their own scores count.

    `bench runs restore` brings them back as long as --files was not given. Where one of them goes on, none is removed.
    """
    from bench.run import sentences
    from bench.tracking import open_suite
    from commands.console import say

    suite = open_suite(tracking_uri, must_exist=True)
    chosen = _chosen(suite, runs, suite.runs() + (suite.runs(removed=True) if files else []))
    with ExitStack() as held:
        for run in chosen:
            held.enter_context(_in_no_process(run, force=force))
        for run in chosen:
            with sentences(f"Run {run.info.run_id} cannot be removed"):
                if run.info.lifecycle_stage != "deleted":
                    suite.client.delete_run(run.info.run_id)
            back = f"bench runs restore {run.info.run_id[:8]} brings it back"
            if files:
                folders = _folders(suite, run)
                back = f"{_bytes(folders) / 1e6:,.1f} MB deleted"
                for folder in folders:
                    shutil.rmtree(folder)
            say(f"Removed: {_named(run)}; {back}.")


@app.command()
def restore(runs: Runs, tracking_uri: TrackingUri = None) -> None:
    """Bring removed runs back, and those nested in them."""
    from bench.run import sentences
    from bench.tracking import open_suite
    from commands.console import say

    suite = open_suite(tracking_uri, must_exist=True)
    for run in _chosen(suite, runs, suite.runs(removed=True)):
        with sentences(f"Run {run.info.run_id} cannot be brought back"):
            suite.client.restore_run(run.info.run_id)
        lost = "" if _folders(suite, run) else "; it has no files here"
        say(f"Back: {_named(run)}{lost}.")


@app.command()
def slim(
    runs: Annotated[list[str] | None, typer.Argument(help="Trainings; all that are finished.")] = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Delete the last training states of finished trainings: discriminators and optimisers, most of what they take.

    Weights, curves and pictures stay. --init-from such a run then has no state to begin from; its weights file is.
    """
    from bench.errors import BenchError
    from bench.tracking import open_suite
    from commands.console import say

    suite, freed = open_suite(tracking_uri, must_exist=True), 0
    chosen = _chosen(suite, runs, suite.runs()) if runs else suite.runs()
    finished = [run for run in chosen if run.data.tags.get("kind") == "train" and run.info.status == "FINISHED"]
    if runs and len(finished) < len(chosen):
        other = next(run for run in chosen if run not in finished)
        raise BenchError(f"{_named(other)} is no finished training: there is nothing to slim.")
    for run in finished:
        for state in [state for folder in _folders(suite, run) for state in folder.rglob(STATES)]:
            freed += state.stat().st_size
            state.unlink()
            say(f"Slimmed: {_named(run)}, {state.name}.")
    say(f"{freed / 1e6:,.1f} MB freed.")


def _chosen(suite: "Suite", given: list[str], every: list["MlflowRun"]) -> list["MlflowRun"]:
    """Those of `every` that are given, each followed by those nested in it, each once. Raises BenchError."""
    from bench.errors import BenchError

    chosen: dict[str, MlflowRun] = {}
    for word in given:
        found = [run for run in every if PREFIX.fullmatch(word) and run.info.run_id.startswith(word)]
        found = found or [run for run in every if run.info.run_name == word and run.data.tags.get("kind") == "train"]
        if len(found) != 1:
            what = f"{len(found)} runs are called" if found else "There is no run"
            ids = f": {', '.join(run.info.run_id for run in found)}" if found else ""
            gone = [] if found or len(word) < 6 else [run.info.run_id for run in suite.runs(removed=True)]
            gone = [
                run_id for run_id in gone if run_id.startswith(word) and run_id not in {r.info.run_id for r in every}
            ]
            told = f" It was removed: bench runs restore {word} brings it back." if len(gone) == 1 else ""
            raise BenchError(f"{what} {word} in {suite.uri}{ids}.{told}")
        nested = [run for run in every if run.data.tags.get("mlflow.parentRunId") == found[0].info.run_id]
        chosen |= {run.info.run_id: run for run in (found[0], *nested)}
    return list(chosen.values())


def _in_no_process(run: "MlflowRun", *, force: bool) -> AbstractContextManager[None]:
    """While no other process works on it: a training has a lock here, others tell their process, unless `force`.

    Raises BenchError where one does.
    """
    from bench.errors import BenchError
    from commands.training import TRAINING, alone_in

    folder = TRAINING / run.info.run_id
    if folder.is_dir():
        return alone_in(folder)
    if run.info.status == "RUNNING" and not force and not _interrupted(run):
        raise BenchError(f"{_named(run)} counts as running: --force removes it all the same.")
    return nullcontext()


def _interrupted(run: "MlflowRun") -> bool:
    """Whether a run that counts as running is in no process, as one that was killed: where this machine can tell."""
    from bench.errors import BenchError
    from bench.process import gone
    from commands.training import TRAINING, alone_in

    folder = TRAINING / run.info.run_id
    if run.info.status != "RUNNING":
        return False
    if not (folder / "lock").is_file():
        return "process" in run.data.tags and gone(run.data.tags["process"])
    with suppress(BenchError, OSError), alone_in(folder):  # where the lock cannot be opened nobody knows
        return True
    return False


def _folders(suite: "Suite", run: "MlflowRun") -> list[Path]:
    """The folders of this machine in which a run keeps something."""
    from bench.run import local_store
    from commands.training import TRAINING

    kept = local_store(suite.client, run.info.run_id)
    places = [kept.parent if kept is not None and kept.name == "artifacts" else kept, TRAINING / run.info.run_id]
    return [place for place in places if place is not None and place.is_dir()]


def _bytes(folders: list[Path]) -> int:
    total = 0
    for file in (file for folder in folders for file in folder.rglob("*")):
        with suppress(FileNotFoundError):  # a training replaces its states
            total += file.stat().st_size if file.is_file() else 0
    return total


def _named(run: "MlflowRun") -> str:
    return f"{run.info.run_name} ({run.info.run_id[:8]}, {run.data.tags.get('kind', 'run')})"


def _used(suite: "Suite", runs: list["MlflowRun"]) -> dict[str, str]:
    """By the IDs of trainings the methods that get their weights where none are named (`bench.weights`)."""
    from bench.trainings import newest_training
    from bench.weights import shipped_weights

    used = {}
    for variant in sorted({run.data.tags["variant"] for run in runs if run.data.tags.get("kind") == "train"}):
        found = newest_training(suite, variant, cells=shipped_weights(variant) is None)
        if found is not None:
            used[found[0].info.run_id] = variant
    return used
