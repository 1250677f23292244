"""Cost against quality: what a better score takes in seconds, from `bench speed`."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from matplotlib.transforms import BboxBase

from bench.errors import BenchError
from reports.blocks import Block, Section, plotted
from reports.layout import Cell, Column, Table, arrow, better, decimals, marked
from reports.material import Material
from reports.style import ACCENT, INK, MUTED, PAPER, styled
from reports.tables import Leaderboard, named
from reports.writers import file_name, printable

NEEDED = ("method", "width", "height", "seconds", "macs", "parameters", "peak_mib", "device")
MOST_LABELS = 14
LEDE = "Seconds for one picture as bench speed measured them, against the mean score over all images."
ON_PLOTS = "Filled diamonds on the line are worth a look: no other method is both as fast and better."


def cost_section(material: Material) -> Section | None:
    """A block for each device and size that was timed. Raises BenchError for a table that is none."""
    speed = material.speed
    if speed is None or speed.empty:
        return None
    missing = [name for name in NEEDED if name not in speed]
    if missing:
        raise BenchError(f"The table of times has no column {', '.join(missing)}: run bench speed again.")
    blocks = []
    for number, ((device, width, height), part) in enumerate(speed.groupby(["device", "width", "height"], sort=False)):
        size, rows = f"{width} × {height}", part.drop_duplicates("method").sort_values("seconds")
        timed = dict(zip(rows["method"].astype(str), rows["seconds"].astype(float), strict=True))
        worth, plots = {}, []
        for place, board in enumerate(material.ranked):
            both = {name: (timed[name], board.overall[name].mean) for name in timed
                    if name in board.overall and name != material.baseline}  # fmt: skip
            if len(both) < 2:
                continue
            worth[board.metric] = front(both, lower_is_better=board.lower_is_better), len(both)
            figure = trade_off(both, board, size=size)
            plots.append(plotted(figure, stem=file_name("cost", board.metric, f"{width}x{height}-{number}"),
                                 alt=_in_words(both, board, size), prefix=f"c{number}m{place}"))  # fmt: skip
        stem = file_name("speed", f"{width}x{height}-{number}")
        notes = (*_worth(worth), *_untimed(material, timed))
        table = speed_table(rows, material.ranked, baseline=material.baseline)
        blocks.append(Block(f"{size} pixels", f"On {device}.", {stem: table}, tuple(plots), notes))
    return Section("cost", "Cost", "Cost against quality", LEDE, tuple(blocks), on_plots=ON_PLOTS,
                   made=material.made.get("speed"))  # fmt: skip


def front(points: Mapping[str, tuple[float, float]], *, lower_is_better: bool) -> list[str]:
    """Of methods with (seconds, score): those that none is both as fast and better, or faster and as good; by time."""
    sign = 1 if lower_is_better else -1
    kept: list[str] = []
    for name, (_, score) in sorted(points.items(), key=lambda item: (item[1][0], sign * item[1][1])):
        if not kept or sign * score < sign * points[kept[-1]][1]:
            kept.append(name)
    return kept


def speed_table(rows: pd.DataFrame, boards: Sequence[Leaderboard] = (), *, baseline: str = "") -> Table:
    """Seconds, mean scores, operations, parameters and memory of each method, fastest first."""
    methods = [str(method) for method in rows["method"]]
    columns, filled = [Column("Method"), Column("Seconds", 4)], [[Cell(name) for name in methods], _cells(rows.seconds)]
    for board in boards:
        digits = decimals([interval.mean for interval in board.overall.values()])
        columns.append(Column(board.metric, digits, arrow(board.lower_is_better), len(board.values), len(board.values)))
        known = {name: interval for name, interval in board.overall.items() if name in methods}
        filled.append(marked(methods, known, digits=digits, sign=board.sign, baseline=baseline))
    columns += [Column("10⁹ multiply-accumulates", 2), Column("Parameters"), Column("Peak memory beyond rest, MiB")]
    filled += [_cells(rows.macs / 1e9), _cells(rows.parameters), _cells(rows.peak_mib)]
    notes = (
        "Multiply-accumulates are those of neural networks; a dash means that the method has none, or was not told.",
        "Memory is what one call needs at its peak beyond what was there before it.",
    )
    caption = "What one picture takes, the median of several calls"
    return Table(caption, tuple(columns), tuple(zip(*filled, strict=True)), notes)


def _cells(numbers: pd.Series) -> list[Cell]:
    return [Cell(float(number)) for number in numbers]


def trade_off(points: Mapping[str, tuple[float, float]], board: Leaderboard, *, size: str) -> Figure:
    """Seconds (logarithmic) against the mean score; better is up whatever the metric's direction."""
    worth = front(points, lower_is_better=board.lower_is_better)
    with styled():
        figure = Figure(figsize=(5.2, 3.9), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(True, axis="both")
        axes.step(*zip(*(points[name] for name in worth), strict=True), where="post", color=ACCENT, linewidth=1.0)
        for name, (seconds, score) in points.items():
            look: dict[str, Any] = {"marker": "D", "color": ACCENT} if name in worth else {"marker": "o", "color": INK}
            face = ACCENT if name in worth else PAPER
            axes.plot(seconds, score, linestyle="", markersize=6, markerfacecolor=face, zorder=3, **look)
        if board.lower_is_better:
            axes.invert_yaxis()
        axes.margins(x=0.1, y=0.12)
        shown = [name for name in points if name in worth or len(points) <= MOST_LABELS]
        _label(axes, {name: points[name] for name in shown}, worth)
        axes.set_xlabel(f"Seconds for one picture of {size}")
        axes.set_ylabel(f"Mean {printable(board.metric)} ({better(board.lower_is_better)}, better is up)")
        title = f"{printable(board.metric, most=24)} against time"
        figure.suptitle(title, x=0.015, ha="left", fontsize=10.5, fontweight="bold")
    return figure


def _label(axes: Axes, points: Mapping[str, tuple[float, float]], worth: list[str]) -> None:
    """Names above or below their points; one that would cover another is left to the table."""
    axes.figure.canvas.draw()
    written: list[BboxBase] = []
    for name in sorted(points, key=lambda name: (name not in worth, points[name])):
        across = axes.transAxes.inverted().transform(axes.transData.transform(points[name]))[0]
        side = "left" if across < 0.3 else "right" if across > 0.7 else "center"
        shift = {"left": -4.0, "right": 4.0, "center": 0.0}[side]
        for lift in (9.0, -9.0):
            text = axes.annotate(
                printable(name, most=24), points[name], xytext=(shift, lift), textcoords="offset points", ha=side,
                va="center", fontsize=8.5, color=ACCENT if name in worth else MUTED, zorder=4,
            )  # fmt: skip
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in written):
                written.append(box)
                break
            text.remove()


def _worth(found: Mapping[str, tuple[list[str], int]]) -> tuple[str, ...]:
    """Which methods are on the front, by metric."""
    return tuple(
        f"By {metric}, of the {timed} methods timed, {'these are' if len(names) > 1 else 'this one is'} on the front "
        f"of time and mean{', fastest first' if len(names) > 1 else ''} (no other is both as fast and better): "
        f"{named(names, most=12)}."
        for metric, (names, timed) in found.items()
    )


def _untimed(material: Material, timed: Mapping[str, float]) -> tuple[str, ...]:
    """Which ranked methods have no time here."""
    lacking = dict.fromkeys(name for board in material.ranked for name in board.overall if name not in timed)
    return (f"Not timed: {named(list(lacking), most=12)}.",) if lacking else ()


def _in_words(points: Mapping[str, tuple[float, float]], board: Leaderboard, size: str) -> str:
    told = ", ".join(f"{name} {seconds:.3g} s and {score:.4g}" for name, (seconds, score) in points.items())
    return f"Seconds for one picture of {size} against mean {board.metric}, {better(board.lower_is_better)}: {told}."
