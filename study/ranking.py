"""Bradley-Terry strengths of the methods from votes, with intervals over observers and images.

The model (Bradley and Terry, Biometrika 1952): A is preferred to B with probability 1 / (1 + exp(b - a)). A tie is half
a vote for each. Every pair gets PRIOR of a vote each way, so that a method that always wins keeps a finite strength.
Strengths are natural logarithms and add up to zero. choix fits them (Maystre and Grossglauser, NIPS 2015).

An interval must hold for other observers and other images of the same kind. Votes of one observer, and votes on one
image, are not independent. So observers, images and single (observer, image) cells are each resampled with replacement
(bootstrap), which gives three variances: A, B and C, scaled by n / (n - 1). With O observers and I images, by their
expectations in a two-way random-effects layout the part that neither shares is R = (C - A / I - B / O) / (1 - 1 / I -
1 / O), and the variance is A + B - R; it is taken no smaller than A and than B. Student's t has Satterthwaite's degrees
of freedom (Biometrics Bulletin 1946). `bench study simulate` measures how often such intervals hold; they are wide
where neither observers nor images differ. The same idea without R's correction: Cameron, Gelbach, Miller, JBES 2011.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import choix
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from bench.errors import BenchError
from bench.statistics import FEWEST_TO_DECIDE

PRIOR = 0.1
RESAMPLES = 400
CONFIDENCE = 0.95
FEWEST = 3
"""Observers, and images, that an interval takes."""
MOST_ITERATIONS = 10_000
ROUNDING = 6
"""Strengths that differ only behind so many decimals are equal: the fit ends there."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wins:
    """Votes counted: `counts[o, i, a, b]` is how often observer o preferred a to b on image i."""

    counts: Floats  # (O, I, K, K), ties as halves
    decided: Floats  # likewise, without ties
    observers: tuple[str, ...]
    images: tuple[str, ...]
    methods: tuple[str, ...]

    @property
    def total(self) -> Floats:
        """Over all observers and images, (K, K)."""
        return np.asarray(self.counts.sum(axis=(0, 1)))


def count_wins(votes: pd.DataFrame, methods: Sequence[str]) -> Wins:
    """Count the votes on pairs; repeats and catch trials tell about observers, not methods. Raises BenchError."""
    pairs = votes[votes["kind"] == "pair"]
    if pairs.empty:
        raise BenchError("There is no vote yet that a ranking could be made of.")
    observers, images = tuple(pairs["observer"].unique()), tuple(sorted(pairs["image"].unique()))
    shape = (len(observers), len(images), len(methods), len(methods))
    o, i = (
        pd.Index(names).get_indexer(pairs[column]) for names, column in ((observers, "observer"), (images, "image"))
    )
    left, right = (pd.Index(methods).get_indexer(pairs[side]) for side in ("left", "right"))
    decided, ties = np.zeros(shape), np.zeros(shape)
    for one, other, choice in ((left, right, "left"), (right, left, "right")):
        np.add.at(decided, (o, i, one, other), (pairs["choice"] == choice).to_numpy(dtype=float))
        np.add.at(ties, (o, i, one, other), (pairs["choice"] == "tie").to_numpy(dtype=float) / 2)
    return Wins(decided + ties, decided, observers, images, tuple(methods))


def strengths(wins: Floats, *, start: Floats | None = None, tolerance: float = 1e-8) -> Floats:
    """Bradley-Terry strengths (K,), summing to zero, of a matrix of wins (K, K)."""
    regular = wins + PRIOR * (1 - np.eye(len(wins)))
    return np.asarray(choix.ilsr_pairwise_dense(regular, initial_params=start, max_iter=MOST_ITERATIONS, tol=tolerance))


@dataclass(frozen=True)
class Fit:
    """Strengths (K,) and what their intervals need: bootstrap covariances (K, K) by observers, images and cells.

    With fewer than three of either there are no covariances: two observers cannot tell how much observers differ.
    """

    strengths: Floats
    parts: tuple[Floats, ...]
    observers: int
    images: int

    def half_width(self, contrast: Floats) -> float:
        """Half the 95 % interval of `contrast` @ strengths; NaN where observers or images are too few to tell."""
        if not self.parts:
            return np.nan
        by_observer, by_image, by_cell = (float(contrast @ part @ contrast) for part in self.parts)
        observers, images = self.observers, self.images
        rest = (by_cell - by_image / observers - by_observer / images) / (1 - 1 / images - 1 / observers)
        rest = max(rest, 0.0)
        variance = max(by_observer, by_image, by_observer + by_image - rest)
        loss = by_observer**2 / (observers - 1) + by_image**2 / (images - 1)
        loss += rest**2 / ((observers - 1) * (images - 1))
        freedom = max(variance**2 / loss, min(observers, images) - 1) if loss else np.inf
        return float(t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance))


def fit(wins: Wins, *, resamples: int = RESAMPLES, seed: int = 0) -> Fit:
    """Strengths with what their intervals need; the same seed gives the same intervals."""
    center = strengths(wins.total)
    observers, images = wins.counts.shape[:2]
    if min(observers, images) < FEWEST:
        return Fit(center, (), observers, images)
    cells = wins.counts.reshape(-1, *wins.counts.shape[2:])
    random = np.random.default_rng(seed)
    by = (wins.counts.sum(axis=1), wins.counts.sum(axis=0), cells[cells.any(axis=(1, 2))])
    return Fit(center, tuple(_covariance(clusters, center, resamples, random) for clusters in by), observers, images)


def _covariance(clusters: Floats, start: Floats, resamples: int, random: np.random.Generator) -> Floats:
    """Covariance (K, K) of the strengths when the clusters (N, K, K) are drawn anew with replacement."""
    count = len(clusters)
    weights = random.multinomial(count, np.full(count, 1 / count), size=resamples)
    drawn = np.tensordot(weights, clusters, axes=1)
    fitted = np.array([strengths(wins, start=start, tolerance=1e-5) for wins in drawn])
    return np.atleast_2d(np.cov(fitted, rowvar=False)) * count / (count - 1)


def strength_table(wins: Wins, fitted: Fit) -> pd.DataFrame:
    """A row a method, strongest first: method, strength, low, high, wins (share of votes, ties as halves), votes."""
    total = wins.total
    votes = total.sum(axis=1) + total.sum(axis=0)
    half = [fitted.half_width(row) for row in np.eye(len(wins.methods))]
    frame = pd.DataFrame(
        {
            "method": wins.methods,
            "strength": fitted.strengths,
            "low": fitted.strengths - half,
            "high": fitted.strengths + half,
            "wins": np.divide(total.sum(axis=1), votes, out=np.full(len(votes), np.nan), where=votes > 0),
            "votes": votes.round().astype(int),
        }
    )
    return frame.sort_values("strength", ascending=False, kind="stable").reset_index(drop=True)


def difference_table(wins: Wins, fitted: Fit) -> pd.DataFrame:
    """A row a pair of methods, the stronger first: method, other, difference, low, high, decided.

    A lead is decided when its interval excludes zero and there are FEWEST_TO_DECIDE observers and images: fewer that
    all agree would have an interval without width and prove nothing.
    """
    enough = min(fitted.observers, fitted.images) >= FEWEST_TO_DECIDE
    order = np.argsort(-fitted.strengths, kind="stable")
    rows = []
    for place, one in enumerate(order):
        for other in order[place + 1 :]:
            contrast = np.eye(len(order))[one] - np.eye(len(order))[other]
            gap, half = float(contrast @ fitted.strengths), fitted.half_width(contrast)
            rows.append(
                (wins.methods[one], wins.methods[other], gap, gap - half, gap + half, bool(enough and gap - half > 0))
            )
    return pd.DataFrame(rows, columns=["method", "other", "difference", "low", "high", "decided"])


def win_table(wins: Wins) -> pd.DataFrame:
    """How often the row's method was preferred to the column's, ties as halves; strongest first."""
    order = np.argsort(-strengths(wins.total), kind="stable")
    names = [wins.methods[k] for k in order]
    return pd.DataFrame(wins.total[np.ix_(order, order)], index=pd.Index(names, name="method"), columns=names)


def image_ranks(wins: Wins) -> pd.DataFrame:
    """Image × method: the rank by Bradley-Terry over this image's votes, 1 best; equal strengths share the better.

    Only of images on which every pair has a vote.
    """
    judged = {
        image: part
        for image, part in zip(wins.images, wins.counts.sum(axis=0), strict=True)
        if (part + part.T)[~np.eye(len(part), dtype=bool)].all()
    }
    ranks = [rankdata(-strengths(part).round(ROUNDING), method="min") for part in judged.values()]
    return pd.DataFrame(
        np.array(ranks, dtype=int).reshape(len(ranks), len(wins.methods)),
        index=pd.Index(list(judged), name="image", dtype=object), columns=list(wins.methods),
    )  # fmt: skip


def rank_histogram(wins: Wins) -> pd.DataFrame:
    """Method × rank: on how many images a method took that rank, strongest method first (the paper's Fig. 6)."""
    ranks = image_ranks(wins)
    order = np.argsort(-strengths(wins.total), kind="stable")
    places = range(1, len(wins.methods) + 1)
    rows = {wins.methods[k]: [int((ranks[wins.methods[k]] == place).sum()) for place in places] for k in order}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(places)).rename_axis("method")
