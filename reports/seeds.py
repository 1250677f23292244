"""What the training seed alone moves: the same training again and again, and the spread of its mean scores."""

import pandas as pd

from bench.stability import seed_variance
from reports.ablations import shortest
from reports.blocks import Block, Section
from reports.layout import Cell, Column, Table, arrow, decimals
from reports.material import Material
from reports.writers import file_name

TWO = "Two seeds hardly give a spread: a third may lie far outside."


def seeds_section(material: Material) -> Section | None:
    """A table a metric, one row a method and dataset that has scores of several seeds."""
    if material.seeds is None:
        return None
    tables = {}
    for metric, lower in material.directions.items():
        table = seeds_table(material.seeds, metric, lower_is_better=lower)
        if table is not None:
            tables[file_name("seeds", metric)] = table
    if not tables:
        return None
    lede = _lede(material.seeds, elsewhere=shortest(material))
    return Section("seeds", "Seeds", "What the seed alone moves", lede, made=material.made.get("seeds"),
                   blocks=(Block(tables=tables),))  # fmt: skip


def seeds_table(seeds: pd.DataFrame, metric: str, *, lower_is_better: bool) -> Table | None:
    """Mean, standard deviation and range of the seeds' means; nothing where no training has two seeds."""
    part = seeds[seeds["metric"] == metric]
    spread = seed_variance(part.drop_duplicates(["method", "checkpoint", "dataset", "image"]))
    if spread.empty:
        return None
    digits = decimals(list(spread["mean"]))
    columns = [
        Column("Method"), Column("Dataset", words=True), Column("Seeds"), Column("Images"),
        Column(f"Mean {metric}", digits, arrow(lower_is_better)), Column("Standard deviation", digits),
    ]  # fmt: skip
    labels = {name: ", ".join(filter(None, (str(name), _length(rows)))) for name, rows in seeds.groupby("method")}
    filled = [
        [Cell(labels[row.method]), Cell(str(row.dataset)), Cell(float(row.checkpoints)), Cell(float(row.images)),
         Cell(float(row.mean)), Cell(float(row.deviation))]
        for row in spread.itertuples()
    ]  # fmt: skip
    several = bool((spread["checkpoints"] > 2).any())  # the range of two says the same as their deviation
    if several:
        columns.append(Column("Largest minus smallest", digits))
        filled = [[*cells, Cell(float(size))] for cells, size in zip(filled, spread["range"], strict=True)]
    return Table(f"{metric} of the same training with several seeds", tuple(columns), tuple(map(tuple, filled)),
                 () if several else (TWO,))  # fmt: skip


def _lede(seeds: pd.DataFrame, *, elsewhere: int) -> str:
    """What the spread is good for; `elsewhere` are the steps of the shortest training in the rest of the report."""
    length = _length(seeds)
    told = [
        f"The same training with other seeds{f', {length} each' if length else ''}.",
        "A lead over another learned method that was trained for as long may be the luck of one seed where it is no "
        "larger than the spread below.",
    ]
    if length:
        told.append("Of longer trainings the spread says nothing.")
        if elsewhere > seeds["steps"].max():
            told.append(f"Those under “What training cost” are others, of {elsewhere:,} steps or more.")
    return " ".join(told)


def _length(seeds: pd.DataFrame) -> str:
    """`80 steps` or `80 to 120 steps`, of all these trainings; nothing where one did not tell."""
    if "steps" not in seeds or not (seeds["steps"] > 0).all():
        return ""
    least, most = int(seeds["steps"].min()), int(seeds["steps"].max())
    return f"{least:,} to {most:,} steps" if least < most else f"{most:,} step{'' if most == 1 else 's'}"
