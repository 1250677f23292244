import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from bench.scores import read_scores, score_table, write_csv

COUNT = 20
LEVELS = {"base": 0.0, "worse": 1.0, "alike": 0.0}


@pytest.fixture
def scores(store, workplace):
    """A table of three methods on two sets; gives the values by method."""
    rng = np.random.default_rng(3)
    scene = rng.normal(5, 1, COUNT)
    values = {name: scene + level + rng.normal(0, 0.1, COUNT) for name, level in LEVELS.items()}
    common = {"checkpoint": "", "metric": "niqe", "seconds": 1.0, "metric_digest": "v", "error": ""}
    rows = [
        {**common, "method": name, "dataset": "x" if i < 12 else "y", "image": str(i), "value": value}
        for name, row in values.items()
        for i, value in enumerate(row)
    ]
    write_csv(score_table(rows), workplace / "scores.csv")
    return values


def test_differences_are_printed_and_written(bench, scores, workplace):
    code, out, err = bench("compare", "--against", "base", "--csv", "scores.csv", "--out", "differences.csv")
    assert code == 0, err
    found = pd.read_csv(workplace / "differences.csv").set_index("method")
    gap = scores["worse"] - scores["base"]
    assert found.loc["worse", "difference"] == pytest.approx(gap.mean())
    assert found.loc["worse", "p"] == pytest.approx(wilcoxon(gap).pvalue)
    assert found.loc["worse", "p_holm"] == pytest.approx(2 * wilcoxon(gap).pvalue)
    assert found["told_apart"].to_dict() == {"worse": True, "alike": False}
    assert "niqe, lower is better; 20 images (x 12, y 8)." in out
    assert f"{gap.mean():+.3f} [" in out
    assert "Group 2, not told apart (all pairs, Holm): worse" in out
    assert "Leaving one set out moves" in out


def test_one_set_alone(bench, scores, workplace):
    code, out, err = bench("compare", "--against", "base", "--csv", "scores.csv", "--dataset", "y")
    assert code == 0, err
    assert "8 images (y 8)" in out
    assert "Leaving one set out" not in out


def test_only_methods_of_choice_are_compared(bench, fails, scores, workplace):
    frame = read_scores(workplace / "scores.csv")
    frame.loc[(frame["method"] == "worse") & (frame["image"] != "1"), ["value", "error"]] = [np.nan, "lacking"]
    write_csv(frame, workplace / "scores.csv")
    words = ("compare", "--against", "base", "--csv", "scores.csv")
    assert "compared over 1 of 12 images" in " ".join(bench(*words)[1].split())
    code, out, err = bench(*words, "--method", "alike")
    assert code == 0, err
    assert "20 images (x 12, y 8)" in out and "worse" not in out
    assert "no evaluated method named 'alik': did you mean alike" in fails(*words, "--method", "alik")


def test_a_set_without_a_value_stops_neither_comparison_nor_report(bench, scores, workplace):
    frame = read_scores(workplace / "scores.csv")
    frame.loc[frame["dataset"] == "y", ["value", "error"]] = [np.nan, "too small"]
    write_csv(frame, workplace / "scores.csv")
    code, out, err = bench("compare", "--against", "base", "--csv", "scores.csv")
    assert code == 0, err
    assert "Leaving one set out" not in out
    code, _, err = bench("report", "--csv", "scores.csv", "--out", "page")
    assert code == 0, err
    assert "too small" in (workplace / "page/index.html").read_text()


def test_of_one_photograph_nothing_is_drawn_anew(bench, scores, workplace):
    frame = read_scores(workplace / "scores.csv")
    frame = frame[frame["dataset"] == "x"]
    write_csv(frame[frame["image"] == frame["image"].iloc[0]], workplace / "one.csv")
    code, out, err = bench("compare", "--against", "base", "--csv", "one.csv")
    assert code == 0, err
    assert "1 image (x 1)" in " ".join(out.split()) and "drawn anew" not in out
    assert bench("report", "--csv", "one.csv", "--out", "page")[0] == 0
    assert "How stable the ranking is" not in (workplace / "page/index.html").read_text()


def test_what_cannot_be_compared_is_a_sentence(fails, scores):
    words = ("compare", "--csv", "scores.csv", "--against")
    assert fails(*words, "bas").startswith("There is no compared method named 'bas': did you mean base")
    assert "Nothing there was scored by psnr" in fails(*words, "base", "--metric", "psnr")
    assert "no metric named 'nique'" in fails(*words, "base", "--metric", "nique")
    assert "no evaluated dataset named 'z': there are: x, y" in fails(*words, "base", "--dataset", "z")
    assert fails("compare", "--against", "base").startswith("Nothing has been evaluated yet")


def test_a_method_without_a_mean_over_all_sets_is_said(fails, scores, workplace):
    frame = read_scores(workplace / "scores.csv")
    write_csv(frame[(frame["method"] != "base") | (frame["dataset"] == "y")], workplace / "part.csv")
    told = fails("compare", "--csv", "part.csv", "--against", "base")
    assert told == "base has no niqe that can be compared on every dataset: choose with --dataset."
