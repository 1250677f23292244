"""What the page is made of: sections of blocks, a block with its tables, plots and notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from reports.layout import Table
from reports.style import svg


@dataclass(frozen=True)
class Plot:
    """One figure: the stem of its files, the drawing, what it shows in words, and the same as inline SVG."""

    stem: str
    figure: Figure
    alt: str
    svg: str
    wide: bool = False
    """Whether it takes the width of the page."""


@dataclass(frozen=True)
class Block:
    """A part of a section: a heading, a sentence, tables by the stem of their files, plots, notes."""

    title: str = ""
    text: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict)
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
    folded: bool = False
    """Whether it is closed until somebody opens it; printed, everything is open."""


@dataclass(frozen=True)
class Made:
    """The command that made what a section shows, in how many runs, and how long they took."""

    command: str
    runs: int
    minutes: float | None = None
    """Of all runs together, by the clock on the wall; None where a run does not tell."""
    noun: str = "run"

    @property
    def counts(self) -> str:
        """`3 runs, 42 minutes in all`, without minutes where they are not known."""
        told = f"{self.runs} {self.noun}{'' if self.runs == 1 else 's'}"
        if self.minutes is None:
            return told
        whole = round(self.minutes)
        lasting = "less than a minute" if whole < 1 else f"{whole:,} minute{'' if whole == 1 else 's'}"
        return f"{told}, {lasting}{' in all' if self.runs > 1 else ''}"


@dataclass(frozen=True)
class Section:
    """A section of the page; `template` renders it from `view` and what is said here."""

    anchor: str
    name: str
    """In the list of contents."""
    title: str
    lede: str = ""
    blocks: tuple[Block, ...] = ()
    template: str = "section.html"
    view: Mapping[str, Any] = field(default_factory=dict)
    sheets: Mapping[str, Figure] = field(default_factory=dict)
    """Figures that are written beside the page and not shown on it."""
    copies: Mapping[str, Path] = field(default_factory=dict)
    """Files to put beside the page, by their path below its folder."""
    on_plots: str = ""
    """How to read the plots, where they are shown."""
    made: Made | None = None

    @property
    def tables(self) -> dict[str, Table]:
        """All tables of the section, by the stem of their files."""
        return {stem: table for block in self.blocks for stem, table in block.tables.items()}

    @property
    def plots(self) -> list[Plot]:
        """All plots of the section."""
        return [plot for block in self.blocks for plot in block.plots]


def plotted(figure: Figure, *, stem: str, alt: str, prefix: str, wide: bool = False) -> Plot:
    """`figure` with its SVG; `prefix` keeps the ids inside apart from those of other plots."""
    return Plot(stem, figure, alt, svg(figure, prefix=prefix), wide)
