"""Methods compared image by image: differences to one method, groups that cannot be told apart, what could be seen.

Pure functions of image values: a frame with one row an image and one column a method, no NaN (as
`reports.tables.Leaderboard.values` after its incomplete methods are dropped). Tests are SciPy's: Wilcoxon's signed-rank
test on the differences, p values corrected after Holm (Scandinavian Journal of Statistics 6, 1979).
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import nct, rankdata, t, wilcoxon

from bench.errors import BenchError, unknown_name
from bench.statistics import Interval, paired_difference

Values = npt.NDArray[np.float64]
LEVEL = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Difference:
    """A method against the chosen one: the mean difference with its interval, two p values, and what could be seen."""

    method: str
    interval: Interval
    p: float
    corrected: float
    """After Holm, over all methods that are compared with the chosen one."""
    detectable: float
    """The smallest true mean difference that so many images, with this spread, show in four of five samples."""
    one_way: bool = True
    """Whether the ranks of the differences point where their mean does."""

    @property
    def told_apart(self) -> bool:
        """Whether both say so, and the same: the corrected p value, and the interval that excludes zero."""
        return self.corrected < LEVEL and self.interval.decided and self.one_way


def differences(values: pd.DataFrame, against: str) -> list[Difference]:
    """Every other method minus `against`, in the order of the columns. Raises BenchError for an unknown name."""
    if against not in values:
        raise unknown_name("compared method", against, [str(name) for name in values])
    base = values[against].to_numpy()
    others = [str(name) for name in values if name != against]
    ps = [signed_rank(values[name].to_numpy() - base) for name in others]
    return [
        Difference(name, paired_difference(values[name].to_numpy(), base), p, corrected,
                   detectable_difference(values[name].to_numpy() - base), one_way(values[name].to_numpy() - base))
        for name, p, corrected in zip(others, ps, holm(ps), strict=True)
    ]  # fmt: skip


def signed_rank(gaps: npt.ArrayLike) -> float:
    """p of Wilcoxon's two-sided signed-rank test that `gaps` (N,) lie symmetric around zero; 1 when all are zero.

    Zeros are left out, as Wilcoxon does, before SciPy sees how many there are: else it would take the normal
    approximation for the few that are left.
    """
    sample = np.asarray(gaps, dtype=np.float64)
    sample = sample[sample != 0]
    if not len(sample):
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of small samples with ties, where SciPy takes the normal approximation
        return float(wilcoxon(sample).pvalue)


def one_way(gaps: npt.ArrayLike) -> bool:
    """Whether the signed ranks of `gaps` (N,), which the test above looks at, have the sign of their mean.

    They have not where many small differences go one way and a few large ones the other.
    """
    sample = np.asarray(gaps, dtype=np.float64)
    sample = sample[sample != 0]
    return float(np.sign(sample) @ rankdata(np.abs(sample))) * float(sample.sum()) > 0


def holm(ps: Sequence[float]) -> list[float]:
    """p values corrected for their number, in their order (step-down: SciPy has no function for it)."""
    order = np.argsort(ps, kind="stable")
    steps = np.maximum.accumulate([(len(ps) - place) * ps[index] for place, index in enumerate(order)])
    corrected = np.empty(len(ps))
    corrected[order] = np.minimum(steps, 1)
    return [float(p) for p in corrected]


def detectable_difference(gaps: npt.ArrayLike, *, power: float = POWER, level: float = LEVEL) -> float:
    """The mean difference that a paired t test of `gaps`' number and spread finds with probability `power`.

    NaN for fewer than two images.
    """
    sample = np.asarray(gaps, dtype=np.float64)
    if len(sample) < 2:
        return math.nan
    return detectable_effect(len(sample), power=power, level=level) * float(sample.std(ddof=1))


def detectable_effect(count: int, *, power: float = POWER, level: float = LEVEL) -> float:
    """As `detectable_difference`, in standard deviations of the differences, for `count` images."""
    freedom = count - 1
    border = t.ppf(1 - level / 2, freedom)

    def lacking(shift: float) -> float:
        other_side = nct.cdf(-border, freedom, shift)  # far out SciPy gives NaN for what is 0
        return float(nct.sf(border, freedom, shift) + np.nan_to_num(other_side)) - power

    above = 1.0
    while lacking(above) < 0:
        above *= 1.5
    return float(brentq(lacking, 0, above)) / math.sqrt(count)


def groups(values: pd.DataFrame, *, lower_is_better: bool) -> list[list[str]]:
    """Longest stretches of the ranking in which no two methods are told apart (all pairs, Holm), best first.

    Told apart is as `Difference.told_apart` says. A method may be in several groups, or in one of its own. Two that are
    not told apart have no common group where one between them is told apart from either.
    """
    ranked = ranking(values, lower_is_better=lower_is_better)
    pairs = list(combinations(ranked, 2))
    ps = holm([signed_rank(values[a].to_numpy() - values[b].to_numpy()) for a, b in pairs])
    corrected = dict(zip(pairs, ps, strict=True))

    def apart(better: str, worse: str) -> bool:
        first, second = values[better].to_numpy(), values[worse].to_numpy()
        sure = corrected[better, worse] < LEVEL and one_way(first - second)
        return sure and paired_difference(first, second).decided  # the slow part: of few pairs

    runs: list[list[str]] = []
    for start in range(len(ranked)):
        end = start + 1
        while end < len(ranked) and not any(apart(name, ranked[end]) for name in ranked[start:end]):
            end += 1
        if not runs or ranked[end - 1] not in runs[-1]:
            runs.append(ranked[start:end])
    return runs


def ranking(values: pd.DataFrame, *, lower_is_better: bool) -> list[str]:
    """The methods by their means, best first. Raises BenchError when there is nothing to rank or a value is missing."""
    if values.empty or not np.isfinite(values.to_numpy()).all():
        raise BenchError("A ranking needs a value of every method on every image.")
    return [str(name) for name in values.mean().sort_values(ascending=lower_is_better, kind="stable").index]
