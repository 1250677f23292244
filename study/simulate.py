"""Simulated panels: observers with known strengths and noise, and votes whose rank histogram is the published one.

An observer's liking for a result is the method's strength plus the observer's own taste for that method plus what the
image does to it, both normal; choices are logistic with a threshold for ties (Rao and Kupper, JASA 1967). The strength
to recover is that of the whole population of observers and images: the Bradley-Terry strengths of the expected shares
of wins, which tastes pull a little towards zero (`population`).
"""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import choix
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.special import expit

from bench.errors import BenchError
from study.ranking import FEWEST, Floats, Wins, fit, image_ranks

PUBLISHED = Path(__file__).parent / "published.toml"
NODES = 41
MOST_DRAWS = 1000
FARTHEST = 10  # of a strength, a taste or a threshold: one vote in e^20 goes the other way


@dataclass(frozen=True)
class Panel:
    """Who votes, and how."""

    strengths: tuple[float, ...] = (1.0, 0.6, 0.2, -0.6, -1.2)
    observers: int = 9
    images: int = 23
    taste: float = 0.3
    """Standard deviation of an observer's own liking for a method."""
    scene: float = 0.3
    """Standard deviation of what an image does to a method."""
    threshold: float = 0.3
    """A difference in liking that is not told apart; 0 knows no ties."""

    def __post_init__(self) -> None:
        if len(self.strengths) < 2 or min(self.observers, self.images) < FEWEST:
            raise BenchError(f"A panel needs two strengths, {FEWEST} observers and {FEWEST} images at least.")
        if not all(0 <= value <= FARTHEST for value in (self.taste, self.scene, self.threshold)):
            raise BenchError(f"Standard deviations and the threshold of a panel lie between 0 and {FARTHEST}.")
        if not all(abs(value) <= FARTHEST for value in self.strengths):
            raise BenchError(f"Strengths lie between -{FARTHEST} and {FARTHEST}: farther apart no vote ever differs.")


def population(panel: Panel) -> Floats:
    """The Bradley-Terry strengths (K,), summing to zero, of expected wins over all observers and images."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    spread = np.sqrt(2 * (panel.taste**2 + panel.scene**2))
    gaps = np.subtract.outer(panel.strengths, panel.strengths)[..., None] + spread * nodes
    shares = ((expit(gaps - panel.threshold) + expit(gaps + panel.threshold)) / 2) @ (weights / weights.sum())
    np.fill_diagonal(shares, 0)
    return np.asarray(choix.ilsr_pairwise_dense(shares))


def draw(panel: Panel, random: np.random.Generator) -> Wins:
    """One panel's votes: every pair on every image by every observer."""
    count, shape = len(panel.strengths), (panel.observers, panel.images)
    liking = (
        np.array(panel.strengths)
        + random.normal(0, panel.taste, (panel.observers, 1, count))
        + random.normal(0, panel.scene, (1, panel.images, count))
    )
    gaps = liking[..., :, None] - liking[..., None, :]
    chance = random.random(gaps.shape)
    upper = np.triu(np.ones((count, count), dtype=bool), 1)
    won = upper & (chance < expit(gaps - panel.threshold))
    lost = upper & (chance > 1 - expit(-gaps - panel.threshold))
    return _wins(won, lost, upper, shape)


def _wins(won: Any, lost: Any, upper: Any, shape: tuple[int, int]) -> Wins:
    """Wins of votes (O, I, K, K) in the upper triangle; what was neither won nor lost is a tie."""
    decided = won.astype(float) + np.swapaxes(lost, -1, -2)
    ties = (upper & ~won & ~lost) / 2
    names = [tuple(f"{kind} {k + 1}" for k in range(n)) for kind, n in zip(("observer", "image"), shape, strict=True)]
    methods = tuple(f"method {k + 1}" for k in range(won.shape[-1]))
    return Wins(decided + ties + np.swapaxes(ties, -1, -2), decided, names[0], names[1], methods)


def recovery(
    panel: Panel, *, simulations: int, resamples: int, seed: int = 0, on_simulation: Callable[[], None] = lambda: None
) -> pd.DataFrame:
    """A row a simulation and method: simulation, method, truth, strength, low, high, covered."""
    truth = population(panel)
    rows = []
    for number in range(simulations):
        wins = draw(panel, np.random.default_rng([seed, number]))
        fitted = fit(wins, resamples=resamples, seed=number)
        for method, one in enumerate(np.eye(len(truth))):
            strength, half = float(fitted.strengths[method]), fitted.half_width(one)
            covered = bool(abs(strength - truth[method]) <= half)
            rows.append(
                (number, wins.methods[method], truth[method], strength, strength - half, strength + half, covered)
            )
        on_simulation()
    return pd.DataFrame(rows, columns=["simulation", "method", "truth", "strength", "low", "high", "covered"])


@cache
def published() -> dict[str, Any]:
    """The paper's study: citation, observers, images, ranks {method: images by rank}, niqe {method: mean}."""
    return tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))


def rankings_of(histogram: Floats) -> list[list[int]]:
    """Rankings, one an image, whose histogram (K methods × K ranks) this is: the rank (from 0) of each method.

    A table whose rows and columns all add up to n is a sum of n permutations (Birkhoff 1946); each is found as an
    assignment among the cells that are left. Raises BenchError when rows and columns do not add up alike.
    """
    left = np.array(histogram, dtype=int)
    sums = {*left.sum(axis=0).tolist(), *left.sum(axis=1).tolist()}
    if len(sums) != 1 or left.min() < 0 or left.shape[0] != left.shape[1]:
        raise BenchError("A rank histogram has as many ranks as methods, and every row and column adds up alike.")
    found = []
    for _ in range(sums.pop()):
        _, ranks = linear_sum_assignment(left == 0)
        left[np.arange(len(left)), ranks] -= 1
        found.append([int(rank) for rank in ranks])
    return found


def votes_like(rankings: Sequence[Sequence[int]], *, observers: int, agree: float = 0.85, seed: int = 0) -> Wins:
    """Votes of observers who follow each image's ranking with probability `agree`, drawn until it is the one they give.

    Raises BenchError when they hardly ever give it.
    """
    random = np.random.default_rng(seed)
    count = len(rankings[0])
    upper = np.triu(np.ones((count, count), dtype=bool), 1)
    images = []
    for ranking in rankings:
        ahead = np.subtract.outer(ranking, ranking) < 0
        for _ in range(MOST_DRAWS):
            won = upper & ((random.random((observers, count, count)) < agree) == ahead)
            wins = _wins(won[:, None], upper & ~won[:, None], upper, (observers, 1))
            if image_ranks(wins).to_numpy()[0].tolist() == [rank + 1 for rank in ranking]:
                break
        else:
            raise BenchError(f"Observers who follow a ranking with probability {agree} hardly ever give it.")
        images.append(won)
    won = np.stack(images, axis=1)
    return _wins(won, upper & ~won, upper, (observers, len(rankings)))


def niqe_agreement(order: Floats) -> float:
    """Spearman's correlation of strengths, methods in the published order, with the published NIQE (lower better)."""
    from scipy.stats import spearmanr

    return float(spearmanr(order, [-value for value in published()["niqe"].values()]).statistic)
