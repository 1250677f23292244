"""What a printed table holds, before it becomes csv, Markdown, LaTeX or HTML: columns, cells, marks and notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from bench.statistics import Interval
from reports.tables import Leaderboard

Mark = Literal["", "best", "second"]
MISSING = "–"
BUSY = "Seconds are those of the evaluation, whatever else the machine did meanwhile; bench speed measures them alone."
IN_BRACKETS = "; 95 % intervals in brackets"


@dataclass(frozen=True)
class Column:
    """A header: its name, and how its numbers read."""

    name: str
    digits: int = 0
    arrow: str = ""
    """↓ where lower is better, ↑ where higher is, nothing where neither is asked."""
    images: int | None = None
    asked: int | None = None
    """Over how many images it would be had every method a value for each."""
    intervals: bool = False
    """Whether the interval is printed beside the mean (the csv always has it)."""
    words: bool = False
    """Whether it holds words, which start at the left."""
    least: float | None = None
    """Numbers below are printed as `< least`."""

    @property
    def count(self) -> str:
        """Over how many images, `42` or `42 of 44`."""
        return str(self.images) if self.images == self.asked else f"{self.images} of {self.asked}"

    @property
    def sub(self) -> str:
        """The line under the name: over how many images, or nothing."""
        return "" if self.images is None else f"{self.count} image{'' if self.asked == 1 else 's'}"


@dataclass(frozen=True)
class Cell:
    """One value of a row, and whether it is the best or second of its column."""

    value: str | float | Interval
    mark: Mark = ""

    def text(self, column: Column) -> str:
        """The value as printed: text as it is, numbers with the column's digits, a dash where there is none."""
        if isinstance(self.value, str):
            return self.value
        number = self.value.mean if isinstance(self.value, Interval) else self.value
        if column.least is not None and number < column.least:
            return f"< {column.least:g}"
        return f"{number:.{column.digits}f}" if np.isfinite(number) else MISSING

    def bounds(self, column: Column) -> str:
        """The interval as printed, or nothing."""
        if not (column.intervals and isinstance(self.value, Interval) and np.isfinite(self.value.low)):
            return ""
        return f"[{self.value.low:.{column.digits}f}, {self.value.high:.{column.digits}f}]"


@dataclass(frozen=True)
class Table:
    """A caption, columns, rows of as many cells (the first names the method), and what must be known to read them."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def without_intervals(self) -> "Table":
        """The same with means alone."""
        return replace(
            self,
            caption=self.caption.replace(IN_BRACKETS, ""),
            columns=tuple(replace(column, intervals=False) for column in self.columns),
        )


def decimals(values: Sequence[float]) -> int:
    """Four significant digits of the largest value, between one and four decimals."""
    finite = [abs(value) for value in values if np.isfinite(value)]
    largest = max(finite, default=1.0)
    return 1 if largest >= 100 else 2 if largest >= 20 else 3 if largest >= 1 else 4


def arrow(lower_is_better: bool) -> str:
    """The direction in which a score gets better."""
    return "↓" if lower_is_better else "↑"


def better(lower_is_better: bool) -> str:
    """The direction in words."""
    return "lower is better" if lower_is_better else "higher is better"


def leaderboard_table(board: Leaderboard, *, baseline: str = "") -> Table:
    """Method × dataset means, and all images with their interval where there is more than one dataset.

    The `baseline` is never marked best or second.
    """
    digits = decimals(list(board.means.to_numpy().ravel()))
    per_dataset = {dataset: board.on(dataset) for dataset in board.images}
    columns = [Column("Method")]
    filled: list[list[Cell]] = []
    several = len(per_dataset) > 1
    for dataset, intervals in per_dataset.items():
        counts = (board.images[dataset], board.asked[dataset])
        columns.append(Column(dataset, digits, arrow(board.lower_is_better), *counts, intervals=not several))
        filled.append(marked(board.methods, intervals, digits=digits, sign=board.sign, baseline=baseline))
    if several:
        asked = sum(count for dataset, count in board.asked.items() if dataset not in board.apart)
        direction = arrow(board.lower_is_better)
        columns.append(Column("All images", digits, direction, len(board.values), asked, intervals=True))
        filled.append(marked(board.methods, board.overall, digits=digits, sign=board.sign, baseline=baseline))
    rows = zip([Cell(method) for method in board.methods], *filled, strict=True)
    caption = f"Mean {board.metric} of each method, {better(board.lower_is_better)}{IN_BRACKETS}"
    return Table(caption, tuple(columns), tuple(rows), board.notes)


def dataset_table(dataset: str, *, boards: Sequence[Leaderboard], summary: pd.DataFrame, baseline: str = "") -> Table:
    """One dataset: a column a metric with intervals, then images without a value and seconds, where there are any."""
    measured = [(board, board.on(dataset)) for board in boards if dataset in board.images]
    part = summary[summary["dataset"] == dataset]
    ranked = [method for _, intervals in measured for method in intervals]
    methods = list(dict.fromkeys([*ranked, *part["method"]]))
    columns, filled = [Column("Method")], [[Cell(method) for method in methods]]
    for board, intervals in measured:
        digits = decimals([interval.mean for interval in intervals.values()])
        counts = (board.images[dataset], board.asked[dataset])
        columns.append(Column(board.metric, digits, arrow(board.lower_is_better), *counts, intervals=True))
        filled.append(marked(methods, intervals, digits=digits, sign=board.sign, baseline=baseline))
    if part["errors"].sum():
        errors = part.groupby("method")["errors"].sum()
        columns.append(Column("Missing values"))
        filled.append([Cell(int(errors[method])) for method in methods])
    seconds = part.groupby("method")["seconds"].mean()
    if seconds.notna().any():
        columns.append(Column("Seconds per image", digits=3))
        filled.append([Cell(float(seconds[method])) for method in methods])
    notes = (BUSY,) if seconds.notna().any() else ()
    return Table(f"Methods on {dataset}{IN_BRACKETS}", tuple(columns), tuple(zip(*filled, strict=True)), notes)


def marked(
    methods: Sequence[str], intervals: Mapping[str, Interval], *, digits: int, sign: int, baseline: str = ""
) -> list[Cell]:
    """Cells in the order of `methods`; what prints alike is marked alike, and a lone method beats nobody.

    The `baseline` takes no part.
    """
    printed = {method: round(interval.mean, digits) for method, interval in intervals.items() if method != baseline}
    places = sorted(set(printed.values()), key=lambda value: sign * value)[:2]
    marks: dict[float, Mark] = dict(zip(places, ("best", "second"), strict=False)) if len(places) > 1 else {}
    nothing = Interval(np.nan, np.nan, np.nan, 0)
    return [Cell(intervals.get(m, nothing), marks.get(printed[m], "") if m in printed else "") for m in methods]
