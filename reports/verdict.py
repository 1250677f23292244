"""What the scores say, in sentences: who leads on a metric, by how much, and whether the images can tell.

The input itself, where it was scored, is no rival: that doing nothing scores best is said, not crowned.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.comparison import LEVEL, Difference, differences
from bench.stability import has_sets, without_a_set
from bench.statistics import FEWEST_TO_DECIDE
from reports.blocks import Section
from reports.layout import better, decimals
from reports.material import Budget, Material
from reports.tables import Leaderboard, named


@dataclass(frozen=True)
class Verdict:
    """One metric's answer: a headline, the sentence that carries the numbers, and what limits it."""

    metric: str
    direction: str
    headline: str
    sentence: str
    details: tuple[str, ...]
    best: str = ""
    """The method of the best mean, where there are rivals."""
    alike: tuple[str, ...] = ()
    """Those that cannot be told apart from it."""
    idle: bool = False
    """Whether the untouched input has a better mean than every method."""


def verdict_section(material: Material) -> Section:
    """The answer: one sentence for everything, then a card a metric."""
    verdicts = [verdict(board, baseline=material.baseline) for board in material.boards]
    return Section(
        "verdict", "Verdict", "Verdict", template="verdict.html", made=material.made.get("evaluate"),
        view={"verdicts": verdicts, "answers": [*answers(verdicts), *unequal(material.budgets)]},
    )  # fmt: skip


def answers(verdicts: Sequence[Verdict]) -> list[str]:
    """Who wins by which metrics, and where nobody does; one sentence each, nothing for a single metric."""
    scored = [one for one in verdicts if one.best]
    contested = [one for one in scored if not one.idle]
    if len(scored) < 2:
        return []
    idle = [f"By {v.metric} the untouched input is better than every method, so nobody wins by it."
            for v in scored if v.idle]  # fmt: skip
    if not contested:
        return idle
    clear = [one for one in contested if not one.alike]
    leads = {name: [v.metric for v in clear if v.best == name] for name in dict.fromkeys(v.best for v in clear)}
    leads = dict(sorted(leads.items(), key=lambda item: -len(item[1])))
    if len(leads) == 1 and len(clear) == len(contested):
        every = "every other metric" if idle else "every metric"
        return [*idle, f"{clear[0].best} wins by {every}: {named([v.metric for v in clear], most=20)}."]
    if not leads:
        told = ["By no metric does one method stand apart from all others."]
    else:
        told = ["No method wins by every metric."]
        told += [f"{name} wins by {named(metrics, most=20)}." for name, metrics in leads.items()]
    return told + [
        f"By {v.metric}, {v.best} has the best mean but cannot be told apart from {named(v.alike, most=3)}."
        for v in contested if v.alike
    ] + idle  # fmt: skip


def unequal(budgets: Mapping[str, Budget]) -> list[str]:
    """That the learned methods were trained for different lengths, where one saw twice the crops of another.

    Of a method whose trainings did not tell how many they saw (0) nothing is said.
    """
    longest = sorted((name for name in budgets if budgets[name].crops), key=lambda name: -budgets[name].crops)
    if len(longest) < 2 or budgets[longest[0]].crops < 2 * budgets[longest[-1]].crops:
        return []
    told = []
    for name in longest:
        minutes = budgets[name].minutes
        lasted = "" if math.isnan(minutes) else f" in {minutes:.0f} min"
        begun = " (begun from trained weights)" if budgets[name].begun else ""
        crops = f"{budgets[name].crops:,} crop{'' if budgets[name].crops == 1 else 's'}"
        told.append(f"{name} saw {crops}{lasted}{begun}")
    return [
        f"The learned methods were not trained alike: {named(told, most=20)}. Their places are those of these weights, "
        "not of the methods."
    ]


def verdict(board: Leaderboard, *, baseline: str = "") -> Verdict:
    """The words for one leaderboard; a winner is only named where differences are told apart (see bench.comparison)."""
    direction = better(board.lower_is_better)
    ranked = [name for name in board.overall if name != baseline] or list(board.overall)
    if not len(board.values):
        return Verdict(board.metric, direction, "Nothing to compare", " ".join(board.notes), ())
    if not ranked:
        sentence = "No method has a value on every dataset, so there is no mean over all images to compare."
        return Verdict(board.metric, direction, "No overall comparison", sentence, _by_dataset(board, baseline))
    digits = decimals([interval.mean for interval in board.overall.values()])
    best = ranked[0]
    first = f"{best} has a mean of {board.overall[best].mean:.{digits}f} over {_images(len(board.values))}"
    beside = _input(board, ranked, baseline, digits=digits)
    if len(ranked) == 1:
        alone = len(board.methods) == 1
        every = "every dataset that counts" if board.apart else "every dataset"
        everywhere = "was scored besides the input" if beside else f"has values on {every}"
        why = "was scored" if alone else everywhere
        sentence = f"Only {best} {why}, so there is nothing to compare it with; {first}."
        return Verdict(board.metric, direction, "Nothing to compare", sentence,
                       () if alone else (*beside, *_by_dataset(board, baseline)))  # fmt: skip
    every = board.values[list(board.overall)]  # corrected for all that are compared, as every table of differences
    rivals = {d.method: d for d in differences(every, best) if d.method in ranked}
    runner_up, gap = next(iter(rivals.items()))
    alike = [method for method, difference in rivals.items() if not difference.told_apart]
    against = f"{first}, against {board.overall[runner_up].mean:.{digits}f} for {runner_up}"
    sentence = f"{against}. {_told(gap, best, digits=digits)}"
    headline = f"{best} leads" if not alike else _undecided(best, alike, rivals=len(rivals))
    details = [] if len(alike) < 2 else [f"Not told apart from {best} either: {named(alike[1:], most=8)}."]
    if gap.told_apart and alike:
        details = [f"Yet not told apart from {best}: {named(alike, most=8)}."]
    details += [*_not_compared(board, baseline), *beside, *_by_dataset(board, baseline)]
    idle = beside != [] and board.sign * board.overall[baseline].mean < board.sign * board.overall[best].mean
    return Verdict(board.metric, direction, headline, sentence, tuple(details), best, tuple(alike), idle)


def _not_compared(board: Leaderboard, baseline: str) -> list[str]:
    """Which methods, and how many images, have no part in the means over all images."""
    without = [name for name in board.methods if name not in board.overall and name != baseline]
    told = (
        [f"Without a mean over all images, and so without a part in this: {named(without, most=8)}."] if without else []
    )
    shared, asked = (sum(n for s, n in of.items() if s not in board.apart) for of in (board.images, board.asked))
    over = f"Compared are {shared} of {asked} images, those that every method of a set has a value on."
    return [*told, over] if shared < asked else told


def _input(board: Leaderboard, ranked: Sequence[str], baseline: str, *, digits: int) -> list[str]:
    """What the untouched input scores beside the methods."""
    if baseline not in board.overall or baseline in ranked:
        return []
    mean = board.overall[baseline].mean
    worse = sum(board.sign * board.overall[name].mean > board.sign * mean for name in ranked)
    told = f"The untouched input ({baseline}) has {mean:.{digits}f}"
    if worse == len(ranked):
        return [f"{told}, better than every method: by this metric alone, doing nothing wins."]
    apart = [d.interval.mean for d in differences(board.values[[*ranked, baseline]], baseline) if d.told_apart]
    gained = sum(board.sign * gap < 0 for gap in apart)
    clearly = f"told apart from it are {gained} as better and {len(apart) - gained} as worse"
    last = all(board.sign * board.overall[name].mean < board.sign * mean for name in ranked)
    place = f"better than {worse or 'none'} of the {len(ranked)} methods by the mean"
    place = "worse than every method" if last else place
    return [f"{told}, {place}; {clearly}."]


def _told(gap: Difference, best: str, *, digits: int) -> str:
    interval, other = gap.interval, gap.method
    if interval.mean == interval.low == interval.high == 0:
        return f"On {_images(interval.count)} the two have the same values."
    if interval.count == 1:
        return f"One image cannot show a difference between {best} and {other}."
    low, high = sorted((abs(interval.low), abs(interval.high)))
    if gap.told_apart:
        return (
            f"Image by image {best} is ahead by {abs(interval.mean):.{digits}f} on average (95 % interval "
            f"{low:.{digits}f} to {high:.{digits}f}), which excludes zero."
        )
    none = f"On {_images(interval.count)} no difference between {best} and {other} can be shown"
    if interval.count < FEWEST_TO_DECIDE:
        return f"{none}; it takes at least six."
    lead = f"the 95 % interval of {best}'s lead, {_lead(gap, digits=digits)}"
    if not interval.decided:
        why = f"{lead}, includes zero"
    elif not gap.one_way:
        why = f"{best} has the better mean, but by ranks the differences point the other way"
    elif gap.p >= LEVEL:
        why = f"{lead}, excludes zero, but Wilcoxon's signed-rank test sees no shift (p = {gap.p:.2f})"
    else:
        why = (
            f"{lead}, excludes zero, but p = {gap.p:.2g} becomes {gap.corrected:.2g} after Holm's correction for the "
            "number of methods"
        )
    return f"{none}: {why}.{_seen(gap, digits=digits)}"


def _lead(gap: Difference, *, digits: int) -> str:
    """The interval of the lead that the other method does not have, which is positive by its mean."""
    flipped = -1 if gap.interval.mean < 0 else 1
    low, high = sorted((flipped * gap.interval.low, flipped * gap.interval.high))
    return f"{low:+.{digits}f} to {high:+.{digits}f}"


def _seen(gap: Difference, *, digits: int) -> str:
    if math.isnan(gap.detectable):
        return ""
    return (
        f" One paired t test would find a true difference of {gap.detectable:.{digits}f} in four of five such sets of "
        "photographs; among many methods it takes more."
    )


def _undecided(method: str, alike: Sequence[str], *, rivals: int) -> str:
    if len(alike) == 1:
        return f"{method} and {alike[0]} cannot be told apart"
    if len(alike) == rivals:
        return "No method can be told apart from the best"
    return f"{method} has the best mean, {len(alike)} of the {rivals} others cannot be told apart from it"


def _by_dataset(board: Leaderboard, baseline: str) -> tuple[str, ...]:
    sets = [dataset for dataset in board.images if dataset not in board.apart]
    first = {dataset: next((name for name in board.on(dataset) if name != baseline), "") for dataset in sets}
    best = {dataset: method for dataset, method in first.items() if method}
    if len(best) < 2:
        return ()
    leaders = dict.fromkeys(best.values())
    if len(leaders) == 1:
        where = "every dataset" if len(best) == len(board.images) else named(list(best))
        return (f"{next(iter(leaders))} has the best mean on {where}.",)
    lines = [f"{method} on {named([name for name in best if best[name] == method])}" for method in leaders]
    return (f"Best mean, told apart or not: {'; '.join(lines)}.", *_without_a_set(board, leaders, baseline))


def _without_a_set(board: Leaderboard, leaders: Iterable[str], baseline: str) -> tuple[str, ...]:
    """Where the best over all images is on each dataset, if it leads on none; and who it would be without one."""
    rivals = [name for name in board.overall if name != baseline]
    if not rivals:
        return ()
    best, told = rivals[0], []
    if best not in leaders:
        ranks = {name: [n for n in board.on(name) if n != baseline] for name in board.images if name not in board.apart}
        places = [f"{_place(rank.index(best) + 1)} on {name}" for name, rank in ranks.items() if best in rank]
        told.append(f"{best} has the best mean over all images and leads on no dataset: it is {named(places)}.")
    if not has_sets(board.values):
        return tuple(told)
    ranks = without_a_set(board.values[rivals], lower_is_better=board.lower_is_better).drop(columns="all")
    leading = {str(column).removeprefix("without "): str(ranks[column].idxmin()) for column in ranks}
    told += [f"Without {name} the best mean would be {other}'s." for name, other in leading.items() if other != best]
    return tuple(told)


def _place(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"
