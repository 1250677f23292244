import numpy as np
import pytest

from reports.tables import leaderboard
from reports.verdict import Verdict, answers, unequal, verdict

DIRECTIONS = {"niqe": True, "psnr": False, "halo": True}


@pytest.fixture
def words(table):
    def speak(values, metric="niqe", **more):
        return verdict(leaderboard(table(values), directions=DIRECTIONS, metric=metric), **more)

    return speak


def test_a_clear_lead_is_named_with_its_size_and_interval(words):
    scene = np.random.default_rng(0).normal(4.0, 1.0, size=40)
    answer = words({("b", "d", "niqe"): scene + np.linspace(0.4, 0.6, 40), ("a", "d", "niqe"): scene})
    assert answer.headline == "a leads"
    assert "over 40 images" in answer.sentence
    assert "a is ahead by 0.500 on average (95 % interval 0.4" in answer.sentence
    assert answer.sentence.endswith("which excludes zero.")
    assert answer.direction == "lower is better"


def test_a_lead_that_higher_scores_give_reads_the_same(words):
    answer = words(
        {("a", "d", "psnr"): [20.0 + i for i in range(8)], ("b", "d", "psnr"): [22.0 + i for i in range(8)]}, "psnr"
    )
    assert answer.headline == "b leads"
    assert "b is ahead by 2.00 on average (95 % interval 2.00 to 2.00)" in answer.sentence


def test_a_mean_that_a_few_images_make_is_not_called_a_lead(words):
    gaps = np.r_[np.linspace(0.05, 0.15, 72), np.linspace(-5.5, -4.5, 17)]
    answer = words({("a", "d", "niqe"): np.full(89, 9.0), ("b", "d", "niqe"): 9 + gaps})
    assert answer.headline == "b and a cannot be told apart"
    assert "b has the better mean, but by ranks the differences point the other way." in answer.sentence


def test_the_best_mean_on_a_dataset_that_has_none_is_not_claimed(words):
    here, both = {("a", "d", "halo"): [1.0] * 8, ("b", "d", "halo"): [2.0] * 8}, range(8)
    none = {(name, "e", "halo"): [np.nan] * 8 for name in "ab"}
    answer = words({**here, **none}, "halo")
    assert not any("every dataset" in detail for detail in answer.details)
    more = {(name, "f", "halo"): [float(name == "b") + k for k in both] for name in "ab"}
    answer = words({**here, **none, **more}, "halo")
    assert "a has the best mean on d and f." in answer.details
    assert "a has the best mean on every dataset." in words({**here, **more}, "halo").details


def test_trainings_of_unequal_length_are_said():
    assert unequal({"a": (5133, 211.2), "b": (8, 2.1), "c": (1, 0.4)}) == [
        "The learned methods were not trained alike: a for 5,133 steps (211 min), b for 8 steps (2 min) and c for 1 "
        "step (0 min). Their places are those of these weights, not of the methods."
    ]
    assert unequal({"a": (5133, 211.2)}) == unequal({"a": (100, 2.0), "b": (60, 9.0)}) == unequal({}) == []


def test_noise_is_not_called_a_lead(words):
    rng = np.random.default_rng(1)
    answer = words({("a", "d", "niqe"): rng.normal(4, 1, 9), ("b", "d", "niqe"): rng.normal(4, 1, 9)})
    assert answer.headline.endswith("cannot be told apart")
    assert "On 9 images no difference between" in answer.sentence
    assert "includes zero" in answer.sentence


def test_five_images_are_too_few_however_much_they_agree(words):
    answer = words({("a", "d", "niqe"): [1.0, 1.1, 1.2, 1.3, 1.4], ("b", "d", "niqe"): [9.0, 9.1, 9.2, 9.3, 9.5]})
    assert "On 5 images no difference between a and b can be shown; it takes at least six." in answer.sentence
    assert answer.headline == "a and b cannot be told apart"


def test_one_image_shows_nothing(words):
    answer = words({("a", "d", "niqe"): [1.0], ("b", "d", "niqe"): [2.0]})
    assert "One image cannot show a difference between a and b." in answer.sentence
    assert "nan" not in answer.sentence


def test_equal_methods_are_said_to_be_equal(words):
    values = list(np.linspace(1, 2, 10))
    answer = words({("a", "d", "niqe"): values, ("b", "d", "niqe"): values})
    assert "On 10 images the two have the same values." in answer.sentence
    assert answer.headline == "a and b cannot be told apart"


def test_one_method_has_nobody_to_beat(words):
    answer = words({("a", "d", "niqe"): [1.0, 2.0]})
    assert answer.headline == "Nothing to compare"
    assert (
        answer.sentence
        == "Only a was scored, so there is nothing to compare it with; a has a mean of 1.500 over 2 images."
    )


def test_no_value_and_no_complete_method_are_said(words):
    nothing = words({("a", "d", "niqe"): [np.nan]})
    assert (nothing.headline, nothing.sentence) == ("Nothing to compare", "No method has a value on d.")
    apart = words({("a", "d", "niqe"): [1.0], ("b", "e", "niqe"): [2.0]})
    assert apart.headline == "No overall comparison"
    assert apart.details == ("Best mean, told apart or not: a on d; b on e.",)


def test_rivals_that_cannot_be_told_apart_are_listed(words):
    rng = np.random.default_rng(2)
    scene = rng.normal(4, 1, 30)
    values = {(name, "d", "niqe"): scene + rng.normal(0, 0.5, 30) for name in "abc"}
    answer = words(values | {("far", "d", "niqe"): scene + 3})
    assert "cannot be told apart" in answer.headline
    assert "far" not in answer.headline
    assert any(detail.startswith("Not told apart from") and "far" not in detail for detail in answer.details)


def test_the_input_itself_never_wins_but_what_it_scores_is_said(words):
    scene = np.linspace(1, 2, 12)
    values = {("a", "d", "niqe"): scene + 1, ("b", "d", "niqe"): scene + 3, ("same", "d", "niqe"): scene}
    answer = words(values, baseline="same")
    assert answer.headline == "a leads"
    assert (
        "The untouched input (same) has 1.500, better than every method: by this metric alone, doing nothing wins."
        in (answer.details)
    )
    between = words(values | {("same", "d", "niqe"): scene + 2}, baseline="same")
    assert "The untouched input (same) has 3.500, better than 1 of the 2 methods." in between.details
    last = words(values | {("same", "d", "niqe"): scene + 9}, baseline="same")
    assert "The untouched input (same) has 10.500, worse than every method." in last.details


def test_a_lead_that_the_number_of_methods_explains_is_none(words):
    gaps = np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, -0.1])
    values = {("a", "d", "niqe"): np.arange(7.0)} | {
        (name, "d", "niqe"): np.arange(7.0) + gaps + place for place, name in enumerate("bcdefg")
    }
    answer = words(values)
    assert "not after a correction for the number of methods" in answer.sentence
    assert answer.headline != "a leads"


def test_the_answer_for_all_metrics_names_who_wins_by_which():
    def one(metric, best, *alike):
        return Verdict(metric, "", "", "", (), best, alike)

    assert answers([one("niqe", "a")]) == []
    assert answers([one("niqe", "a"), one("loe", "a")]) == ["a wins by every metric: niqe and loe."]
    assert answers([one("niqe", "a"), one("loe", "b"), one("psnr", "b"), one("ssim", "c", "a")]) == [
        "No method wins by every metric.",
        "b wins by loe and psnr.",
        "a wins by niqe.",
        "By ssim, c has the best mean but cannot be told apart from a.",
    ]
    assert answers([one("niqe", "a", "b"), one("loe", "c", "b")])[0] == (
        "By no metric does one method stand apart from all others."
    )
