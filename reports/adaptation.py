"""Adaptation to another kind of darkness: a block a training, with the scores on the photographs it never saw."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bench.comparison import Difference, differences
from bench.statistics import FEWEST_TO_DECIDE
from reports.blocks import Block, Section
from reports.layout import BUSY, Table, better, dataset_table, decimals
from reports.material import Adaptation, Material
from reports.tables import checked, leaderboard, summary
from reports.verdict import Verdict, verdict
from reports.writers import file_name

LEDE = (
    "EnlightenGAN trained on another domain: its dark photographs take the place of the usual ones, the normal ones "
    "stay. Scores are on photographs that were held out from that training."
)
ADAPTED = "_adapted"  # what bench adapt adds to the name of the method
BOTH_SIDES = "So pictures of one camera may be on both sides."
BESIDE_THE_POINT = ("Missing values", "Seconds per image")


def adaptation_section(material: Material) -> Section | None:
    """A block a training; nothing without any."""
    blocks = tuple(_block(one, material) for one in material.adaptations)
    if not blocks:
        return None
    made = material.made.get("adapt")
    return Section("adaptation", "Adaptation", "Adapted to another domain", LEDE, made=made, blocks=blocks)


def _block(one: Adaptation, material: Material) -> Block:
    text = f"{one.data}, trained {one.origin}. {one.rule}"
    if "photograph by photograph" in one.rule:
        text = f"{text} {BOTH_SIDES}"
    if one.scores.empty:
        return Block(one.name, f"{text} Nothing that was held out has been scored.")
    boards = [leaderboard(one.scores, directions=one.directions, metric=metric) for metric in one.directions]
    measured = summary(one.scores, directions=one.directions)
    tables = {
        file_name("adaptation", one.name, str(dataset)): _scores_alone(
            dataset_table(str(dataset), boards=boards, summary=measured, baseline=material.baseline)
        )
        for dataset in one.scores["dataset"].unique()
    }
    notes = tuple(_told(verdict(board, baseline=material.baseline)) for board in boards if len(board.values))
    return Block(one.name, " ".join([*changes(one), text]), tables, notes=notes)


def changes(one: Adaptation) -> list[str]:
    """What the adaptation changed by each metric, over the images that both have; nothing without an unadapted one."""
    frame = checked(one.scores, directions=one.directions)
    frame = frame.assign(value=frame["value"].where(np.isfinite(frame["value"])))
    told = []
    for metric, lower in one.directions.items():
        part = frame[frame["metric"] == metric]
        values = part.pivot(index=["dataset", "image"], columns="method", values="value")
        for name in [str(name) for name in values if str(name).endswith(ADAPTED)]:
            before = name.removesuffix(ADAPTED)
            pair = values[[name, before]].dropna() if before in values else pd.DataFrame()
            if len(pair):
                (gap,) = differences(pair, before)
                digits = decimals(list(pair.mean()))
                told.append(_change(gap, metric, before, lower_is_better=lower, digits=digits))
    return told


def _change(gap: Difference, metric: str, method: str, *, lower_is_better: bool, digits: int) -> str:
    interval = gap.interval
    bounds = f" [{interval.low:+.{digits}f}, {interval.high:+.{digits}f}]" if interval.count > 1 else ""
    images = f"{interval.count} image{'' if interval.count == 1 else 's'}"
    why = "no difference can be shown"
    if gap.told_apart:
        why = f"{'better' if (interval.mean < 0) == lower_is_better else 'worse'} on these photographs"
    elif interval.count < FEWEST_TO_DECIDE:
        why = f"{why}; it takes at least six images"
    elif interval.decided:
        why = f"{why}, for the ranks of the differences do not say the same"
    return (
        f"By {metric} ({better(lower_is_better)}) adaptation changed {method}'s mean by {interval.mean:+.{digits}f}"
        f"{bounds} on {images}: {why}."
    )


def _scores_alone(table: Table) -> Table:
    """The table without columns that are no scores: how many images have a value stands in the headings."""
    kept = [place for place, column in enumerate(table.columns) if column.name not in BESIDE_THE_POINT]
    return replace(
        table,
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
        notes=tuple(note for note in table.notes if note != BUSY),
    )


def _told(answer: Verdict) -> str:
    return " ".join([f"By {answer.metric}: {answer.headline}.", answer.sentence, *answer.details])
