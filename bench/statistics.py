"""Means with 95 % bootstrap intervals over images, alone and as paired differences; and with intervals over seeds.

The image is what is resampled: an interval says how much a mean would move had other photographs of the same kind been
taken. It says nothing about training seeds. BCa after Efron, "Better Bootstrap Confidence Intervals", JASA 1987.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import DegenerateDataWarning, bootstrap
from scipy.stats import t as student

from bench.errors import BenchError

CONFIDENCE = 0.95
RESAMPLES = 2999
FEWEST_TO_DECIDE = 6
"""Five images that all agree only reach p = 0.0625 in a two-sided sign test; six reach 0.031."""
BATCH_VALUES = 2_000_000


@dataclass(frozen=True)
class Interval:
    """A mean over `count` images and its 95 % interval; `low` and `high` are NaN when one image gives none."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def decided(self) -> bool:
        """Whether a difference can be told from zero: the interval excludes it and there are enough images."""
        return self.count >= FEWEST_TO_DECIDE and (self.low > 0 or self.high < 0)


def mean_interval(values: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean of one finite value per image (N,) with its interval; the same seed gives the same interval.

    Raises BenchError when there is no value or one that is not finite: what has no score is counted, not averaged.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise BenchError("A mean needs at least one score: run `bench evaluate` on some images first.")
    if not np.isfinite(sample).all():
        raise BenchError("A mean was asked of scores that are not finite: drop and count those images first.")
    mean = float(sample.mean())
    if sample.size == 1:
        return Interval(mean=mean, low=np.nan, high=np.nan, count=1)
    low, high = _bounds(sample, resamples=resamples, seed=seed)
    return Interval(mean=mean, low=low, high=high, count=int(sample.size))


def paired_difference(
    values: npt.ArrayLike, reference: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The mean of `values - reference` (both (N,), image by image) with its interval.

    Raises BenchError when the two do not cover the same number of images, and as `mean_interval` does.
    """
    ours, theirs = np.asarray(values, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if ours.shape != theirs.shape:
        raise BenchError(f"A paired difference needs the same images on both sides, not {ours.size} and {theirs.size}.")
    return mean_interval(ours - theirs, resamples=resamples, seed=seed)


def seed_interval(values: npt.ArrayLike) -> Interval:
    """The mean of one finite value a training seed (N,) with Student's 95 % interval; one seed gives none.

    Says how far the mean would move with other seeds, not with other photographs. Raises BenchError without values.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or not np.isfinite(sample).all():
        raise BenchError("A mean over seeds needs at least one finite value.")
    mean, count = float(sample.mean()), int(sample.size)
    if count == 1:
        return Interval(mean=mean, low=np.nan, high=np.nan, count=1)
    half = float(student.ppf((1 + CONFIDENCE) / 2, count - 1) * sample.std(ddof=1) / np.sqrt(count))
    return Interval(mean=mean, low=mean - half, high=mean + half, count=count)


def _bounds(sample: npt.NDArray[np.float64], *, resamples: int, seed: int) -> tuple[float, float]:
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", DegenerateDataWarning)
        low, high = _bootstrap(sample, method="BCa", resamples=resamples, seed=seed)
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    # All values (nearly) alike: the acceleration is 0/0 and BCa answers NaN; the percentiles are still right.
    return _bootstrap(sample, method="percentile", resamples=resamples, seed=seed)


def _bootstrap(sample: npt.NDArray[np.float64], *, method: str, resamples: int, seed: int) -> tuple[float, float]:
    result = bootstrap(
        (sample,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, BATCH_VALUES // sample.size),
        vectorized=True,
        axis=-1,
        confidence_level=CONFIDENCE,
        method=method,
        random_state=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
