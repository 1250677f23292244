"""Numbers in print beside ours: what was published, what is measured here, and whether the two can be compared.

The published numbers lie in `published.toml`. A cell agrees when the mean here lies within its tolerance; that another
number of images, other weights or another implementation stand behind it is said instead of a verdict on the number.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from bench.statistics import Interval, mean_interval

FILE = Path(__file__).with_name("published.toml")
ALL = "all"
Verdict = Literal["agrees", "differs", "not comparable"]


class PublishedRow(BaseModel):
    """A method's row: its label in print, our method of that kind ("" without one), and its values by dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    label: str
    method: str = ""
    source: str = ""
    tolerance: float | None = None
    images: dict[str, int] = {}
    """Like the tolerance, where they differ from the table's."""
    values: dict[str, float]


class PublishedTable(BaseModel):
    """A table: where it is from, by which of our metrics, over how many images of each dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    citation: str
    metric: str
    images: dict[str, int]
    tolerance: float = 0.01
    note: str = ""
    rows: tuple[PublishedRow, ...]


@dataclass(frozen=True)
class Cell:
    """One published value; `dataset` may be `all`, a mean over the images of all sets of the table."""

    table: str
    metric: str
    label: str
    method: str
    dataset: str
    published: float
    tolerance: float
    images: Mapping[str, int]
    """By dataset; of several for `all`."""


@dataclass(frozen=True)
class Outcome:
    """A cell beside ours: `measured` is None where nothing could be measured, `why` is empty where it is comparable."""

    cell: Cell
    measured: Interval | None
    verdict: Verdict
    why: str = ""

    @property
    def said(self) -> str:
        """The verdict with its reason."""
        return f"{self.verdict}: {self.why}" if self.why else self.verdict


@cache
def published_tables() -> tuple[PublishedTable, ...]:
    """What is in print, in the order of the file."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(PublishedTable.model_validate(table) for table in found["tables"])


def cells(table: PublishedTable) -> list[Cell]:
    """The cells of a table, row by row."""
    found = []
    for row in table.rows:
        counts = table.images | row.images
        tolerance = table.tolerance if row.tolerance is None else row.tolerance
        for dataset, value in row.values.items():
            images = table.images if dataset == ALL else {dataset: counts[dataset]}
            found.append(
                Cell(table.name, table.metric, row.label, row.method, dataset, value, tolerance, images)
            )  # fmt: skip
    return found


def judge(
    cell: Cell, scores: pd.DataFrame, *, absent: Mapping[str, str] | None = None, other: Mapping[str, str] | None = None
) -> Outcome:
    """The cell beside the score table's mean of its method.

    `absent` says of a dataset why it is not here; `other` of a method in what it differs from the one in print, or
    why it could not be run. Images without a value make a cell that stands for fewer images, hence not comparable.
    """
    reason = (other or {}).get(cell.method, "") if cell.method else "there is no such method here"
    away = [(absent or {})[name] for name in cell.images if name in (absent or {})]
    rows = scores[
        (scores["method"] == cell.method)
        & (scores["metric"] == cell.metric)
        & scores["dataset"].isin(list(cell.images))
        & np.isfinite(scores["value"])
    ]
    if away or rows.empty:
        why = "; ".join([*([reason] if reason else []), *(said.rstrip(".") for said in away)]) or "it was not evaluated"
        return Outcome(cell, None, "not comparable", why)
    measured = mean_interval(rows["value"].to_numpy())
    counts = {str(name): int(count) for name, count in rows.groupby("dataset").size().items()}
    if counts != dict(cell.images):
        there = sum(cell.images.values())
        reason = reason or f"it stands for {there} image{'' if there == 1 else 's'}"
    if reason:
        return Outcome(cell, measured, "not comparable", reason)
    near = abs(measured.mean - cell.published) <= cell.tolerance
    return Outcome(cell, measured, "agrees" if near else "differs")
