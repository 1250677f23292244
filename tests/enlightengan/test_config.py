import math

import pytest

from bench.errors import BenchError
from bench.weights import TRAINED_HERE
from enlightengan.config import PRESETS, TrainConfig, departures, preset
from enlightengan.presets import PRESETS as EVERY


def test_what_a_missing_file_says_can_be_trained_has_presets():
    assert set(TRAINED_HERE) == set(EVERY) - {"refine"}


def test_paper_preset_is_the_official_command():
    paper = PRESETS["paper"]
    assert (paper.epochs, paper.batch_size, paper.crop, paper.learning_rate) == (200, 32, 320, 1e-4)
    assert (paper.beta1, paper.beta2, paper.patch, paper.patches) == (0.5, 0.999, 32, 6)
    assert (paper.darkening, paper.pairing, paper.precision, paper.ema) == ((2.0, 4.0), "fixed", "float32", 0.0)
    assert paper.align_corners and paper.without == ()


@pytest.mark.parametrize(("epoch", "rate"), [(1, 1e-4), (101, 1e-4), (102, 99e-6), (150, 51e-6), (200, 1e-6)])
def test_learning_rate_by_epoch_is_the_authors(epoch, rate):
    paper = PRESETS["paper"]
    assert paper.learning_rate * paper.learning_rate_factor(epoch, 0.0) == pytest.approx(rate)


@pytest.mark.parametrize(("done", "factor"), [(0.0, 1.0), (0.5, 1.0), (0.75, 0.5), (1.0, 0.0)])
def test_learning_rate_by_step_falls_over_the_second_half(done, factor):
    assert PRESETS["fast"].learning_rate_factor(1, done) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("without", "name"),
    [
        ((), "enlightengan"),
        (("attention",), "enlightengan_no_attention"),
        (("local-discriminator", "attention"), "enlightengan_no_attention_no_local_discriminator"),
    ],
)
def test_variant_names_are_method_names_whatever_the_order(without, name):
    assert TrainConfig(without=without).variant == name


def test_a_length_replaces_the_preset_s_own():
    assert preset("fast", epochs=3).minutes is None and preset("fast", epochs=3).epochs == 3
    assert preset("smoke", minutes=2.0).max_steps is None
    assert preset("fast").minutes == 60


@pytest.mark.parametrize(
    "changes",
    [
        {"without": ("atention",)},
        {"crop": 32},
        {"epochs": 0},
        {"pairing": "both"},
        {"ema": 1.0},
        {"minutes": -1.0},
        {"smallest_scale": 0.0},
        {"smallest_scale": 1.1},
        {"largest_scale": 1.1},
        {"smallest_scale": 0.6, "largest_scale": 0.5},
        {"largest_scale": 0.5},
        {"bright_inputs": -0.1},
        {"bright_inputs": 1.0},
        {"bright_inputs": math.nan},
        {"darkening": (3.0, 2.0)},
        {"darkening": (0.5, 2.0)},
        {"darkening": (2.0, math.inf)},
        {"darkening": (math.nan, 2.0)},
        {"darkening": (1.0, 2.0), "without": ("darkening",)},
    ],
)
def test_bad_values_are_errors(changes):
    with pytest.raises(BenchError):
        preset("paper", **changes)


def test_a_length_in_minutes_follows_the_clock_and_the_rate_never_turns_negative():
    assert preset("paper", minutes=5.0).schedule == "step"
    with pytest.raises(BenchError, match="two lengths of a run: give one of them"):
        preset("paper", minutes=5.0, epochs=3)
    assert preset("paper").schedule == preset("paper", epochs=3).schedule == "epoch"
    assert PRESETS["paper"].learning_rate_factor(300, 0.9) == 0.0


def test_the_rate_falls_by_the_steps_where_they_say_when_the_run_ends():
    short = preset("paper", max_steps=100)
    assert short.schedule == "step" and short.learning_rate_factor(1, 0.75) == pytest.approx(0.5)
    assert preset("paper", max_steps=100, epochs=3).schedule == "epoch"
    assert preset("paper", max_steps=100, schedule="constant").schedule == "constant"
    assert {"max_steps is 100, theirs None.", "schedule is step, theirs epoch."} <= set(departures(short, "Caffe"))
    assert not any("schedule" in told for told in departures(preset("paper"), "Caffe"))


@pytest.mark.parametrize("name", PRESETS)
def test_no_epoch_ends_a_run_before_its_steps(name):
    assert preset(name, max_steps=5000).epochs >= 5000
    assert preset(name, max_steps=5000, epochs=3).epochs == 3
    assert preset(name, max_steps=5).epochs == PRESETS[name].epochs
    assert preset(name, max_steps=5000, schedule="epoch").epochs == PRESETS[name].epochs, "by which the rate falls"
    assert not any("epochs" in told for told in departures(preset(name, max_steps=5000), "Caffe"))


@pytest.mark.parametrize("changes", [{"seed": -1}, {"max_steps": 0}])
def test_values_below_their_range_are_errors(changes):
    with pytest.raises(BenchError, match="|".join(changes)):
        preset("smoke", **changes)


def test_unknown_preset_suggests():
    with pytest.raises(BenchError, match="paper"):
        preset("papr")


def test_departures_name_what_is_not_as_published():
    told = " ".join(departures(preset("paper", crop=256), "VGG-16, torchvision"))
    assert "crop is 256, theirs 320" in told and "Caffe" in told and "chunks of 11" in told
    assert not any("Caffe" in s for s in departures(preset("paper"), "VGG-16, Caffe format, BGR 0-255, no mean"))
    assert departures(preset("fast"), "x") == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ["BatchNorm sees the whole batch"]),
        ({"snapshots": True, "checkpointing": True, "probes": 3, "devices": 3}, ["BatchNorm sees the whole batch"]),
        ({"devices": 3, "batch_norm": "per-device"}, []),  # as theirs
        ({"accumulate": 3}, ["relativistic means are over each part"]),
        ({"accumulate": 2}, ["BatchNorm sees the batch in 2 parts", "relativistic means are over each part"]),
        ({"accumulate": 2, "without": ("relativistic",)}, ["BatchNorm sees the batch in 2 parts"]),
        ({"batch_norm": "frozen"}, ["BatchNorm keeps the statistics"]),
    ],
)
def test_departures_tell_how_batches_are_shared_out_only_where_theirs_were_otherwise(changes, told):
    without = {"without": changes["without"]} if "without" in changes else {}
    beside = departures(preset("paper", devices=3, batch_norm="per-device", **without), "Caffe")
    found = [sentence for sentence in departures(preset("paper", **changes), "Caffe") if sentence not in beside]
    assert len(found) == len(told) and all(map(str.startswith, found, told))


def test_a_key_needs_the_plane_of_attention_and_is_told_where_there_is_one():
    with pytest.raises(BenchError, match="three planes, none for the key: leave out --key"):
        preset("fast", key=True, without=("attention",))
    plain, key = preset("fast"), preset("fast", key=True)
    assert key.told() == {**plain.told(), "key": True}
    assert "key" not in plain.told(), "grids that were begun before there was one go on"
