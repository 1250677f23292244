from itertools import combinations

import choix
import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from study.ranking import (
    PRIOR,
    Fit,
    count_wins,
    difference_table,
    fit,
    image_ranks,
    rank_histogram,
    strength_table,
    strengths,
    win_table,
)
from study.votes import COLUMNS

METHODS = ("a", "b", "c")


def votes(rows):
    """Votes from (observer, image, left, right, choice) or with a sixth, the kind."""
    full = [
        (o, k, kind[0] if kind else "pair", image, left, right, choice, 1000, np.nan)
        for k, (o, image, left, right, choice, *kind) in enumerate(rows)
    ]
    return pd.DataFrame(full, columns=list(COLUMNS))


def everybody(observers, images, choice):
    """Every pair of METHODS on every image by every observer; `choice(observer, image, one, other)` answers."""
    return votes(
        [
            (f"o{o}", f"i{i}", one, other, choice(o, i, one, other))
            for o in range(observers)
            for i in range(images)
            for one, other in combinations(METHODS, 2)
        ]
    )


def test_votes_are_counted_by_side_and_ties_are_halves():
    wins = count_wins(
        votes([("x", "i", "a", "b", "left"), ("x", "i", "b", "a", "left"), ("y", "i", "a", "c", "tie"),
               ("y", "j", "c", "b", "right"), ("x", "i", "a", "b", "left", "repeat"),
               ("x", "i", "", "b", "left", "catch")]),
        METHODS,
    )  # fmt: skip
    assert wins.total.tolist() == [[0, 1, 0.5], [1, 0, 1], [0.5, 0, 0]]
    assert wins.decided.sum() == 3
    assert (wins.observers, wins.images) == (("x", "y"), ("i", "j"))
    assert win_table(wins).loc["b", "c"] == 1
    with pytest.raises(BenchError, match="no vote yet"):
        count_wins(votes([("x", "i", "a", "b", "left", "repeat")]), METHODS)


@pytest.mark.parametrize(("won", "lost"), [(30, 10), (7, 7), (12, 0)])
def test_two_methods_have_the_closed_form(won, lost):
    found = strengths(np.array([[0, won], [lost, 0.0]]))
    wanted = np.log((won + PRIOR) / (lost + PRIOR)) / 2  # maximum likelihood of two items, summing to zero
    assert found == pytest.approx([wanted, -wanted], abs=1e-6)


def test_strengths_equal_choixs_optimiser_on_single_comparisons():
    random = np.random.default_rng(4)
    wins = random.integers(1, 30, (5, 5)).astype(float)
    np.fill_diagonal(wins, 0)
    singles = [(i, j) for i in range(5) for j in range(5) for _ in range(int(wins[i, j]))]
    wanted = choix.opt_pairwise(5, singles, alpha=1e-9)
    assert strengths(wins - PRIOR * (1 - np.eye(5))) == pytest.approx(wanted - wanted.mean(), abs=1e-5)


def test_a_method_that_always_wins_stays_finite_and_first():
    wins = count_wins(everybody(9, 23, lambda o, i, one, other: "left"), METHODS)  # a > b > c without exception
    table = strength_table(wins, fit(wins, resamples=60))
    assert table["method"].tolist() == ["a", "b", "c"]
    assert np.isfinite(table[["strength", "low", "high"]].to_numpy()).all()
    assert table["wins"].tolist() == [1.0, 0.5, 0.0]
    assert table["votes"].tolist() == [414, 414, 414]


def test_strengths_do_not_depend_on_sides_or_names():
    random = np.random.default_rng(1)
    frame = everybody(4, 6, lambda *_: random.choice(["left", "right", "tie"]))
    mirrored = frame.rename(columns={"left": "right", "right": "left"})
    mirrored["choice"] = mirrored["choice"].map({"left": "right", "right": "left", "tie": "tie"})
    one, other = (strengths(count_wins(f, METHODS).total) for f in (frame, mirrored[list(COLUMNS)]))
    assert one == pytest.approx(other)
    turned = strengths(count_wins(frame, METHODS[::-1]).total)
    assert turned[::-1] == pytest.approx(one)


def test_the_histogram_counts_each_images_ranks():
    def choice(_, image, one, other):
        return "left" if image < 2 else "tie"

    wins = count_wins(everybody(3, 3, choice), METHODS)
    assert image_ranks(wins).loc["i0"].tolist() == [1, 2, 3]
    assert image_ranks(wins).loc["i2"].tolist() == [1, 1, 1]  # all tied: all share the best
    assert rank_histogram(wins).to_numpy().tolist() == [[3, 0, 0], [1, 2, 0], [1, 0, 2]]


def test_an_image_has_ranks_where_every_pair_has_a_vote():
    frame = everybody(1, 2, lambda *_: "left")
    half = frame[(frame["image"] == "i1") | (frame["left"] == METHODS[0])]
    wins = count_wins(half, METHODS)
    assert image_ranks(wins).index.tolist() == ["i1"]
    assert rank_histogram(wins).to_numpy().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    none = count_wins(half[half["image"] == "i0"], METHODS)
    assert image_ranks(none).empty and not rank_histogram(none).to_numpy().any()


def test_a_clear_lead_is_decided_and_a_coin_is_not():
    random = np.random.default_rng(0)

    def choice(o, i, one, other):
        if other == "c":
            return "left" if random.random() < 0.9 else "right"
        return random.choice(["left", "right"])

    wins = count_wins(everybody(9, 23, choice), METHODS)
    table = difference_table(wins, fit(wins, resamples=100))
    decided = {frozenset((row.method, row.other)): row.decided for row in table.itertuples()}
    assert decided == {frozenset("ab"): False, frozenset("ac"): True, frozenset("bc"): True}
    assert (table["difference"] >= 0).all()
    assert (table["low"] <= table["difference"]).all()


def test_observers_who_differ_widen_the_interval():
    """Nine observers of one mind each, against as many votes without minds of their own."""
    random = np.random.default_rng(2)
    minds = everybody(9, 23, lambda o, i, one, other: "left" if o % 3 else "right")
    coins = everybody(9, 23, lambda *_: "left" if random.random() < 2 / 3 else "right")
    wide, narrow = (fit(count_wins(f, METHODS), resamples=100).half_width(np.eye(3)[0]) for f in (minds, coins))
    assert wide > 2 * narrow


def test_the_interval_is_the_formula_of_the_docstring():
    a, b, c, observers, images = 4.0, 2.0, 0.5, 9, 23
    found = Fit(np.zeros(1), tuple(np.array([[v]]) for v in (a, b, c)), observers, images).half_width(np.ones(1))
    rest = max((c - a / images - b / observers) / (1 - 1 / images - 1 / observers), 0)
    variance = a + b - rest
    loss = a**2 / 8 + b**2 / 22 + rest**2 / (8 * 22)
    from scipy.stats import t

    assert found == pytest.approx(t.ppf(0.975, max(variance**2 / loss, 8)) * variance**0.5)
    assert variance**2 / loss > 8


@pytest.mark.parametrize(("observers", "images", "decided"), [(6, 6, True), (5, 9, False), (9, 5, False)])
def test_a_few_who_all_agree_decide_nothing(observers, images, decided):
    wins = count_wins(everybody(observers, images, lambda *_: "left"), METHODS)
    assert set(difference_table(wins, fit(wins, resamples=50))["decided"]) == {decided}


def test_too_few_observers_or_images_have_no_interval():
    for observers, images in ((2, 5), (5, 2)):
        wins = count_wins(everybody(observers, images, lambda *_: "left"), METHODS)
        table = strength_table(wins, fit(wins))
        assert table["low"].isna().all()
        assert not difference_table(wins, fit(wins))["decided"].any()


def test_the_same_seed_gives_the_same_interval():
    random = np.random.default_rng(2)
    wins = count_wins(everybody(4, 5, lambda *_: random.choice(["left", "right"])), METHODS)
    one, again, other = (fit(wins, resamples=60, seed=seed).half_width(np.eye(3)[0]) for seed in (1, 1, 2))
    assert one == again != other
