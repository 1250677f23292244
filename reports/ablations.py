"""What each part of a model is worth: a factorial of trainings, from the score table and what is known of the runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pandas as pd

from bench.statistics import Interval, seed_interval
from reports.blocks import Block, Section
from reports.layout import Cell, Column, Table

if TYPE_CHECKING:
    from reports.material import Material


@dataclass(frozen=True)
class Trained:
    """One cell of a factorial: the digest of its weights, its seed, the grid's factors and which of them it lacks.

    Cells are compared within a `grid`: those that differ in nothing but the factors and the seed.
    """

    checkpoint: str
    seed: int
    factors: tuple[str, ...]
    without: frozenset[str]
    grid: str = ""
    steps: int = 0
    """How many it was trained for; 0 where that is not known."""


@dataclass(frozen=True)
class Effect:
    """What `factor` changes in the mean `metric` on `dataset`: with it minus without it, and the interval over seeds.

    `left_out` counts the seeds of which not every cell has a score; `steps` are those of the shortest training, 0 where
    they are not known.
    """

    factor: str
    metric: str
    dataset: str
    difference: Interval
    left_out: int
    steps: int = 0


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
    valued = scores[scores["checkpoint"].isin({cell.checkpoint for cell in grid})].dropna(subset=["value"])
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
            found += [
                Effect(factor, str(metric), str(dataset), seed_interval([_difference(c, factor) for c in complete]),
                       len(seeds) - len(complete), min(cell.steps for cell in grid))
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
    tables = {"ablations": effects_table(material.ablations)}
    made = material.made.get("ablations")
    return Section("parts", "Parts", "What each part is worth", lede, made=made, blocks=(Block(tables=tables),))


def effects_table(found: Sequence[Effect]) -> Table:
    """The effects as a table, one row a factor, dataset and metric."""
    columns = (
        Column("factor"),
        Column("metric", words=True),
        Column("dataset", words=True),
        Column("with minus without", digits=3, intervals=True),
        Column("seeds"),
    )
    rows = tuple(
        (Cell(e.factor), Cell(e.metric), Cell(e.dataset), Cell(e.difference), Cell(float(e.difference.count)))
        for e in found
    )
    notes = [
        "Intervals are Student's 95 % over training seeds; one seed gives none. They say nothing about photographs."
    ]
    steps = min((effect.steps for effect in found), default=0)
    if steps:
        notes.append(
            f"Each was trained for {steps:,} steps or more; parts may be worth something else after longer ones."
        )
    left_out = max((effect.left_out for effect in found), default=0)
    if left_out:
        notes.append(f"Seeds of which a cell has no score are left out: up to {left_out}.")
    return Table("What each part changes", columns, rows, tuple(notes))


def cost_table(costs: Mapping[str, Mapping[str, float]]) -> Table:
    """What training cost, one row a run: steps, minutes, seconds a step, memory, parameters, multiply-accumulates."""
    names = {
        "steps": ("steps", 0), "minutes": ("minutes", 0),
        "cost/seconds_per_step": ("seconds a step", 3), "cost/peak_memory_mib": ("peak memory, MiB", 0),
        "cost/parameters": ("parameters", 0), "cost/gmac_per_sample": ("10⁹ multiply-accumulates a picture", 2),
    }  # fmt: skip
    columns = (Column("run"), *(Column(title, digits=digits) for title, digits in names.values()))
    rows = tuple(
        (Cell(run), *(Cell(float(values.get(name, float("nan")))) for name in names)) for run, values in costs.items()
    )
    note = "Seconds and memory compare only between runs on one device with one crop and batch, which the label gives."
    return Table("What training cost", columns, rows, (note,))
