"""Does a metric say what people say? Over methods by rank correlation, over votes by the share that agree.

Intervals are percentiles over resamples of observers and images together, which with two-way data lean to the wide
side (Owen, Annals of Applied Statistics 2007): what they exclude is excluded.
"""

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, spearmanr

from bench.errors import BenchError
from study.ranking import FEWEST, ROUNDING, Floats, Wins, strengths

RESAMPLES = 400
COLUMNS = ("metric", "images", "spearman", "spearman_low", "spearman_high", "kendall", "kendall_low", "kendall_high",
           "share", "share_low", "share_high")  # fmt: skip


def scores_of_study(scores: pd.DataFrame, wins: Wins, *, dataset: str) -> tuple[dict[str, Floats], list[str]]:
    """For each metric of a score table, its values (I, K) on the study's images and methods; and notes on the rest.

    A study without a dataset is matched by the images' names without suffix. Raises BenchError when nothing matches.
    """
    rows = scores[scores["method"].isin(wins.methods) & np.isfinite(scores["value"])]
    if dataset:
        rows = rows[rows["dataset"] == dataset]
        rows = rows.assign(key=rows["image"])
    else:
        rows = rows.assign(key=rows["image"].str.replace(r"\.[^./]*$", "", regex=True))
    found, notes = {}, []
    for metric, part in rows[rows["key"].isin(wins.images)].groupby("metric", sort=False):
        if part.duplicated(["key", "method"]).any():
            raise BenchError(f"The score table has several values of {metric} for one image and method: keep one.")
        table = part.pivot(index="key", columns="method", values="value").reindex(
            index=list(wins.images), columns=list(wins.methods)
        )
        whole = table.notna().all(axis=1)
        if not whole.any():
            notes.append(f"{metric}: no image of the study has a value for every method, so it is left out.")
            continue
        if not whole.all():
            notes.append(f"{metric}: compared on {whole.sum()} of {len(whole)} images, those with a value for all.")
        found[str(metric)] = table.where(whole, axis=0).to_numpy(dtype=float)
    if not found:
        lacking = [name for name in wins.methods if name not in set(scores["method"])]
        why = (
            f" It has none of {', '.join(lacking)}, but {', '.join(map(str, scores['method'].unique()))}."
            if lacking
            else ""
        )
        raise BenchError(f"The score table has no metric with a value for every method on any image of the study.{why}")
    return found, notes


def agreement_table(
    wins: Wins, values: Mapping[str, Floats], lower_is_better: Mapping[str, bool], *, resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """A row a metric: Spearman and Kendall between mean scores and strengths over methods, and the share of decided
    votes on which the metric prefers the same picture (0.5 is chance), each with a 95 % interval.
    """
    rows = []
    for metric, scores in values.items():
        good = -scores if lower_is_better[metric] else scores
        whole = np.isfinite(good).all(axis=1)
        counts, decided, good = wins.counts[:, whole], wins.decided[:, whole], good[whole]
        center = _agreement(counts.sum(axis=0), decided.sum(axis=0), good)
        drawn = _resampled(counts, decided, good, resamples, np.random.default_rng(seed))
        bounds = [_percentiles(column) for column in drawn.T]
        numbers = [number for mean, (low, high) in zip(center, bounds, strict=True) for number in (mean, low, high)]
        rows.append((metric, int(whole.sum()), *numbers))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _resampled(
    counts: Floats, decided: Floats, good: Floats, resamples: int, random: np.random.Generator
) -> Floats:  # (resamples, 3)
    observers, images = counts.shape[:2]
    if min(observers, images) < FEWEST:
        return np.full((1, 3), np.nan)
    rows = []
    for _ in range(resamples):
        weights = random.multinomial(observers, np.full(observers, 1 / observers))
        drawn = random.choice(images, size=images)
        counted, clear = (np.tensordot(weights, part, axes=1)[drawn] for part in (counts, decided))
        rows.append(_agreement(counted, clear, good[drawn]))
    return np.array(rows, dtype=float)


def _percentiles(drawn: Floats) -> tuple[float, float]:
    finite = drawn[np.isfinite(drawn)]
    if not len(finite):
        return np.nan, np.nan
    return float(np.percentile(finite, 2.5)), float(np.percentile(finite, 97.5))


def _agreement(wins: Floats, decided: Floats, good: Floats) -> tuple[float, float, float]:
    """Spearman, Kendall and share for votes (I, K, K), without ties in `decided`, and scores (I, K), higher better."""
    people, metric = strengths(wins.sum(axis=0)).round(ROUNDING), good.mean(axis=0)
    ranks = (np.nan, np.nan)  # what is constant orders nothing
    if np.ptp(metric) > 0 and np.ptp(people) > 0:
        ranks = (float(spearmanr(people, metric).statistic), float(kendalltau(people, metric).statistic))
    prefers = (np.sign(good[:, :, None] - good[:, None, :]) + 1) / 2  # (I, K, K): 1 where the metric prefers the row
    votes = float(decided.sum())
    return *ranks, float((decided * prefers).sum()) / votes if votes else np.nan


def read_scores(path: Path) -> pd.DataFrame:
    """Of a score table (csv) the columns that matter here: method, dataset, image, metric, value. Raises BenchError."""
    names = ["method", "dataset", "image", "metric", "value"]
    try:
        frame = pd.read_csv(path, dtype=dict.fromkeys(names[:4], str), keep_default_na=False, na_values={"value": [""]})
        missing = [name for name in names if name not in frame]
        if missing:
            raise BenchError(f"{path} is not a score table: it has no column {', '.join(missing)}.")
        return frame[names].astype({"value": float})
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BenchError(f"Cannot read the score table {path}: {error}") from error
