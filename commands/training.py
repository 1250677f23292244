"""One training run in MLflow, from its plan on disk: started, continued, finished; for every trained method."""

import fcntl
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.sides import Sides
from enlightengan.run_config import RunConfig

if TYPE_CHECKING:
    from bench.run import Run
    from bench.tracking import Suite

TRAINING = Path("runs/training")


def start_run(
    config: RunConfig, sides: Sides, *, feature_weights: Path | None = None, init_from: Path | None = None,
    teacher: Path | None = None, name: str | None = None, device: str = "auto", tracking_uri: str | None = None,
    keep_optimisers: bool = True, parent: "Run | None" = None, more_tags: Mapping[str, str] | None = None,
    afterwards: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """Train in a new MLflow run; returns its ID. Its plan keeps what is still to be scored `afterwards`."""
    from bench.tracking import open_suite
    from commands.beginnings import is_trusted, with_terms
    from enlightengan.beginning import begun_from
    from enlightengan.build import check_beginning, features_used
    from enlightengan.presets import all_departures
    from methods import METHODS

    check_beginning(config, init_from, teacher)
    used = features_used(config, feature_weights)
    suite = open_suite(tracking_uri)
    tags = {"variant": config.variant, "method": config.method, "preset": config.preset, "seed": str(config.seed)}
    tags |= {"features_used": used, **sides.tags()}
    tags |= with_terms(suite, begun_from(init_from, teacher), init_from, teacher)
    trusted = "yes" if is_trusted(suite, tags, sides, init_from, teacher) else "no"
    tags |= {"trusted": trusted, **(more_tags or {})}
    with suite.run(name or f"{config.label} {config.preset}", kind="train", tags=tags, parent=parent) as run:
        out = TRAINING / run.id
        out.mkdir(parents=True)
        began = {"init_from": init_from, "teacher": teacher}
        plan = {
            "method": config.method, "config": asdict(config), "feature_weights": str(feature_weights or ""),
            **{role: str(_for_later(suite, file, out / role)) if file else "" for role, file in began.items()},
            "files": {side: [str(file.resolve()) for file in files] for side, files in sides.files.items()},
            "keep_optimisers": keep_optimisers, "afterwards": dict(afterwards or {}),
        }  # fmt: skip
        (out / "plan.json").write_text(json.dumps(plan))
        (out / "config.json").write_text(json.dumps(asdict(config), indent=1))
        run.artifact(out / "config.json")
        if config.variant not in METHODS:
            run.note(f"No method is called {config.variant}: bench evaluate cannot use these weights.")
        for sentence in all_departures(config, used):
            run.note(f"Departure from the authors' training: {sentence}")
        with alone_in(out):
            _train(run, out, plan, device=device, resume=False)
    _forget_states(out)
    return str(run.id)


def _for_later(suite: "Suite", file: Path, place: Path) -> Path:
    """Where a continued run finds a file that it began from again."""
    if not suite.fetched(file):
        return file.resolve()
    place.mkdir()
    return Path(shutil.copy(file, place))


def beginning(
    init_from: Path | None, tracking_uri: str | None, *, generator_alone: bool = False, option: str = "--init-from"
) -> Path | None:
    """The file that a training begins from: the given one, or the last training state of the run of that ID or name.

    Of a run its weights instead where the `generator_alone` is asked for, and of RUN@STEP those after that step. Raises
    BenchError when there is no such run or it keeps no such file.
    """
    from bench.errors import BenchError
    from bench.tracking import open_suite
    from bench.trainings import find_training, last_state
    from commands.beginnings import at_step, note_snapshot, snapshot
    from enlightengan.checkpoint import snapshot_step

    if init_from is None:
        return None
    if init_from.is_file() or init_from.suffix in (".pt", ".pth", ".safetensors"):
        if init_from.is_file() and snapshot_step(init_from.name) is not None:
            note_snapshot(open_suite(tracking_uri), init_from)
        return init_from
    suite = open_suite(tracking_uri)
    name, step = at_step(suite, str(init_from))
    try:
        run_id = find_training(suite, name, finished=True).info.run_id
    except BenchError as error:
        raise BenchError(f"{option} {init_from} is no file of weights, and no run: {error}") from error
    if step is not None:
        kept = snapshot(suite, run_id, step)
        note_snapshot(suite, kept, run_id)
        return kept
    found = suite.artifact(run_id, "weights.safetensors") if generator_alone else last_state(suite, run_id)
    if found is None:
        what = "weights" if generator_alone else "training state: give its weights file to --init-from"
        raise BenchError(f"Run {init_from} keeps no {what}.")
    return found


def continue_run(run_id: str, method: str, *, alone: bool, device: str, tracking_uri: str | None) -> None:
    """Continue an interrupted run of `method` in the same MLflow run, from its last training state. Raises BenchError.

    A run that was killed still counts as running in MLflow, so that is no reason to refuse it. An adaptation whose
    training is finished and whose scores are not gets its scores. `alone`: no other option was given, for a continued
    run keeps its own.
    """
    from bench.errors import BenchError
    from bench.tracking import open_suite
    from bench.trainings import find_training
    from commands.beginnings import check_same_beginning
    from enlightengan.checkpoint import has_state

    if not alone:
        raise BenchError("A continued run keeps its own settings: give --resume alone (--device may stand with it).")
    found = find_training(open_suite(tracking_uri, must_exist=True), run_id, finished=False)
    run_id, out = found.info.run_id, TRAINING / found.info.run_id
    finished = found.info.status == "FINISHED"
    try:
        plan = json.loads((out / "plan.json").read_text())
    except (OSError, ValueError) as error:
        if not finished:
            raise BenchError(f"There is no interrupted run {run_id} in {TRAINING}: {error}") from error
        plan = {}
    unscored = bool(plan.get("afterwards", {}).get("held_out"))
    if finished and not unscored:
        raise BenchError(f"Run {run_id} is finished: start another from its weights with --init-from.")
    if "method" not in plan:
        raise BenchError(f"Run {run_id} was begun by an older version of this program: train anew.")
    if plan["method"] != method:
        raise BenchError(f"Run {run_id} trains {plan['method']}: bench train {plan['method']} --resume {run_id}")
    if not finished:
        if not has_state(out / "states"):  # it begins anew
            check_same_beginning(found, {role: plan.get(role) for role in ("init_from", "teacher")})
        with alone_in(out):
            with open_suite(tracking_uri).run(run_id, kind="train", run_id=run_id) as run:
                _train(run, out, plan, device=device, resume=True)
            _forget_states(out)
    if unscored:
        from commands.adapt import score_held_out

        score_held_out(run_id, device=device, tracking_uri=tracking_uri)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Be the one process that trains in `folder`; one that was killed has let go. Raises BenchError."""
    from bench.errors import BenchError

    with (folder / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BenchError(f"Run {folder.name} is being trained by another process.") from error
        yield


def _forget_states(out: Path) -> None:
    """Delete the training states of a run that has ended, and not before: until then it may have to go on from them."""
    shutil.rmtree(out / "states", ignore_errors=True)


def _train(run: "Run", out: Path, plan: Mapping[str, Any], *, device: str, resume: bool) -> None:
    """Train by the `plan`, or continue; what is trained already is kept in MLflow and not trained again."""
    from commands.console import say
    from enlightengan.checkpoint import read_weights, weights_digest

    weights, keep_optimisers = out / "weights.safetensors", plan.get("keep_optimisers", True)
    if resume and weights.is_file():  # they are the last that a training writes
        say(f"Run {run.id} is trained: what is left is to keep its weights.")
        _keep_weights(run, weights, keep_optimisers=keep_optimisers)
    else:
        _train_by(run, out, plan, device=device, resume=resume, keep_optimisers=keep_optimisers)
    run.tags({"weights_digest": weights_digest(read_weights(weights)[0])})
    say(f"Weights: {weights}")


def _keep_weights(run: "Run", weights: Path, *, keep_optimisers: bool) -> None:
    """Keep with the run what it was to keep after its last step; the state is moved, and may be there already."""
    from enlightengan.checkpoint import read_weights

    run.artifact(weights)
    last = weights.parent / "states" / f"state-{int(read_weights(weights)[1]['steps']):08d}.pt"
    if keep_optimisers and last.is_file():
        run.artifact(last, spare=True)


def _train_by(
    run: "Run", out: Path, plan: Mapping[str, Any], *, device: str, resume: bool, keep_optimisers: bool
) -> None:  # fmt: skip
    from bench.device import choose_device
    from commands.console import say
    from commands.training_bar import TrainingBar
    from enlightengan.build import build, features_for, restored
    from enlightengan.checkpoint import has_state
    from enlightengan.devices import device_of, spread
    from enlightengan.train import train

    config = restored(plan["method"], plan["config"])
    features = features_for(config, Path(plan["feature_weights"]) if plan["feature_weights"] else None)
    files = {side: [Path(file) for file in listed] for side, listed in plan["files"].items()}
    chosen = choose_device(device) if config.devices == 1 else device_of(0, choose_device(device))
    normal = f" and {len(files['normal'])} normal-light" if config.unpaired else ""
    say(
        f"Training {config.label} ({config.preset}) on {len(files['low'])} low-light{normal} photographs, "
        f"on {chosen}. To continue it: bench train {config.method} --resume {run.id}"
    )
    continued = resume and has_state(out / "states")  # if not, it begins anew, from where it was to begin
    start, teacher = (Path(plan[key]) if plan.get(key) else None for key in ("init_from", "teacher"))
    with TrainingBar(config) as bar, spread(config.devices, chosen, out, resume=resume):
        model = build(config, device=chosen, features=features, init_from=start, teacher=teacher, continued=continued)
        train(
            model, low=files["low"], normal=files["normal"], out=out, log=run, resume=resume,
            assess=_probe_niqe(), on_step=bar.show, keep_optimisers=keep_optimisers,
        )  # fmt: skip


def _probe_niqe() -> Any:
    """Mean NIQE of the probe pictures, loaded at its first use; NaN where it has none, as for a constant picture."""
    from bench.errors import BenchError
    from bench.metrics import get_metric

    scorer: list[Any] = []

    def assess(pictures: Sequence[Any]) -> dict[str, float]:
        """Mean NIQE of `pictures`, (1, 3, H, W) in [0, 1] each."""
        if not scorer:
            scorer.append(get_metric("niqe").load())
        try:
            return {"niqe": sum(scorer[0](picture, None) for picture in pictures) / len(pictures)}
        except BenchError:
            return {"niqe": math.nan}

    return assess
