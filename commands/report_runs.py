"""What the report takes from MLflow of trainings: seeds, adaptations, curves, costs."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from reports.material import Adaptation, Budget

CURVE_POINTS = 150  # a run of thousands of steps is drawn by the means of so many stretches
CURVE_RUNS = 6
CHAIN = re.compile(r"generator ([0-9a-f]{16}) after \d+ steps, (\d+) pairs(?: \(run ([0-9a-f]{8})\))?")
UNTOLD = re.compile(r"generator [0-9a-f]{16}(?! after \d+ steps, \d+ pairs|, the mean of)")
NOT_SETTINGS = ("seed", "device", "probes", "snapshots")  # what may differ between runs that differ in luck alone


def finished(suite: "Suite", kind: str) -> Iterator["MlflowRun"]:
    """The finished runs of a kind, newest first."""
    return (run for run in suite.search(kind=kind) if run.info.status == "FINISHED")


def seeds(suite: "Suite", scores: "pd.DataFrame") -> "pd.DataFrame | None":
    """Scores of trainings that differ in nothing but the seed; of each variant the newest such group of several.

    Refinements of one generator are none: their seed moves little of what a training's does.
    A column `steps` says how long each was trained, 0 where it did not tell.
    """
    import pandas as pd

    from bench.trainings import Publication, publications, refined, weights_of
    from bench.weights import variant_of
    from commands.kept import of_newest_variants
    from enlightengan.run_config import LATER

    alike: dict[tuple[str, ...], dict[str, str]] = {}
    trained: dict[str, str] = {}  # as it was trained, of each digest
    runs: dict[str, MlflowRun] = {}
    for run in finished(suite, "train"):
        tags, settings = run.data.tags, run.data.params
        if "weights_digest" in tags and not refined(run):
            left_out = {*NOT_SETTINGS, *(name for name in LATER if settings.get(name) == "False")}
            same = sorted(f"{name}={value}" for name, value in settings.items() if name not in left_out)
            data = [tags.get(name, "") for name in ("low_digest", "normal_digest", "begun_from")]
            key = (tags["variant"], *data, *same)
            alike.setdefault(key, {}).setdefault(tags["seed"], tags["weights_digest"])
            runs.setdefault(tags["weights_digest"], run)
            # Not means, nor what it was on its way.
            others = {digest for digest, told in publications(run).items() if told != Publication()}
            trained |= dict.fromkeys(weights_of(run) - others, tags["weights_digest"])
    known = scores[scores["method"] == scores["method"].map(variant_of)]  # weights may be used guided, too
    known = known.assign(checkpoint=known["checkpoint"].map(trained)).dropna(subset=["checkpoint"])
    known = of_newest_variants(known).drop_duplicates(["checkpoint", "dataset", "image", "metric"])
    parts: dict[str, pd.DataFrame] = {}
    for (variant, *_), by_seed in alike.items():
        part = known[known["checkpoint"].isin(list(by_seed.values()))]
        if part["checkpoint"].nunique() > 1 and variant not in parts:
            lasted = {digest: steps(suite, runs[digest]) for digest in part["checkpoint"].unique()}
            parts[variant] = part.assign(method=variant, steps=part["checkpoint"].map(lasted))
    return pd.concat(parts.values(), ignore_index=True) if parts else None


def adaptations(suite: "Suite", scores: "pd.DataFrame") -> list["Adaptation"]:
    """The trainings of `bench adapt`, newest first, with the scores on the photographs that were held out from each."""
    from bench.metrics import get_metric
    from commands.kept import adapted, of_newest_variants
    from reports.material import Adaptation

    ranks = [name for name in scores["metric"].unique() if not get_metric(name).diagnostic]
    rows = scores[scores["metric"].isin(ranks)].drop_duplicates(["method", "checkpoint", "dataset", "image", "metric"])
    rows = of_newest_variants(rows)
    found = []
    for run in adapted(suite):
        tags = run.data.tags
        held_out = rows[rows["dataset"] == run.info.run_id].assign(dataset="held out")
        data = f"Dark photographs of {tags.get('low_data', 'a folder')}"
        directions = {str(name): get_metric(name).lower_is_better for name in held_out["metric"].unique()}
        rule = tags.get("rule", "")
        found.append(Adaptation(run.info.run_name, rule, tags["adapted"], data, held_out, directions))
    return found


def curves(suite: "Suite", checkpoints: set[str]) -> "pd.DataFrame | None":
    """Losses and probe scores of the runs whose weights were scored: run, step, name, value; None without any."""
    import pandas as pd

    from bench.trainings import refined, weights_of

    frames, labels = [], set[str]()
    scored = [run for run in suite.search(kind="train") if weights_of(run) & checkpoints]
    for run in scored[:CURVE_RUNS]:
        label = run.data.tags.get("variant", run.info.run_name) + (", refined" if refined(run) else "")
        label = label if label not in labels else f"{label}, run {run.info.run_id[:8]}"
        labels.add(label)
        for name in [name for name in run.data.metrics if not name.startswith(("cost/", "health/"))]:
            points = suite.history(run.info.run_id, name)
            points = sorted(points, key=lambda point: (point.step, point.timestamp))
            frame = pd.DataFrame({"step": [p.step for p in points], "value": [p.value for p in points]})
            frame = frame.drop_duplicates("step", keep="last")  # a run that is continued goes some steps twice
            frames.append(_thinned(frame).assign(run=label, name=name))
    return pd.concat(frames, ignore_index=True)[["run", "step", "name", "value"]] if frames else None


def costs(suite: "Suite", checkpoints: set[str]) -> dict[str, dict[str, float]]:
    """What the runs whose weights were scored cost, by name, method, crop, batch and device."""
    from bench.trainings import refined, weights_of
    from commands.report_made import minutes

    found: dict[str, dict[str, float]] = {}
    for run in suite.search(kind="train"):
        told = {name: value for name, value in run.data.metrics.items() if name.startswith("cost/")}
        if told and weights_of(run) & checkpoints:
            settings, tags = run.data.params, run.data.tags
            kind = f"{tags['variant']}, refined" if refined(run) else tags["variant"]
            label = f"{run.info.run_name} ({kind}), {settings['crop']} pixels, "
            label += f"batch {settings['batch_size']}, {settings['precision_used']}, {settings['device']}"
            label = label if label not in found else f"{label}, run {run.info.run_id[:8]}"
            found[label] = told | {"steps": float(steps(suite, run)), "minutes": minutes(run) or math.nan}
    return found


def budgets(suite: "Suite", checkpoints: Mapping[str, str]) -> dict[str, "Budget"]:
    """What the trainings whose weights, or their mean, were scored took, with those that they began from, by method.

    `checkpoints` are the digests that were scored, by method. A run counts its time whole, even where weights that it
    had on its way were scored. Trainings that this store does not hold are told of by
    the runs or the weights that began from them.
    """
    from bench.trainings import weights_of
    from bench.weights import variant_of
    from commands.report_made import minutes
    from commands.report_origin import shipped_told
    from reports.material import Budget

    runs = suite.search(kind="train")
    run_of = {digest: run for run in reversed(runs) for digest in weights_of(run)}
    found: dict[str, Budget] = {}
    for method, digest in ((method, digest) for method, digest in checkpoints.items() if digest):
        alike = [run for run in runs if run.data.tags.get("variant") == variant_of(method)]
        scored = [run for run in alike if digest in weights_of(run)]
        roles = ("begun_from", "taught_by")
        stories = [run.data.tags.get(role, "") for run in scored for role in roles] or [shipped_told(method, digest)]
        stages = {run.info.run_id: (_crops(suite, run, digest), minutes(run) or math.nan) for run in scored}
        own = set(stages)
        for weights, pairs in chain("; ".join(stories)).items():
            begun = run_of.get(weights)
            key, lasted = (begun.info.run_id, minutes(begun) or math.nan) if begun else (weights, math.nan)
            if key not in own:  # stories may tell of one on its way and in the end
                stages[key] = max(stages.get(key, (0, math.nan)), (pairs, lasted), key=lambda told: told[0])
        if stages:
            untold = any(UNTOLD.search(story) for story in stories)
            crops, lasted = (sum(told) for told in zip(*stages.values(), strict=True))
            found[method] = Budget(int(crops), lasted, begun=untold)
    return found


def chain(story: str) -> dict[str, int]:
    """The generators that a story (see `beginning.begun_from`) tells of, each with the pairs that its training showed.

    Of one training that it tells of several times, on its way and in the end, the last.
    """
    told: dict[str, tuple[str, int]] = {}
    for weights, pairs, run in CHAIN.findall(story):
        told[weights] = (run or told.get(weights, (weights, 0))[0], int(pairs))
    longest: dict[str, str] = {}
    for weights, (training, pairs) in told.items():
        if pairs > told.get(longest.get(training, ""), ("", -1))[1]:
            longest[training] = weights
    return {weights: told[weights][1] for weights in longest.values()}


def _crops(suite: "Suite", run: "MlflowRun", digest: str) -> int:
    """How many pairs a training had shown when it had the weights of `digest`; 0 where it did not tell."""
    from bench.trainings import Publication, publications
    from enlightengan.run_config import samples_shown

    settings, tags = run.data.params, run.data.tags
    length = max(int(settings.get(f"{side}_images", 0)) for side in ("low", "normal"))
    on_its_way = "" if digest == tags.get("weights_digest") else publications(run).get(digest, Publication()).step
    taken = int(on_its_way) if on_its_way else steps(suite, run)
    return samples_shown(taken, length, int(settings["batch_size"])) if length else 0


def steps(suite: "Suite", run: "MlflowRun") -> int:
    """How many optimiser steps a finished training took; 0 where it did not tell."""
    for name in ("cost/seconds", "learning_rate"):  # the first is told at the end alone, and not by older runs
        told = suite.history(run.info.run_id, name)
        if told:
            return max(int(one.step) for one in told)
    return 0


def _thinned(frame: "pd.DataFrame") -> "pd.DataFrame":
    if len(frame) <= CURVE_POINTS:
        return frame
    import numpy as np

    stretch = np.arange(len(frame)) * CURVE_POINTS // len(frame)
    return frame.groupby(stretch).mean()
