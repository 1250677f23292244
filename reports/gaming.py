"""The probes in the report: what blur, noise, sharpening and contrast stretch do to each metric."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bench.errors import BenchError
from bench.statistics import Interval
from reports.layout import Cell, Column, Table, arrow, decimals
from reports.tables import named

NEEDED = ("metric", "probe", "difference", "low", "high", "images", "better")


@dataclass(frozen=True)
class GamingSection:
    """A table of differences, and in words which probes are taken for better."""

    table: Table
    notes: tuple[str, ...]


def gaming_section(effects: pd.DataFrame | None, *, directions: Mapping[str, bool]) -> GamingSection | None:
    """The section of `effects`, as `bench.gaming.effects` gives them; nothing without any. Raises BenchError.

    `directions` says for each of its metrics whether lower is better.
    """
    if effects is None or effects.empty:
        return None
    missing = [column for column in NEEDED if column not in effects]
    if missing:
        raise BenchError(f"The table of probes has no column {', '.join(missing)}: run bench probe again.")
    probes, metrics = list(dict.fromkeys(effects["probe"])), list(dict.fromkeys(effects["metric"]))
    columns, filled = [Column("Probe")], [[Cell(str(probe)) for probe in probes]]
    for metric in metrics:
        part = effects[effects["metric"] == metric].set_index("probe").reindex(probes)
        digits = decimals(list(part["difference"]))
        images = int(part["images"].max())
        columns.append(Column(metric, digits, arrow(directions[metric]), images, images, intervals=True))
        filled.append([
            Cell(Interval(float(row.difference), float(row.low), float(row.high), images)) for row in part.itertuples()
        ])  # fmt: skip
    caption = "Change of each metric when the same photographs are probed; 95 % intervals in brackets"
    notes = []
    for metric in metrics:
        fooled = effects[(effects["metric"] == metric) & effects["better"].astype(bool)]["probe"]
        if len(fooled):
            notes.append(f"{metric} takes for better: {named(list(fooled), most=8)}.")
    return GamingSection(Table(caption, tuple(columns), tuple(zip(*filled, strict=True))), tuple(notes))
