"""The sections that come straight from the score table: leaderboards, datasets, training, methods, what is missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from bench.stability import RESAMPLES, mean_ranks
from reports.ablations import cost_table
from reports.blocks import Block, Plot, Section, plotted
from reports.figures import distributions, forest, training_curves
from reports.layout import (
    IN_BRACKETS,
    Cell,
    Column,
    Table,
    arrow,
    better,
    dataset_table,
    decimals,
    leaderboard_table,
    marked,
)
from reports.material import Material
from reports.tables import Leaderboard, named
from reports.writers import file_name

MOST_REASONS = 100
ON_PLOTS = (
    "Two plots a metric: every image as a point, with boxes over the quartiles and diamonds at the means; then the "
    "means with their 95 % intervals, and the best mean as a dashed line."
)


@dataclass(frozen=True)
class MissingRow:
    """Rows of the score table that lack a value for one reason."""

    method: str
    dataset: str
    metrics: str
    images: str
    why: str


def leaderboard_section(material: Material) -> Section | None:
    """All metrics at a glance where there are several, then a table a metric."""
    blocks = [
        Block(f"{board.metric}, {better(board.lower_is_better)}", folded=material.folded,
              tables={file_name("leaderboard", board.metric): leaderboard_table(board, baseline=material.baseline)})
        for board in material.valued
    ]  # fmt: skip
    if len(material.ranked) > 1:
        blocks.insert(0, Block("All metrics at a glance", tables={"overview": overview_table(material)}))
    lede = Markup("")
    if material.frame["method"].nunique() > 1:
        lede = Markup('Best first, the best <span class="best">bold</span>, the second '
                      '<span class="second">underlined</span>.')  # fmt: skip
        several = any(len(board.images) > 1 for board in material.valued)
        lede += " “All images” weighs every photograph equally." if several else ""
        lede += f" {material.baseline} is the input itself and takes no place." if _has_baseline(material) else ""
    return Section("leaderboard", "Leaderboard", "Leaderboard", lede, blocks=tuple(blocks),
                   made=material.made.get("evaluate")) if blocks else None  # fmt: skip


def overview_table(material: Material) -> Table:
    """Method × metric means over all images, by the mean of the ranks; the input itself comes last, without one."""
    boards = material.ranked
    methods = list(dict.fromkeys(name for board in boards for name in board.overall))
    without = [board.values[[name for name in board.overall if name != material.baseline]] for board in boards]
    ranks = mean_ranks([(part, board.lower_is_better) for part, board in zip(without, boards, strict=True)])
    rest = [name for name in methods if name not in ranks]
    order = [*ranks, *sorted(rest, key=lambda name: name == material.baseline)]
    columns = [Column("Method"), Column("Mean rank", 1, "↓", intervals=True)]
    filled = [[Cell(name) for name in order], [Cell(ranks.get(name, np.nan)) for name in order]]
    for board in boards:
        digits = decimals([interval.mean for interval in board.overall.values()])
        columns.append(Column(board.metric, digits, arrow(board.lower_is_better), len(board.values), len(board.values)))
        filled.append(marked(order, board.overall, digits=digits, sign=board.sign, baseline=material.baseline))
    notes = ["The mean rank weighs all metrics alike, and metrics that measure nearly the same count twice."]
    if len({frozenset(part) for part in without}) > 1:
        notes.append("By each metric a rank is among all methods that it scored, and these are not the same for all.")
    drawn = any(not np.isnan(rank.low) for rank in ranks.values())
    if drawn:
        notes.append(f"A mean rank's interval is what it stays within in 95 % of {RESAMPLES:,} new draws of the "
                     "images, the same draw for all metrics.")  # fmt: skip
    caption = f"Means over all images by metric; methods by their mean rank{IN_BRACKETS if drawn else ''}"
    return Table(caption, tuple(columns), tuple(zip(*filled, strict=True)), tuple(notes))


def datasets_section(material: Material) -> Section | None:
    """A table a dataset that any metric was asked for on, then its plots."""
    blocks: list[Block] = []
    names = list(dict.fromkeys(name for board in material.boards for name in board.images)) if material.valued else []
    measured = material.measured.assign(seconds=np.nan) if material.timed else material.measured
    for number, dataset in enumerate(names):
        table = dataset_table(dataset, boards=material.boards, summary=measured, baseline=material.baseline)
        plots = {board.metric: tuple(_plots(board, dataset=dataset, prefix=f"d{number}m{place}"))
                 for place, board in enumerate(material.boards) if dataset in board.images}  # fmt: skip
        drawn = {metric: found for metric, found in plots.items() if found}
        together = tuple(plot for found in drawn.values() for plot in found)
        blocks.append(Block(dataset, tables={file_name("dataset", dataset): table},
                            plots=() if material.folded else together))  # fmt: skip
        if material.folded:
            blocks += [
                Block(f"{metric} on {dataset}: every image, and the means", plots=found, folded=True)
                for metric, found in drawn.items()
            ]
    return Section("datasets", "Datasets", "Dataset by dataset", on_plots=ON_PLOTS, blocks=tuple(blocks),
                   made=material.made.get("evaluate")) if blocks else None  # fmt: skip


def training_section(material: Material) -> Section | None:
    """The curves of the runs whose weights were scored, and what they cost."""
    plot = training_plot(material.curves)
    tables = {"training-cost": cost_table(material.training_costs)} if material.training_costs else {}
    if plot is None and not tables:
        return None
    return Section("training", "Training", "Training", made=material.made.get("train"),
                   blocks=(Block(tables=tables, plots=(plot,) if plot else ()),))  # fmt: skip


def training_plot(curves: pd.DataFrame | None) -> Plot | None:
    """The training curves, or nothing when no run logged a finite value."""
    if curves is None or not np.isfinite(curves["value"]).any():
        return None
    runs, names = curves["run"].unique(), curves["name"].unique()
    alt = f"Training curves of {named(runs, most=8)}: {named(names, most=12)} by step."
    return plotted(training_curves(curves), stem="training", alt=alt, prefix="t", wide=True)


def methods_section(material: Material) -> Section | None:
    """The cards of the methods that were scored."""
    cards = method_cards(material.cards, methods=list(material.scores["method"].unique()))
    view = {"cards": cards}
    return Section("methods", "Methods", "Methods", template="methods.html", view=view) if cards else None


def missing_section(material: Material) -> Section | None:
    """The rows without a value, by reason."""
    rows = missing_rows(material.frame)
    count = int((~np.isfinite(material.frame["value"])).sum())
    view = {"rows": rows[:MOST_REASONS], "left_out": len(rows[MOST_REASONS:]), "count": count}
    return Section("missing", "Missing values", "Missing values", template="missing.html", view=view) if rows else None


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


def _has_baseline(material: Material) -> bool:
    return bool(material.baseline) and material.baseline in set(material.frame["method"])


def _plots(board: Leaderboard, *, dataset: str, prefix: str) -> Iterator[Plot]:
    intervals = board.on(dataset)
    if not intervals:
        return
    labels = {"dataset": dataset, "metric": board.metric}
    digits = decimals([interval.mean for interval in intervals.values()])
    means = ", ".join(f"{method} {interval.mean:.{digits}f}" for method, interval in intervals.items())
    spread = distributions(board.shared.loc[dataset][list(intervals)], **labels, lower_is_better=board.lower_is_better)
    alt = f"{board.metric} of every image of {dataset} by method, {better(board.lower_is_better)}. Means: {means}."
    yield plotted(spread, stem=file_name(dataset, board.metric, "distribution"), alt=alt, prefix=f"{prefix}s")
    dots = forest(intervals, **labels, lower_is_better=board.lower_is_better)
    bounds = [
        f"{method} {interval.low:.{digits}f} to {interval.high:.{digits}f}"
        for method, interval in intervals.items()
        if np.isfinite(interval.low)
    ]
    alt = f"Mean {board.metric} on {dataset} with 95 % intervals: {', '.join(bounds) or 'one image, none'}."
    yield plotted(dots, stem=file_name(dataset, board.metric, "means"), alt=alt, prefix=f"{prefix}f")
