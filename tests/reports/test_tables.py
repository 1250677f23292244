import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from reports.tables import leaderboard, named, summary

NIQE = {"niqe": True}


def test_the_summary_holds_hand_computed_means_and_counts(table):
    scores = table({("gamma", "dicm", "niqe"): [4.0, 6.0, np.nan], ("clahe", "dicm", "niqe"): [3.0, 3.5, 4.0]})
    rows = summary(scores, directions=NIQE)
    assert list(rows["method"]) == ["clahe", "gamma"]
    assert list(rows["mean"]) == [3.5, 5.0]
    assert list(rows["images"]) == [3, 2]
    assert list(rows["errors"]) == [0, 1]
    assert list(rows["seconds"]) == [0.5, 0.5]
    assert (rows["low"] <= rows["mean"]).all()
    assert (rows["mean"] <= rows["high"]).all()


def test_the_summary_puts_the_best_first_whichever_way_the_metric_points(table):
    values = {("a", "d", m): [1.0, 2.0] for m in ("niqe", "psnr")} | {
        ("b", "d", m): [3.0, 4.0] for m in ("niqe", "psnr")
    }
    rows = summary(table(values), directions={"niqe": True, "psnr": False})
    assert list(zip(rows["metric"], rows["method"], strict=True)) == [
        ("niqe", "a"),
        ("niqe", "b"),
        ("psnr", "b"),
        ("psnr", "a"),
    ]


def test_a_method_without_any_value_is_a_row_and_comes_last(table):
    rows = summary(table({("a", "d", "niqe"): [np.nan, np.inf], ("b", "d", "niqe"): [3.0]}), directions=NIQE)
    assert list(rows["method"]) == ["b", "a"]
    assert np.isnan(rows["mean"][1])
    assert (rows["images"][1], rows["errors"][1]) == (0, 2)


def test_all_images_weighs_images_not_datasets(table):
    scores = table({("a", "dicm", "niqe"): [1.0, 1.0, 1.0], ("a", "lime", "niqe"): [5.0]})
    board = leaderboard(scores, directions=NIQE, metric="niqe")
    assert board.overall["a"].mean == 2.0  # not 3.0, the mean of the datasets' means
    assert dict(board.means.loc["a"]) == {"dicm": 1.0, "lime": 5.0}


def test_a_dataset_that_few_methods_were_scored_on_has_no_part_in_the_means_over_all_images(table):
    scored = {(name, "dicm", "niqe"): [2.0, 3.0] for name in "abcde"}
    two = leaderboard(table(scored | {("a", "lime", "niqe"): [9.0], ("b", "lime", "niqe"): [8.0]}),
                      directions=NIQE, metric="niqe")  # fmt: skip
    assert two.apart == ("lime",)
    assert {name: interval.mean for name, interval in two.overall.items()} == dict.fromkeys("abcde", 2.5)
    assert (len(two.values), len(two.shared)) == (2, 3)
    assert {name: interval.mean for name, interval in two.on("lime").items()} == {"b": 8.0, "a": 9.0}
    assert two.notes == (
        "a and b alone have a value on lime, of 5 methods, so lime has no part in the means over all images.",
    )
    three = leaderboard(table(scored | {(name, "lime", "niqe"): [9.0] for name in "abc"}),
                        directions=NIQE, metric="niqe")  # fmt: skip
    assert (three.apart, list(three.overall)) == ((), ["a", "b", "c"])
    assert three.notes == (
        "d has no value on lime, so it has no mean over all images.",
        "e has no value on lime, so it has no mean over all images.",
    )


def test_methods_are_compared_over_the_images_they_share_and_the_note_says_so(table):
    scores = table({("a", "dicm", "niqe"): [1.0, np.nan, 9.0], ("b", "dicm", "niqe"): [2.0, 2.0, 5.0]})
    board = leaderboard(scores, directions=NIQE, metric="niqe")
    assert board.means.loc["a", "dicm"] == 5.0
    assert board.means.loc["b", "dicm"] == 3.5
    assert board.methods == ["b", "a"]  # b's own mean, 3.0, would not be the one compared
    assert (board.images["dicm"], board.asked["dicm"]) == (2, 3)
    assert board.notes == (
        "On dicm the methods are compared over 2 of 3 images, those that all of them have a value for "
        "(without one: a on 1).",
    )


def test_equal_sets_of_images_leave_no_note(table):
    scores = table({("a", "dicm", "niqe"): [1.0, 2.0], ("b", "dicm", "niqe"): [2.0, 3.0]})
    assert leaderboard(scores, directions=NIQE, metric="niqe").notes == ()


def test_a_method_missing_a_dataset_has_no_mean_over_all_images(table):
    values = {("a", "dicm", "niqe"): [5.0], ("a", "lime", "niqe"): [5.0], ("b", "dicm", "niqe"): [1.0]}
    board = leaderboard(table(values), directions=NIQE, metric="niqe")
    assert list(board.overall) == ["a"]
    assert board.methods == ["a", "b"]
    assert board.means.loc["b", "dicm"] == 1.0
    assert np.isnan(board.means.loc["b", "lime"])
    assert board.notes == ("b has no value on lime, so it has no mean over all images.",)


def test_no_shared_image_compares_nothing(table):
    scores = table({("a", "dicm", "niqe"): [1.0, np.nan], ("b", "dicm", "niqe"): [np.nan, 2.0]})
    board = leaderboard(scores, directions=NIQE, metric="niqe")
    assert board.on("dicm") == {}
    assert board.overall == {}
    assert board.notes == ("No image of dicm has a value from every method, so nothing is compared there.",)


def test_higher_is_better_turns_the_order(table):
    scores = table({("a", "d", "psnr"): [20.0, 21.0], ("b", "d", "psnr"): [25.0, 26.0]})
    assert leaderboard(scores, directions={"psnr": False}, metric="psnr").methods == ["b", "a"]


def test_two_checkpoints_of_one_method_are_two_rows(table):
    one = table({("gan", "d", "niqe"): [3.0]}, checkpoint="run-1")
    two = table({("gan", "d", "niqe"): [4.0]}, checkpoint="run-2")
    board = leaderboard(pd.concat([one, two]), directions=NIQE, metric="niqe")
    assert board.methods == ["gan (run-1)", "gan (run-2)"]


def test_rows_given_twice_are_an_error(table):
    scores = table({("a", "d", "niqe"): [3.0]})
    with pytest.raises(BenchError, match=r"1 rows twice, first a on d/low/0.png for niqe"):
        summary(pd.concat([scores, scores]), directions=NIQE)


def test_two_variants_of_one_metric_are_an_error(table):
    scores = table({("a", "d", "niqe"): [3.0, 4.0]})
    scores.loc[0, "metric_digest"] = "v2"
    with pytest.raises(BenchError, match=r"niqe was measured in 2 variants \(v1 and v2\)"):
        leaderboard(scores, directions=NIQE, metric="niqe")


def test_an_unknown_direction_an_empty_table_and_missing_columns_are_errors(table):
    scores = table({("a", "d", "loe"): [3.0]})
    with pytest.raises(BenchError, match="lower is better for loe"):
        summary(scores, directions=NIQE)
    with pytest.raises(BenchError, match="no rows"):
        summary(scores.iloc[:0], directions={"loe": True})
    with pytest.raises(BenchError, match="no column seconds"):
        summary(scores.drop(columns="seconds"), directions={"loe": True})
    with pytest.raises(BenchError, match="metric niqe"):
        leaderboard(scores, directions={"loe": True, "niqe": True}, metric="niqe")


def test_lists_of_names_are_read_out():
    assert named(["a"]) == "a"
    assert named(["a", "b", "c"]) == "a, b and c"
    assert named(list("abcdefg"), most=4) == "a, b, c and 4 more"
