"""A human study in the report: what people prefer, how sure that is, and which metric says the same.

Takes the tables of a study as data (see `bench study rank`), whoever made them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.errors import BenchError
from bench.statistics import Interval
from reports.blocks import Block, Section, plotted
from reports.layout import Cell, Column, Table
from reports.material import Material
from reports.style import INK, MUTED, PAPER, styled
from reports.tables import named
from reports.writers import file_name, printable

WIDTH = 5.2
SHADES = ("#0072b2", "#56b4e9", "#c9ccd1", "#e69f00", "#d55e00")
"""From the best rank to the worst: blue to vermilion of Okabe and Ito's, grey in the middle."""
DARK = ("#0072b2", "#d55e00")
NEEDED = {
    "strengths": ("method", "strength", "low", "high", "wins", "votes"),
    "differences": ("method", "other", "difference", "low", "high", "decided"),
    "ranks": ("method",),
    "observers": ("observer", "repeats", "agreed", "excluded"),
}


def people_section(material: Material) -> Section | None:
    """A block a study."""
    blocks = tuple(study_block(facts, tables, number=number) for number, (facts, tables) in enumerate(material.studies))
    return Section("people", "People", "What people prefer", blocks=blocks) if blocks else None


def study_block(facts: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], *, number: int = 0) -> Block:
    """A study; `facts` has study, dataset, observers, images, votes and notes. Raises BenchError."""
    name = str(facts["study"])
    for table, columns in NEEDED.items():
        if table not in tables or not set(columns) <= set(tables[table].columns):
            raise BenchError(f"The study {name} lacks the table {table} with {', '.join(columns)}: rank it anew.")
    strengths, differences, ranks = tables["strengths"], tables["differences"], tables["ranks"]
    shown = {file_name("study", name, "strengths"): _strengths(strengths, ranks, name)}
    if "agreement" in tables:
        shown[file_name("study", name, "agreement")] = _agreement(tables["agreement"], name)
    figures = {"ranks": rank_figure(ranks), "strengths": strength_figure(strengths)}
    alts = {"ranks": _ranks_in_words(ranks), "strengths": _strengths_in_words(strengths)}
    plots = tuple(
        plotted(figure, stem=file_name("study", name, kind), alt=alts[kind], prefix=f"h{number}{kind[0]}")
        for kind, figure in figures.items()
    )
    where = f" of {facts['dataset']}" if facts.get("dataset") else ""
    lede = (
        f"{facts['observers']} observer{'' if facts['observers'] == 1 else 's'} judged {len(strengths)} methods "
        f"pairwise on {facts['images']} image{'' if facts['images'] == 1 else 's'}{where}: {facts['votes']} votes."
    )
    counted = tables["observers"]
    if facts.get("excluded"):
        counted = counted[counted["excluded"].fillna("") == ""]
    notes = (*_repeats(counted), *map(str, facts["notes"]))
    return Block(f"{name}: {headline(strengths, differences)}", lede, shown, plots, notes)


def rank_figure(ranks: pd.DataFrame) -> Figure:
    """On how many images each method took rank 1, 2, ... (columns `method`, then one a rank), as stacked bars."""
    places = [column for column in ranks.columns if column != "method"]
    counts = ranks[places].to_numpy()
    with styled():
        figure = Figure(figsize=(WIDTH, 1.25 + 0.36 * len(ranks)), layout="constrained")
        axes = figure.subplots()
        start = np.zeros(len(ranks))
        for place, column in enumerate(counts.T):
            shade = _shade(place, len(places))
            look: dict[str, Any] = {"height": 0.68, "color": shade, "edgecolor": PAPER, "linewidth": 1.2}
            bars = axes.barh(range(len(ranks)), column, left=start, label=f"rank {places[place]}", **look)
            labels = [str(int(count)) if count else "" for count in column]
            axes.bar_label(bars, labels=labels, label_type="center", fontsize=9, color=PAPER if shade in DARK else INK)
            start += column
        axes.set_yticks(range(len(ranks)), labels=[printable(str(name), most=24) for name in ranks["method"]])
        axes.set_ylim(len(ranks) - 0.4, -0.6)
        axes.set_xlim(0, max(float(start.max()), 1))
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("Images")
        figure.suptitle("Rank on each image", x=0.015, ha="left", fontsize=10.5, fontweight="bold")
        figure.legend(loc="outside lower left", ncols=5, fontsize=9, handlelength=1.0, columnspacing=1.2)
    return figure


def _shade(place: int, count: int) -> str:
    return SHADES[round(place * (len(SHADES) - 1) / max(count - 1, 1))]


def strength_figure(strengths: pd.DataFrame) -> Figure:
    """Bradley-Terry strengths with their 95 % intervals, strongest on top."""
    with styled():
        figure = Figure(figsize=(WIDTH, 1.1 + 0.36 * len(strengths)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
        for row, method in enumerate(strengths.itertuples()):
            axes.plot([method.low, method.high], [row, row], color=INK, linewidth=2.0)
            axes.plot(method.strength, row, marker="o", markersize=6, color=INK)
        axes.set_yticks(range(len(strengths)), labels=[printable(str(name), most=24) for name in strengths["method"]])
        axes.set_ylim(len(strengths) - 0.4, -0.6)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("Strength, 95 % interval")
        figure.suptitle(
            "Bradley-Terry strength, higher is preferred", x=0.015, ha="left", fontsize=10.5, fontweight="bold"
        )
    return figure


def _strengths(strengths: pd.DataFrame, ranks: pd.DataFrame, name: str) -> Table:
    places = [column for column in ranks.columns if column != "method"]
    counts = ranks.set_index("method")[places]
    means = (counts * [int(place) for place in places]).sum(axis=1) / counts.sum(axis=1)
    columns = (Column("Method"), Column("Strength", 2, "↑", intervals=True), Column("Preferred, %", 1, "↑"),
               Column("Mean rank", 2, "↓"), Column("Votes"))  # fmt: skip
    rows = tuple(
        (Cell(str(row.method)), Cell(Interval(row.strength, row.low, row.high, int(row.votes))), Cell(100 * row.wins),
         Cell(float(means[row.method])), Cell(float(row.votes)))
        for row in strengths.itertuples()
    )  # fmt: skip
    return Table(f"What people prefer in {name}; 95 % intervals over observers and images in brackets", columns, rows)


def _agreement(agreement: pd.DataFrame, name: str) -> Table:
    measures = {"spearman": "Spearman", "kendall": "Kendall", "share": "Votes agreed with"}
    columns = (Column("Metric"), *(Column(title, 2, "↑", intervals=True) for title in measures.values()))
    rows = tuple(
        (Cell(str(row["metric"])), *(
            Cell(Interval(row[kind], row[f"{kind}_low"], row[f"{kind}_high"], int(row["images"]))) for kind in measures
        ))
        for _, row in agreement.iterrows()
    )  # fmt: skip
    return Table(f"How far each metric says what people say in {name}; chance is 0, 0 and 0.5", columns, rows)


def headline(strengths: pd.DataFrame, differences: pd.DataFrame) -> str:
    """Who was preferred, and who cannot be told apart from them, in a sentence."""
    first = str(strengths["method"].iloc[0])
    rivals = differences[differences["method"].astype(str) == first]
    alike = [str(row.other) for row in rivals.itertuples() if not row.decided]
    if not alike:
        return f"People prefer {first}"
    if len(alike) == len(rivals) and len(rivals) > 1:
        return "No method can be told apart from the most preferred"
    return f"{first} is ahead, but not told apart from {named(alike, most=3)}"


def _repeats(observers: pd.DataFrame) -> list[str]:
    shown, alike = int(observers["repeats"].sum()), int(observers["agreed"].sum())
    return [f"Shown again with sides swapped, {alike} of {shown} pairs were judged alike."] if shown else []


def _ranks_in_words(ranks: pd.DataFrame) -> str:
    places = [column for column in ranks.columns if column != "method"]
    told = [f"{row['method']} {', '.join(str(int(row[place])) for place in places)}" for _, row in ranks.iterrows()]
    return f"Images on which each method took rank 1 to {len(places)}: {'; '.join(told)}."


def _strengths_in_words(strengths: pd.DataFrame) -> str:
    told = [
        f"{row.method} {row.strength:.2f}" + (f" ({row.low:.2f} to {row.high:.2f})" if np.isfinite(row.low) else "")
        for row in strengths.itertuples()
    ]
    return f"Bradley-Terry strengths with 95 % intervals: {', '.join(told)}."
