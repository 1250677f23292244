"""What the training seed alone moves: the same training again and again, and the spread of its mean scores."""

from bench.stability import seed_variance
from reports.blocks import Block, Section
from reports.layout import Cell, Column, Table, arrow, decimals
from reports.material import Material
from reports.writers import file_name

LEDE = (
    "The same training with other seeds. A lead over another learned method that is no larger than the spread below "
    "may be the luck of one seed."
)


def seeds_section(material: Material) -> Section | None:
    """A table a metric, one row a method and dataset that has scores of several seeds."""
    if material.seeds is None:
        return None
    tables = {}
    for metric, lower in material.directions.items():
        table = seeds_table(material, metric, lower_is_better=lower)
        if table is not None:
            tables[file_name("seeds", metric)] = table
    return Section("seeds", "Seeds", "What the seed alone moves", LEDE, made=material.made.get("seeds"),
                   blocks=(Block(tables=tables),)) if tables else None  # fmt: skip


def seeds_table(material: Material, metric: str, *, lower_is_better: bool) -> Table | None:
    """Mean, standard deviation and range of the seeds' means; nothing where no training has two seeds."""
    assert material.seeds is not None
    part = material.seeds[material.seeds["metric"] == metric]
    spread = seed_variance(part.drop_duplicates(["method", "checkpoint", "dataset", "image"]))
    if spread.empty:
        return None
    digits = decimals(list(spread["mean"]))
    columns = (
        Column("Method"), Column("Dataset", words=True), Column("Seeds"), Column("Images"),
        Column(f"Mean {metric}", digits, arrow(lower_is_better)), Column("Standard deviation", digits),
        Column("Largest minus smallest", digits),
    )  # fmt: skip
    rows = tuple(
        (Cell(str(row.method)), Cell(str(row.dataset)), Cell(float(row.checkpoints)), Cell(float(row.images)),
         Cell(float(row.mean)), Cell(float(row.deviation)), Cell(float(row.range)))
        for row in spread.itertuples()
    )  # fmt: skip
    return Table(f"{metric} of the same training with several seeds", columns, rows)
