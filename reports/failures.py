"""Photographs that show where methods or metrics fail, chosen by rules from the score table and by nobody's taste.

Each rule takes the worst case, then the next of another method and another photograph, so that one bad result does not
fill the page.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.blocks import Section
from reports.gallery import gallery_of
from reports.material import Material

MOST = 3
BUDGET = 2_500_000
"""Characters of encoded pictures."""
KEY = ["method", "dataset", "image"]
DISAGREEMENT = "Largest disagreement between metrics"
ORDER = "Most wrong order of light and dark (worst LOE)"
CLIPPED = "Most pixels lost to pure black or white"
HALO = "Strongest glow or dark rim around lamps (worst halo)"


@dataclass(frozen=True)
class Case:
    """One result that a rule chose, and the numbers that made it the choice, in a sentence."""

    rule: str
    method: str
    dataset: str
    image: str
    sentence: str


def failure_cases(
    scores: pd.DataFrame, directions: Mapping[str, bool], *, baseline: str = "", most: int = MOST
) -> list[Case]:
    """At most `most` cases a rule; rules whose metrics were not scored give none.

    `scores` is a score table of one checkpoint a method, diagnostics included; `directions` are of the metrics that
    rank. The `baseline` method is not a failure, and what it clips itself is not counted against the others.
    """
    valued = scores[np.isfinite(scores["value"])]
    wide = valued.pivot_table(index=KEY, columns="metric", values="value", sort=False)
    rules: Sequence[Callable[[], Iterator[Case]]] = (
        lambda: _disagreeing(wide, directions, baseline),
        lambda: _worst(wide, "loe", ORDER, baseline),
        lambda: _clipping(wide, baseline),
        lambda: _worst(wide, "halo", HALO, baseline),
    )
    return [case for rule in rules for case in _varied(rule(), most)]


def _varied(cases: Iterator[Case], most: int) -> list[Case]:
    kept: list[Case] = []
    for case in cases:
        seen = any(one.method == case.method or (one.dataset, one.image) == (case.dataset, case.image) for one in kept)
        if not seen:
            kept.append(case)
        if len(kept) == most:
            break
    return kept


def _disagreeing(wide: pd.DataFrame, directions: Mapping[str, bool], baseline: str) -> Iterator[Case]:
    """By how many ranks, among the methods on one photograph, two metrics differ; at least half of all."""
    metrics = [metric for metric in directions if metric in wide]
    ranked = wide[wide.index.get_level_values("method") != baseline]
    groups = ranked.groupby(level=["dataset", "image"], sort=False)
    count = groups.transform("size")
    if len(metrics) < 2 or count.max() < 3:
        return
    ranks = pd.DataFrame(
        {metric: groups[metric].rank(ascending=directions[metric], method="average") for metric in metrics}
    )
    # Ranks among some of the methods are none among all.
    ranks = ranks.where(pd.DataFrame({metric: groups[metric].transform("count") == count for metric in metrics}))
    ranks = ranks[(count == count.max()) & ranks.notna().any(axis=1)]
    order = pd.DataFrame({"gap": ranks.max(axis=1) - ranks.min(axis=1), "spread": ranks.std(axis=1)})
    order = order[order["gap"] >= count.max() / 2].sort_values(["gap", "spread"], ascending=False, kind="stable")
    for key in order.index:
        row = ranks.loc[key]
        best, worst = str(row.idxmin()), str(row.idxmax())
        sentence = (
            f"Of {int(count.max())} methods it is number {_place(row[best])} by {best} ({wide.loc[key, best]:.4g}) and "
            f"number {_place(row[worst])} by {worst} ({wide.loc[key, worst]:.4g})."
        )
        yield Case(DISAGREEMENT, *_names(key), sentence)


def _place(rank: float) -> str:
    """A mean rank as it is: of two that share the first place it is 1.5."""
    return f"{rank:g}"


def _worst(wide: pd.DataFrame, metric: str, rule: str, baseline: str) -> Iterator[Case]:
    if metric not in wide:
        return
    values = wide[metric][wide.index.get_level_values("method") != baseline].dropna()
    for key, value in values[values > 0].sort_values(ascending=False, kind="stable").items():
        yield Case(rule, *_names(key), f"Its {metric} is {value:.4g}; the median over all results is "
                                       f"{values.median():.4g}.")  # fmt: skip


def _clipping(wide: pd.DataFrame, baseline: str) -> Iterator[Case]:
    """The share of clipped pixels beyond that of the input, where the input was scored."""
    if not {"clipped_dark", "clipped_bright"} <= set(wide):
        return
    lost = (wide["clipped_dark"] + wide["clipped_bright"]).dropna()
    methods = lost.index.get_level_values("method")
    own = lost[methods == baseline].droplevel("method")
    others = lost[methods != baseline]
    before = others.index.droplevel("method").map(own.to_dict()) if len(own) else np.zeros(len(others))
    beyond = (others - np.asarray(before, dtype=np.float64)).dropna()
    for key, value in beyond[beyond > 0.01].sort_values(ascending=False, kind="stable").items():
        more = " more than in the input" if len(own) else ""
        yield Case(CLIPPED, *_names(key), f"{100 * value:.0f} % of its pixels are pure black or have a channel at its "
                                          f"limit{more}.")  # fmt: skip


def _names(key: object) -> tuple[str, str, str]:
    assert isinstance(key, tuple)
    return str(key[0]), str(key[1]), str(key[2])


def failures_section(material: Material) -> Section | None:
    """The cases with their pictures, rule by rule; and those whose pictures cannot be shown."""
    if not material.failures:
        return None
    shown = gallery_of([one.item for one in material.failures if one.item], limit=len(material.failures), budget=BUDGET)
    shots = {(shot.dataset, shot.image, shot.results[0][0]): shot for shot in shown.shots}
    groups: dict[str, list[dict[str, object]]] = {}
    hidden: list[str] = list(shown.unreadable)
    for one in material.failures:
        key = (one.item.dataset, one.item.image, next(iter(one.item.results), "")) if one.item else None
        if key in shots:
            groups.setdefault(one.rule, []).append({"shot": shots[key], "sentence": one.sentence})
        elif one.item is None:
            hidden.append(f"{one.rule}: {one.sentence} Not shown: {one.why}")
        elif one.item in shown.beyond:
            what = f"{next(iter(one.item.results))} on {one.item.dataset}/{one.item.image}"
            hidden.append(f"{one.rule}: {what}. {one.sentence} Not shown: the page would be too large.")
    lede = "Results that a rule chose from the scores: nobody picked them. Drag to compare with the input."
    return Section("failures", "Failures", "Where it goes wrong", lede, template="failures.html",
                   view={"groups": groups, "hidden": hidden})  # fmt: skip
