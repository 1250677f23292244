import pandas as pd
import pytest

from reports.failures import CLIPPED, DISAGREEMENT, ORDER, failure_cases, failures_section
from reports.material import Failure, Material
from reports.pictures import GalleryItem

DIRECTIONS = {"niqe": True, "psnr": False, "loe": True}


@pytest.fixture
def cases(table):
    def find(values, **more):
        found = failure_cases(table(values), DIRECTIONS, **more)
        return [(case.rule, case.method, case.image) for case in found], found

    return find


def test_the_result_on_which_two_metrics_disagree_most_comes_first(cases):
    names, found = cases(
        {
            ("a", "d", "niqe"): [1.0, 1.0], ("b", "d", "niqe"): [2.0, 2.0], ("c", "d", "niqe"): [3.0, 3.0],
            ("a", "d", "psnr"): [9.0, 1.0], ("b", "d", "psnr"): [8.0, 8.0], ("c", "d", "psnr"): [7.0, 5.0],
        }
    )  # fmt: skip
    assert names == [(DISAGREEMENT, "a", "low/1.png")]
    assert found[0].sentence == "Of 3 methods it is number 1 by niqe (1) and number 3 by psnr (1)."


def test_a_rank_among_some_of_the_methods_is_none_among_all(cases):
    scores = {(name, "d", "niqe"): [float(k)] for k, name in enumerate("abcd")}
    scores |= {(name, "d", "loe"): [float(k)] for k, name in enumerate("bacd")}
    names, _ = cases(scores | {("d", "d", "psnr"): [9.0], ("c", "d", "psnr"): [8.0]})
    assert DISAGREEMENT not in [rule for rule, *_ in names], "first of two by psnr and fourth of four by niqe"
    names, _ = cases(scores | {(name, "d", "psnr"): [float(k)] for k, name in enumerate("abcd")})
    assert (DISAGREEMENT, "d", "low/0.png") in names


def test_the_worst_are_of_different_methods_and_photographs(cases):
    names, found = cases(
        {("a", "d", "loe"): [900.0, 800.0, 1.0], ("b", "d", "loe"): [700.0, 1.0, 600.0], ("in", "d", "loe"): [9e9] * 3},
        baseline="in",
    )
    assert names == [(ORDER, "a", "low/0.png"), (ORDER, "b", "low/2.png")]
    assert found[0].sentence == "Its loe is 900; the median over all results is 650."


def test_what_is_nought_is_no_failure_and_a_tie_is_told(cases):
    assert cases({("a", "d", "loe"): [0.0, 0.0], ("b", "d", "loe"): [0.0, 3.0]})[0] == [(ORDER, "b", "low/1.png")]
    _, found = cases(
        {
            ("a", "d", "niqe"): [1.0], ("b", "d", "niqe"): [1.0], ("c", "d", "niqe"): [3.0],
            ("a", "d", "psnr"): [5.0], ("b", "d", "psnr"): [9.0], ("c", "d", "psnr"): [8.0],
        }
    )  # fmt: skip
    assert "it is number 1.5 by niqe (1) and number 3 by psnr (5)" in found[0].sentence


def test_what_the_input_clips_itself_is_not_counted(cases):
    clipped = {
        ("a", "d", "clipped_dark"): [0.5, 0.1], ("a", "d", "clipped_bright"): [0.0, 0.2],
        ("in", "d", "clipped_dark"): [0.5, 0.0], ("in", "d", "clipped_bright"): [0.0, 0.0],
    }  # fmt: skip
    names, found = cases(clipped, baseline="in")
    assert names == [(CLIPPED, "a", "low/1.png")]
    assert found[0].sentence.startswith("30 % of its pixels")
    alone, _ = cases({key: value for key, value in clipped.items() if key[0] == "a"})
    assert alone == [(CLIPPED, "a", "low/0.png")]


def test_rules_without_scores_give_nothing(cases):
    assert cases({("a", "d", "niqe"): [1.0], ("b", "d", "niqe"): [float("nan")]})[0] == []


def test_what_the_page_has_no_room_for_is_told(gallery, monkeypatch):
    monkeypatch.setattr("reports.failures.BUDGET", 1)
    results = {"clahe": gallery[0].results["clahe"]}
    items = [GalleryItem("d", f"{k}.png", gallery[0].low, results) for k in range(3)]
    failures = [Failure(ORDER, f"Its loe is {k}.", item) for k, item in enumerate(items)]
    view = failures_section(Material(pd.DataFrame(), {}, failures=failures)).view
    assert [case["shot"].image for case in view["groups"][ORDER]] == ["0.png"]
    assert view["hidden"] == [
        f"{ORDER}: clahe on d/{k}.png. Its loe is {k}. Not shown: the page would be too large." for k in (1, 2)
    ]


def test_pictures_are_shown_and_what_cannot_be_is_said(gallery):
    item = GalleryItem("d", "x.png", gallery[0].low, {"clahe": gallery[0].results["clahe"]})
    failures = [Failure(ORDER, "Its loe is 9.", item), Failure(CLIPPED, "b on d/y.png. 3 %.", None, "d is not here.")]
    section = failures_section(Material(pd.DataFrame(), {}, failures=failures))
    assert [case["shot"].image for case in section.view["groups"][ORDER]] == ["x.png"]
    assert section.view["hidden"] == [f"{CLIPPED}: b on d/y.png. 3 %. Not shown: d is not here."]
    assert failures_section(Material(pd.DataFrame(), {})) is None
