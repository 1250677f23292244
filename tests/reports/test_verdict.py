import math
import re

import numpy as np
import pytest

from reports.comparison import comparison_table
from reports.layout import leaderboard_table
from reports.material import Budget
from reports.tables import leaderboard
from reports.verdict import Verdict, answers, unequal, verdict

DIRECTIONS = {"niqe": True, "psnr": False, "halo": True}


@pytest.fixture
def words(table):
    def speak(values, metric="niqe", **more):
        return verdict(leaderboard(table(values), directions=DIRECTIONS, metric=metric), **more)

    return speak


def test_a_set_that_few_were_scored_on_has_no_say_but_is_not_passed_over(table):
    values = {(name, dataset, "niqe"): [base + k, base + k + 1.0] for dataset, base in (("dicm", 1.0), ("lime", 2.0))
              for k, name in enumerate("abcde")}  # fmt: skip
    values |= {("b", "walks", "niqe"): [1.0], ("c", "walks", "niqe"): [0.5]}
    board = leaderboard(table(values), directions={"niqe": True}, metric="niqe")
    found = verdict(board)
    assert found.best == "a" and "over 4 images" in found.sentence
    assert found.details[-1] == "a has the best mean on dicm and lime."
    columns = {column.name: (column.images, column.asked) for column in leaderboard_table(board).columns[1:]}
    assert columns == {"dicm": (2, 2), "lime": (2, 2), "walks": (1, 1), "All images": (4, 4)}


def test_a_clear_lead_is_named_with_its_size_and_interval(words):
    scene = np.random.default_rng(0).normal(4.0, 1.0, size=40)
    answer = words({("b", "d", "niqe"): scene + np.linspace(0.4, 0.6, 40), ("a", "d", "niqe"): scene})
    assert answer.headline == "a leads"
    assert "over 40 images" in answer.sentence
    assert "a is ahead by 0.500 on average (95 % interval 0.4" in answer.sentence
    assert answer.sentence.endswith("which excludes zero.")
    assert answer.direction == "lower is better"


def test_nobody_leads_whom_a_method_further_down_cannot_be_told_apart_from(words):
    scene, wild = np.random.default_rng(0).normal(4.0, 1.0, size=40), np.random.default_rng(1).normal(1.0, 9.0, size=40)
    answer = words({("a", "d", "niqe"): scene, ("b", "d", "niqe"): scene + 0.5 + np.linspace(-0.1, 0.1, 40),
                    ("c", "d", "niqe"): scene + wild - wild.mean() + 1})  # fmt: skip
    assert answer.headline == "a and c cannot be told apart" and answer.best == "a"
    assert "for b. Image by image a is ahead by 0.500" in answer.sentence
    assert "Yet not told apart from a: c." in answer.details


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
    long, short, brief = Budget(24151, 211.2, begun=True), Budget(16, 2.1, begun=False), Budget(1, 0.4, begun=False)
    assert unequal({"a": long, "b": short, "c": brief}) == [
        "The learned methods were not trained alike: a saw 24,151 crops in 211 min (begun from trained weights), b "
        "saw 16 crops in 2 min and c saw 1 crop in 0 min. Their places are those of these weights, not of the methods."
    ]
    untold = Budget(24151, np.nan, begun=False)
    assert "not trained alike: a saw 24,151 crops and b saw 16 crops in 2 min." in unequal({"b": short, "a": untold})[0]
    alike = {"a": Budget(100, 2.0, begun=False), "b": Budget(60, 9.0, begun=False)}
    assert unequal({"a": long}) == unequal(alike) == unequal({}) == []
    assert unequal({"a": long, "old": Budget(0, 9.0, begun=False)}) == [], "that did not tell how many it saw"


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
    assert answer.idle and not between.idle
    assert (
        "The untouched input (same) has 3.500, better than 1 of the 2 methods by the mean; told apart from it are 1 as "
        "better and 1 as worse."
    ) in between.details
    equal = words(values | {("same", "d", "niqe"): values["b", "d", "niqe"]}, baseline="same")
    assert "The untouched input (same) has 4.500, better than none of the 2 methods by the mean; " in " ".join(
        equal.details
    )
    last = words(values | {("same", "d", "niqe"): scene + 9}, baseline="same")
    assert (
        "The untouched input (same) has 10.500, worse than every method; told apart from it are 2 as better and 0 as "
        "worse."
    ) in last.details


def test_a_lead_that_the_number_of_methods_explains_is_none(words):
    gaps = np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, -0.1])
    values = {("a", "d", "niqe"): np.arange(7.0)} | {
        (name, "d", "niqe"): np.arange(7.0) + gaps + place for place, name in enumerate("bcdefg")
    }
    answer = words(values)
    assert "excludes zero, but p = 0.031 becomes 0.094 after Holm's correction for the number of" in answer.sentence
    assert answer.headline != "a leads"


def test_the_verdict_corrects_for_as_many_methods_as_the_table_of_differences(table):
    scene = np.linspace(3.0, 5.0, 6)
    values = {("a", "d", "niqe"): scene, ("b", "d", "niqe"): scene + np.linspace(0.4, 0.6, 6)}
    values |= {("input", "d", "niqe"): scene + np.linspace(2.0, 2.2, 6)}
    board = leaderboard(table(values), directions={"niqe": True}, metric="niqe")
    answer = verdict(board, baseline="input")
    assert "p = 0.031 becomes 0.062 after Holm's correction" in answer.sentence and answer.alike == ("b",)
    rows = {row[0].value: row for row in comparison_table(board, against="a").rows}
    assert [rows[name][-2].value for name in ("b", "input")] == ["no", "no"], "and so says the table"


def test_what_has_no_part_in_the_answer_is_told_with_it(table):
    values = {("a", "d", "niqe"): [1.0] * 6, ("b", "d", "niqe"): [2.0] * 5 + [math.nan], ("c", "d", "niqe"): [3.0] * 6,
              ("a", "e", "niqe"): [1.0] * 6, ("b", "e", "niqe"): [2.0] * 6}  # fmt: skip
    details = verdict(leaderboard(table(values), directions={"niqe": True}, metric="niqe")).details
    assert "Without a mean over all images, and so without a part in this: c." in details
    assert "Compared are 11 of 12 images, those that every method of a set has a value on." in details


def test_a_lead_of_a_few_photographs_is_not_laid_on_the_correction(words):
    gaps = np.r_[np.linspace(0.001, 0.002, 24), -np.linspace(0.0015, 0.0025, 20), np.full(6, 3.0)]
    answer = words({("a", "d", "niqe"): np.full(50, 9.0), ("b", "d", "niqe"): 9 + gaps})
    assert "excludes zero, but Wilcoxon's signed-rank test sees no shift (p = 0." in answer.sentence


@pytest.mark.parametrize("metric", ["niqe", "psnr"])
def test_the_interval_of_a_lead_is_signed_alike_for_every_metric(words, metric):
    better = -1 if metric == "niqe" else 1
    gaps = np.r_[np.full(10, 3.0), np.full(10, -2.0)]
    answer = words({("a", "d", metric): np.full(20, 9.0), ("b", "d", metric): 9 + better * gaps}, metric)
    low, high = re.search(r"of b's lead, (\S+) to (\S+), includes zero", answer.sentence).groups()
    assert float(low) < 0 < float(high) and abs(float(low)) < float(high)


def test_the_best_over_all_images_that_leads_on_no_dataset_is_said_so(words):
    values = {("a", "d", "niqe"): [2.0] * 8, ("a", "e", "niqe"): [2.0] * 8}
    values |= {("b", "d", "niqe"): [1.0] * 8, ("b", "e", "niqe"): [9.0] * 8}
    values |= {("c", "d", "niqe"): [9.0] * 8, ("c", "e", "niqe"): [1.0] * 8}
    details = words(values).details
    assert "a has the best mean over all images and leads on no dataset: it is 2nd on d and 2nd on e." in details
    assert "Without d the best mean would be c's." in details and "Without e the best mean would be b's." in details
    named = words({(method, {"d": "DICM"}.get(data, data), metric): v for (method, data, metric), v in values.items()})
    assert "Without DICM the best mean would be c's." in named.details


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
    idle = Verdict("loe", "", "", "", (), "b", (), idle=True)
    said = "By loe the untouched input is better than every method, so nobody wins by it."
    assert answers([one("niqe", "a"), idle]) == [said, "a wins by every other metric: niqe."]
    assert answers([idle, one("niqe", "a", "b")])[-1] == said
