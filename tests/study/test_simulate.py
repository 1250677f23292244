import math

import numpy as np
import pytest
from scipy.stats import binom

from bench.errors import BenchError
from study.ranking import rank_histogram, strengths
from study.simulate import Panel, draw, niqe_agreement, population, published, rankings_of, recovery, votes_like


def test_strengths_lie_within_their_intervals_in_about_95_of_100_simulations():
    simulations = 30
    found = recovery(Panel(), simulations=simulations, resamples=60, seed=11)
    held = found.groupby("simulation")["covered"].mean().sum()  # of five strengths each, far from independent
    low, high = binom.ppf([0.005, 0.995], simulations, 0.95)
    assert low <= held <= high
    narrow = found.assign(half=(found["high"] - found["low"]) / 2)
    too_narrow = (abs(narrow["strength"] - narrow["truth"]) <= narrow["half"] / 2).groupby(found["simulation"]).mean()
    assert too_narrow.sum() < low  # intervals half as wide fail this test


def test_estimates_have_no_bias_to_speak_of():
    panel = Panel()
    found = np.mean([strengths(draw(panel, np.random.default_rng(k)).total) for k in range(150)], axis=0)
    assert found == pytest.approx(population(panel), abs=0.04)  # four standard errors of the mean


def test_tastes_pull_the_populations_strengths_towards_zero_and_without_them_they_are_the_panels():
    plain = Panel(taste=0, scene=0, threshold=0)
    wanted = np.array(plain.strengths) - np.mean(plain.strengths)
    assert population(plain) == pytest.approx(wanted, abs=1e-6)
    assert (abs(population(Panel(taste=1, scene=1, threshold=0))) < abs(wanted)).all()


def test_a_threshold_makes_ties():
    random = np.random.default_rng(0)
    none, many = (draw(Panel(threshold=t), random) for t in (0, 1))
    assert none.decided.sum() == none.counts.sum() == 9 * 23 * 10
    assert 0.2 < 1 - many.decided.sum() / many.counts.sum() < 0.6


def test_the_published_histogram_is_reproduced_from_votes():
    paper = published()
    rankings = rankings_of(np.array(list(paper["ranks"].values())))
    assert len(rankings) == paper["images"] == 23
    assert all(sorted(ranking) == [0, 1, 2, 3, 4] for ranking in rankings)
    wins = votes_like(rankings, observers=paper["observers"], seed=1)
    assert wins.counts.shape == (9, 23, 5, 5)
    assert wins.counts.sum() == 9 * 23 * 10
    unanimous = np.isin(wins.counts.sum(axis=0), (0, 9)).mean()
    assert unanimous < 0.6  # the votes are noisy, not nine copies of the ranking
    found = rank_histogram(wins)
    assert dict(zip(paper["ranks"], found.loc[list(wins.methods)].to_numpy().tolist(), strict=True)) == paper["ranks"]


def test_the_published_order_and_niqe_agree_by_a_half():
    order = -np.arange(5.0)  # EnlightenGAN, SRIE, NPE, RetinexNet, LIME
    assert niqe_agreement(order) == pytest.approx(0.5)


def test_a_histogram_that_is_none_is_refused():
    for table in ([[2, 1], [1, 1]], [[1, -1], [-1, 1]], [[1, 1]]):
        with pytest.raises(BenchError, match="adds up alike"):
            rankings_of(np.array(table))


def test_observers_who_do_not_follow_are_told(monkeypatch):
    monkeypatch.setattr("study.simulate.MOST_DRAWS", 20)
    with pytest.raises(BenchError, match="hardly ever"):
        votes_like([[0, 1, 2, 3, 4, 5, 6, 7]], observers=1, agree=0.5)


def test_impossible_panels_are_refused():
    for words in ({"strengths": (1.0,)}, {"observers": 2}, {"taste": -1}, {"taste": float("nan")}, {"scene": math.inf}):
        with pytest.raises(BenchError, match="panel"):
            Panel(**words)
    for far in ((0.0, float("nan")), (1000.0, -1000.0)):
        with pytest.raises(BenchError, match="Strengths lie between"):
            Panel(strengths=far)
    most = population(Panel(strengths=(10.0, -10.0), taste=10.0, scene=10.0))
    assert most[0] == -most[1] > 0
