import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp, wilcoxon

from bench.comparison import detectable_difference, detectable_effect, differences, groups, holm, ranking, signed_rank
from bench.errors import BenchError
from bench.statistics import paired_difference

RNG = np.random.default_rng(7)
BASE = RNG.normal(5, 1, 40)
VALUES = pd.DataFrame(
    {"base": BASE, "same": BASE + RNG.normal(0, 0.3, 40), "worse": BASE + 1 + RNG.normal(0, 0.3, 40)},
    index=pd.MultiIndex.from_product([["d"], range(40)], names=["dataset", "image"]),
)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_the_differences_are_scipys():
    same, worse = differences(VALUES, "base")
    gaps = [VALUES[name] - VALUES["base"] for name in ("same", "worse")]
    assert [same.method, worse.method] == ["same", "worse"]
    assert worse.interval == paired_difference(VALUES["worse"], VALUES["base"])
    ps = [wilcoxon(gap).pvalue for gap in gaps]
    assert (same.p, worse.p) == pytest.approx(tuple(ps), rel=1e-12)
    assert worse.corrected == pytest.approx(2 * ps[1])  # the smaller of two
    assert same.corrected == pytest.approx(ps[0])
    assert (same.told_apart, worse.told_apart) == (False, True)


def test_an_unknown_method_is_suggested():
    with pytest.raises(BenchError, match="no compared method named 'bse': did you mean base"):
        differences(VALUES, "bse")


def test_equal_values_are_never_told_apart():
    assert signed_rank(np.zeros(30)) == 1.0
    alike = pd.DataFrame({"a": BASE, "b": BASE})
    (difference,) = differences(alike, "a")
    assert (difference.p, difference.detectable, difference.told_apart) == (1.0, 0.0, False)


@pytest.mark.parametrize(
    ("zeros", "others", "exact"), [(14, [1.0] * 4, 2 / 2**4), (40, [0.1, 0.2, 0.3, 0.4, 0.5], 2 / 2**5)]
)
def test_pictures_that_do_not_differ_do_not_make_few_that_do_tell(zeros, others, exact):
    gaps = np.r_[np.zeros(zeros), others]
    assert signed_rank(gaps) == pytest.approx(exact, rel=1e-9)
    (difference,) = differences(pd.DataFrame({"a": np.zeros(len(gaps)), "b": gaps}), "a")
    assert not difference.told_apart


def test_many_small_wins_against_few_large_losses_tell_nothing_apart():
    gaps = np.r_[np.linspace(0.05, 0.15, 72), np.linspace(-5.5, -4.5, 17)]
    values = pd.DataFrame({"a": np.zeros(89), "b": gaps})
    (difference,) = differences(values, "a")
    assert difference.p < 0.05 and difference.interval.decided and difference.interval.mean < 0
    assert not difference.told_apart and groups(values, lower_is_better=True) == [["b", "a"]]
    (other,) = differences(pd.DataFrame({"a": np.zeros(89), "b": np.abs(gaps)}), "a")
    assert other.told_apart


def test_a_few_pictures_that_carry_the_difference_are_in_the_groups_as_they_are_in_the_difference():
    values = pd.DataFrame({"a": np.r_[np.linspace(0.1, 0.2, 25), -2.5], "b": np.zeros(26)})
    (difference,) = differences(values, "b")
    assert difference.corrected < 0.05 and difference.one_way and not difference.interval.decided
    assert not difference.told_apart and groups(values, lower_is_better=False) == [["a", "b"]]


def test_the_detectable_effect_is_the_tables():
    """n = 34 for d = 0.5 and n = 15 for d = 0.8 (paired t, two-sided 0.05, power 0.8) are in every power table."""
    assert detectable_effect(34) == pytest.approx(0.495, abs=0.005)
    assert detectable_effect(15) == pytest.approx(0.778, abs=0.005)


def test_a_difference_of_the_detectable_size_is_found_four_times_of_five():
    rng = np.random.default_rng(2)
    size = detectable_effect(10)
    samples = rng.normal(size, 1, (4000, 10))
    found = (ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.02)
    assert detectable_difference(3 * samples[0]) == pytest.approx(3 * size * samples[0].std(ddof=1))
    assert np.isnan(detectable_difference([1.0]))


def test_groups_are_runs_of_the_ranking_that_cannot_be_told_apart():
    assert groups(VALUES[["base", "same", "worse"]], lower_is_better=True)[1] == ["worse"]
    assert set(groups(VALUES, lower_is_better=True)[0]) == {"base", "same"}
    steps = pd.DataFrame(
        {name: BASE + shift + RNG.normal(0, 0.2, 40) for name, shift in zip("abc", (0, 1, 2), strict=True)}
    )
    assert groups(steps, lower_is_better=True) == [["a"], ["b"], ["c"]]
    assert groups(steps, lower_is_better=False) == [["c"], ["b"], ["a"]]


def test_a_method_may_be_in_two_groups():
    noise = RNG.normal(0, 1, (3, 30))
    values = pd.DataFrame(
        {name: 0.35 * place + row for place, (name, row) in enumerate(zip("abc", noise, strict=True))}
    )
    found = groups(values, lower_is_better=True)
    assert all(any(name in group for group in found) for name in "abc")
    assert len({tuple(group) for group in found}) == len(found)


def test_a_gap_in_the_values_is_no_ranking():
    with pytest.raises(BenchError, match="every method on every image"):
        ranking(pd.DataFrame({"a": [1.0, np.nan]}), lower_is_better=True)
