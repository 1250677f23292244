"""How far each observer can be relied on: repeats, catch trials, circular triads; and who is left out, and why.

There is one rule: an observer who fails FEWEST_FAILED catch trials or more, and more than MOST_FAILED of those shown,
does not look at the pictures. Of eight catch trials whoever always presses one side fails four, and whoever presses
sides at random fails fewer than two with probability 0.035. Disagreement with other observers, ties and intransitive
choices are taste or hard pairs, and no reason to leave anybody out.

Circular triads (A over B over C over A) are counted on every image whose pairs the observer has all judged; Kendall's
zeta (Kendall and Babington Smith, Biometrika 1940) is one minus their share of the most that are possible.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from study.votes import DEGRADED

MOST_FAILED = 1 / 5
FEWEST_FAILED = 2  # one slip is nobody's fault


def observer_table(votes: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """A row an observer: observer, votes, ties, seconds (median a vote), repeats, agreed, catches, failed, left_share,
    side_p, triads, zeta, excluded (why, or empty).

    `votes` counts pairs only; `left_share` is the share of left among decided votes on pairs and `side_p` the p-value
    of a binomial test that neither side is preferred; `zeta` is 1 for perfect transitivity, NaN where no image is
    complete.
    """
    rows = [{"observer": observer} | _row(part, methods) for observer, part in votes.groupby("observer", sort=False)]
    return pd.DataFrame(rows)


def _row(part: pd.DataFrame, methods: Sequence[str]) -> dict[str, object]:
    pairs, catches = part[part["kind"] == "pair"], part[part["kind"] == "catch"]
    repeats, agreed = _repeats(part)
    right_answer = np.where(catches["left"] == DEGRADED, "right", "left")
    failed = int((catches["choice"] != right_answer).sum())
    decided = pairs[pairs["choice"] != "tie"]
    left = int((decided["choice"] == "left").sum())
    triads, zeta = _triads(pairs, methods)
    return {
        "votes": len(pairs),
        "ties": len(pairs) - len(decided),
        "seconds": float(part["milliseconds"].median()) / 1000,
        "repeats": repeats,
        "agreed": agreed,
        "catches": len(catches),
        "failed": failed,
        "left_share": left / len(decided) if len(decided) else np.nan,
        "side_p": float(binomtest(left, len(decided)).pvalue) if len(decided) else np.nan,
        "triads": triads,
        "zeta": zeta,
        "excluded": _excluded(failed, len(catches)),
    }


def _excluded(failed: int, shown: int) -> str:
    if failed < FEWEST_FAILED or failed <= MOST_FAILED * shown:
        return ""
    return f"failed {failed} of {shown} catch trials, more than a fifth"


def _repeats(part: pd.DataFrame) -> tuple[int, int]:
    """How many repeats were judged, and how many of them as at their first showing (the sides are swapped)."""
    first = part.set_index("position")["choice"]
    again = part[part["kind"] == "repeat"]
    swapped = again["choice"].map({"left": "right", "right": "left", "tie": "tie"})
    return len(again), int((swapped.to_numpy() == first.reindex(again["first"]).to_numpy()).sum())


def _triads(pairs: pd.DataFrame, methods: Sequence[str]) -> tuple[int, float]:
    """Circular triads over the completely judged images, and the mean of Kendall's zeta over them."""
    count = len(methods)
    most = (count**3 - count if count % 2 else count**3 - 4 * count) / 24
    found = []
    for _, judged in pairs.groupby("image", sort=False):
        if len(judged) == count * (count - 1) // 2:
            left, right = judged["left"], judged["right"]
            better = {*zip(left[judged["choice"] == "left"], right[judged["choice"] == "left"], strict=True)}
            better |= {*zip(right[judged["choice"] == "right"], left[judged["choice"] == "right"], strict=True)}
            found.append(sum(_circular(better, *three) for three in combinations(methods, 3)))
    return sum(found), 1 - float(np.mean(found)) / most if found and most else np.nan


def _circular(better: set[tuple[str, str]], a: str, b: str, c: str) -> bool:
    return {(a, b), (b, c), (c, a)} <= better or {(b, a), (c, b), (a, c)} <= better
