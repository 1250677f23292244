"""Everything that a study says, computed once, and written as csv and json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BenchError
from bench.statistics import FEWEST_TO_DECIDE
from study.agreement import agreement_table, scores_of_study
from study.consistency import observer_table
from study.ranking import (
    FEWEST,
    RESAMPLES,
    count_wins,
    difference_table,
    fit,
    image_ranks,
    rank_histogram,
    strength_table,
)
from study.ranking import win_table as wins_of


@dataclass(frozen=True)
class Results:
    """The tables by name, each written as csv: strengths, differences, ranks, image_ranks, wins, observers, agreement
    (only with scores); and `facts`, what one must know to read them.
    """

    facts: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]


def results(
    votes: pd.DataFrame, *, study: str, dataset: str, methods: Sequence[str], keep_all: bool = False,
    scores: pd.DataFrame | None = None, lower_is_better: Mapping[str, bool] | None = None,
    resamples: int = RESAMPLES, seed: int = 0,
) -> Results:  # fmt: skip
    """Rank the methods by the votes of all observers but those that `study.consistency` leaves out.

    Raises BenchError when there is no vote to rank by.
    """
    if votes.empty:
        raise BenchError(f"The study {study} has no vote yet: bench study serve {study} shows it to observers.")
    observers = observer_table(votes, methods)
    notes = [f"{row.observer} is left out: {row.excluded}." for row in observers.itertuples() if row.excluded]
    if keep_all:
        notes = [f"{note.removesuffix('.')}; kept, since --keep-all was given." for note in notes]
        notes = [note.replace(" is left out: ", " would be left out: ") for note in notes]
    excluded = [] if keep_all else observers.loc[observers["excluded"] != "", "observer"].tolist()
    kept = votes[~votes["observer"].isin(excluded)]
    if not (kept["kind"] == "pair").any():
        raise BenchError(f"No vote is left to rank by: {' '.join(notes)} --keep-all counts them all the same.")
    wins = count_wins(kept, methods)
    fitted = fit(wins, resamples=resamples, seed=seed)
    tables = {
        "strengths": strength_table(wins, fitted),
        "differences": difference_table(wins, fitted),
        "ranks": rank_histogram(wins).reset_index(),
        "image_ranks": image_ranks(wins).reset_index(),
        "wins": wins_of(wins).reset_index(),
        "observers": observers,
    }
    if (ranked := len(tables["image_ranks"])) < len(wins.images):
        notes.append(f"Ranks are of {ranked} of {len(wins.images)} images, those on which every pair has a vote.")
    if min(wins.counts.shape[:2]) < FEWEST:
        notes.append(f"There are no intervals: they need {FEWEST} observers and {FEWEST} images at least.")
    elif min(wins.counts.shape[:2]) < FEWEST_TO_DECIDE:
        notes.append(f"No lead is called one: that takes {FEWEST_TO_DECIDE} observers and {FEWEST_TO_DECIDE} images.")
    if scores is not None:
        values, more = scores_of_study(scores, wins, dataset=dataset)
        notes += more
        tables["agreement"] = agreement_table(wins, values, lower_is_better or {}, resamples=resamples, seed=seed)
    facts = {
        "study": study,
        "dataset": dataset,
        "observers": len(wins.observers),
        "excluded": len(excluded),
        "images": len(wins.images),
        "votes": int(wins.total.sum().round()),
        "notes": notes,
    }
    return Results(facts, tables)


def write(found: Results, folder: Path) -> None:
    """Each table as `folder`/NAME.csv, the facts as study.json; beside the target first, then renamed.

    The agreement with scores of an earlier ranking there goes where this one has none.
    """
    earlier = (folder / "study.json").is_file()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        texts = {f"{name}.csv": table.to_csv(index=False) for name, table in found.tables.items()}
        texts["study.json"] = json.dumps(dict(found.facts), indent=1, ensure_ascii=False)
        for name, text in texts.items():
            partial = folder / f".{name}.partial"
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)
        if earlier and "agreement" not in found.tables:
            (folder / "agreement.csv").unlink(missing_ok=True)
    except OSError as error:
        raise BenchError(f"Cannot write the ranking to {folder}: {error}") from error
