"""What the model card of published weights says, from the runs in MLflow."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from commands.publish_from import Stored
    from reports.card import ModelCard, Source, Training

COMPARED, SIDE = 3, 256  # half precision is compared with the whole on corners of demo photographs


def begun(tags: Mapping[str, str]) -> dict[str, str]:
    """What a training began from, where that was a generator and not chance, what else taught it, and their terms."""
    return {key: value for key, value in tags.items() if key in ("begun_from", "taught_by", "begun_under")}


def licence(runs: Sequence["MlflowRun"]) -> str:
    """The terms of all photographs that `runs`, and what they began from, were trained on."""
    from enlightengan.beginning import NOT_STATED

    before = [term for run in runs for term in run.data.tags.get("begun_under", "").split("; ") if term]
    untold = [NOT_STATED for run in runs if not run.data.tags.get("low_data")]  # imported without a word
    return "; ".join(dict.fromkeys([*(source.licence for source in sources(runs)), *untold, *before]))


def sources(runs: Sequence["MlflowRun"]) -> list["Source"]:
    """The datasets of both sides of `runs`, each once."""
    from bench.data import specs
    from reports.card import Source

    found = []
    for side, run in product(("low", "normal"), runs):
        told, digest = (run.data.tags.get(f"{side}_{what}", "") for what in ("data", "digest"))
        listed, digests = told.split(", "), digest.split(", ")
        if len(listed) != len(digests):  # a folder's name has a comma
            listed, digests = [told], [digest]
        for name, digest in zip(listed, digests, strict=True):
            if name:
                spec = specs().get(name.partition("/")[0])
                title, terms = (spec.title, spec.licence) if spec else ("a folder", "not stated")
                found.append(Source(side, name, title, terms, digest))
    return list(dict.fromkeys(found))


def counted(runs: Sequence["MlflowRun"], side: str) -> str:
    """How many photographs of `side` `runs` were trained on, from the fewest to the most; empty where none tells."""
    told = sorted({int(run.data.params[f"{side}_images"]) for run in runs if f"{side}_images" in run.data.params})
    return " to ".join(map(str, told[:1] + told[1:][-1:]))


def model_card(suite: "Suite", trainings: Sequence["Stored"], exact: Path, file: Path, *, observed: str) -> "ModelCard":
    """The card of `file`, which is the mean of `trainings` in half precision; `exact` is it in float32."""
    from methods import METHODS, make
    from reports.card import ModelCard

    runs = [one.run for one in trainings]
    tags = runs[0].data.tags
    card = METHODS.card(tags["variant"])
    checkpoint = str(make(tags["variant"], file).checkpoint)
    scores = scores_of(suite, checkpoint)
    return ModelCard(
        title=card.title, paper=card.paper, file=file.name, checkpoint=checkpoint, licence=licence(runs),
        sources=sources(runs),
        photographs={side: count for side in ("low", "normal") if (count := counted(runs, side))},
        trainings=[training_of(taken) for taken in by_run(trainings)],
        rounding=rounding(tags["variant"], exact, file),
        scores=scores, directions=directions_of(scores), observed=observed,
    )  # fmt: skip


def by_run(trainings: "Sequence[Stored]") -> list[list["Stored"]]:
    """`trainings` by the run that they are of, in the order in which runs come first."""
    found: dict[str, list[Stored]] = {}
    for one in trainings:
        found.setdefault(one.run.info.run_id, []).append(one)
    return list(found.values())


def training_of(taken: "Sequence[Stored]") -> "Training":
    """What the card tells of a training, of which `taken` are the generators that were taken; facts are of the last."""
    from commands.report_made import minutes
    from reports.card import Training

    one = max(taken, key=lambda stored: int(stored.metadata["steps"]))
    tags, settings, metadata = one.run.data.tags, one.run.data.params, one.metadata
    took = minutes(one.run)
    facts = {
        **{name.replace("_", " "): generator for name, generator in begun(tags).items()},
        "seed": tags["seed"], "optimiser steps": metadata["steps"], "pairs shown": metadata["samples"],
        "minutes": "not told" if took is None else f"{took:.0f}{'' if one.last else ' for the whole run'}",
        "device": f"{settings['device']}, {tags.get('machine', 'machine not told')}",
        "precision": settings["precision_used"],
        "torch": tags.get("torch_version", "not told"), "commit": tags.get("git_commit", "not told"),
    }  # fmt: skip
    return Training([stored.told for stored in taken], recipe(metadata, tags), facts)


def recipe(metadata: dict[str, str], tags: dict[str, str]) -> list[str]:
    """The preset, the features, what is not the paper's but for the length, in sentences; a refinement's settings."""
    import json

    from enlightengan.build import restored
    from enlightengan.config import RefineConfig
    from enlightengan.presets import PRESETS
    from enlightengan.run_config import changed_settings

    method = metadata.get("method", tags["variant"].partition("_no_")[0])  # older files do not tell it
    own = restored(method, json.loads(metadata["config"]))
    length = {"preset", "epochs", "minutes", "max_steps", "seed", "probes", "snapshots", "precision"}
    if isinstance(own, RefineConfig):
        told = [f"{name} is {value}." for name, value in vars(own).items() if name not in length]
        return [f"Refinement (bench train refine), preset {tags['preset']}: no discriminators, no features.", *told]
    changed = [line for line in changed_settings(own, PRESETS[method]["paper"]) if line.split()[0] not in length]
    return [f"Preset {tags['preset']}; features of the perceptual loss: {tags['features_used']}.", *changed]


def scores_of(suite: "Suite", checkpoint: str) -> Any:
    """The newest scores in MLflow of the weights `checkpoint`, and the input's by the same metrics on the same sets."""
    from bench.scores import score_table
    from commands.kept import NothingEvaluatedError, evaluations_of, general, tables_of

    try:
        every = general(suite, tables_of(suite, evaluations_of(suite))[0])
    except NothingEvaluatedError:
        return score_table([])
    own = every[every["checkpoint"] == checkpoint]
    variants = own.groupby("metric")["metric_digest"].first()  # the newest
    same = every["dataset"].isin(own["dataset"]) & (every["metric_digest"] == every["metric"].map(variants))
    chosen = every[same & ((every["checkpoint"] == checkpoint) | (every["method"] == "identity"))]
    return chosen.drop_duplicates(["method", "dataset", "image", "metric"])


def directions_of(scores: Any) -> dict[str, bool]:
    """Whether lower is better, of the metrics in a score table that have a better direction."""
    from bench.metrics import get_metric

    metrics = [get_metric(str(name)) for name in scores["metric"].unique()]
    return {metric.name: metric.lower_is_better for metric in metrics if not metric.diagnostic}


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
        "Convolutions are stored in half precision, the rest in single, which moves no value of "
        f"{len(photographs)} enhanced parts of demo photographs by more than {most:.2f} of 255."
    )
