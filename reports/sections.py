"""What each section of the page shows, computed from the score table: plots, missing rows, cards, the opening line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.figures import distributions, forest, training_curves
from reports.layout import Table, better, dataset_table, decimals
from reports.style import svg
from reports.tables import Leaderboard, named
from reports.writers import file_name


@dataclass(frozen=True)
class Plot:
    """One figure: the stem of its files, the drawing, what it shows in words, and the same as inline SVG."""

    stem: str
    figure: Figure
    alt: str
    svg: str


@dataclass(frozen=True)
class DatasetSection:
    """Everything about one dataset."""

    name: str
    table: Table
    plots: tuple[Plot, ...]


@dataclass(frozen=True)
class MissingRow:
    """Rows of the score table that lack a value for one reason."""

    method: str
    dataset: str
    metrics: str
    images: str
    why: str


def dataset_sections(boards: Sequence[Leaderboard], *, summary: pd.DataFrame) -> list[DatasetSection]:
    """One a dataset that any metric was asked for on, in the order of the score table."""
    sections: list[DatasetSection] = []
    for number, dataset in enumerate(dict.fromkeys(name for board in boards for name in board.images)):
        table = dataset_table(dataset, boards=boards, summary=summary)
        plots = [
            plot
            for place, board in enumerate(boards)
            if dataset in board.images
            for plot in _plots(board, dataset=dataset, prefix=f"d{number}m{place}")
        ]
        sections.append(DatasetSection(dataset, table, tuple(plots)))
    return sections


def training_plot(curves: pd.DataFrame | None) -> Plot | None:
    """The training curves, or nothing when no run logged a finite value."""
    if curves is None or not np.isfinite(curves["value"]).any():
        return None
    runs, names = curves["run"].unique(), curves["name"].unique()
    figure = training_curves(curves)
    alt = f"Training curves of {named(runs, most=8)}: {named(names, most=12)} by step."
    return Plot("training", figure, alt, svg(figure, prefix="t"))


def missing_rows(scores: pd.DataFrame) -> list[MissingRow]:
    """The rows without a finite value, grouped by method, dataset and reason."""
    lacking = scores[~np.isfinite(scores["value"])]
    unexplained = "The metric gave " + lacking["value"].astype(str) + "."
    lacking = lacking.assign(why=lacking["error"].where(lacking["error"] != "", unexplained))
    return [
        MissingRow(method, dataset, named(group["metric"].unique()), named(group["image"].unique(), most=4), why)
        for (method, dataset, why), group in lacking.groupby(["method", "dataset", "why"], sort=False)
    ]


def method_cards(
    cards: Mapping[str, Mapping[str, str]], *, methods: Sequence[str]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The cards of the methods that were scored, without empty entries."""
    filled = [
        (method, [(key, str(value)) for key, value in cards.get(method, {}).items() if value]) for method in methods
    ]
    return [(method, entries) for method, entries in filled if entries]


def scope(scores: pd.DataFrame) -> str:
    """The opening line: how much was compared."""
    images = len(scores.drop_duplicates(["dataset", "image"]))
    counts = [
        (scores["method"].nunique(), "method"),
        (scores["dataset"].nunique(), "dataset"),
        (images, "photograph"),
        (scores["metric"].nunique(), "metric"),
    ]
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts) + "."


def _plots(board: Leaderboard, *, dataset: str, prefix: str) -> Iterator[Plot]:
    intervals = board.on(dataset)
    if not intervals:
        return
    labels = {"dataset": dataset, "metric": board.metric}
    digits = decimals([interval.mean for interval in intervals.values()])
    means = ", ".join(f"{method} {interval.mean:.{digits}f}" for method, interval in intervals.items())
    spread = distributions(board.values.loc[dataset][list(intervals)], **labels, lower_is_better=board.lower_is_better)
    alt = f"{board.metric} of every image of {dataset} by method, {better(board.lower_is_better)}. Means: {means}."
    stem = file_name(dataset, board.metric, "distribution")
    yield Plot(stem, spread, alt, svg(spread, prefix=f"{prefix}s"))
    dots = forest(intervals, **labels, lower_is_better=board.lower_is_better)
    bounds = [
        f"{method} {interval.low:.{digits}f} to {interval.high:.{digits}f}"
        for method, interval in intervals.items()
        if np.isfinite(interval.low)
    ]
    alt = f"Mean {board.metric} on {dataset} with 95 % intervals: {', '.join(bounds) or 'one image, none'}."
    yield Plot(file_name(dataset, board.metric, "means"), dots, alt, svg(dots, prefix=f"{prefix}f"))
