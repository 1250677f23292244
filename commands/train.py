"""`bench train`: training runs, each with its losses, probe pictures and weights in MLflow."""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import DataRoot, Device, TrackingUri
from enlightengan.config import PRESETS, TrainConfig, departures, preset

if TYPE_CHECKING:
    from bench.data import Dataset
    from enlightengan.train import Report

app = typer.Typer(help="Train a method.", no_args_is_help=True, rich_markup_mode=None)
TRAINING = Path("runs/training")
PAPER = TrainConfig()


@dataclass(frozen=True)
class Sides:
    """The photographs of a run: both sides' datasets, and their files."""

    low: tuple["Dataset", ...]
    normal: tuple["Dataset", ...]

    @property
    def files(self) -> dict[str, list[Path]]:
        return {
            "low": [file for dataset in self.low for file in dataset.low],
            "normal": [file for dataset in self.normal for file in dataset.normal],
        }

    @property
    def is_demo(self) -> bool:
        return any(dataset.role == "demo" for dataset in (*self.low, *self.normal))

    def tags(self) -> dict[str, str]:
        """Names, digests and pinning of both sides, as MLflow tags."""
        told = {}
        for side, datasets in (("low", self.low), ("normal", self.normal)):
            told[f"{side}_data"] = ", ".join(dataset.name for dataset in datasets)
            told[f"{side}_digest"] = ", ".join(dataset.digest for dataset in datasets)
        unpinned = sorted({d.name for d in (*self.low, *self.normal) if not d.pinned})
        return told | {"not_pinned": ", ".join(unpinned)}


@app.command()
def enlightengan(
    low: Annotated[list[str] | None, typer.Option(help="Low-light side: dataset or folder; repeatable.")] = None,
    normal: Annotated[list[str] | None, typer.Option(help="Normal-light side, likewise.")] = None,
    preset_name: Annotated[
        str | None, typer.Option("--preset", help=f"{', '.join(PRESETS)}; fast unless there is no data.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave out: attention, local-discriminator, perceptual, darkening; repeatable."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help=f"Passes over the longer side (paper: {PAPER.epochs}).")] = None,
    minutes: Annotated[float | None, typer.Option(help="End after so many minutes instead.")] = None,
    batch_size: Annotated[int | None, typer.Option(help=f"Pictures a step (paper: {PAPER.batch_size}).")] = None,
    crop: Annotated[int | None, typer.Option(help=f"Side of the crops, pixels (paper: {PAPER.crop}).")] = None,
    learning_rate: Annotated[float | None, typer.Option(help=f"Of Adam (paper: {PAPER.learning_rate}).")] = None,
    pairing: Annotated[str | None, typer.Option(help="fixed, as the authors do, or random.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, float32, bfloat16.")] = None,
    features: Annotated[str | None, typer.Option(help="vgg16, vgg19-distilled, random.")] = None,
    feature_weights: Annotated[Path | None, typer.Option(help="Weights file of the features.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, crops and order.")] = None,
    init_from: Annotated[Path | None, typer.Option(help="Start from this generator's weights.")] = None,
    resume: Annotated[str | None, typer.Option(help="Continue this interrupted run (its MLflow run ID).")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run in MLflow.")] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Train EnlightenGAN, or an ablation of it, on unpaired photographs.

    With no option: every training dataset that is present, else the demo photographs with the smoke preset.
    """
    from bench.data import data_root as root_of
    from commands.console import say

    changes = {
        "epochs": epochs, "minutes": minutes, "batch_size": batch_size, "crop": crop, "learning_rate": learning_rate,
        "pairing": pairing, "precision": precision, "features": features, "seed": seed,
    }  # fmt: skip
    if resume is not None:
        given = [low, normal, preset_name, without, feature_weights, init_from, name, *changes.values()]
        continue_run(resume, alone=not any(given), device=device, tracking_uri=tracking_uri)
        return
    sides, left_out, fallen_back = choose_sides(low, normal, root_of(data_root))
    for sentence in left_out:
        say(sentence)
    fallback = "smoke" if fallen_back else "fast"
    config = preset(preset_name or fallback, without=tuple(without or ()), **changes)
    if fallen_back:
        say(
            f"NO TRAINING DATA is here: training on the demo photographs with the {config.preset} preset and "
            f"{config.features} features. This shows that everything works; its weights are not used by any method.",
            style="bold yellow",
        )
    start_run(
        config, sides, feature_weights=feature_weights, init_from=init_from, name=name, device=device,
        tracking_uri=tracking_uri,
    )  # fmt: skip


@app.command("import")
def import_run(
    folder: Annotated[Path, typer.Argument(help="Folder written by python -m enlightengan --out.")],
    name: Annotated[str | None, typer.Option(help="Name of the run in MLflow.")] = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Bring a finished training run of a bare machine into MLflow."""
    from bench.errors import BenchError
    from bench.tracking import TRUSTED_PRESETS, open_suite
    from commands.console import say
    from enlightengan.checkpoint import read_weights, weights_digest
    from enlightengan.log import read_parameters, replay

    if not (folder / "weights.safetensors").is_file():
        raise BenchError(f"{folder} holds no finished training run: there is no weights.safetensors in it.")
    told = read_parameters(folder)
    tags = {key: told.get(key, "unknown") for key in ("variant", "preset", "seed", "device", "features_used")}
    trusted = "yes" if told.get("preset") in TRUSTED_PRESETS else "no"
    tags["weights_digest"] = weights_digest(read_weights(folder / "weights.safetensors")[0])
    suite = open_suite(tracking_uri)
    label = name or f"{tags['variant']} {tags['preset']} (imported)"
    with suite.run(label, kind="train", tags={**tags, "trusted": trusted, "imported": "yes"}) as run:
        replay(folder, run)
    say(f"Imported as run {run.id}")


def choose_sides(low: Sequence[str] | None, normal: Sequence[str] | None, root: Path) -> tuple[Sides, list[str], bool]:
    """Both sides from what was named, else every training dataset here, else demo.

    Also sentences on what is absent, and whether it came to the demo for want of anything else.
    """
    from bench.data import names, resolve, sides_of
    from bench.errors import BenchError

    present, absent = names(roles=("train",), root=root)
    sentences, fallen_back = [], False
    if not low and not normal:
        if absent:
            sentences.append(
                f"Left out, not below {root}: {', '.join(absent)} (bench data list says where to get them)."
            )
        if not present:
            present, fallen_back = ["demo"], True
    chosen = {
        "low": list(low or [name for name in present if "low" in sides_of(name)]),
        "normal": list(normal or [name for name in present if "normal" in sides_of(name)]),
    }
    datasets = {side: tuple(resolve(name, root) for name in listed) for side, listed in chosen.items()}
    for side, found in datasets.items():
        if not found:
            raise BenchError(f"There are no {side}-light photographs: give --{side} NAME_OR_DIR.")
        for dataset in found:
            if not getattr(dataset, side):
                raise BenchError(f"{dataset.name} has no {side}-light side: choose another for --{side}.")
    return Sides(**datasets), sentences, fallen_back


def start_run(
    config: TrainConfig, sides: Sides, *, feature_weights: Path | None = None, init_from: Path | None = None,
    name: str | None = None, device: str = "auto", tracking_uri: str | None = None, keep_optimisers: bool = True,
) -> str:  # fmt: skip
    """Train in a new MLflow run; returns its ID."""
    from bench.tracking import TRUSTED_PRESETS, open_suite
    from enlightengan.perceptual import describe_features
    from methods import METHODS

    used = describe_features(config.features, feature_weights) if config.perceptual else "none"
    trusted = "yes" if config.preset in TRUSTED_PRESETS and not sides.is_demo else "no"
    tags = {"variant": config.variant, "preset": config.preset, "seed": str(config.seed), "trusted": trusted}
    tags |= {"features_used": used, **sides.tags()}
    suite = open_suite(tracking_uri)
    with suite.run(name or f"{config.variant} {config.preset}", kind="train", tags=tags) as run:
        out = TRAINING / run.id
        plan = {
            "config": asdict(config), "feature_weights": str(feature_weights or ""), "init_from": str(init_from or ""),
            "files": {side: [str(file.resolve()) for file in files] for side, files in sides.files.items()},
        }  # fmt: skip
        out.mkdir(parents=True)
        (out / "plan.json").write_text(json.dumps(plan))
        (out / "config.json").write_text(json.dumps(asdict(config), indent=1))
        run.artifact(out / "config.json")
        if config.variant not in METHODS:
            run.note(f"No method is called {config.variant}: bench evaluate cannot use these weights.")
        for sentence in departures(config, used):
            run.note(f"Departure from the authors' training: {sentence}")
        _train(run, out, plan, device=device, resume=False, keep_optimisers=keep_optimisers)
    return str(run.id)


def continue_run(run_id: str, *, alone: bool, device: str, tracking_uri: str | None) -> None:
    """Continue an interrupted run in the same MLflow run, from its last training state. Raises BenchError.

    A run that was killed still counts as running in MLflow, so that is no reason to refuse it. `alone`: no other
    option was given, for a continued run keeps its own.
    """
    from bench.errors import BenchError
    from bench.tracking import open_suite
    from enlightengan.checkpoint import latest_state

    if not alone:
        raise BenchError("A continued run keeps its own settings: give --resume alone (--device may stand with it).")
    if open_suite(tracking_uri).find(run_id).info.status == "FINISHED":
        raise BenchError(f"Run {run_id} is finished: start another from its weights with --init-from.")
    out = TRAINING / run_id
    latest_state(out / "states")
    try:
        plan = json.loads((out / "plan.json").read_text())
    except (OSError, ValueError) as error:
        raise BenchError(f"There is no interrupted run {run_id} in {TRAINING}: {error}") from error
    with open_suite(tracking_uri).run(run_id, kind="train", run_id=run_id) as run:
        _train(run, out, plan, device=device, resume=True, keep_optimisers=True)


def _train(
    run: Any, out: Path, plan: Mapping[str, Any], *, device: str, resume: bool, keep_optimisers: bool
) -> None:  # fmt: skip
    from bench.device import choose_device
    from commands.console import say
    from enlightengan.checkpoint import read_weights, weights_digest
    from enlightengan.perceptual import load_features
    from enlightengan.train import train

    stored = plan["config"]
    config = TrainConfig(**{**stored, "without": tuple(stored["without"]), "darkening": tuple(stored["darkening"])})
    weights = Path(plan["feature_weights"]) if plan["feature_weights"] else None
    features = None
    if config.perceptual:
        features = load_features(config.features, weights=weights, pools=config.feature_pools, seed=config.seed)
    files = {side: [Path(file) for file in listed] for side, listed in plan["files"].items()}
    chosen = choose_device(device)
    say(
        f"Training {config.variant} ({config.preset}) on {len(files['low'])} low-light and {len(files['normal'])} "
        f"normal-light photographs, on {chosen}. To continue it: bench train enlightengan --resume {run.id}"
    )
    with _Bar(config) as bar:
        result = train(
            config, low=files["low"], normal=files["normal"], features=features, out=out, log=run, device=chosen,
            init_from=Path(plan["init_from"]) if plan["init_from"] else None, resume=resume, assess=_probe_niqe(),
            on_step=bar.show, keep_optimisers=keep_optimisers,
        )  # fmt: skip
    run.tags({"weights_digest": weights_digest(read_weights(result)[0])})
    shutil.rmtree(out / "states")
    say(f"Weights: {result}")


def _probe_niqe() -> Any:
    """Mean NIQE of the probe pictures, loaded at its first use; NaN where it has none, as for a constant picture."""
    from bench.metrics import get_metric

    scorer: list[Any] = []

    def assess(pictures: Sequence[Any]) -> dict[str, float]:
        """Mean NIQE of `pictures`, (1, 3, H, W) in [0, 1] each."""
        if not scorer:
            scorer.append(get_metric("niqe").load())
        try:
            return {"niqe": sum(scorer[0](picture, None) for picture in pictures) / len(pictures)}
        except RuntimeError:  # of linear algebra, on features that are not finite
            return {"niqe": math.nan}

    return assess


class _Bar:
    """The progress display of a training run: share done, step, losses, images a second."""

    def __init__(self, config: TrainConfig) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        from commands.console import OUT

        columns = (TaskProgressColumn(), BarColumn(24), TimeElapsedColumn(), TextColumn("{task.description}"))
        self.progress = Progress(*columns, console=OUT)
        self.task = self.progress.add_task(f"{config.variant}: starting", total=1.0)

    def __enter__(self) -> "_Bar":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, report: "Report") -> None:
        short = {"global_discriminator": "D", "local_discriminator": "D local", "generator_adversarial": "G",
                 "self_feature_preserving": "SFP"}  # fmt: skip
        losses = "  ".join(f"{short[name]} {value:.2f}" for name, value in report.losses.items())
        told = f"epoch {report.epoch} step {report.step}  {losses}  {report.images_per_second:.1f} images/s"
        self.progress.update(self.task, completed=report.done, description=told)
