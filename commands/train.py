"""`bench train`: training runs, each with its losses, probe pictures and weights in MLflow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from commands import training_options as options
from commands.ablations import ablations
from commands.options import DataRoot, Device, TrackingUri
from commands.train_import import import_run

app = typer.Typer(help="Train a method.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def enlightengan(
    low: options.Low = None,
    normal: options.Normal = None,
    preset: options.PresetName = None,
    without: options.Without = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    batch_size: options.BatchSize = None,
    crop: options.Crop = None,
    smallest_scale: options.SmallestScale = None,
    largest_scale: options.LargestScale = None,
    bright_inputs: options.BrightInputs = None,
    darkening: options.Darkening = None,
    learning_rate: options.LearningRate = None,
    pairing: options.Pairing = None,
    precision: options.Precision = None,
    features: options.Features = None,
    feature_weights: options.FeatureWeights = None,
    accumulate: options.Accumulate = None,
    checkpointing: options.Checkpointing = False,
    key: options.Key = False,
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
        "crop": crop, "smallest_scale": smallest_scale, "largest_scale": largest_scale, "bright_inputs": bright_inputs,
        "darkening": darkening, "learning_rate": learning_rate, "pairing": pairing, "precision": precision,
        "features": features, "accumulate": accumulate, "checkpointing": checkpointing or None, "key": key or None,
        "devices": devices, "batch_norm": batch_norm, "snapshots": snapshots, "seed": seed}  # fmt: skip
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
    largest_scale: options.LargestScale = None,
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
        "smallest_scale": smallest_scale, "largest_scale": largest_scale, "learning_rate": learning_rate,
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
    largest_scale: options.LargestScale = None,
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
        "smallest_scale": smallest_scale, "largest_scale": largest_scale, "learning_rate": learning_rate,
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
    preset: options.RefinePreset = None,
    epochs: options.Epochs = None,
    minutes: options.Minutes = None,
    batch_size: options.BatchSize = None,
    crop: options.Crop = None,
    smallest_scale: options.SmallestScale = None,
    largest_scale: options.LargestScale = None,
    bright_inputs: options.BrightInputs = None,
    darkening: options.Darkening = None,
    noise: options.Noise = None,
    huber: options.Huber = None,
    structure: options.Structure = None,
    statistics: options.Statistics = None,
    looks: options.Looks = None,
    keeps: options.Keeps = None,
    teacher_sees: options.TeacherSees = None,
    learning_rate: options.LearningRate = None,
    precision: options.Precision = None,
    accumulate: options.Accumulate = None,
    checkpointing: options.Checkpointing = False,
    key: options.Key = False,
    devices: options.Devices = None,
    snapshots: options.Snapshots = None,
    seed: options.Seed = None,
    init_from: options.RefinedFrom = None,
    teacher: options.Teacher = None,
    resume: options.Resume = None,
    name: options.Name = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Refine a trained EnlightenGAN generator (--init-from), without discriminators.

    It learns to keep the photograph's own detail, against woven texture and noise, and how much light a scene asks for.
    """
    changes = {
        "epochs": epochs, "minutes": minutes, "batch_size": batch_size, "crop": crop,
        "smallest_scale": smallest_scale, "largest_scale": largest_scale, "bright_inputs": bright_inputs,
        "darkening": darkening, "noise": noise, "huber": huber, "structure": structure, "statistics": statistics,
        "looks": looks, "keeps": keeps, "teacher_sees": teacher_sees, "learning_rate": learning_rate,
        "precision": precision, "accumulate": accumulate, "checkpointing": checkpointing or None, "key": key or None,
        "devices": devices, "snapshots": snapshots, "seed": seed}  # fmt: skip
    launch(
        "refine", changes, low=low, normal=normal, preset=preset, init_from=init_from, teacher=teacher, resume=resume,
        name=name, device=device, data_root=data_root, tracking_uri=tracking_uri,
    )  # fmt: skip


def launch(
    method: str, changes: dict[str, Any], *, low: Sequence[str] | None, normal: Sequence[str] | None,
    preset: str | None, resume: str | None, name: str | None, device: str, data_root: Path | None,
    tracking_uri: str | None, feature_weights: Path | None = None, init_from: Path | None = None,
    teacher: Path | None = None,
) -> None:  # fmt: skip
    """Continue the run `resume`, else choose photographs and settings, say so, and train `method`."""
    from bench.data import data_root as root_of
    from commands.sides import say_demo, tell_sides
    from commands.training import beginning, continue_run, start_run
    from enlightengan.build import check_features, with_key_of
    from enlightengan.presets import PRESETS
    from enlightengan.run_config import choose_preset

    if resume is not None:
        given = [low, normal, preset, feature_weights, init_from, teacher, name, *changes.values()]
        alone = all(value is None or value == [] for value in given)
        continue_run(resume, method, alone=alone, device=device, tracking_uri=tracking_uri)
        return
    unpaired = next(iter(PRESETS[method].values())).unpaired
    sides, fallen_back = tell_sides(low, normal, root_of(data_root), unpaired=unpaired)
    config = choose_preset(PRESETS[method], preset or ("smoke" if fallen_back else "fast"), changes)
    check_features(config, feature_weights)
    if fallen_back:
        say_demo(config)
    init_from = beginning(init_from, tracking_uri, generator_alone=method == "refine")
    start_run(
        with_key_of(config, init_from), sides, feature_weights=feature_weights, name=name, device=device,
        tracking_uri=tracking_uri, init_from=init_from,
        teacher=beginning(teacher, tracking_uri, generator_alone=True, option="--teacher"),
    )  # fmt: skip


app.command("ablations")(ablations)
app.command("import")(import_run)
