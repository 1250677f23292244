"""Figures of the score table: how values spread, what the means are worth, how training went.

Each function takes data and returns a matplotlib `Figure`; `reports.style` draws and saves it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bench.statistics import Interval
from reports.layout import better, decimals
from reports.style import ACCENT, DASHES, INK, MARKERS, MUTED, PALETTE, PAPER, styled
from reports.writers import printable

WIDTH = 5.2
FEWEST_FOR_A_BOX = 5
MOST_VECTOR_POINTS = 600
MOST_STEPS = 120


def distributions(values: pd.DataFrame, *, dataset: str, metric: str, lower_is_better: bool) -> Figure:
    """Box and strip plot of `values` (images × methods, no NaN), best mean on top, every image a point.

    The box spans the quartiles, the whiskers 1.5 box lengths; the diamond is the mean.
    """
    means = values.mean().sort_values(ascending=lower_is_better)
    with styled():
        figure, axes = rows_figure(list(means.index), title=f"{metric} on {dataset}", images=len(values))
        for row, method in enumerate(means.index):
            column = values[method].to_numpy()
            jitter = np.random.default_rng(row).uniform(-0.22, 0.22, size=len(column)) if len(column) > 1 else 0.0
            axes.scatter(
                column,
                np.full(len(column), float(row)) + jitter,
                s=9,
                color=MUTED,
                alpha=0.55,
                linewidths=0,
                zorder=2,
                rasterized=values.size > MOST_VECTOR_POINTS,
            )
            if len(column) >= FEWEST_FOR_A_BOX:
                _box(axes, column, row=row, colour=ACCENT if row == 0 else INK)
            axes.plot(means[method], row, marker="D", markersize=5, color=_lead(row), markeredgecolor=PAPER, zorder=4)
        axes.set_xlabel(f"{printable(metric)} ({better(lower_is_better)})")
    return figure


def forest(intervals: Mapping[str, Interval], *, dataset: str, metric: str, lower_is_better: bool) -> Figure:
    """Means with their 95 % intervals, best on top; the dashed line carries the best mean down to the others."""
    sign = 1 if lower_is_better else -1
    ranked = sorted(intervals.items(), key=lambda item: sign * item[1].mean)
    digits = decimals([interval.mean for interval in intervals.values()])
    with styled():
        names, count = [name for name, _ in ranked], ranked[0][1].count
        figure, axes = rows_figure(names, title=f"{metric} on {dataset}", images=count)
        if len(ranked) > 1:
            axes.axvline(ranked[0][1].mean, color=ACCENT, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1)
        for row, (_, interval) in enumerate(ranked):
            if math.isfinite(interval.low):
                axes.plot([interval.low, interval.high], [row, row], color=_lead(row), linewidth=2.0, zorder=2)
            axes.plot(interval.mean, row, marker="D" if row == 0 else "o", markersize=6, color=_lead(row), zorder=3)
            label = f"{interval.mean:.{digits}f}"
            axes.annotate(
                label,
                (1.0, row),
                xycoords=("axes fraction", "data"),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=9.5,
                color=_lead(row),
            )
        axes.set_xlabel(f"Mean {printable(metric)}, 95 % interval ({better(lower_is_better)})")
    return figure


def training_curves(curves: pd.DataFrame) -> Figure:
    """Small multiples, one a loss name, a line a run, from columns run, step, name, value.

    Long runs are averaged over equal stretches of steps, which the axis says. Values that are not finite leave gaps.
    """
    names, runs = list(curves["name"].unique()), list(curves["run"].unique())
    columns = 2 if len(names) == 4 else min(3, len(names))
    rows = math.ceil(len(names) / columns)
    looks = [_look(index) for index in range(len(runs))]
    with styled():
        legend_rows = math.ceil(len(runs) / columns)
        size = (max(WIDTH, 3.1 * columns), 2.2 * rows + 0.25 * legend_rows + 0.3)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, name in zip(grid.flat, names, strict=False):
            part = curves[curves["name"] == name]
            width = _stretch(part)
            for run, look in zip(runs, looks, strict=True):
                _curve(axes, part[part["run"] == run], width=width, look=look)
            axes.set_title(printable(name, most=34))
            axes.set_xlabel("Step" if width == 1 else f"Step (means over {width:g} steps)")
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.grid(axis="y")
        for axes in grid.flat[len(names) :]:
            axes.set_visible(False)
        handles = [
            Line2D(
                [], [], markersize=4.5, label=f" {printable(str(run), most=32)}", **look
            )  # a leading _ would hide it
            for run, look in zip(runs, looks, strict=True)
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=columns, handlelength=3.2)
    return figure


def rows_figure(methods: Sequence[str], *, title: str, images: int) -> tuple[Figure, Axes]:
    """A figure with one labelled row a method, the first on top."""
    figure = Figure(figsize=(WIDTH, 1.1 + 0.28 * len(methods)), layout="constrained")
    axes = figure.subplots()
    labels = [printable(str(method), most=24) for method in methods]
    axes.set_yticks(range(len(methods)), labels=labels)
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.spines["left"].set_visible(False)
    heading = f"{printable(title, most=38)}, {images} image{'' if images == 1 else 's'}"
    figure.suptitle(heading, x=0.015, ha="left", fontsize=10.5, fontweight="bold")
    return figure, axes


def _box(axes: Axes, column: npt.NDArray[np.float64], *, row: int, colour: str) -> None:
    line = {"color": colour, "linewidth": 1.0}
    axes.boxplot(
        column,
        positions=[row],
        orientation="horizontal",
        widths=0.55,
        showfliers=False,  # every image is drawn already
        manage_ticks=False,
        boxprops=line,
        whiskerprops=line,
        capprops=line,
        medianprops={**line, "linewidth": 1.8},
        zorder=3,
    )


def _look(index: int) -> dict[str, Any]:
    """Colour, dash and marker of the n-th run; their periods differ, so that no two of the first 300 are alike."""
    return {
        "color": PALETTE[index % len(PALETTE)],
        "linestyle": DASHES[index % len(DASHES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def _lead(row: int) -> str:
    return ACCENT if row == 0 else INK


def _stretch(part: pd.DataFrame) -> int:
    """How many steps one drawn point stands for, so that the longest run has at most `MOST_STEPS` points."""
    longest = part.groupby("run")["step"].agg(["count", "min", "max"]).sort_values("count").iloc[-1]
    if longest["count"] <= MOST_STEPS:
        return 1
    return int(np.ceil((longest["max"] - longest["min"] + 1) / MOST_STEPS))


def _curve(axes: Axes, part: pd.DataFrame, *, width: int, look: Mapping[str, Any]) -> None:
    if part.empty:
        return
    values = part["value"].where(np.isfinite(part["value"]))
    line = values.groupby((part["step"] // width) * width).mean()
    every = max(1, len(line) // 6)
    axes.plot(line.index, line.to_numpy(), markersize=4, markevery=every, **look)
