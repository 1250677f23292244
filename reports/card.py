"""The model card that lies beside published weights: what they are, what they were made from, what they score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import pandas as pd

from bench.errors import BenchError
from bench.statistics import Interval, mean_interval
from reports.layout import IN_BRACKETS, Cell, Column, Table, arrow, decimals
from reports.writers import markdown, to_markdown

SCORES, OBSERVED = "Scores", "What a person sees"


@dataclass(frozen=True)
class Source:
    """A dataset that weights were trained on."""

    side: str
    name: str
    title: str
    licence: str
    digest: str


@dataclass(frozen=True)
class Training:
    """One training of published weights."""

    generators: Sequence[str]
    """What it gave, by digest; several where it was taken at several steps."""
    recipe: Sequence[str]
    """Sentences: preset, features, what differs from the paper's training but for its length."""
    facts: Mapping[str, str]
    """Seed, steps, samples, time, machine, versions."""


@dataclass(frozen=True)
class ModelCard:
    """What is known of published weights; `scores` is a score table of them and, for comparison, of the input."""

    title: str
    paper: str
    file: str
    checkpoint: str
    """Digest of the weights, as score tables name them."""
    licence: str
    """The terms of the photographs of these trainings and of those before them."""
    sources: Sequence[Source]
    photographs: Mapping[str, str]
    """How many of each side were trained on."""
    trainings: Sequence[Training]
    """Of several, the weights are the mean."""
    rounding: str
    """What half precision changes, in a sentence."""
    scores: pd.DataFrame
    directions: Mapping[str, bool]
    """Whether lower is better, of the metrics that have a better direction."""
    observed: str = ""
    """What a person saw, in Markdown."""


def card_text(card: ModelCard) -> str:
    """The card as Markdown; every name in it is escaped, but for `observed`."""
    parts = [
        f"# {markdown(card.title)}: `{card.file}`",
        f"{markdown(card.paper)}. Trained by this project, not by the authors. "
        f"{_digest(card.checkpoint)} {markdown(card.rounding)}",
        "## Licence",
        "The weights follow from photographs under these terms, and are for research and other noncommercial "
        f"purposes: {markdown(card.licence)}.",
        "## Photographs",
        to_markdown(_sources(card)).strip(),
        "## Training",
        *_trainings(card.trainings),
        f"## {SCORES}",
        _scores(card.scores, card.checkpoint, card.directions),
    ]
    if card.observed:
        parts += [f"## {OBSERVED}", card.observed.strip()]
    return "\n\n".join(parts) + "\n"


def _trainings(trainings: Sequence[Training]) -> list[str]:
    """Paragraphs on how the weights were trained."""
    count = sum(len(training.generators) for training in trainings)
    parts = []
    if count > 1:
        parts.append(
            f"The weights are the mean of {count} generators of {len(trainings)} "
            f"training{'' if len(trainings) == 1 else 's'}, each with the same share (Izmailov et al., Averaging "
            "weights leads to wider optima and better generalization, UAI 2018)."
        )
    for place, training in enumerate(trainings, 1):
        if len(trainings) > 1:
            parts.append(f"### Training {place}")
        if count > 1:
            parts.append("\n".join(f"- {markdown(told.capitalize())}" for told in training.generators))
        parts.append("\n".join(f"- {markdown(sentence)}" for sentence in training.recipe))
        parts.append("\n".join(f"- {markdown(name)}: {markdown(value)}" for name, value in training.facts.items()))
    return parts


def _digest(checkpoint: str) -> str:
    return f"Digest of the weights: `{checkpoint}`."


def rescored(card: str, checkpoint: str, scores: pd.DataFrame, directions: Mapping[str, bool]) -> str:
    """The text of an earlier card of the weights `checkpoint` with these scores in place of its own.

    Raises BenchError where it is the card of other weights, or none.
    """
    before, heading, after = card.partition(f"\n## {SCORES}\n\n")
    if not heading or _digest(checkpoint) not in before:
        raise BenchError(f"This is no model card of the weights {checkpoint}: publish their training instead.")
    _, observed, seen = after.partition(f"\n## {OBSERVED}\n")
    return before + heading + _scores(scores, checkpoint, directions) + "\n" + observed + seen


def observed_in(card: Path, checkpoint: str) -> str:
    """What a person saw of the weights `checkpoint`, as an earlier card tells it; nothing from a card of others."""
    told = card.read_text(encoding="utf-8") if card.is_file() else ""
    return told.partition(f"## {OBSERVED}\n")[2].strip() if _digest(checkpoint) in told else ""


def _scores(scores: pd.DataFrame, checkpoint: str, directions: Mapping[str, bool]) -> str:
    table = to_markdown(scores_table(scores, checkpoint, directions)) if len(scores) else "Not evaluated yet."
    return table.strip()


def scores_table(scores: pd.DataFrame, checkpoint: str, directions: Mapping[str, bool]) -> Table:
    """One row a method that has the weights `checkpoint`, dataset and metric; the input's of the same photographs."""
    valued = scores.dropna(subset=["value"])
    rows = []
    mine = valued["checkpoint"] == checkpoint
    for (method, dataset, metric), own in valued[mine].groupby(["method", "dataset", "metric"], sort=False):
        other = valued[~mine & (valued["dataset"] == dataset) & (valued["metric"] == metric)]
        other = other[other["image"].isin(own["image"])]
        other = other if len(other) == len(own) else other.iloc[:0]
        intervals = [mean_interval(side["value"].to_numpy()) if len(side) else None for side in (own, other)]
        digits = decimals([interval.mean for interval in intervals if interval])
        cells = ["–" if i is None else _told(i, digits) for i in intervals]  # each metric has digits of its own
        name = f"{metric} {arrow(directions[str(metric)])}" if metric in directions else str(metric)
        of = (Cell(str(method)), Cell(str(dataset)), Cell(name))
        rows.append((*of, *map(Cell, cells), Cell(float(own["image"].nunique()))))
    columns = (Column("Method"), Column("Dataset", words=True), Column("Metric", words=True),
               Column("These weights", words=True), Column("The input itself", words=True),
               Column("Photographs"))  # fmt: skip
    return Table(f"Means{IN_BRACKETS}", columns, tuple(rows))


def _told(interval: Interval, digits: int) -> str:
    """A mean with its interval, where there is one: of a single photograph there is none."""
    mean = f"{interval.mean:.{digits}f}"
    return f"{mean} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]" if isfinite(interval.low) else mean


def _sources(card: ModelCard) -> Table:
    columns = (Column("Side"), Column("Dataset", words=True), Column("What", words=True),
               Column("Terms", words=True), Column("Digest", words=True))  # fmt: skip
    rows = tuple(tuple(map(Cell, (s.side, s.name, s.title, s.licence, s.digest))) for s in card.sources)
    counts = ", ".join(f"{count} {side}-light photographs" for side, count in card.photographs.items())
    return Table(f"Trained on {counts}", columns, rows)
