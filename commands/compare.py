"""`bench compare`: is the difference real, and could so many photographs have shown one?"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import TrackingUri

if TYPE_CHECKING:
    import pandas as pd

    from bench.comparison import Difference
    from bench.metrics import Metric
    from bench.statistics import Interval
    from reports.tables import Leaderboard


def compare(
    against: Annotated[str, typer.Option(help="The method that the others are compared with.")],
    metric: Annotated[str, typer.Option(help="The metric to compare by.")] = "niqe",
    dataset: Annotated[list[str] | None, typer.Option(help="Only these datasets; repeatable; all that count.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Only these methods; repeatable; all.")] = None,
    csv: Annotated[
        list[Path] | None, typer.Option(help="Score tables to read, instead of MLflow's; newest first.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the differences here, as csv.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Of the demo's runs, else left out.")] = False,
    tracking_uri: TrackingUri = None,
) -> None:
    """Compare methods with one of them, image by image: differences, p values, groups, what could have been seen."""
    from bench.errors import BenchError
    from bench.metrics import get_metric
    from bench.tracking import open_suite
    from commands import kept
    from commands.console import say
    from reports.tables import leaderboard

    chosen = get_metric(metric)
    suite = open_suite(tracking_uri, must_exist=True)
    everything, told = kept.tables_of(suite, [] if csv else kept.evaluations_of(suite, demo=demo), csv or [])
    every = kept.only(everything, "dataset", dataset or [])
    every = kept.only(every, "method", [*method, against] if method else [])
    told, named = kept.in_place(told, everything, every), [*(method or []), against]
    usual, left_out = kept.that_count(suite, every, told, named=named)
    latest, notes = kept.newest(usual)
    scores = latest[latest["metric"] == metric]
    if scores.empty:
        raise BenchError(f"Nothing there was scored by {metric}: run bench evaluate --metric {metric} first.")
    notes = [*kept.in_place([*left_out, *notes], usual, scores), *kept.not_computed_here(scores)]
    board = leaderboard(scores, directions={metric: chosen.lower_is_better}, metric=metric)
    if len(board.overall) < len(board.values.columns):
        notes = [*notes, "Methods without a mean over all images are not compared: --dataset says on which sets to."]
    for note in dict.fromkeys([*notes, *board.notes]):
        say(note)
    if against in board.values and against not in board.overall:
        raise BenchError(f"{against} has no {metric} that can be compared on every dataset: choose with --dataset.")
    found = _show(board, chosen, against)
    _show_stability(board, chosen)
    _show_seeds(kept.of_newest_variants(every[every["metric"] == metric]))
    if out is not None:
        _write(found, out)
        say(f"Differences in {out}.")


def _show(board: "Leaderboard", metric: "Metric", against: str) -> list["Difference"]:
    from bench.comparison import differences, groups
    from bench.stability import overall
    from commands.console import decimals, say, table

    values = board.values[list(board.overall)]
    found = differences(values, against)
    means = overall(values)
    counts = ", ".join(f"{name} {count}" for name, count in board.images.items() if name not in board.apart)
    rows = [[against, f"{board.overall[against].mean:.3f}", f"{means.loc[against, 'by set']:.3f}", *["-"] * 4, ""]]
    rows += [
        [d.method, f"{board.overall[d.method].mean:.3f}", f"{means.loc[d.method, 'by set']:.3f}", bounds(d.interval),
         probability(d.p), probability(d.corrected), decimals(d.detectable), "yes" if d.told_apart else "no"]
        for d in found
    ]  # fmt: skip
    say(f"{metric.name}, {metric.direction}; {len(values)} image{'' if len(values) == 1 else 's'} ({counts}).")
    headings = ("method", "mean", "by set", "difference [95 %]", "p", "p (Holm)", "detectable", "told apart")
    table(headings, rows, title=f"Method minus {against}, image by image", numbers=7)
    say("detectable: the smallest true difference that four of five samples of so many images would show.")
    say("by set: the mean of the sets' means; mean weighs every image the same, as the EnlightenGAN paper does.")
    if not metric.diagnostic:
        for place, group in enumerate(groups(values, lower_is_better=metric.lower_is_better), start=1):
            say(f"Group {place}, not told apart (all pairs, Holm): {', '.join(group)}")
        say("Groups are stretches of the ranking: two methods without a common one need not be told apart.")
    return found


def _show_stability(board: "Leaderboard", metric: "Metric") -> None:
    from bench.stability import drawn_anew, has_sets, rank_probabilities, without_a_set
    from commands.console import say, table

    values = board.values[list(board.overall)]
    if metric.diagnostic or values.shape[1] < 2 or not drawn_anew(values):
        return
    direction = metric.lower_is_better
    chances = rank_probabilities(values, lower_is_better=direction)
    rows = [[str(name), *spread(row), f"{100 * row.iloc[0]:.0f} %"] for name, row in chances.iterrows()]
    table(("method", "rank", "95 % of ranks", "first"), rows, title="Ranks when the images are drawn anew", numbers=3)
    if has_sets(values):  # a set without a value has no image
        ranks = without_a_set(values, lower_is_better=direction)
        moved = [f"{name} ({row['all']}: {row.min()} to {row.max()})" for name, row in ranks.iterrows()
                 if row.min() != row.max()]  # fmt: skip
        say(f"Leaving one set out moves {', '.join(moved) if moved else 'no method'}.")


def _show_seeds(scores: "pd.DataFrame") -> None:
    from bench.stability import seed_variance
    from commands.console import table

    rows = [
        [row.method, row.dataset, str(row.checkpoints), f"{row.mean:.3f}", f"{row.deviation:.3f}", f"{row.range:.3f}"]
        for row in seed_variance(scores.drop_duplicates(["method", "checkpoint", "dataset", "image"])).itertuples()
    ]
    if rows:
        headings = ("method", "dataset", "checkpoints", "mean", "deviation", "range")
        table(headings, rows, title="Between checkpoints of one method", numbers=4)


def spread(chances: "pd.Series") -> tuple[str, str]:
    """The most frequent rank, and the ranks that hold the middle 95 %, from the chances of ranks 1, 2, ..."""
    total = chances.cumsum()
    low, high = int((total > 0.025).idxmax()), int((total >= 0.975 - 1e-9).idxmax())
    return str(chances.idxmax()), str(low) if low == high else f"{low} to {high}"


def bounds(interval: "Interval") -> str:
    """A difference with its interval."""
    from commands.console import bracketed

    return f"{interval.mean:+.3f} {bracketed(interval.low, interval.high, '+.3f')}"


def probability(p: float) -> str:
    """A p value as people print it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _write(found: Sequence["Difference"], path: Path) -> None:
    import pandas as pd

    from bench.scores import write_csv

    rows = [
        {"method": d.method, "difference": d.interval.mean, "low": d.interval.low, "high": d.interval.high,
         "images": d.interval.count, "p": d.p, "p_holm": d.corrected, "detectable": d.detectable,
         "told_apart": d.told_apart}
        for d in found
    ]  # fmt: skip
    write_csv(pd.DataFrame(rows), path)
