"""The tables of `bench reproduce`: their files' names and their cells."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.reproduction import Outcome, PublishedTable
    from reports.layout import Table


def stem(published: "PublishedTable") -> str:
    """The name of a table's files, without what comes after the dot."""
    from reports.writers import file_name

    return file_name(published.name.lower().replace(" ", "-"))


def layout(published: "PublishedTable", outcomes: Sequence["Outcome"]) -> "Table":
    """A row for each cell."""
    from bench.statistics import Interval
    from reports.layout import Cell, Column, Table

    nothing = Interval(float("nan"), float("nan"), float("nan"), 0)
    columns = (Column("In print"), Column("Our method"), Column("Set"), Column("Published", 3),
               Column("Here", 3, intervals=True), Column("Images"), Column("Tolerance", 3),
               Column("Verdict"))  # fmt: skip
    rows = tuple(
        (Cell(o.cell.label), Cell(o.cell.method), Cell(o.cell.dataset), Cell(o.cell.published),
         Cell(o.measured or nothing), Cell(sum(o.cell.images.values())), Cell(o.cell.tolerance), Cell(o.said))
        for o in outcomes
    )  # fmt: skip
    return Table(
        f"{published.name}: {published.citation}; {published.metric}, 95 % intervals in brackets", columns, rows
    )
