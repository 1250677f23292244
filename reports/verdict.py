"""What the scores say, in sentences: who leads on a metric, by how much, and whether the images can tell."""

from dataclasses import dataclass

from bench.statistics import FEWEST_TO_DECIDE, Interval, paired_difference
from reports.layout import better, decimals
from reports.tables import Leaderboard, named


@dataclass(frozen=True)
class Verdict:
    """One metric's answer: a headline, the sentence that carries the numbers, and what limits it."""

    metric: str
    direction: str
    headline: str
    sentence: str
    details: tuple[str, ...]


def verdict(board: Leaderboard) -> Verdict:
    """The words for one leaderboard; a winner is only named where the paired interval excludes zero."""
    direction = better(board.lower_is_better)
    ranked = list(board.overall)
    if not len(board.values):
        return Verdict(board.metric, direction, "Nothing to compare", " ".join(board.notes), ())
    if not ranked:
        sentence = "No method has a value on every dataset, so there is no mean over all images to compare."
        return Verdict(board.metric, direction, "No overall comparison", sentence, _by_dataset(board))
    count = len(board.values)
    digits = decimals([interval.mean for interval in board.overall.values()])
    first = f"{ranked[0]} has a mean of {board.overall[ranked[0]].mean:.{digits}f} over {_images(count)}"
    if len(ranked) == 1:
        alone = len(board.methods) == 1
        why = "was scored" if alone else "has values on every dataset"
        sentence = f"Only {ranked[0]} {why}, so there is nothing to compare it with; {first}."
        return Verdict(board.metric, direction, "Nothing to compare", sentence, () if alone else _by_dataset(board))
    rivals = {method: _difference(board, ranked[0], method) for method in ranked[1:]}
    runner_up, gap = next(iter(rivals.items()))
    alike = [method for method, interval in rivals.items() if not interval.decided]
    against = f"{first}, against {board.overall[runner_up].mean:.{digits}f} for {runner_up}"
    sentence = f"{against}. {_told(gap, ranked[0], runner_up, digits=digits)}"
    headline = f"{ranked[0]} leads" if gap.decided else _undecided(ranked[0], alike, rivals=len(rivals))
    details = [] if len(alike) < 2 else [f"Not told apart from {ranked[0]} either: {named(alike[1:], most=8)}."]
    if gap.decided and alike:
        details = [f"Yet not told apart from {ranked[0]}: {named(alike, most=8)}."]
    return Verdict(board.metric, direction, headline, sentence, (*details, *_by_dataset(board)))


def _difference(board: Leaderboard, method: str, other: str) -> Interval:
    return paired_difference(board.values[method].to_numpy(), board.values[other].to_numpy())


def _told(gap: Interval, method: str, other: str, *, digits: int) -> str:
    if gap.mean == gap.low == gap.high == 0:
        return f"On {_images(gap.count)} the two have the same values."
    if gap.count == 1:
        return f"One image cannot show a difference between {method} and {other}."
    low, high = sorted((abs(gap.low), abs(gap.high)))
    if gap.decided:
        return (
            f"Image by image {method} is ahead by {abs(gap.mean):.{digits}f} on average (95 % interval "
            f"{low:.{digits}f} to {high:.{digits}f}), which excludes zero."
        )
    if gap.count < FEWEST_TO_DECIDE:
        return (
            f"On {_images(gap.count)} no difference between {method} and {other} can be shown; it takes at least six."
        )
    return (
        f"On {_images(gap.count)} no difference between {method} and {other} can be shown: the 95 % interval of the "
        f"paired difference, {gap.low:+.{digits}f} to {gap.high:+.{digits}f}, includes zero."
    )


def _undecided(method: str, alike: list[str], *, rivals: int) -> str:
    if len(alike) == rivals and rivals > 1:
        return "No method can be told apart from the best"
    return f"{method} and {named(alike, most=3)} cannot be told apart"


def _by_dataset(board: Leaderboard) -> tuple[str, ...]:
    if len(board.images) < 2:
        return ()
    best = {dataset: next(iter(board.on(dataset)), "") for dataset in board.images}
    leaders = dict.fromkeys(method for method in best.values() if method)
    if len(leaders) == 1:
        return (f"{next(iter(leaders))} has the best mean on every dataset.",)
    lines = [f"{method} on {named([name for name in best if best[name] == method])}" for method in leaders]
    return (f"Best mean, told apart or not: {'; '.join(lines)}.",) if lines else ()


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"
