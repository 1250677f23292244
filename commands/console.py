"""Printing: progress bars with a rate and an end, tables, and the few sentences that must be seen."""

import math
import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

# A pipe or a file has no width of its own: tables there are not folded to the 80 columns of an imagined terminal.
# Names are the user's: none of them is taken for markup or for an emoji.
OUT = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)


class Rate(ProgressColumn):
    """Pictures a second over the task's life."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.2f}/s", style="cyan")


def progress() -> Progress:
    """A bar that counts, with a rate and the time left."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=OUT,
    )


def say(sentence: str, *, style: str = "") -> None:
    """Print a sentence."""
    OUT.print(sentence, style=style or None)


def bracketed(low: float, high: float, form: str = ".3f") -> str:
    """An interval as people print it; a dash where there is none, as of one picture."""
    return f"[{low:{form}}, {high:{form}}]" if math.isfinite(low) and math.isfinite(high) else "[-]"


def decimals(value: float, form: str = ".3f") -> str:
    """A number as people print it; a dash where there is none, as a deviation of one."""
    return f"{value:{form}}" if math.isfinite(value) else "-"


def entry(name: str, lines: Sequence[str]) -> None:
    """Print a name and what there is to say of it, indented below."""
    say(name, style="bold")
    for line in lines:
        OUT.print(Padding(Text(line), (0, 0, 0, 4), expand=False), soft_wrap=False)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", numbers: int = 0) -> None:
    """Print a table whose last `numbers` columns are set to the right."""
    drawn = Table(
        title=Text(title, style="table.title") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for place, heading in enumerate(headings):
        drawn.add_column(
            Text(heading), justify="right" if place >= len(headings) - numbers else "left", overflow="fold"
        )
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    OUT.print(drawn)
