"""`bench adapt`: EnlightenGAN for another kind of darkness; the low side is swapped, the normal side stays."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands import training_options as options
from commands.options import DataRoot, Device, TrackingUri

if TYPE_CHECKING:
    from bench.adaptation import Selection
    from commands.sides import Sides
    from enlightengan.config import TrainConfig

HELD_OUT = Path("runs/held_out")
FORMS = ("enlightengan", "enlightengan_guided")  # of use: at full size, and seen small
METRICS = ("niqe", "halo")
BESIDE = ("identity", "clahe")


def adapt(
    low: Annotated[list[str], typer.Option(help="Dark photographs of the new domain: dataset or folder; repeatable.")],
    normal: options.Normal = None,
    init_from: options.AdaptedFrom = None,
    threshold: Annotated[float, typer.Option(help="Take photographs of a mean intensity (0 to 255) below.")] = 45.0,
    hold_out: Annotated[float, typer.Option(help="Share that is kept from training, by scene where known.")] = 0.1,
    preset: options.PresetName = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    batch_size: options.BatchSize = None,
    crop: options.Crop = None,
    smallest_scale: options.SmallestScale = None,
    bright_inputs: options.BrightInputs = None,
    batch_norm: options.BatchNorm = None,
    learning_rate: options.LearningRate = None,
    precision: options.Precision = None,
    features: options.Features = None,
    feature_weights: options.FeatureWeights = None,
    seed: options.Seed = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="Score the held-out photographs with this; repeatable; niqe and halo.")
    ] = None,
    name: options.Name = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Train EnlightenGAN on another low-light domain, as the paper does with night streets.

    A generator that it begins from keeps its BatchNorm statistics, unless --batch-norm says otherwise.
    Then the held-out photographs are scored: adapted, unadapted if there are weights, both guided, too; CLAHE; input.
    Adapted weights are never taken for the general model's: name their file. A run that is resumed is scored then.
    """
    from enlightengan.build import with_key_of
    from enlightengan.config import preset as chosen_preset

    init_from = _beginning(init_from, tracking_uri)
    metrics = _checked(metric or METRICS)
    # Statistics of a few small batches of one kind did more harm than the training did good.
    batch_norm = batch_norm or ("frozen" if init_from else None)
    config = chosen_preset(
        preset or "fast", epochs=epochs, minutes=minutes, batch_size=batch_size, crop=crop,
        smallest_scale=smallest_scale, bright_inputs=bright_inputs, batch_norm=batch_norm,
        learning_rate=learning_rate, precision=precision, features=features, seed=seed,
    )  # fmt: skip
    config = with_key_of(config, init_from)
    launch(
        config, low=low, normal=normal, threshold=threshold, hold_out=hold_out, metrics=metrics, init_from=init_from,
        feature_weights=feature_weights, name=name, device=device, data_root=data_root, tracking_uri=tracking_uri,
    )  # fmt: skip


def launch(
    config: "TrainConfig", *, low: Sequence[str], normal: Sequence[str] | None, threshold: float, hold_out: float,
    metrics: list[str], init_from: Path | None, feature_weights: Path | None, name: str | None, device: str,
    data_root: Path | None, tracking_uri: str | None,
) -> None:  # fmt: skip
    """Choose the dark photographs and hold some out, train on the others, score those that were held out."""
    from bench.adaptation import choose_dark
    from bench.data import data_root as root_of
    from commands.sides import tell_sides
    from commands.training import start_run

    sides = tell_sides(low, normal, root_of(data_root))[0]
    found = choose_dark(sides.files["low"], threshold=threshold, hold_out=hold_out, seed=config.seed)
    run_id = start_run(
        config, only(sides, set(found.train)), feature_weights=feature_weights, init_from=init_from, device=device,
        tracking_uri=tracking_uri, name=name or f"adapted {config.preset}",
        more_tags=_tags(found, threshold, from_scratch=init_from is None),
        afterwards={"held_out": [str(file.resolve()) for file in found.held_out], "metrics": metrics},
    )  # fmt: skip
    score_held_out(run_id, device=device, tracking_uri=tracking_uri)


def _checked(names: Sequence[str]) -> list[str]:
    """`names` as they are. Raises BenchError for one that cannot score a photograph alone, before hours are spent."""
    from bench.errors import BenchError
    from bench.metrics import get_metric, known_metrics

    for metric in map(get_metric, names):
        if metric.needs_reference:
            raise BenchError(f"{metric.name} needs reference photographs, and those held out have none.")
        if metric.name not in known_metrics():
            metric.load()
    return list(names)


def _tags(found: "Selection", threshold: float, *, from_scratch: bool) -> dict[str, str]:
    """What an adaptation's run says of itself; its rule is told on the way."""
    from commands.console import say

    rule = told(found, threshold)
    say(rule)
    return {
        "adapted": "from scratch" if from_scratch else "from a checkpoint", "rule": rule, "trusted": "no",
        "qualifying": str(len(found.train) + len(found.held_out)), "held_out": str(len(found.held_out)),
    }  # fmt: skip


def only(sides: "Sides", kept: set[Path]) -> "Sides":
    """`sides` of whose low-light photographs only the `kept` ones are left."""
    return replace(sides, low=tuple(replace(part, low=tuple(p for p in part.low if p in kept)) for part in sides.low))


def _beginning(init_from: Path | None, tracking_uri: str | None) -> Path | None:
    """The file of the generator to begin from, if any. Raises BenchError where what was held out cannot be scored by
    it: a training state, or weights of another method, of an ablation for one."""
    from bench.errors import BenchError
    from commands.training import beginning
    from enlightengan.checkpoint import is_state, read_weights

    init_from = beginning(init_from, tracking_uri, generator_alone=True)
    if init_from is None:
        return None
    if is_state(init_from):
        raise BenchError(f"{init_from} is a training state: adapt begins from a generator, give its weights file.")
    variant = read_weights(init_from)[1].get("variant", FORMS[0])
    if variant != FORMS[0]:
        raise BenchError(f"{init_from} holds {variant}: adapt begins from a generator of the whole {FORMS[0]}.")
    return init_from


def score_held_out(run_id: str, *, device: str, tracking_uri: str | None) -> None:
    """Score the adapted weights of a run, the unadapted ones, a classical method and the input on what was held out.

    Weights are scored in both FORMS. What was held out, the run's plan tells; where that is nothing, nothing is scored.
    Without a lamp a photograph has no halo: what has no score is told and does not undo the training.
    """
    from bench.data import from_folder
    from bench.errors import MissingScoresError, MissingWeightsError
    from commands.console import say
    from commands.scoring import Entry, run_evaluation
    from commands.training import TRAINING
    from methods import contestant
    from reports.adaptation import ADAPTED

    planned = TRAINING / run_id / "plan.json"
    plan = json.loads(planned.read_text())
    held_out, metrics = (plan["afterwards"][key] for key in ("held_out", "metrics"))
    if not held_out:
        return
    folder = keep_held_out(tuple(map(Path, held_out)), HELD_OUT / run_id)
    init_from = Path(plan["init_from"]) if plan["init_from"] else None
    entries = []
    for form in FORMS:
        adapted, _ = contestant(form, TRAINING / run_id / "weights.safetensors")
        entries.append(Entry(replace(adapted, name=f"{form}{ADAPTED}"), f"run {run_id[:8]}"))
    if init_from is not None and not init_from.exists():
        say(f"{init_from}, from which it began, is not here any more: it is not compared with that.", style="bold red")
    else:
        try:
            entries += [Entry(*contestant(form, init_from, tracking_uri)) for form in FORMS]
        except MissingWeightsError:
            say("There are no general weights to compare with.")
    entries += [Entry(*contestant(name)) for name in BESIDE]
    try:
        run_evaluation(
            entries, [replace(from_folder(folder), role="held-out")], metrics, device=device, tracking_uri=tracking_uri
        )
    except MissingScoresError as error:
        say(str(error))
    planned.write_text(json.dumps(plan | {"afterwards": {}}))


def told(found: "Selection", threshold: float) -> str:
    """The rule by which the low side was chosen and what it left, in two sentences."""
    how = "by scene, one folder each" if found.by_scene else "photograph by photograph, since no folder is a scene"
    return (
        f"Low side by rule: mean intensity below {threshold:g}. {len(found.train) + len(found.held_out)} of "
        f"{found.considered} photographs qualify ({found.unreadable} could not be read); {len(found.held_out)} are "
        f"held out, {how}; {len(found.train)} are trained on."
    )


def keep_held_out(files: tuple[Path, ...], folder: Path) -> Path:
    """Links to the held-out photographs in a folder of their own, numbered so that names cannot clash.

    A digest stands for what makes a name longer than one may be.
    """
    from commands.recording import LONGEST_NAME

    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        name = f"{number:04d}-{file.parent.name}-{file.name}"
        if len(os.fsencode(name)) > LONGEST_NAME:
            name = f"{number:04d}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}{file.suffix}"
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(file.resolve())
    return folder
