"""Methods image by image against one of them: differences, corrected p values, what could have been seen, groups."""

from collections.abc import Sequence
from string import ascii_uppercase

from bench.comparison import LEVEL, POWER, Difference, differences, groups
from bench.stability import overall
from bench.statistics import Interval
from reports.blocks import Block, Section
from reports.layout import IN_BRACKETS, Cell, Column, Table, arrow, decimals
from reports.material import Material
from reports.tables import Leaderboard, named
from reports.writers import file_name

LEDE = (
    "Each method minus one of them, photograph by photograph. “Told apart” takes both: a 95 % interval that excludes "
    "zero, and Wilcoxon's signed-rank test at 5 % after Holm's correction for the number of methods. “Could be seen” "
    "is the smallest true difference that four of five sets of so many photographs would show. Methods that share a "
    "letter are not told apart when every pair is tested; letters are stretches of the ranking, so two without a "
    "common one need not be told apart."
)


def comparison_section(material: Material) -> Section | None:
    """A table a metric, against the chosen method or else the best one."""
    assert (LEVEL, POWER) == (0.05, 0.8)  # what the words above say
    blocks = []
    for place, board in enumerate(material.ranked):
        rivals = [name for name in board.overall if name != material.baseline] or list(board.overall)
        against = material.against if material.against in board.overall else rivals[0]
        table = comparison_table(board, against=against)
        blocks.append(Block(
            f"{board.metric}: against {against}", tables={file_name("comparison", board.metric): table},
            folded=material.folded and place > 0,
        ))  # fmt: skip
    return Section("comparison", "Told apart", "Who can be told apart", LEDE, tuple(blocks)) if blocks else None


def comparison_table(board: Leaderboard, *, against: str) -> Table:
    """Means by image and by set, the differences to `against`, and the groups; best method first."""
    values = board.values[list(board.overall)]
    found = {d.method: d for d in differences(values, against)}
    runs = groups(values, lower_is_better=board.lower_is_better)
    digits = decimals([interval.mean for interval in board.overall.values()])
    direction, count = arrow(board.lower_is_better), len(values)
    columns, filled = [Column("Method")], [[Cell(name) for name in values]]
    columns.append(Column(f"Mean {board.metric}", digits, direction, count, count))
    filled.append([Cell(board.overall[str(name)].mean) for name in values])
    if len(board.images) > 1:
        by_set = overall(values)["by set"]
        columns.append(Column("Mean of the sets' means", digits, direction))
        filled.append([Cell(float(by_set[name])) for name in values])
    for column, cells in _paired([found.get(str(name)) for name in values], against=against, digits=digits):
        columns.append(column)
        filled.append(cells)
    columns.append(Column("Groups", words=True))
    filled.append([Cell(letters(str(name), runs)) for name in values])
    notes = _notes(runs, list(found.values()), against)
    caption = f"{board.metric} of each method, and minus that of {against}{IN_BRACKETS}"
    return Table(caption, tuple(columns), tuple(zip(*filled, strict=True)), notes)


def letters(name: str, runs: Sequence[Sequence[str]]) -> str:
    """The groups that `name` is in, as letters: A is the group of the best."""
    return " ".join(_letter(place) for place, run in enumerate(runs) if name in run)


def _letter(place: int) -> str:
    lap, rest = divmod(place, len(ascii_uppercase))
    return ascii_uppercase[rest] + (str(lap + 1) if lap else "")


def _paired(found: Sequence[Difference | None], *, against: str, digits: int) -> list[tuple[Column, list[Cell]]]:
    """The columns on differences; the row of `against` itself has none."""
    nothing = Interval(float("nan"), float("nan"), float("nan"), 0)
    return [
        (Column(f"Minus {against}", digits, intervals=True), [Cell(d.interval if d else nothing) for d in found]),
        (Column("p", 3, least=0.001), [Cell(d.p if d else float("nan")) for d in found]),
        (Column("p, Holm", 3, least=0.001), [Cell(d.corrected if d else float("nan")) for d in found]),
        (Column("Could be seen", digits), [Cell(d.detectable if d else float("nan")) for d in found]),
        (Column("Told apart", words=True), [Cell(("yes" if d.told_apart else "no") if d else "") for d in found]),
    ]


def _notes(runs: Sequence[Sequence[str]], found: Sequence[Difference], against: str) -> tuple[str, ...]:
    alike = [d.method for d in found if not d.told_apart]
    notes = [f"Not told apart from {against}: {named(alike, most=12)}." if alike else
             f"Every other method is told apart from {against}."]  # fmt: skip
    if len(runs) == 1 and len(runs[0]) > 1:
        notes.append("All methods are in one group: no pair is told apart.")
    return tuple(notes)
