"""The probes in the report: what blur, noise, sharpening and contrast stretch do to each metric."""

from collections.abc import Mapping

import pandas as pd

from bench.errors import BenchError
from bench.statistics import Interval
from reports.blocks import Block, Section
from reports.layout import Cell, Column, Table, arrow, decimals
from reports.material import Material
from reports.tables import named

NEEDED = ("metric", "probe", "difference", "low", "high", "images", "better")


LEDE = (
    "The same photographs, blurred, with noise, sharpened or stretched: none of it shows more than was there. A "
    "difference between methods that is no larger than these is no progress by itself."
)


def gaming_section(material: Material) -> Section | None:
    """The effects of the probes; nothing without any. Raises BenchError for a table that is none."""
    if material.gaming is None or material.gaming[0].empty:
        return None
    effects, directions, probed = material.gaming
    table, notes = gaming_table(effects, directions=directions, probed=probed)
    return Section("probes", "Probes", "What moves the scores", LEDE, (Block(tables={"probes": table}, notes=notes),))


def gaming_table(
    effects: pd.DataFrame, *, directions: Mapping[str, bool | None], probed: str
) -> tuple[Table, tuple[str, ...]]:
    """`effects`, as `bench.gaming.effects` gives them, as a table; and in words which probes are taken for better.

    `directions` says for each of its metrics whether lower is better, None for a diagnostic. Raises BenchError.
    """
    missing = [column for column in NEEDED if column not in effects]
    if missing:
        raise BenchError(f"The table of probes has no column {', '.join(missing)}: run bench probe again.")
    probes, metrics = list(dict.fromkeys(effects["probe"])), list(dict.fromkeys(effects["metric"]))
    columns, filled = [Column("Probe")], [[Cell(str(probe)) for probe in probes]]
    for metric in metrics:
        part = effects[effects["metric"] == metric].set_index("probe").reindex(probes)
        digits = decimals(list(part["difference"]))
        images, lower = int(part["images"].max()), directions[metric]
        direction = "" if lower is None else arrow(lower)
        columns.append(Column(metric, digits, direction, images, images, intervals=True))
        filled.append([
            Cell(Interval(float(row.difference), float(row.low), float(row.high), images)) for row in part.itertuples()
        ])  # fmt: skip
    caption = f"Change of each metric when probed: {probed}, the same photographs; 95 % intervals in brackets"
    notes = []
    for metric in metrics:
        fooled = effects[(effects["metric"] == metric) & effects["better"].astype(bool)]["probe"]
        if len(fooled) and directions[metric] is not None:
            notes.append(f"{metric} takes for better: {named(list(fooled), most=8)}.")
    return Table(caption, tuple(columns), tuple(zip(*filled, strict=True))), tuple(notes)
