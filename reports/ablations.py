"""What each part of a model is worth: a factorial of trainings, from the score table and what is known of the runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pandas as pd

from bench.statistics import Interval, seed_interval
from reports.blocks import Block, Section
from reports.layout import MISSING, Cell, Column, Table

if TYPE_CHECKING:
    from reports.material import Material


@dataclass(frozen=True)
class Trained:
    """One cell of a factorial: the digest of its weights, its seed, the grid's factors and which of them it lacks.

    Its scores are those of `method`, for its weights may be used guided, too; of any where that is empty. Cells are
    compared within a `grid`: those that differ in nothing but the factors and the seed.
    """

    checkpoint: str
    seed: int
    factors: tuple[str, ...]
    without: frozenset[str]
    grid: str = ""
    method: str = ""
    steps: int = 0
    """How many it was trained for; 0 where that is not known."""


@dataclass(frozen=True)
class Effect:
    """What `factor` changes in the mean `metric` on `dataset`: with it minus without it, and the interval over seeds.

    `left_out` counts the seeds of which not every cell has a score; `steps` are those of the shortest training and
    `most_steps` those of the longest, 0 where they are not known.
    """

    factor: str
    metric: str
    dataset: str
    difference: Interval
    left_out: int
    steps: int = 0
    most_steps: int = 0
    grid: str = ""
    """The trainings' (see `Trained`)."""


def effects(scores: pd.DataFrame, trained: Sequence[Trained]) -> list[Effect]:
    """The main effect of each factor of the grids in `trained`, on every dataset and metric of the score table.

    Of several grids with the same factors the first that has effects counts: name the newest first. For each seed: the
    mean over the cells that have the factor minus the mean over those that lack it. A seed counts where all 2^k cells
    of its grid have scores on the same pictures; scores without a value are left out before.
    """
    found: dict[tuple[str, ...], list[Effect]] = {}
    for factors, name in dict.fromkeys((cell.factors, cell.grid) for cell in trained):
        if not found.get(factors):
            grid = [cell for cell in trained if (cell.factors, cell.grid) == (factors, name)]
            found[factors] = _of_grid(scores, grid, factors)
    return [effect for one in found.values() for effect in one]


def _of_grid(scores: pd.DataFrame, grid: Sequence[Trained], factors: tuple[str, ...]) -> list[Effect]:
    found = []
    wanted = {frozenset(lacking) for lacking in _subsets(factors)}
    seeds = sorted({cell.seed for cell in grid})
    methods = scores["checkpoint"].map({cell.checkpoint: cell.method for cell in grid})  # NaN of other weights
    valued = scores[(methods == scores["method"]) | (methods == "")].dropna(subset=["value"])
    for (dataset, metric), part in valued.groupby(["dataset", "metric"], sort=False):
        images = part.groupby("checkpoint")["image"].nunique()
        means = part.groupby("checkpoint")["value"].mean()
        whole = set(images[images == part["image"].nunique()].index)
        by_seed = [
            {cell.without: float(means[cell.checkpoint]) for cell in grid if cell.seed == seed
             and cell.checkpoint in whole}
            for seed in seeds
        ]  # fmt: skip
        complete = [cells for cells in by_seed if cells.keys() == wanted]
        if complete:
            steps = [cell.steps for cell in grid]
            found += [
                Effect(factor, str(metric), str(dataset), seed_interval([_difference(c, factor) for c in complete]),
                       len(seeds) - len(complete), min(steps), max(steps), grid[0].grid)
                for factor in factors
            ]  # fmt: skip
    return found


def _subsets(factors: Sequence[str]) -> list[tuple[str, ...]]:
    return [
        tuple(factor for factor, lacking in zip(factors, chosen, strict=True) if lacking)
        for chosen in product((False, True), repeat=len(factors))
    ]


def _difference(cells: Mapping[frozenset[str], float], factor: str) -> float:
    having = [value for lacking, value in cells.items() if factor not in lacking]
    lacking = [value for without, value in cells.items() if factor in without]
    return sum(having) / len(having) - sum(lacking) / len(lacking)


def ablations_section(material: "Material") -> Section | None:
    """The effects of the parts; nothing without a factorial."""
    if not material.ablations:
        return None
    lede = (
        "Trainings with every combination of parts on and off: the mean score of those that have a part, minus that of "
        "those that lack it."
    )
    found = effects_table(material.ablations, material.directions, elsewhere=shortest(material))
    made = material.made.get("ablations")
    return Section("parts", "Parts", "What each part is worth", lede, made=made,
                   blocks=(Block(tables={"ablations": found}),))  # fmt: skip


def shortest(material: "Material") -> int:
    """Steps of the shortest training whose weights were scored and whose cost is told; 0 where they are not known."""
    return int(min((costs.get("steps", 0) for costs in material.training_costs.values()), default=0))


def effects_table(
    found: Sequence[Effect], directions: Mapping[str, bool] | None = None, *, elsewhere: int = 0
) -> Table:
    """The effects as a table, one row a factor, dataset and metric.

    `directions` says for each metric whether lower is better, where that is known; `elsewhere` are the steps of the
    shortest training in the rest of the report.
    """
    columns = (
        Column("Factor"),
        Column("Metric", words=True),
        Column("Better", words=True),
        Column("Dataset", words=True),
        Column("With minus without", digits=3, intervals=True),
        Column("Seeds"),
    )
    better = {metric: "lower" if lower else "higher" for metric, lower in (directions or {}).items()}
    rows = tuple(
        (Cell(e.factor), Cell(e.metric), Cell(better.get(e.metric, MISSING)), Cell(e.dataset), Cell(e.difference),
         Cell(float(e.difference.count)))
        for e in found
    )  # fmt: skip
    return Table("What each part changes", columns, rows, tuple(_notes(found, elsewhere)))


def _notes(found: Sequence[Effect], elsewhere: int) -> Iterator[str]:
    known = [effect.difference for effect in found if effect.difference.count > 1]
    if known and all(interval.low <= 0 <= interval.high for interval in known):
        yield "Every interval includes zero: nothing can be said of any part yet."
    yield "Intervals are Student's 95 % over training seeds; one seed gives none. They say nothing about photographs."
    steps = min((effect.steps for effect in found), default=0)
    if steps:
        most = max(effect.most_steps for effect in found)
        told = f"{steps:,} steps" if steps == most else f"{steps:,} steps or more"
        others = f", those under “What training cost” for {elsewhere:,} or more" if elsewhere > most > 0 else ""
        yield f"Each was trained for {told}{others}; parts may be worth something else after longer ones."
    left_out = max((effect.left_out for effect in found), default=0)
    if left_out:
        yield f"Seeds of which a cell has no score are left out: up to {left_out}."


def cost_table(costs: Mapping[str, Mapping[str, float]]) -> Table:
    """What training cost, one row a run: steps, minutes, seconds a step, memory, parameters, multiply-accumulates."""
    names = {
        "steps": ("Steps", 0), "minutes": ("Minutes", 0),
        "cost/seconds_per_step": ("Seconds a step", 3), "cost/peak_memory_mib": ("Peak memory in all, MiB", 0),
        "cost/parameters": ("Parameters, discriminators included", 0),
        "cost/gmac_per_sample": ("10⁹ multiply-accumulates a crop and step", 2),
    }  # fmt: skip
    columns = (Column("Run"), *(Column(title, digits=digits) for title, digits in names.values()))
    rows = tuple(
        (Cell(run), *(Cell(float(values.get(name, float("nan")))) for name in names)) for run, values in costs.items()
    )
    notes = (
        "Seconds and memory compare only between runs on one device with one crop and batch, which the label gives. "
        "Memory is the card's, or, on a processor, that of the whole process.",
        "Parameters are those of all networks that are trained. Multiply-accumulates are those of a whole step, "
        "forward and backward through these and the fixed one of a perceptual loss, for each dark crop.",
    )
    return Table("What training cost", columns, rows, notes)
