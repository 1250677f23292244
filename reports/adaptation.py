"""Adaptation to another kind of darkness: a block a training, with the scores on the photographs it never saw."""

from reports.blocks import Block, Section
from reports.layout import dataset_table
from reports.material import Adaptation, Material
from reports.tables import leaderboard, summary
from reports.verdict import verdict
from reports.writers import file_name

LEDE = (
    "EnlightenGAN trained on another domain: its dark photographs take the place of the usual ones, the normal ones "
    "stay. Scores are on photographs that were held out from that training."
)


def adaptation_section(material: Material) -> Section | None:
    """A block a training; nothing without any."""
    blocks = tuple(_block(one, material) for one in material.adaptations)
    if not blocks:
        return None
    made = material.made.get("adapt")
    return Section("adaptation", "Adaptation", "Adapted to another domain", LEDE, made=made, blocks=blocks)


def _block(one: Adaptation, material: Material) -> Block:
    text = f"{one.data}, trained {one.origin}. {one.rule}"
    if one.scores.empty:
        return Block(one.name, f"{text} Nothing that was held out has been scored.")
    boards = [leaderboard(one.scores, directions=one.directions, metric=metric) for metric in one.directions]
    measured = summary(one.scores, directions=one.directions)
    tables = {
        file_name("adaptation", one.name, str(dataset)): dataset_table(
            str(dataset), boards=boards, summary=measured, baseline=material.baseline
        )
        for dataset in one.scores["dataset"].unique()
    }
    told = [(board.metric, verdict(board, baseline=material.baseline)) for board in boards if len(board.values)]
    notes = tuple(f"By {metric}: {answer.headline}. {answer.sentence}" for metric, answer in told)
    return Block(one.name, text, tables, notes=notes)
