"""How far a ranking can be trusted: over photographs drawn anew, without a set, and from one metric to another."""

from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.stability import drawn_anew, has_sets, metric_agreement, rank_probabilities, without_a_set
from reports.blocks import Block, Plot, Section, plotted
from reports.figures import rows_figure
from reports.layout import Cell, Column, Table
from reports.material import Material
from reports.style import ACCENT, INK, styled
from reports.tables import Leaderboard, named
from reports.writers import file_name

LEDE = (
    "Would other photographs of the same kind give the same order? The photographs of each set are drawn anew, with "
    "repetition, two thousand times; the ranks below are those that 95 % of the draws stay within."
)


def stability_section(material: Material) -> Section | None:
    """A table and a plot a metric, then the agreement of the metrics."""
    blocks = []
    for place, board in enumerate(material.ranked):
        contestants = [name for name in board.overall if name != material.baseline]
        if len(contestants) < 2 or not drawn_anew(board.values):
            continue
        values = board.values[contestants]
        chances = rank_probabilities(values, lower_is_better=board.lower_is_better)
        ranges = rank_ranges(chances)
        plot = _plot(ranges, board, images=len(values), prefix=f"r{place}")
        table = stability_table(board, ranges)
        blocks.append(Block(
            f"{board.metric}: {_first(chances, board.metric)}", tables={file_name("ranks", board.metric): table},
            plots=(plot,), folded=material.folded and place > 0,
        ))  # fmt: skip
    agreement = _agreement(material)
    found = (*blocks, *([agreement] if agreement else []))
    return Section("stability", "Stability", "How stable the ranking is", LEDE, found) if found else None


def rank_ranges(chances: pd.DataFrame) -> pd.DataFrame:
    """Of chances of ranks (methods × 1, 2, ...): columns `usual`, `low`, `high` (the middle 95 %) and `first`."""
    total = chances.cumsum(axis=1)
    low, high = (total > 0.025).idxmax(axis=1), (total >= 0.975 - 1e-9).idxmax(axis=1)
    return pd.DataFrame({"usual": chances.idxmax(axis=1), "low": low, "high": high, "first": chances.iloc[:, 0]})


def stability_table(board: Leaderboard, ranges: pd.DataFrame) -> Table:
    """Rank, range of ranks, chance to be first, and the rank without each set where there are several."""
    columns = [Column("Method"), Column("Rank"), Column("95 % of ranks"), Column("First in, %")]
    ranks = board.values[list(ranges.index)].mean().rank(ascending=board.lower_is_better, method="min")
    filled = [
        [Cell(str(name)) for name in ranges.index],
        [Cell(float(ranks[name])) for name in ranges.index],
        [Cell(_span(int(row["low"]), int(row["high"]))) for _, row in ranges.iterrows()],
        [Cell(100 * float(chance)) for chance in ranges["first"]],
    ]
    notes: list[str] = []
    if has_sets(board.values):  # a set without a value has no image
        without = without_a_set(board.values[list(ranges.index)], lower_is_better=board.lower_is_better)
        for name in [column for column in without if column != "all"]:
            columns.append(Column(f"Rank {name}"))
            filled.append([Cell(float(without.loc[method, name])) for method in ranges.index])
        moved = [str(name) for name, row in without.iterrows() if row.min() != row.max()]
        notes.append(f"Leaving a set out moves {named(moved, most=10)}." if moved else
                     "Leaving any one set out moves no method.")  # fmt: skip
    caption = f"Ranks by {board.metric} when the photographs are drawn anew"
    return Table(caption, tuple(columns), tuple(zip(*filled, strict=True)), tuple(notes))


def rank_figure(ranges: pd.DataFrame, *, metric: str, images: int) -> Figure:
    """The ranks that each method takes in 95 % of the draws as a line, the most frequent one as a point."""
    with styled():
        figure, axes = rows_figure([str(name) for name in ranges.index], title=f"ranks by {metric}", images=images)
        for row, method in enumerate(ranges.itertuples()):
            colour = ACCENT if row == 0 else INK
            axes.plot([method.low, method.high], [row, row], color=colour, linewidth=2.0)
            axes.plot(method.usual, row, marker="D" if row == 0 else "o", markersize=6, color=colour)
        axes.set_xlim(0.5, len(ranges) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        axes.set_xlabel("Rank: the most frequent, and 95 % of the draws")
    return figure


def agreement_table(taus: pd.DataFrame) -> Table:
    """Kendall's tau of each pair of metrics."""
    columns = (Column("Metric"), *(Column(str(name), 2) for name in taus))
    rows = tuple((Cell(str(name)), *(Cell(float(value)) for value in row)) for name, row in taus.iterrows())
    note = "1: the same order. 0: no relation. −1: the reverse. The means are over photographs that all metrics scored."
    return Table("How far two metrics order the methods alike (Kendall's tau)", columns, rows, (note,))


def _agreement(material: Material) -> Block | None:
    contestants = [len(board.overall.keys() - {material.baseline}) for board in material.ranked]
    if len(contestants) < 2 or min(contestants) < 3:
        return None
    frame = material.frame[material.frame["method"] != material.baseline]
    taus = metric_agreement(frame, {board.metric: board.lower_is_better for board in material.ranked})
    pairs = {pair: float(np.asarray(taus.loc[pair])) for pair in combinations(list(taus), 2)}
    pairs = {pair: tau for pair, tau in pairs.items() if np.isfinite(tau)}
    if not pairs:
        return None
    least = min(pairs, key=lambda pair: pairs[pair])
    relation = "contradict each other" if pairs[least] < 0 else "agree least"
    tau = f"{pairs[least]:.2f}".replace("-", "−")
    text = f"{least[0]} and {least[1]} {relation}: tau {tau}."
    return Block("From metric to metric", text, {"metric-agreement": agreement_table(taus)})


def _plot(ranges: pd.DataFrame, board: Leaderboard, *, images: int, prefix: str) -> Plot:
    told = ", ".join(f"{row.Index} {_span(int(row.low), int(row.high))}" for row in ranges.itertuples())
    figure = rank_figure(ranges, metric=board.metric, images=images)
    alt = f"Ranks by {board.metric} in 95 % of the draws: {told}."
    return plotted(figure, stem=file_name("ranks", board.metric), alt=alt, prefix=prefix)


def _first(chances: pd.DataFrame, metric: str) -> str:
    best = chances.iloc[:, 0]
    return f"{best.index[0]} comes first in {100 * best.iloc[0]:.0f} % of the draws"


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
