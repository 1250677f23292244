"""What the results look like in numbers that are neither good nor bad: brightness, colour, clipping, noise."""

import numpy as np

from reports.blocks import Block, Section
from reports.layout import Cell, Column, Table, decimals
from reports.material import Material

LEDE = (
    "Neither direction is better. They tell why a score is what it is: a method that leaves the picture dark, clips it "
    "or takes its colour away shows here. Means over all photographs that the method was scored on."
)


def diagnostics_section(material: Material) -> Section | None:
    """One table: methods × diagnostics."""
    if material.diagnostics is None or material.diagnostics.empty:
        return None
    table = diagnostics_table(material)
    return Section("diagnostics", "Looks", "What the results look like", LEDE, (Block(tables={"diagnostics": table}),))


def diagnostics_table(material: Material) -> Table:
    """Means of each diagnostic; the methods in the order of the first leaderboard. Shares are in percent."""
    assert material.diagnostics is not None
    frame = material.diagnostics[np.isfinite(material.diagnostics["value"])]
    means = frame.groupby(["method", "metric"], sort=False)["value"].mean().unstack("metric")
    order = [name for board in material.valued[:1] for name in board.methods if name in means.index]
    means = means.loc[[*order, *(name for name in means.index if name not in order)]]
    columns, filled = [Column("Method")], [[Cell(str(name)) for name in means.index]]
    for metric in means:
        share = str(metric).startswith("clipped_")
        values = [float(value) * (100 if share else 1) for value in means[metric]]
        columns.append(Column(f"{metric}, %" if share else str(metric), min(decimals(values), 2)))
        filled.append([Cell(value) for value in values])
    return Table("Diagnostics of each method", tuple(columns), tuple(zip(*filled, strict=True)))
