"""What a report is written from. Everything but the scores may be missing, and then has no section."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from reports.ablations import Effect
from reports.blocks import Made
from reports.layout import Table
from reports.pictures import GalleryItem
from reports.tables import Leaderboard, checked, leaderboard, summary

Studies = Sequence[tuple[Mapping[str, Any], Mapping[str, pd.DataFrame]]]


@dataclass(frozen=True)
class Adaptation:
    """A training on another domain: its run, the rule that chose the photographs, and scores on those held out."""

    name: str
    rule: str
    origin: str
    """`from scratch` or `from a checkpoint`."""
    data: str
    scores: pd.DataFrame
    directions: Mapping[str, bool]
    """Whether lower is better, of each metric in `scores`."""


@dataclass(frozen=True)
class Budget:
    """What the trainings of one method's weights took together, with those that they began from."""

    crops: int
    """Inputs shown; 0 where they are not known."""
    minutes: float
    """NaN where they are not known."""
    begun: bool
    """Whether the first of them began from weights whose own training is not among them."""


@dataclass(frozen=True)
class Failure:
    """A photograph that a rule chose (see `reports.failures`), with its pictures or why they cannot be shown."""

    rule: str
    sentence: str
    item: GalleryItem | None
    why: str = ""


@dataclass(frozen=True)
class Material:
    """A score table and what belongs to it; `directions` says for each metric whether lower is better."""

    scores: pd.DataFrame
    directions: Mapping[str, bool]
    title: str = "Low-light image enhancement, compared"
    cards: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By method: title, year, family, paper, licence, trust."""
    baseline: str = ""
    """The method that leaves a picture as it is: shown everywhere, but it neither wins nor loses."""
    against: str = ""
    """The method that all are compared with; else the best of each metric."""
    gallery: Sequence[GalleryItem] = ()
    gallery_limit: int = 12
    full_size: bool = False
    """Whether the gallery's pictures are put beside the page in full size."""
    intervals: bool = True
    """Whether Markdown and LaTeX tables print them; the page and the csv always do."""
    failures: Sequence[Failure] = ()
    speed: pd.DataFrame | None = None
    """As `bench speed` writes it."""
    seeds: pd.DataFrame | None = None
    """Score table of trainings that differ in nothing but the seed."""
    diagnostics: pd.DataFrame | None = None
    """Score table of metrics without a better direction."""
    adaptations: Sequence[Adaptation] = ()
    curves: pd.DataFrame | None = None
    """Columns run, step, name, value."""
    training_costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """How long each learned method was trained here."""
    ablations: Sequence[Effect] = ()
    studies: Studies = ()
    """Facts and tables of human studies (see `reports.study`)."""
    gaming: tuple[pd.DataFrame, Mapping[str, bool | None], str] | None = None
    """Effects of probes, the directions of their metrics (see `reports.gaming`), and what was probed, in words."""
    published: Sequence[tuple[str, Table]] = ()
    """Numbers in print beside ours, with the stems of their files."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Table] = field(default_factory=dict)
    """Tables of datasets, weights and metrics, by the stem of their files."""
    made: Mapping[str, Made] = field(default_factory=dict)
    """How scores, times and trainings were made: evaluate, speed, reproduce, ablations, seeds, adapt, train."""
    notes: Sequence[str] = ()

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The scores, checked (see `reports.tables.checked`, which raises BenchError)."""
        return checked(self.scores, directions=self.directions)

    @cached_property
    def boards(self) -> list[Leaderboard]:
        """A leaderboard for each metric that has rows, in the order of the directions."""
        present = set(self.frame["metric"])
        return [
            leaderboard(self.scores, directions=self.directions, metric=metric)
            for metric in self.directions
            if metric in present
        ]

    @cached_property
    def valued(self) -> list[Leaderboard]:
        """The leaderboards on which anything can be compared."""
        return [board for board in self.boards if len(board.values)]

    @cached_property
    def ranked(self) -> list[Leaderboard]:
        """The leaderboards that rank two methods at least over all images."""
        return [board for board in self.valued if len(board.overall) > 1]

    @cached_property
    def measured(self) -> pd.DataFrame:
        """The summary (see `reports.tables.summary`)."""
        return summary(self.scores, directions=self.directions)

    @property
    def timed(self) -> bool:
        """Whether bench speed timed every method, so that the seconds of a busy machine need not be shown."""
        return self.speed is not None and set(self.frame["method"]) <= {*self.speed["method"], self.baseline}

    def printed(self, table: Table) -> Table:
        """The table as Markdown and LaTeX have it: with intervals or without."""
        return table if self.intervals else table.without_intervals()

    @property
    def folded(self) -> bool:
        """Whether there are so many metrics that those after the first are closed until asked for."""
        return len(self.valued) > 3
