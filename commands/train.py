"""`bench train`: training runs, each with its losses, probe pictures and weights in MLflow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import training_options as options
from commands.ablations import ablations
from commands.options import DataRoot, Device, TrackingUri

if TYPE_CHECKING:
    from commands.sides import Sides

app = typer.Typer(help="Train a method.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def enlightengan(
    low: options.Low = None,
    normal: options.Normal = None,
    preset: options.PresetName = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave out: attention, local-discriminator, perceptual, darkening, relativistic; repeatable."
        ),
    ] = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    batch_size: options.BatchSize = None,
    crop: options.Crop = None,
    smallest_scale: options.SmallestScale = None,
    bright_inputs: options.BrightInputs = None,
    learning_rate: options.LearningRate = None,
    pairing: options.Pairing = None,
    precision: options.Precision = None,
    features: options.Features = None,
    feature_weights: options.FeatureWeights = None,
    accumulate: options.Accumulate = None,
    checkpointing: options.Checkpointing = False,
    devices: options.Devices = None,
    batch_norm: options.BatchNorm = None,
    snapshots: options.Snapshots = None,
    seed: options.Seed = None,
    init_from: options.InitFrom = None,
    resume: options.Resume = None,
    name: options.Name = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Train EnlightenGAN, or an ablation of it, on unpaired photographs.

    With no option: every training dataset that is present, else the demo photographs with the smoke preset.
    """
    changes = {
        "without": tuple(without) if without else None, "epochs": epochs, "minutes": minutes, "batch_size": batch_size,
        "crop": crop, "smallest_scale": smallest_scale, "bright_inputs": bright_inputs,
        "learning_rate": learning_rate, "pairing": pairing, "precision": precision, "features": features,
        "accumulate": accumulate, "checkpointing": checkpointing or None, "devices": devices,
        "batch_norm": batch_norm, "snapshots": snapshots, "seed": seed,
    }  # fmt: skip
    launch(
        "enlightengan", changes, low=low, normal=normal, preset=preset, feature_weights=feature_weights,
        init_from=init_from, resume=resume, name=name, device=device, data_root=data_root, tracking_uri=tracking_uri,
    )  # fmt: skip


@app.command()
def cyclegan(
    low: options.Low = None,
    normal: options.Normal = None,
    preset: options.PresetName = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    batch_size: options.BatchSize = None,
    crop: options.Crop = None,
    smallest_scale: options.SmallestScale = None,
    learning_rate: options.LearningRate = None,
    pairing: options.Pairing = None,
    precision: options.Precision = None,
    accumulate: options.Accumulate = None,
    checkpointing: options.Checkpointing = False,
    devices: options.Devices = None,
    batch_norm: options.BatchNorm = None,
    snapshots: options.Snapshots = None,
    seed: options.Seed = None,
    init_from: options.InitFrom = None,
    resume: options.Resume = None,
    name: options.Name = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Train CycleGAN, the two-path rival, with EnlightenGAN's U-Net without attention in both directions."""
    changes = {
        "epochs": epochs, "minutes": minutes, "batch_size": batch_size, "crop": crop,
        "smallest_scale": smallest_scale, "learning_rate": learning_rate,
        "pairing": pairing, "precision": precision, "accumulate": accumulate, "checkpointing": checkpointing or None,
        "devices": devices, "batch_norm": batch_norm, "snapshots": snapshots, "seed": seed,
    }  # fmt: skip
    launch(
        "cyclegan", changes, low=low, normal=normal, preset=preset, init_from=init_from, resume=resume, name=name,
        device=device, data_root=data_root, tracking_uri=tracking_uri,
    )  # fmt: skip


@app.command("zero_dce")
def zero_dce(
    low: options.Low = None,
    preset: options.PresetName = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    batch_size: options.BatchSize = None,
    crop: options.Crop = None,
    smallest_scale: options.SmallestScale = None,
    learning_rate: options.LearningRate = None,
    precision: options.Precision = None,
    accumulate: options.Accumulate = None,
    devices: options.Devices = None,
    snapshots: options.Snapshots = None,
    seed: options.Seed = None,
    init_from: options.InitFrom = None,
    resume: options.Resume = None,
    name: options.Name = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Train Zero-DCE, the zero-reference rival, on low-light photographs alone."""
    changes = {
        "epochs": epochs, "minutes": minutes, "batch_size": batch_size, "crop": crop,
        "smallest_scale": smallest_scale, "learning_rate": learning_rate,
        "precision": precision, "accumulate": accumulate, "devices": devices, "snapshots": snapshots, "seed": seed,
    }  # fmt: skip
    launch(
        "zero_dce", changes, low=low, normal=None, preset=preset, init_from=init_from, resume=resume, name=name,
        device=device, data_root=data_root, tracking_uri=tracking_uri,
    )  # fmt: skip


@app.command()
def refine(
    low: options.Low = None,
    normal: options.Normal = None,
    preset: options.PresetName = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    batch_size: options.BatchSize = None,
    crop: options.Crop = None,
    smallest_scale: options.SmallestScale = None,
    bright_inputs: options.BrightInputs = None,
    noise: Annotated[
        float | None, typer.Option(help="Most noise of darkened inputs, a standard deviation in levels of 255.")
    ] = None,
    learning_rate: options.LearningRate = None,
    precision: options.Precision = None,
    accumulate: options.Accumulate = None,
    checkpointing: options.Checkpointing = False,
    devices: options.Devices = None,
    snapshots: options.Snapshots = None,
    seed: options.Seed = None,
    init_from: options.InitFrom = None,
    resume: options.Resume = None,
    name: options.Name = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Refine a trained EnlightenGAN generator (--init-from): it keeps its look, and the photograph's own detail.

    A second training, without discriminators, that takes woven texture and noise out of the results.
    """
    changes = {
        "epochs": epochs, "minutes": minutes, "batch_size": batch_size, "crop": crop,
        "smallest_scale": smallest_scale, "bright_inputs": bright_inputs, "noise": noise,
        "learning_rate": learning_rate, "precision": precision, "accumulate": accumulate,
        "checkpointing": checkpointing or None, "devices": devices, "snapshots": snapshots, "seed": seed,
    }  # fmt: skip
    launch(
        "refine", changes, low=low, normal=normal, preset=preset, init_from=init_from, resume=resume, name=name,
        device=device, data_root=data_root, tracking_uri=tracking_uri,
    )  # fmt: skip


def launch(
    method: str, changes: dict[str, Any], *, low: Sequence[str] | None, normal: Sequence[str] | None,
    preset: str | None, resume: str | None, name: str | None, device: str, data_root: Path | None,
    tracking_uri: str | None, feature_weights: Path | None = None, init_from: Path | None = None,
) -> None:  # fmt: skip
    """Continue the run `resume`, else choose photographs and settings, say so, and train `method`."""
    from bench.data import data_root as root_of
    from commands.sides import say_demo, tell_sides
    from commands.training import beginning, continue_run, start_run
    from enlightengan.presets import PRESETS
    from enlightengan.run_config import choose_preset

    if resume is not None:
        given = [low, normal, preset, feature_weights, init_from, name, *changes.values()]
        alone = all(value is None or value == [] for value in given)
        continue_run(resume, method, alone=alone, device=device, tracking_uri=tracking_uri)
        return
    unpaired = next(iter(PRESETS[method].values())).unpaired
    sides, fallen_back = tell_sides(low, normal, root_of(data_root), unpaired=unpaired)
    config = choose_preset(PRESETS[method], preset or ("smoke" if fallen_back else "fast"), changes)
    if fallen_back:
        say_demo(config)
    start_run(
        config, sides, feature_weights=feature_weights, init_from=beginning(init_from, tracking_uri), name=name,
        device=device, tracking_uri=tracking_uri,
    )  # fmt: skip


app.command("ablations")(ablations)


@app.command("import")
def import_run(
    folder: Annotated[Path, typer.Argument(help="Folder written by python -m enlightengan --out.")],
    low: Annotated[
        list[str] | None, typer.Option(help="Dataset or folder of the low-light side it was trained on; repeatable.")
    ] = None,
    normal: Annotated[list[str] | None, typer.Option(help="Likewise of the normal-light side.")] = None,
    name: options.Name = None,
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Bring a finished training run of a bare machine into MLflow.

    That machine knows folders, not datasets: --low and --normal name them, which a model card needs (bench publish).
    """
    from bench.environment import provenance
    from bench.errors import BenchError
    from bench.tracking import open_suite
    from bench.trainings import TRUSTED_PRESETS
    from commands.console import say
    from enlightengan.checkpoint import read_weights, weights_digest
    from enlightengan.log import read_facts, read_parameters, replay

    if not (folder / "weights.safetensors").is_file():
        raise BenchError(f"{folder} holds no finished training run: there is no weights.safetensors in it.")
    told = read_parameters(folder)
    tags = {key: told.get(key, "unknown") for key in ("variant", "preset", "seed", "device", "features_used")}
    facts = read_facts(folder)
    tags |= {key.replace(" ", "_"): facts.get(key.replace(" ", "_"), "unknown") for key in provenance()}
    tags |= {key: value for key, value in facts.items() if key == "begun_from"}
    sides = _trained_on(told, low, normal, data_root)
    tags |= sides.tags() if sides else {}
    trusted = "yes" if told.get("preset") in TRUSTED_PRESETS and not (sides and sides.is_demo) else "no"
    tags["weights_digest"] = weights_digest(read_weights(folder / "weights.safetensors")[0])
    suite = open_suite(tracking_uri)
    label = name or f"{tags['variant']} {tags['preset']} (imported)"
    with suite.run(label, kind="train", tags={**tags, "trusted": trusted, "imported": "yes"}) as run:
        replay(folder, run)
    say(f"Imported as run {run.id}")


def _trained_on(
    told: Mapping[str, str], low: list[str] | None, normal: list[str] | None, data_root: Path | None
) -> "Sides | None":  # fmt: skip
    """Both sides' datasets; none where none is named. Raises BenchError when they have too few files."""
    from bench.data import data_root as root_of
    from bench.errors import BenchError
    from commands.sides import choose_sides

    if not low:
        return None
    sides, _, _ = choose_sides(low, normal, root_of(data_root), unpaired=bool(normal))
    for side, files in sides.files.items():
        count = int(told.get(f"{side}_images", "0"))
        if len(files) < count:
            raise BenchError(f"That run was trained on {count} {side}-light photographs, --{side} has {len(files)}.")
    return sides
