"""`bench publish`: the weights of a finished training, half the size, with their digest and a model card."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import TrackingUri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlflow.entities import Run as MlflowRun
    from torch import Tensor

    from bench.tracking import Suite
    from reports.card import ModelCard, Source, Training

COMPARED, SIDE = 3, 256  # half precision is compared with the whole on corners of demo photographs


def publish(
    training: Annotated[
        str,
        typer.Argument(help="ID or name of a finished training (fast or paper, no demo), or a method for its newest."),
    ],
    mean_with: Annotated[
        list[str] | None,
        typer.Option(help="Another training of the method on the same photographs; the mean is published. Repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the weights, SHA256SUMS and the card.")] = Path("weights"),
    observed: Annotated[
        Path | None, typer.Option(help="Markdown file on what a person saw; it goes into the card and stays there.")
    ] = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Write a run's weights in half precision, with SHA256SUMS and a model card of data, recipe and scores.

    Evaluate the written file and give the command again: then the card has its scores.

    --mean-with suits trainings of one chain, each begun from the one before: their mean is often better than each
    (Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018).
    """
    from tempfile import TemporaryDirectory

    from bench.tracking import Run, open_suite
    from bench.weights import write_sum, write_text
    from commands.console import say
    from enlightengan.checkpoint import save_weights
    from methods import make
    from reports.card import card_text, observed_in

    seen = _text(observed) if observed else ""
    suite = open_suite(tracking_uri)
    trainings = [stored(suite, *trained(suite, name)) for name in (training, *(mean_with or ()))]
    runs = [one.run for one in trainings]
    alike(runs)
    if not related(trainings):
        say("NO COMMON BEGINNING is told: a mean of networks that began apart is no good.", style="bold red")
    run_id, tags = runs[0].info.run_id, runs[0].data.tags
    mean = _mean([one.state for one in trainings])
    members = {"mean_of": "; ".join(one.told for one in trainings)} if mean_with else {}
    file = out / f"{tags['variant']}.safetensors"
    halved = {key: value.half() if value.is_floating_point() else value for key, value in mean.items()}
    known = trainings[0].metadata | begun(tags) | {"run": run_id, "licence": licence(runs[0])} | members
    # safetensors orders its metadata anew each time, so that the same would differ in bytes.
    if not _holds(file, halved, known):
        save_weights(file, halved, known)
    write_sum(file)
    checkpoint = str(make(tags["variant"], file).checkpoint)
    Run(suite.client, run_id).tags({"published_digest": checkpoint, "published_mean_of": members.get("mean_of", "")})
    for run in runs[1:]:
        Run(suite.client, run.info.run_id).tags({"published_in": checkpoint})
    card = file.with_suffix(".md")
    seen = seen or observed_in(card, checkpoint)
    with TemporaryDirectory() as folder:
        exact = Path(folder) / file.name
        save_weights(exact, mean, known)
        write_text(card, card_text(model_card(suite, trainings, exact, file, observed=seen)))
    names = [f"{run.info.run_name} ({run.info.run_id[:8]}, preset {run.data.tags['preset']})" for run in runs]
    say(f"The mean of runs {', '.join(names)} is published." if mean_with else f"Run {names[0]} is published.")
    say(f"Weights: {file} ({file.stat().st_size / 1e6:.1f} MB). Card: {card}")


@dataclass(frozen=True)
class Stored:
    """A training with the generator that it gave."""

    run: "MlflowRun"
    state: "Mapping[str, Tensor]"
    metadata: dict[str, str]

    @property
    def told(self) -> str:
        """The generator by digest and by how long it was trained, and its run."""
        from enlightengan.checkpoint import generator_told

        return f"{generator_told(self.state, self.metadata)} (run {self.run.info.run_id[:8]})"


def stored(suite: "Suite", run: "MlflowRun", weights: Path) -> Stored:
    """`run` with its `weights` read."""
    from enlightengan.checkpoint import read_weights

    return Stored(run, *read_weights(weights))


def alike(runs: "Sequence[MlflowRun]") -> None:
    """Raises BenchError where `runs` cannot be averaged: one is there twice, or photographs or methods differ."""
    from bench.errors import BenchError

    if len({run.info.run_id for run in runs}) < len(runs):
        raise BenchError("A mean needs each training once.")
    for side in ("low", "normal"):
        if len({frozenset(run.data.tags.get(f"{side}_digest", "").split(", ")) for run in runs}) > 1:
            raise BenchError(f"The trainings of a mean must share their {side}-light photographs.")
    methods = sorted({run.data.tags["variant"] for run in runs})
    if len(methods) > 1:
        raise BenchError(f"The trainings of a mean must be of one method, not of {', '.join(methods)}.")


def related(trainings: "Sequence[Stored]") -> bool:
    """Whether all `trainings` tell of one generator, as what they gave or as what they or those before began from."""
    import re

    found = []
    for one in trainings:
        tags = one.run.data.tags
        published = "" if tags.get("published_mean_of") else tags.get("published_digest", "")
        line = f"{one.told} {tags.get('begun_from', '')} generator {published}"
        found.append(set(re.findall(r"generator ([0-9a-f]{16})", line)))
    return bool(set.intersection(*found))


def _mean(states: "Sequence[Mapping[str, Tensor]]") -> "dict[str, Tensor]":
    """Each state with the same share; counters are the first's."""
    from functools import reduce

    from torch import add

    first = states[0]
    return {
        key: reduce(add, [state[key].float() for state in states]) / len(states) if value.is_floating_point() else value
        for key, value in first.items()
    }


def trained(suite: "Suite", training: str) -> tuple["MlflowRun", Path]:
    """The run that `training` names, by ID, name or method, and its weights. Raises BenchError where none may go."""
    from bench.errors import BenchError
    from bench.tracking import TRUSTED_PRESETS, newest_training
    from methods import METHODS

    presets = " or ".join(TRUSTED_PRESETS)
    if training in METHODS:
        found = newest_training(suite, training)
        if found is None:
            raise BenchError(f"There is no finished {presets} training of {training} here, or {training} takes none.")
        if "cell" in found[0].data.tags:
            raise BenchError(f"{training} was trained as a cell of a grid alone: give that run's ID if it shall be.")
        return _told(found[0]), found[1]
    run = suite.find(training, finished=True)
    tags = run.data.tags
    if tags.get("kind") != "train" or run.info.status != "FINISHED":
        raise BenchError(f"Run {training} is no finished training.")
    if tags.get("trusted") != "yes":
        why = "it is an adaptation" if "adapted" in tags else f"only {presets} trainings are, and none on the demo"
        raise BenchError(f"Run {training} is not to be published: {why}.")
    weights = suite.artifact(run.info.run_id, "weights.safetensors")
    if weights is None:
        raise BenchError(f"Run {training} has no weights.")
    return _told(run), weights


def _told(run: "MlflowRun") -> "MlflowRun":
    """`run`. Raises BenchError when it does not tell its photographs, from which the licence follows."""
    from bench.errors import BenchError

    if not run.data.tags.get("low_data"):
        raise BenchError(
            f"Run {run.info.run_id} does not tell what it was trained on: import it with --low and --normal."
        )
    return run


def _text(path: Path) -> str:
    from bench.errors import BenchError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"Cannot read {path}: {error}") from error


def _holds(file: Path, state: "Mapping[str, Tensor]", metadata: "Mapping[str, str]") -> bool:
    """Whether `file` has these weights and this metadata already."""
    from bench.errors import BenchError
    from enlightengan.checkpoint import read_weights, weights_digest

    if not file.is_file():
        return False
    try:
        stored, told = read_weights(file)
    except BenchError:  # damaged
        return False
    return told == metadata and weights_digest(stored) == weights_digest(state)


def begun(tags: "Mapping[str, str]") -> dict[str, str]:
    """What a training began from, where that was a generator and not chance."""
    return {key: value for key, value in tags.items() if key == "begun_from"}


def licence(run: "MlflowRun") -> str:
    """The terms of all photographs that `run` was trained on."""
    return "; ".join(dict.fromkeys(source.licence for source in sources(run)))


def sources(run: "MlflowRun") -> list["Source"]:
    """The datasets of both sides of `run`."""
    from bench.data import specs
    from reports.card import Source

    found = []
    for side in ("low", "normal"):
        told, digest = (run.data.tags.get(f"{side}_{what}", "") for what in ("data", "digest"))
        listed, digests = told.split(", "), digest.split(", ")
        if len(listed) != len(digests):  # a folder's name has a comma
            listed, digests = [told], [digest]
        for name, digest in zip(listed, digests, strict=True):
            if name:
                spec = specs().get(name.partition("/")[0])
                title, terms = (spec.title, spec.licence) if spec else ("a folder", "not stated")
                found.append(Source(side, name, title, terms, digest))
    return found


def model_card(suite: "Suite", trainings: "Sequence[Stored]", exact: Path, file: Path, *, observed: str) -> "ModelCard":
    """The card of `file`, which is the mean of `trainings` in half precision; `exact` is it in float32."""
    from bench.metrics import get_metric
    from methods import METHODS, make
    from reports.card import ModelCard

    first = trainings[0].run
    tags, settings = first.data.tags, first.data.params
    card = METHODS.card(tags["variant"])
    checkpoint = str(make(tags["variant"], file).checkpoint)
    scores = scores_of(suite, checkpoint)
    metrics = [get_metric(str(name)) for name in scores["metric"].unique()]
    return ModelCard(
        title=card.title, paper=card.paper, file=file.name, checkpoint=checkpoint, sources=sources(first),
        photographs={side: settings[f"{side}_images"] for side in ("low", "normal") if f"{side}_images" in settings},
        trainings=[training_of(one) for one in trainings],
        rounding=rounding(tags["variant"], exact, file),
        scores=scores, directions={m.name: m.lower_is_better for m in metrics if not m.diagnostic},
        observed=observed,
    )  # fmt: skip


def training_of(one: Stored) -> "Training":
    """What the card tells of a training."""
    from commands.report_made import minutes
    from reports.card import Training

    tags, settings, metadata = one.run.data.tags, one.run.data.params, one.metadata
    took = minutes(one.run)
    facts = {
        **{name.replace("_", " "): generator for name, generator in begun(tags).items()},
        "seed": tags["seed"], "optimiser steps": metadata["steps"], "pairs shown": metadata["samples"],
        "minutes": "not told" if took is None else f"{took:.0f}",
        "device": f"{settings['device']}, {tags.get('machine', 'machine not told')}",
        "precision": settings["precision_used"],
        "torch": tags.get("torch_version", "not told"), "commit": tags.get("git_commit", "not told"),
    }  # fmt: skip
    return Training(one.told, recipe(metadata, tags), facts)


def recipe(metadata: dict[str, str], tags: dict[str, str]) -> list[str]:
    """The preset, the features, and what is not the paper's but for the length, in sentences."""
    import json

    from enlightengan.build import restored
    from enlightengan.presets import PRESETS
    from enlightengan.run_config import changed_settings

    method = tags["variant"].partition("_no_")[0]
    own = restored(method, json.loads(metadata["config"]))
    length = {"preset", "epochs", "minutes", "max_steps", "seed", "probes", "precision"}
    changed = [line for line in changed_settings(own, PRESETS[method]["paper"]) if line.split()[0] not in length]
    return [f"Preset {tags['preset']}; features of the perceptual loss: {tags['features_used']}.", *changed]


def scores_of(suite: "Suite", checkpoint: str) -> Any:
    """The newest scores in MLflow of the weights `checkpoint`, and the input's by the same metrics on the same sets."""
    from bench.errors import BenchError
    from bench.scores import score_table
    from commands.kept import evaluations_of, general, tables_of

    try:
        every = general(suite, tables_of(suite, evaluations_of(suite))[0])
    except BenchError:  # nothing has been evaluated yet
        return score_table([])
    own = every[every["checkpoint"] == checkpoint]
    variants = own.groupby("metric")["metric_digest"].first()  # the newest
    same = every["dataset"].isin(own["dataset"]) & (every["metric_digest"] == every["metric"].map(variants))
    chosen = every[same & ((every["checkpoint"] == checkpoint) | (every["method"] == "identity"))]
    return chosen.drop_duplicates(["method", "dataset", "image", "metric"])


def rounding(variant: str, stored: Path, file: Path) -> str:
    """How far half precision moves results, in a sentence."""
    import torch

    from bench.data import resolve
    from bench.images import read_rgb
    from methods import make

    exact, halved = make(variant, stored), make(variant, file)
    most = 0.0
    photographs = resolve("demo", Path()).low[:COMPARED]
    with torch.inference_mode():
        for photograph in photographs:
            corner = read_rgb(photograph)[:SIDE, :SIDE].copy()
            picture = torch.from_numpy(corner).permute(2, 0, 1)[None].float() / 255
            most = max(most, float((exact(picture) - halved(picture)).abs().max()) * 255)
    return (
        f"Stored in half precision, which moves no value of {len(photographs)} enhanced parts of demo photographs "
        f"by more than {most:.2f} of 255."
    )
