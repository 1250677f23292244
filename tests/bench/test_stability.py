import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, norm

from bench.errors import BenchError
from bench.scores import score_table
from bench.stability import mean_ranks, metric_agreement, overall, rank_probabilities, seed_variance, without_a_set


def frame(columns, datasets):
    index = pd.MultiIndex.from_tuples([(d, str(i)) for d, n in datasets.items() for i in range(n)])
    return pd.DataFrame(columns, index=index)


def table(values):
    """A score table from {(method, checkpoint, dataset, metric): values by image}."""
    common = {"seconds": 1.0, "metric_digest": "v", "error": ""}
    keys = ("method", "checkpoint", "dataset", "metric")
    return score_table(
        [
            {**dict(zip(keys, key, strict=True)), **common, "image": str(i), "value": value}
            for key, row in values.items()
            for i, value in enumerate(row)
        ]
    )


def test_rank_probabilities_are_those_of_the_normal_approximation():
    rng = np.random.default_rng(0)
    gap = rng.normal(0.1, 1, 200)
    base = rng.normal(5, 1, 200)
    found = rank_probabilities(frame({"b": base + gap, "a": base}, {"d": 200}), lower_is_better=True, resamples=4000)
    expected = norm.cdf(gap.mean() / (gap.std() / np.sqrt(200)))
    assert list(found.index) == ["a", "b"]
    assert found.loc["a", 1] == pytest.approx(expected, abs=0.03)
    assert found.sum(axis=1).tolist() == pytest.approx([1, 1])


def test_what_is_always_first_is_first_and_direction_counts():
    values = frame({"a": [1.0, 2, 3], "b": [2.0, 3, 4], "c": [3.0, 4, 5]}, {"d": 3})
    assert np.array_equal(rank_probabilities(values, lower_is_better=True).to_numpy(), np.eye(3))
    assert list(rank_probabilities(values, lower_is_better=False).index) == ["c", "b", "a"]


def test_mean_ranks_average_over_metrics_and_share_ties():
    niqe = frame({"a": [1.0, 2], "b": [2.0, 3], "c": [2.0, 3]}, {"d": 2})
    psnr = frame({"b": [30.0, 30], "a": [20.0, 20], "d": [10.0, 10]}, {"d": 2})
    found = mean_ranks([(niqe, True), (psnr, False)])  # c and d lack a metric, but took their ranks
    assert [(name, rank.mean, rank.count) for name, rank in found.items()] == [("a", 1.5, 2), ("b", 1.75, 2)]
    alone = mean_ranks([(niqe.iloc[:1], True)])["a"]
    assert alone.mean == 1 and np.isnan([alone.low, alone.high]).all()


def test_mean_ranks_of_nothing_that_all_metrics_have_are_none():
    niqe, entropy = frame({"a": [1.0, 2]}, {"d": 2}), frame({"b": [1.0, 2]}, {"d": 2})
    assert mean_ranks([(niqe, True), (entropy, False)]) == mean_ranks([]) == {}
    apart = mean_ranks([(frame({"a": [1.0, 2], "b": [2.0, 1]}, {"x": 1, "y": 1}), True)])["a"]
    assert apart.mean == 1.5 and np.isnan([apart.low, apart.high]).all(), "one image a dataset: nothing to draw"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("images", [10, 37, 100])
def test_methods_with_the_same_values_have_the_same_mean_rank_wherever_they_stand(images, order):
    rng = np.random.default_rng(images)
    for methods in range(4, 24):
        values = np.array(rng.normal(4, 1, (images, methods)), order=order)
        twin = int(rng.integers(1, methods))
        values[:, twin] = values[:, 0]
        found = mean_ranks([(frame(values, {"d": images}).rename(columns=str), True)], resamples=20)
        assert found["0"] == found[str(twin)]


def test_mean_ranks_see_one_draw_of_the_images_for_all_metrics():
    rng = np.random.default_rng(0)
    values = frame({"a": rng.normal(0, 1, 40), "b": rng.normal(0, 1, 40)}, {"x": 30, "y": 10})
    alike = mean_ranks([(values, True)])["a"]
    assert (alike.low, alike.high) == (1, 2)
    opposed = mean_ranks([(values, True), (values, False)])["a"]
    assert (opposed.low, opposed.mean, opposed.high) == (1.5, 1.5, 1.5)
    part = mean_ranks([(values, True), (values.loc[["y"]], True)])["a"]  # a metric of one dataset alone
    assert (part.mean, part.low, part.high, part.count) == (1, 1, 1.5, 40)


def test_the_ends_of_a_mean_rank_are_the_quantiles_of_the_means_ranks():
    rng = np.random.default_rng(1)
    values = frame({name: rng.normal(0.1 * k, 1, 50) for k, name in enumerate("abcdefgh")}, {"d": 50})
    chances = rank_probabilities(values, lower_is_better=True).cumsum(axis=1)
    for name, rank in mean_ranks([(values, True)]).items():
        assert (rank.low, rank.high) == ((chances.loc[name] > 0.025).idxmax(), (chances.loc[name] >= 0.975).idxmax())


def test_leaving_a_set_out_shows_who_lived_from_it():
    values = frame({"a": [1.0, 1, 9], "b": [2.0, 2, 2]}, {"x": 2, "y": 1})
    found = without_a_set(values, lower_is_better=True)
    assert found.loc["a"].to_dict() == {"all": 2, "without x": 2, "without y": 1}
    with pytest.raises(BenchError, match="two datasets"):
        without_a_set(values.loc[["x"]], lower_is_better=True)


def test_all_is_weighted_by_image_and_by_set():
    found = overall(frame({"a": [1.0, 1, 4]}, {"x": 2, "y": 1}))
    assert found.loc["a"].to_dict() == {"by image": 2.0, "by set": 2.5}


def test_agreement_is_kendalls_tau_with_directions():
    rows = {"niqe": (3.0, 4.0, 5.0, 6.0), "psnr": (20.0, 18.0, 19.0, 10.0)}
    values = {(m, "", "d", metric): [row[i]] * 2 for metric, row in rows.items() for i, m in enumerate("abcd")}
    found = metric_agreement(table(values), {"niqe": True, "psnr": False})
    assert found.loc["niqe", "psnr"] == pytest.approx(-kendalltau(*rows.values()).statistic)
    assert found.loc["niqe", "psnr"] == pytest.approx(4 / 6)  # five of six pairs agree, one does not
    assert found.loc["psnr", "psnr"] == 1


def test_agreement_without_shared_images_is_not_a_number():
    lone = table({("a", "", "d", "niqe"): [1.0], ("b", "", "d", "psnr"): [1.0]})
    assert metric_agreement(lone, {"niqe": True, "psnr": False}).isna().all(axis=None)


def test_seed_variance_is_over_checkpoints():
    values = {("m", seed, "d", "niqe"): [level, level + 2] for seed, level in (("s1", 1.0), ("s2", 2.0), ("s3", 3.0))}
    values[("other", "", "d", "niqe")] = [1.0, 1.0]
    (row,) = seed_variance(table(values)).to_dict("records")
    assert row == {"method": "m", "dataset": "d", "metric": "niqe", "checkpoints": 3, "images": 2, "mean": 3.0,
                   "deviation": 1.0, "range": 2.0}  # fmt: skip
