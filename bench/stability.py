"""How far a ranking can be trusted: over images, without a set, across metrics, across training runs.

Pure functions of image values (a frame with one column a method, index (dataset, image), no NaN) or, where several
metrics or checkpoints matter, of the score table.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import kendalltau, rankdata

from bench.comparison import Values, ranking
from bench.errors import BenchError
from bench.statistics import Interval

RESAMPLES = 2000
BATCH = 100  # resamples at a time: bounds the memory


def drawn_anew(values: pd.DataFrame) -> bool:
    """Whether a dataset has two images, so that there is something to draw."""
    return bool(values.index.get_level_values(0).duplicated().any())


def rank_probabilities(
    values: pd.DataFrame, *, lower_is_better: bool, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """How often each method takes each rank when the images are drawn anew; rows best first, columns 1, 2, ...

    Images are resampled within their dataset, as many as there are. Equal means share the better rank.
    """
    ranked = ranking(values, lower_is_better=lower_is_better)
    table = values[ranked].to_numpy() * (1 if lower_is_better else -1)
    counts = np.zeros((len(ranked), len(ranked)))
    for drawn in _draws(values.index, resamples, seed):
        ranks = rankdata(table[drawn].mean(axis=1), method="min", axis=1).astype(int)  # (size, methods)
        for place in range(len(ranked)):
            counts[:, place] += (ranks == place + 1).sum(axis=0)
    return pd.DataFrame(counts / resamples, index=ranked, columns=range(1, len(ranked) + 1))


def mean_ranks(
    boards: Sequence[tuple[pd.DataFrame, bool]], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """Each method's rank by its mean, averaged over metrics, with what 95 % of new draws of the images stay within.

    A board is (image values, whether lower is better); equal means share the average of their ranks. All boards see
    the same draw, made within the datasets, so an image that is hard by two metrics is drawn or left out for both.
    A draw that leaves a board without an image counts for nothing. Only methods that every board has, best first;
    `count` is the number of all images. Where no dataset has two there is nothing to draw, and no interval.
    """
    names = [str(name) for name in boards[0][0] if all(name in values for values, _ in boards)] if boards else []
    if not names:
        return {}
    images = pd.MultiIndex.from_tuples(dict.fromkeys(image for values, _ in boards for image in values.index))
    point = _mean_ranks(boards, names, images, np.ones((1, len(images))))[0]
    low, high = np.full((2, len(names)), np.nan)
    if drawn_anew(images.to_frame()):
        weights = (np.stack([np.bincount(row, minlength=len(images)) for row in drawn]).astype(float)
                   for drawn in _draws(images, resamples, seed))  # fmt: skip
        found = np.vstack([_mean_ranks(boards, names, images, weight) for weight in weights])
        low, high = np.nanquantile(found, (0.025, 0.975), axis=0, method="inverted_cdf")  # values that were drawn
    return {names[k]: Interval(float(point[k]), float(low[k]), float(high[k]), len(images))
            for k in np.argsort(point, kind="stable")}  # fmt: skip


def _mean_ranks(
    boards: Sequence[tuple[pd.DataFrame, bool]], names: Sequence[str], images: pd.MultiIndex, weights: Values
) -> Values:
    """The mean ranks of `names` for each row of `weights` (draws, images); NaN where a board got no image."""
    total = np.zeros((len(weights), len(names)))
    for values, lower_is_better in boards:
        weight = weights[:, images.get_indexer(values.index)]
        with np.errstate(invalid="ignore"):
            # Not by @: it adds up equal columns in different orders, and ties break by rounding.
            means = (weight[:, :, None] * values.to_numpy()).sum(axis=1) / weight.sum(axis=1, keepdims=True)
        ranks = rankdata(means if lower_is_better else -means, axis=1, nan_policy="propagate")
        total += ranks[:, [values.columns.get_loc(name) for name in names]]
    return total / len(boards)


def _draws(images: pd.Index, resamples: int, seed: int) -> Iterator[npt.NDArray[np.intp]]:
    """Positions of `images` (dataset, image) drawn with repetition within their dataset: (up to BATCH, images) each."""
    names = images.get_level_values(0)
    places = [np.flatnonzero(names == dataset) for dataset in dict.fromkeys(names)]
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, BATCH):
        size = min(BATCH, resamples - start)
        yield np.hstack([where[rng.integers(0, len(where), (size, len(where)))] for where in places])


def has_sets(values: pd.DataFrame) -> bool:
    """Whether the images are of two sets at least, so that one may be left out."""
    return bool(values.index.get_level_values(0).nunique() > 1)


def without_a_set(values: pd.DataFrame, *, lower_is_better: bool) -> pd.DataFrame:
    """The rank of each method over all images, and over those of all sets but one; one column a set left out.

    Raises BenchError for a single set.
    """
    if not has_sets(values):
        raise BenchError("Leaving a set out needs two datasets at least.")
    datasets = list(dict.fromkeys(values.index.get_level_values(0)))
    sign = 1 if lower_is_better else -1
    parts = {"all": values} | {f"without {name}": values.drop(index=name, level=0) for name in datasets}
    ranks = {key: rankdata(sign * part.mean().to_numpy(), method="min").astype(int) for key, part in parts.items()}
    return pd.DataFrame(ranks, index=[str(name) for name in values]).sort_values("all", kind="stable")


def overall(values: pd.DataFrame) -> pd.DataFrame:
    """The mean of each method over all images, each image weighing the same (`by image`, as in the EnlightenGAN paper),
    and over the means of the sets (`by set`)."""
    return pd.DataFrame({"by image": values.mean(), "by set": values.groupby(level=0).mean().mean()})


def metric_agreement(scores: pd.DataFrame, directions: Mapping[str, bool]) -> pd.DataFrame:
    """Kendall's tau-b of the metrics' rankings of the methods, 1 where two agree; metric x metric.

    `directions` says for each metric whether lower is better. Means are over the images that have a value of every
    method and metric. NaN where fewer than two methods remain or all are equal.
    """
    chosen = scores[scores["metric"].isin(list(directions))]
    wide = chosen.pivot(index=["dataset", "image"], columns=["metric", "method"], values="value").dropna()
    means = wide.mean().unstack("metric").dropna() if len(wide) else pd.DataFrame(columns=list(directions))
    table = pd.DataFrame(np.nan, index=list(directions), columns=list(directions))
    for first in directions:
        for second in directions:
            if len(means) > 1 and first in means and second in means:
                sign = 1 if directions[first] == directions[second] else -1
                table.loc[first, second] = sign * kendalltau(means[first], means[second]).statistic
    return table


def seed_variance(scores: pd.DataFrame) -> pd.DataFrame:
    """Of methods with several checkpoints: how many, the mean of their means, its standard deviation and range.

    One row a (method, dataset, metric); means are over the images that every checkpoint has a value for.
    """
    rows = []
    for (method, dataset, metric), part in scores.groupby(["method", "dataset", "metric"], sort=False):
        if part["checkpoint"].nunique() < 2:
            continue
        wide = part.pivot(index="image", columns="checkpoint", values="value").dropna()
        if wide.empty:
            continue
        means = wide.mean()
        spread = (float(means.std(ddof=1)), float(means.max() - means.min()))
        rows.append((method, dataset, metric, len(means), len(wide), float(means.mean()), *spread))
    columns = ["method", "dataset", "metric", "checkpoints", "images", "mean", "deviation", "range"]
    return pd.DataFrame(rows, columns=columns)
