import time

import numpy as np
import pytest

from bench.errors import BenchError
from bench.statistics import Interval, mean_interval, paired_difference


def test_the_mean_is_exact_and_the_interval_holds_it():
    interval = mean_interval([1.0, 2.0, 3.0, 4.0, 10.0])
    assert interval.mean == 4.0
    assert interval.count == 5
    assert 1.0 <= interval.low < 4.0 < interval.high <= 10.0


def test_the_interval_agrees_with_the_normal_approximation_on_many_images():
    values = np.random.default_rng(3).normal(5.0, 2.0, size=400)
    interval = mean_interval(values)
    half = 1.96 * values.std(ddof=1) / np.sqrt(400)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.03)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.03)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    hits = 0
    for trial in range(200):
        interval = mean_interval(rng.gamma(2.0, 1.0, size=40), resamples=999, seed=trial)
        hits += interval.low <= 2.0 <= interval.high
    assert 0.89 <= hits / 200 <= 0.99


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=30)
    assert mean_interval(values, seed=4) == mean_interval(values, seed=4)
    assert mean_interval(values, seed=4) != mean_interval(values, seed=5)


def test_one_image_has_a_mean_and_no_interval():
    interval = mean_interval([3.5])
    assert (interval.mean, interval.count) == (3.5, 1)
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)
    assert not interval.decided


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [1.0, np.inf]])
def test_nothing_and_values_that_are_not_finite_are_errors(values):
    with pytest.raises(BenchError):
        mean_interval(values)


def test_equal_values_fall_back_to_percentiles():
    interval = mean_interval([2.5] * 8)
    assert (interval.low, interval.mean, interval.high) == pytest.approx((2.5, 2.5, 2.5))


def test_a_paired_difference_sees_what_two_separate_intervals_hide():
    scene = np.random.default_rng(1).normal(10.0, 5.0, size=40)  # scenes differ far more than the methods do
    better = scene - 0.3 + np.random.default_rng(2).normal(0.0, 0.1, size=40)
    apart = (mean_interval(better), mean_interval(scene))
    assert apart[0].high > apart[1].low
    difference = paired_difference(better, scene)
    assert difference.decided
    assert difference.mean == pytest.approx((better - scene).mean())
    assert difference.high < 0


def test_a_paired_difference_needs_the_same_images():
    with pytest.raises(BenchError, match="same images"):
        paired_difference([1.0, 2.0], [1.0])


def test_five_images_decide_nothing_and_six_can():
    assert not Interval(mean=1.0, low=0.9, high=1.1, count=5).decided
    assert Interval(mean=1.0, low=0.9, high=1.1, count=6).decided
    assert Interval(mean=-1.0, low=-1.1, high=-0.9, count=6).decided
    assert not Interval(mean=0.1, low=-0.1, high=0.3, count=60).decided


def test_a_hundred_values_take_less_than_fifty_milliseconds():
    values = np.random.default_rng(0).normal(size=100)
    mean_interval(values)
    times = []
    for _ in range(5):
        begin = time.process_time()
        mean_interval(values)
        times.append(time.process_time() - begin)
    assert min(times) < 0.05
