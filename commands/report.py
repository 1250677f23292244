"""`bench report`: one page, tables and figures from what has been evaluated and trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import DataRoot, TrackingUri

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from reports.material import Material

OUT = Path("runs/report")
SHOWN, MOST_SHOWN = 12, 60  # photographs; of those that are asked for, as many as one contact sheet can be read with


@dataclass(frozen=True)
class Choice:
    """What of everything that was evaluated the report is about; nothing chosen is all."""

    methods: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    """Photographs to show: DATASET/IMAGE, IMAGE or a pattern of either."""
    against: str = ""
    full_size: bool = False
    intervals: bool = True
    data_root: Path | None = None


def report(
    out: Annotated[Path, typer.Option(help="Folder for index.html, results.md, tables/, figures/.")] = OUT,
    csv: Annotated[
        list[Path] | None, typer.Option(help="Score tables to report on, not MLflow's; newest first.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="Only these methods; repeatable; all that count.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Only these datasets; repeatable; all that count.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only these metrics; repeatable; all that count.")] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(help="Show these photographs and make contact sheets of them: DATASET/IMAGE or a pattern."),
    ] = None,
    against: Annotated[str, typer.Option(help="Compare all with this method; else with the best of each metric.")] = "",
    full_size: Annotated[bool, typer.Option("--full-size", help="Put the pictures shown in full size beside.")] = False,
    intervals: Annotated[bool, typer.Option(help="In the Markdown and LaTeX tables.")] = True,
    demo: Annotated[bool, typer.Option(help="Report on the demo's runs, which are otherwise left out.")] = False,
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Write the comparison of everything that was evaluated: open OUT/index.html in a browser.

    Pictures that no evaluation kept, such as those of failures, are made again where photographs and weights are here.
    """
    from commands.console import say

    methods = [*method, against] if method and against else method or []
    choice = Choice(
        tuple(dict.fromkeys(methods)), tuple(dataset or ()), tuple(metric or ()), tuple(image or ()), against=against,
        full_size=full_size, intervals=intervals, data_root=data_root,
    )  # fmt: skip
    say(f"Report: {write(out, csv=csv or [], choice=choice, demo=demo, tracking_uri=tracking_uri)}")


def write(
    out: Path, *, csv: Sequence[Path] = (), choice: Choice | None = None, demo: bool = False,
    tracking_uri: str | None = None,
) -> Path:  # fmt: skip
    """Gather scores, pictures, curves and provenance, and write the report; returns the page."""
    from bench.tracking import open_suite
    from reports.page import write_report

    suite = open_suite(tracking_uri, must_exist=True)
    found = material(suite, choice or Choice(), csv=csv, demo=demo)
    return write_report(out, found)


def material(suite: "Suite", choice: Choice, *, csv: Sequence[Path] = (), demo: bool = False) -> "Material":
    """Everything that is known of what was chosen. Raises BenchError when nothing was evaluated."""
    from bench.data import data_root
    from bench.metrics import get_metric
    from commands import report_origin as origin
    from commands import report_runs as runs
    from commands.kept import evaluations_of, in_place, newest, not_computed_here, tables_of, that_count
    from commands.report_gallery import failures, gallery
    from commands.report_made import contributing, forms
    from commands.report_pictures import Pictures
    from methods import METHODS
    from reports.material import Material

    evaluations = [] if csv else evaluations_of(suite, demo=demo)
    every, notes = tables_of(suite, evaluations, csv)
    usual, notes = that_count(suite, every, notes, named=[*choice.methods, choice.against])
    (scores, more), (asked, others) = newest(chosen(usual, choice)), within(every, choice)
    ranked, diagnostics = apart(scores)
    directions = {name: get_metric(name).lower_is_better for name in ranked["metric"].unique()}
    names = [str(name) for name in scores["method"].unique()]
    baseline = next((name for name in names if name in METHODS and METHODS.card(name).family == "none"), "")
    checkpoints = dict(zip(scores["method"], scores["checkpoint"], strict=True))
    shown, weights = contributing(suite, evaluations, scores), set(checkpoints.values())
    of = {name: method for name, method in forms(suite, shown).items() if name in names and method in METHODS}
    known = {name: of.get(name, name) for name in names if of.get(name, name) in METHODS}
    scored = scores.set_index(["method", "dataset", "image"])["method_digest"].to_dict()
    pictures = Pictures(suite, evaluations, checkpoints, root=data_root(choice.data_root), scored=scored)
    items, not_shown = gallery(pictures, scores, choice.images)
    told = [*notes, *more, *not_computed_here(scores), *others]
    told += [f"{name}: weights of {method}." for name, method in known.items() if name != method]
    return Material(
        scores=ranked,
        directions=directions,
        cards={name: METHODS.card(method).as_text() for name, method in known.items()},
        baseline=baseline,
        against=check_against(choice.against, names),
        gallery=items,
        gallery_limit=min(len(items), MOST_SHOWN) if choice.images else SHOWN,
        full_size=choice.full_size, intervals=choice.intervals,
        failures=failures(pictures, scores, directions, baseline=baseline),
        diagnostics=diagnostics,
        curves=runs.curves(suite, weights),
        training_costs=runs.costs(suite, weights),
        budgets=runs.budgets(suite, checkpoints),
        provenance=origin.facts(shown),
        origins=origin.tables(suite, scores, shown, known),
        notes=list(dict.fromkeys([*in_place(told, every, scores), *not_shown])),
        **of_runs(suite, asked, shown, checkpoints, demo=demo),
        **({} if demo else beside(suite, asked, checkpoints, choice)),
    )  # fmt: skip


def of_runs(
    suite: "Suite", scores: "pd.DataFrame", evaluations: Sequence["MlflowRun"], checkpoints: Mapping[str, str], *,
    demo: bool,
) -> dict[str, Any]:  # fmt: skip
    """Fields of `Material` that several runs gave together, seeds, parts and times, and which runs all was made by."""
    import pandas as pd

    from commands.ablations import ablation_scores, trained_cells
    from commands.report_beside import speeds
    from commands.report_made import made
    from commands.report_runs import seeds
    from reports.ablations import effects

    alike = None if demo else seeds(suite, scores)
    timed = {} if demo else speeds(suite, checkpoints)
    parts = effects(ablation_scores(suite, scores), trained_cells(suite))
    of = {"weights": set(checkpoints.values()), "seeds": set() if alike is None else set(alike["checkpoint"])}
    return {
        "seeds": alike, "ablations": parts, "speed": pd.concat(timed.values(), ignore_index=True) if timed else None,
        "made": made(suite, evaluations, **of, timed=timed, grids={effect.grid for effect in parts}),
    }  # fmt: skip


def beside(
    suite: "Suite", scores: "pd.DataFrame", checkpoints: Mapping[str, str], choice: Choice
) -> dict[str, Any]:  # fmt: skip
    """Fields of `Material` that come from other commands than evaluation and training; `checkpoints` by method."""
    from commands.report_beside import probes, studies
    from commands.report_printed import published
    from commands.report_runs import adaptations

    return {
        "adaptations": adaptations(suite, scores),
        "studies": studies(suite, choice.datasets),
        "gaming": probes(suite, datasets=choice.datasets, metrics=choice.metrics),
        "published": published(suite, checkpoints, datasets=choice.datasets, metrics=choice.metrics),
    }  # fmt: skip


def chosen(scores: "pd.DataFrame", choice: Choice) -> "pd.DataFrame":
    """The rows of what was chosen. Raises BenchError for a name that nothing was scored of."""
    from commands.kept import only

    for column, names in (("method", choice.methods), ("dataset", choice.datasets), ("metric", choice.metrics)):
        scores = only(scores, column, names)
    return scores


def within(scores: "pd.DataFrame", choice: Choice) -> tuple["pd.DataFrame", list[str]]:
    """The rows of the chosen datasets and metrics, of any method; what was held out from an adaptation stays.

    Of each metric the newest variant; and a note where there are others.
    """
    from bench.trainings import RUN_ID
    from commands.kept import of_newest_variants

    if choice.metrics:
        scores = scores[scores["metric"].isin(choice.metrics)]
    if choice.datasets:
        held_out = scores["dataset"].astype(str).str.fullmatch(RUN_ID)
        scores = scores[scores["dataset"].isin(choice.datasets) | held_out]
    kept = of_newest_variants(scores)
    others = scores.drop(index=kept.index)["metric"].unique()
    return kept, [f"Scores of another variant are left out: {', '.join(map(str, others))}."] if len(others) else []


def check_against(name: str, known: Sequence[str]) -> str:
    """`name`. Raises BenchError when no such method was scored."""
    from bench.errors import unknown_name

    if name and name not in known:
        raise unknown_name("evaluated method", name, known)
    return name


def apart(scores: "pd.DataFrame") -> tuple["pd.DataFrame", "pd.DataFrame | None"]:
    """The rows of metrics that rank, and those of diagnostics. Raises BenchError where there are only diagnostics."""
    from bench.errors import BenchError
    from bench.metrics import get_metric

    seen = {str(name) for name in scores["metric"].unique() if get_metric(name).diagnostic}
    if not seen:
        return scores, None
    if seen == set(scores["metric"]):
        named = ", ".join(sorted(seen))
        raise BenchError(
            f"Neither direction of {named} is better, so nothing can be compared: score a metric like niqe."
        )
    return scores[~scores["metric"].isin(seen)], scores[scores["metric"].isin(seen)]
