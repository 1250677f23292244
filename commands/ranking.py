"""`bench study rank` and `bench study simulate`: what the votes say, and how far that can be trusted."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import TrackingUri

if TYPE_CHECKING:
    import pandas as pd

    from study.results import Results
    from study.simulate import Panel

METRIC_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]*")  # what MLflow takes in the name of a metric


def rank(
    name: Annotated[str, typer.Argument(help="Name of the study, below runs/studies/.")],
    scores: Annotated[list[Path] | None, typer.Option(help="Score tables (csv) to compare with people.")] = None,
    lower_is_better: Annotated[list[str] | None, typer.Option(help="A metric that bench does not know.")] = None,
    higher_is_better: Annotated[list[str] | None, typer.Option(help="A metric that bench does not know.")] = None,
    keep_all: Annotated[bool, typer.Option("--keep-all", help="Leave out nobody, whatever the catch trials.")] = False,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples.", min=50, max=20000)] = 400,
    seed: Annotated[int, typer.Option(help="Of the resamples.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for csv, json and figures; else in the study's.")] = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Rank the methods by the votes: strengths, rank histogram, wins, observers, agreement with metrics."""
    from commands.console import say
    from commands.study import open_store
    from reports.study import rank_figure, strength_figure
    from reports.style import save
    from study.results import results, write
    from study.votes import votes_of

    with open_store(name) as store:
        folder = out or store.folder / "ranking"
        table = _scores(scores or [])
        directions = _directions(table, lower_is_better or [], higher_is_better or [])
        found = results(
            votes_of(store), study=store.name, dataset=str(store.facts["dataset"]), methods=store.methods,
            keep_all=keep_all, scores=None if table is None else table[table["metric"].isin(list(directions))],
            lower_is_better=directions, resamples=resamples, seed=seed,
        )  # fmt: skip
    write(found, folder)
    figures = [
        *save(rank_figure(found.tables["ranks"]), stem=folder / "ranks"),
        *save(strength_figure(found.tables["strengths"]), stem=folder / "strengths"),
    ]
    show(found)
    run = _log(found, folder, figures, tracking_uri)
    say(f"{folder}: tables and figures. Kept in MLflow as run {run}; bench report shows it.")


def _scores(files: Sequence[Path]) -> "pd.DataFrame | None":
    if not files:
        return None
    import pandas as pd

    from study.agreement import read_scores

    return pd.concat([read_scores(file) for file in files], ignore_index=True)


def _directions(table: "pd.DataFrame | None", lower: Sequence[str], higher: Sequence[str]) -> dict[str, bool]:
    """Whether lower is better, for every metric of the table but diagnostics: as told, else as bench knows."""
    from bench.errors import BenchError

    told = dict.fromkeys(lower, True) | dict.fromkeys(higher, False)
    if set(lower) & set(higher):
        raise BenchError(f"{sorted(set(lower) & set(higher))[0]} cannot be better both lower and higher.")
    for metric in [] if table is None else table["metric"].unique():
        if metric not in told:
            from bench.metrics import get_metric

            try:
                known = get_metric(metric)
            except BenchError as error:
                raise BenchError(
                    f"{error} Say --lower-is-better {metric} or --higher-is-better {metric} for one of your own."
                ) from error
            if not known.diagnostic:
                told[metric] = known.lower_is_better
    return told


def _log(found: "Results", folder: Path, figures: Sequence[Path], tracking_uri: str | None) -> str:
    from bench.tracking import open_suite

    facts = found.facts
    tags = {"study": facts["study"], "dataset": facts["dataset"]}
    with open_suite(tracking_uri).run(f"study {facts['study']}", kind="study", tags=tags) as run:
        run.metrics({key: float(facts[key]) for key in ("observers", "excluded", "images", "votes")})
        for row in found.tables["strengths"].itertuples():
            if METRIC_NAME.fullmatch(row.method):
                run.metrics({f"strength/{row.method}": row.strength})
        for note in facts["notes"]:
            run.note(note)
        for file in [*(folder / f"{table}.csv" for table in found.tables), folder / "study.json", *figures]:
            run.artifact(file, "study")
        return str(run.id)


def show(found: "Results") -> None:
    """Print what the votes say."""
    from commands.console import bracketed, say, table
    from reports.study import headline

    facts, tables = found.facts, found.tables
    strengths, ranks, wins = tables["strengths"], tables["ranks"], tables["wins"]
    places = [column for column in ranks if column != "method"]
    histogram = ranks.set_index("method")[places]
    rows = [
        [m.method, f"{m.strength:.2f} {bracketed(m.low, m.high, '.2f')}", _percent(m.wins),
         *(str(count) for count in histogram.loc[m.method])]
        for m in strengths.itertuples()
    ]  # fmt: skip
    parts = ", ".join(_count(facts[f"{thing}s"], thing) for thing in ("observer", "image", "vote"))
    say(f"{facts['study']}: {parts}.")
    say(f"{headline(strengths, tables['differences'])}.", style="bold")
    headings = ["method", "strength [95 %]", "preferred", *(f"rank {place}" for place in places)]
    table(headings, rows, title="Bradley-Terry strength, and on how many images each rank", numbers=2 + len(places))
    won = [[row["method"], *(f"{row[m]:g}" for m in strengths["method"])] for _, row in wins.iterrows()]
    title = "How often the row was preferred to the column (ties as halves)"
    table(["method", *strengths["method"]], won, title=title, numbers=len(won))
    _show_observers(tables["observers"], left_out=facts["excluded"] > 0)
    if "agreement" in tables:
        _show_agreement(tables["agreement"])


def _show_observers(observers: "pd.DataFrame", *, left_out: bool) -> None:
    from commands.console import table

    rows = [
        [o.observer, str(o.votes), str(o.ties), f"{o.seconds:.1f}", f"{o.agreed}/{o.repeats}",
         f"{o.failed}/{o.catches}", _number(o.zeta), f"{_number(o.left_share)} ({_number(o.side_p)})",
         (o.excluded if left_out else f"counted; {o.excluded}") if o.excluded else "counted"]
        for o in observers.itertuples()
    ]  # fmt: skip
    headings = ("observer", "pairs", "ties", "seconds", "repeats alike", "catches failed", "zeta", "left (p)", "")
    table(headings, rows, title="Observers; zeta is 1 where no three choices go in a circle")


def _show_agreement(agreement: "pd.DataFrame") -> None:
    from commands.console import bracketed, table

    rows = [
        [row["metric"], str(row["images"]),
         *(f"{row[kind]:.2f} {bracketed(row[f'{kind}_low'], row[f'{kind}_high'], '.2f')}"
           for kind in ("spearman", "kendall", "share"))]
        for _, row in agreement.iterrows()
    ]  # fmt: skip
    headings = ("metric", "images", "Spearman", "Kendall", "votes agreed with")
    table(headings, rows, title="Does the metric say what people say? Chance is 0, 0 and 0.5", numbers=4)


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "-"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def simulate(
    simulations: Annotated[int, typer.Option(help="Panels to draw.", min=1, max=10000)] = 200,
    strength: Annotated[list[float] | None, typer.Option(help="A method's true strength; repeatable.")] = None,
    observers: Annotated[int, typer.Option(help="Observers of a panel.", min=3, max=1000)] = 9,
    images: Annotated[int, typer.Option(help="Images of a panel.", min=3, max=1000)] = 23,
    taste: Annotated[float, typer.Option(help="Standard deviation of an observer's own liking.")] = 0.3,
    scene: Annotated[float, typer.Option(help="Standard deviation of what an image does to a method.")] = 0.3,
    threshold: Annotated[float, typer.Option(help="Of ties: differences below are often one.")] = 0.3,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples a panel.", min=50, max=20000)] = 200,
    seed: Annotated[int, typer.Option(help="Of the panels.", min=0)] = 0,
) -> None:
    """Does the ranking recover what is known? Simulated panels, and the published rank histogram."""
    from commands.console import progress
    from study.simulate import Panel, recovery

    given = {"strengths": tuple(strength)} if strength else {}
    panel = Panel(**given, observers=observers, images=images, taste=taste, scene=scene, threshold=threshold)
    with progress() as bar:
        task = bar.add_task("panels", total=simulations)
        found = recovery(panel, simulations=simulations, resamples=resamples, seed=seed,
                         on_simulation=lambda: bar.advance(task))  # fmt: skip
    _show_recovery(panel, found)
    _show_published(seed)


def _show_recovery(panel: "Panel", found: "pd.DataFrame") -> None:
    from commands.console import decimals, say, table

    by_method = found.groupby("method", sort=False)
    rows = [
        [str(method), f"{part['truth'].iloc[0]:.3f}", f"{part['strength'].mean():.3f}",
         decimals(part["strength"].std()), f"{(part['high'] - part['low']).mean() / 2:.3f}",
         f"{100 * part['covered'].mean():.1f} %"]
        for method, part in by_method
    ]  # fmt: skip
    title = f"{found['simulation'].nunique()} panels of {panel.observers} observers and {panel.images} images"
    table(("method", "true strength", "mean found", "spread", "half interval", "held"), rows, title=title, numbers=5)
    per_panel = found.groupby("simulation")["covered"].mean()
    share, error = per_panel.mean(), per_panel.std() / len(per_panel) ** 0.5
    told = f"{100 * share:.1f} % of all strengths (standard error {decimals(100 * error, '.1f')})"
    say(f"The 95 % intervals held for {told}.")


def _show_published(seed: int) -> None:
    from dataclasses import replace

    import numpy as np

    from commands.console import say, table
    from study.ranking import rank_histogram, strengths
    from study.simulate import niqe_agreement, published, rankings_of, votes_like

    paper = published()
    rankings = rankings_of(np.array(list(paper["ranks"].values())))
    wins = replace(votes_like(rankings, observers=paper["observers"], seed=seed), methods=tuple(paper["ranks"]))
    found = rank_histogram(wins)
    rows = [[str(name), *map(str, row), " ".join(map(str, paper["ranks"][name]))] for name, row in zip(
        found.index, found.to_numpy(), strict=True)]  # fmt: skip
    title = f"{paper['images']} images, {paper['observers']} observers, votes drawn to match {paper['citation']}"
    table(("method", *(f"rank {place}" for place in found), "published"), rows, title=title, numbers=6)
    same = all(row.tolist() == paper["ranks"][name] for name, row in zip(found.index, found.to_numpy(), strict=True))
    niqe = niqe_agreement(strengths(wins.total))
    say(f"The published rank histogram is {'reproduced' if same else 'NOT reproduced'}.", style="bold")
    say(f"Spearman of these strengths with the published NIQE over all sets: {niqe:.2f}.")
