"""Numbers in print beside ours, as the report shows what the newest `bench reproduce` of all cells kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from bench.reproduction import PublishedTable
    from bench.tracking import Suite
    from reports.layout import Table

WORDS = ("In print", "Our method", "Set", "Verdict")


def published(
    suite: "Suite", checkpoints: Mapping[str, str] | None = None, *, datasets: Sequence[str] = (),
    metrics: Sequence[str] = (),
) -> list[tuple[str, "Table"]]:  # fmt: skip
    """The tables of the newest `bench reproduce`, by the stem of their files; of these datasets and metrics, else all.

    `checkpoints` are those that the report shows, by method: other weights are told, and so are other variants of the
    metrics than are here.
    """
    from bench.reproduction import published_tables
    from commands.report_made import reproduced
    from commands.reproduce_tables import stem

    tables = {stem(table): table for table in published_tables()}
    for run in reproduced(suite):
        folder = suite.artifact(run.info.run_id, "reproduce")
        others = _other_weights(suite, run.info.run_id, checkpoints or {})
        changed = _other_variants(run.data.tags, {table.metric for table in tables.values()})
        files = sorted(folder.glob("*.csv")) if folder else []
        return list(_kept(files, tables, others, changed, datasets, metrics))
    return []


def _kept(
    files: Sequence[Path], tables: Mapping[str, "PublishedTable"], others: Collection[str], changed: Collection[str],
    datasets: Sequence[str], metrics: Sequence[str],
) -> Iterator[tuple[str, "Table"]]:  # fmt: skip
    for file in files:
        table = tables.get(file.stem)
        frame = _read(file, table)
        frame = frame[frame["Set"].isin(list(datasets))] if datasets else frame
        if not frame.empty and (not metrics or table is None or table.metric in metrics):
            yield f"published-{file.stem}", _table(frame, file.stem, table, others, changed)


def _read(file: Path, table: "PublishedTable | None") -> "pd.DataFrame":
    """A kept table, with the methods that older ones lack and the bounds that one of nothing measured lacks."""
    import pandas as pd

    frame = pd.read_csv(file, dtype=dict.fromkeys(WORDS, str))
    lacking = {"Here low", "Here high"} - set(frame)
    frame = frame.assign(**dict.fromkeys(lacking, float("nan")))
    if "Our method" not in frame and table is not None:
        frame["Our method"] = frame["In print"].map({row.label: row.method for row in table.rows})
    return frame.fillna(dict.fromkeys(WORDS, ""))


def _table(
    frame: "pd.DataFrame", stem: str, table: "PublishedTable | None", others: Collection[str], changed: Collection[str]
) -> "Table":  # fmt: skip
    """The cells that have a number here; what is known of the rest, and of the weights, is said below."""
    from bench.statistics import Interval
    from reports.layout import IN_BRACKETS, Cell, Column, Table

    known = "Our method" in frame
    ours = (Column("Our method", words=True),) if known else ()
    columns = (Column("Method there"), *ours, Column("Set", words=True), Column("There", 3),
               Column("Here", 3, intervals=True), Column("Tolerance", 3), Column("Verdict", words=True))  # fmt: skip
    here = frame[frame["Here"].notna()]
    rows = tuple(
        (Cell(row["In print"]), *([Cell(row["Our method"])] if known else []), Cell(row["Set"]),
         Cell(float(row["Published"])),
         Cell(Interval(float(row["Here"]), float(row["Here low"]), float(row["Here high"]), 0)),
         Cell(float(row["Tolerance"])), Cell(row["Verdict"]))
        for _, row in here.iterrows()
    )  # fmt: skip
    shown = [name for name in others if not known or name in set(here["Our method"])]
    notes = [f"{name}: scored with other weights than elsewhere in this report." for name in shown]
    if table is None:
        return Table(f"{stem.replace('-', ' ')}{IN_BRACKETS}", columns, rows, (*_without(frame), *notes))
    told = [table.note] if table.note else []
    if table.metric in changed:
        told.append(f"Here is by another variant of {table.metric} than elsewhere: bench reproduce measures anew.")
    return Table(f"{table.name}: {table.citation}; mean {table.metric}{IN_BRACKETS}", columns, rows,
                 (*told, *_without(frame), *notes))  # fmt: skip


def _without(frame: "pd.DataFrame") -> Iterator[str]:
    """A sentence on the cells that have no number here, and why."""
    from bench.reproduction import ALL
    from reports.tables import named

    lacking = frame[frame["Here"].isna()]
    if lacking.empty:
        return
    nobody = lacking["Our method"] == "" if "Our method" in frame else lacking["Here"].notna()
    names, rest = list(lacking.loc[nobody, "In print"].unique()), lacking[~nobody]
    measured = {ALL, *frame.loc[frame["Here"].notna(), "Set"]}
    sets = [name for name in rest["Set"].unique() if name not in measured]
    single = rest[rest["Set"].isin(measured - ({ALL} if sets else set()))]
    why = [f"there is no method here for {named(names, most=8)}"] if names else []
    if sets:
        together = ", so there is no mean over all sets either" if (rest["Set"] == ALL).any() else ""
        why.append(f"nothing was measured on {named(sets, most=8)}{together}")
    if len(single):
        cells = [f"{row['In print']} on {row['Set']}" for _, row in single.iterrows()]
        why.append(f"nothing was measured of {named(cells, most=8)}")
    verb = "has" if len(lacking) == 1 else "have"
    yield f"{len(lacking)} of {len(frame)} cells {verb} no counterpart here: {'; '.join(why)}."


def _other_variants(tags: Mapping[str, str], metrics: Collection[str]) -> list[str]:
    """The metrics of which a `bench reproduce` of these tags measured by other variants than are here."""
    from bench.metrics import get_metric

    told = {name: tags[f"digest {name}"] for name in metrics if f"digest {name}" in tags}
    return [name for name, digest in told.items() if get_metric(name).digest != digest]


def _other_weights(suite: "Suite", run_id: str, checkpoints: Mapping[str, str]) -> list[str]:
    """The learned methods that a `bench reproduce` scored with other weights than the report has of them."""
    from bench.scores import read_scores

    file = suite.artifact(run_id, "scores.csv")
    if file is None:
        return []
    scored = read_scores(file)[["method", "checkpoint"]].drop_duplicates()
    return [
        str(name) for name, checkpoint in scored.itertuples(index=False, name=None)
        if checkpoint and checkpoints.get(name, checkpoint) != checkpoint
    ]  # fmt: skip
