"""The weights and the scores that come with the project, and what is told of them."""

import copy
import itertools
import json
import math
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.cells import SHIPPED as SCORES
from bench.darken import darken
from bench.data import resolve
from bench.demo import SOURCES
from bench.digests import file_digest
from bench.images import to_tensor
from bench.jobs import Job, run_job
from bench.metrics import get_metric
from bench.reproduction import cells, judge, published_tables
from bench.scores import read_scores
from bench.weights import SHIPPED, check_sum, sums, variant_of
from enlightengan.checkpoint import read_weights
from enlightengan.texture import CHOSEN
from methods import METHODS, contestant, make

ROOT = Path(__file__).parents[1]
CHOICE = ROOT / "results/choice.json"
UNTRAINED = {name for name in METHODS if not METHODS.card(name).learned}

FILES = sorted(SHIPPED.glob("*.safetensors"))
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_there_are_weights_for_who_has_trained_none():
    assert {"enlightengan.safetensors", "enlightengan_guided.safetensors"} <= set(sums(SHIPPED))
    assert {file.name for file in FILES} == set(sums(SHIPPED))
    assert sum(file.stat().st_size for file in FILES) < 40e6


@every_file
def test_a_shipped_file_is_whole_small_and_has_its_card(file):
    check_sum(file)
    assert file.stat().st_size < 18e6
    state, metadata = read_weights(file)
    assert {value.dtype for value in state.values() if value.ndim > 1} == {torch.float16}
    counters = {torch.int64} if any(key.endswith("num_batches_tracked") for key in state) else set()
    assert {value.dtype for value in state.values() if value.ndim < 2} == {torch.float32} | counters
    assert metadata["variant"] == variant_of(file.stem) and metadata["licence"]
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    assert make(file.stem, file).checkpoint in card and "Not evaluated yet" not in card
    assert f"optimiser steps: {metadata['steps']}" in card


@every_file
def test_a_shipped_model_brightens_and_keeps_what_is_there(file):
    bright = SOURCES["astronaut"]("astronaut")[64:320, 64:320]
    low = to_tensor(darken(bright, exposure=0.1, rng=np.random.default_rng(0)))
    with torch.inference_mode():
        result = make(file.stem, file)(low)
    assert result.mean() > 1.3 * low.mean()
    assert torch.corrcoef(torch.stack([result.mean(1).ravel(), low.mean(1).ravel()]))[0, 1] > 0.9


def test_shipped_scores_are_whole_and_of_the_metrics_that_are_here():
    scores = read_scores(SCORES)
    assert (scores["error"] == "").all() and scores["value"].notna().all()
    assert (scores[["method_digest", "picture_digest", "metric_digest", "scoring_digest"]] != "").all(axis=None)
    assert "identity" in set(scores["method"]) <= UNTRAINED and scores["method"].nunique() > 25
    assert not scores.duplicated(["method", "checkpoint", "dataset", "image", "metric"]).any()
    assert scores.groupby("dataset")["image"].nunique().to_dict() == {
        "dicm": 64, "lime": 10, "lol_eval15": 15, "sice/examples": 32, "sice/inputs": 104, "amos_night/test": 80,
    }  # fmt: skip
    counted = scores.groupby(["dataset", "metric"])["value"].count()
    assert (counted.groupby("dataset").nunique() == 1).all(), "every method by every metric"
    paired = {"lol_eval15", "sice/examples", "sice/inputs"}
    assert set(scores.loc[scores["metric"].isin(["psnr", "ssim_rgb"]), "dataset"]) == paired
    current = {name: get_metric(name).digest for name in scores["metric"].unique()}
    assert (scores["metric_digest"] == scores["metric"].map(current)).all()


def test_shipped_scores_have_the_means_that_matlab_gave():
    scores, (_, original) = read_scores(SCORES), published_tables()
    told = [cell for cell in cells(original) if cell.method in UNTRAINED]
    assert len(told) == 7 and {cell.tolerance for cell in told} == {0.001}
    assert [judge(cell, scores).said for cell in told] == ["agrees"] * 7


# OpenCV's fusion of exposures moves a few of DUAL's pixels by one level from processor to processor.
@pytest.mark.parametrize("method", sorted(UNTRAINED - {"dual"}))
def test_shipped_scores_are_what_the_code_gives(shared, method):
    dataset = resolve("lol_eval15", shared / "data")
    names = [dataset.image_name(low) for low in dataset.low]
    scores = read_scores(SCORES).query("method == @method and dataset == 'lol_eval15'").set_index(["image", "metric"])
    low, reference = dataset.low[3], dataset.reference[3]
    metrics = tuple(scores.loc[names[3]].index)
    assert len(metrics) == 9
    rows, _ = run_job(Job(contestant(method)[0], dataset.name, names[3], low, reference, metrics, "cpu"))
    for row in rows:
        known = scores.loc[(names[3], row["metric"])]
        assert known["picture_digest"] == file_digest(low) + file_digest(reference)
        assert row["value"] == pytest.approx(known["value"], rel=1e-4, abs=1e-6), row["metric"]


def test_the_texture_is_the_one_that_the_rule_chose():
    told = json.loads(CHOICE.read_text(encoding="utf-8"))
    kept = [one for one in told["tried"] if all(one[name] <= most for name, most in told["bounds"].items())]
    best = min(kept, key=lambda one: one["niqe"])
    assert len(told["tried"]) == 48 and best == told["chosen"]
    assert (best["strength"], best["most"]) == (CHOSEN.strength, CHOSEN.most)
    assert (math.inf if best["seen"] is None else best["seen"]) == pytest.approx(CHOSEN.seen * 255)
    assert told["weights"] == make("enlightengan_guided", SHIPPED / "enlightengan_guided.safetensors").checkpoint


TOO_DARK = ("dark", "middle", "dimmed", "noisy")


@pytest.fixture
def judged(monkeypatch):
    """The rule of `benchmarks/choose_weights.py`."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return runpy.run_path(str(ROOT / "benchmarks/choose_weights.py"))["judged"]


def test_the_weights_are_those_that_the_rule_chose(judged):
    told = json.loads((CHOICE.parent / "weights.json").read_text(encoding="utf-8"))
    chosen = told["chosen"]
    assert told["weights"][chosen] == make("enlightengan", SHIPPED / "enlightengan.safetensors").checkpoint
    assert judged(told["means"]) == {name: told[name] for name in ("chosen", "candidates")}
    candidates = told["candidates"]
    kept = {name: one["ssim"] for name, one in candidates.items() if one["keeps_to_bounds"]}
    assert max(kept, key=lambda name: kept[name]) == chosen
    near = copy.deepcopy(told["means"])  # had all come as near as the first by CIEDE2000
    for kind, of in itertools.product(TOO_DARK, near.values()):
        of[kind]["ciede2000"] = next(iter(near.values()))[kind]["ciede2000"]
    most = next(iter(candidates.values()))["niqe"] + 0.05
    ssim = {name: one["ssim"] for name, one in candidates.items() if one["niqe"] <= most}
    assert len(ssim) > 1 and judged(near)["chosen"] == max(ssim, key=lambda name: ssim[name])


@pytest.mark.parametrize(
    ("score", "by", "chosen"),
    [
        ("ciede2000", {"dark": 1.5, "middle": -1.6}, "new"),
        ("ciede2000", {"dark": 1.5, "middle": -1.4}, "now"),  # further in the mean of what is too dark
        ("ciede2000", {"noisy": 0.1}, "now"),
        ("ciede2000", {"well exposed": 5.0}, "new"),  # told, and no bound
        ("niqe", {"dark": 0.4, "crops": -0.11}, "new"),  # 0.29 higher in one of six kinds
        ("niqe", {"dark": 0.4, "crops": -0.09}, "now"),
        ("ssim", {"dark": -0.02, "noisy": -0.01}, "new"),
        ("ssim", {"dark": -0.02, "noisy": -0.03}, "now"),  # 0.04 higher in one kind, 0.05 lower in two
        ("ssim", {"well exposed": -0.5}, "new"),
    ],
)
def test_the_rule_takes_the_highest_ssim_that_keeps_to_its_bounds(judged, score, by, chosen):
    of = {kind: {"ciede2000": 10.0, "niqe": 3.0, "ssim": 0.8} for kind in ("well exposed", *TOO_DARK)}
    means = {name: copy.deepcopy(of | {"crops": {"niqe": 7.0}}) for name in ("now", "new")}
    means["new"]["middle"]["ssim"] += 0.04
    for kind, more in by.items():
        means["new"][kind][score] += more
    assert judged(means)["chosen"] == chosen


def test_readmes_table_has_the_numbers_of_the_documents():
    script = runpy.run_path(str(ROOT / "benchmarks/readme_table.py"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert script["renewed"](text) == text
    rows = script["_first_table"](text.split(script["HEAD"])[1])
    assert len(rows) > 10 and "enlightengan_natural" in rows[1]
    changed = rows[1].replace(rows[1].split("|")[3], " 0 [0, 0] ")
    assert script["renewed"](text.replace(rows[1], changed)) == text
