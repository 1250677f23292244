"""Where the numbers of a report come from: commit, versions, machine; photographs, weights and metrics by digest."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from reports.layout import Table

COME = "come with the project"


def facts(evaluations: Sequence["MlflowRun"]) -> dict[str, str]:
    """Commit, versions and machine of the evaluations reported on, where they differ all of them; and of the report."""
    from bench.environment import provenance

    found: dict[str, str] = {}
    for name in [*provenance(), "device"] if evaluations else []:
        values = dict.fromkeys(run.data.tags.get(name.replace(" ", "_"), "") for run in evaluations)
        told = _changed if name == "git commit" else str
        found[name] = ", ".join(told(value) for value in values if value)
    found = {name: value for name, value in found.items() if value}
    return found | {"report written with": f"lowlight-bench at commit {_changed(provenance()['git commit'])}"}


def _changed(commit: str) -> str:
    return f"{commit[:-1]} with changes that were not committed" if commit.endswith("+") else commit


def tables(
    suite: "Suite", scores: "pd.DataFrame", evaluations: Sequence["MlflowRun"], known: Mapping[str, str]
) -> dict[str, "Table"]:
    """Photographs, weights and metrics, each with what identifies them, by the stem of their files.

    `known` are the methods here, by the names that their weights were scored under.
    """
    tags = [child.data.tags for run in evaluations for child in suite.children(run.info.run_id)]
    digests: dict[str, tuple[str, str]] = {}
    for tag in tags:
        digests.setdefault(tag["dataset"], (tag["dataset_digest"], tag["pinned"]))
    weights = _weights(suite, scores, known)
    found = {"origin-photographs": _photographs(scores, digests), "origin-metrics": _metrics(scores)}
    return found | ({"origin-weights": weights} if weights else {})


def _photographs(scores: "pd.DataFrame", digests: dict[str, tuple[str, str]]) -> "Table":
    from bench.data import specs
    from reports.layout import Cell, Column, Table

    columns = (Column("Dataset"), Column("Photographs"), Column("Digest", words=True), Column("Pinned", words=True),
               Column("Licence", words=True))  # fmt: skip
    rows = []
    for name in map(str, scores["dataset"].unique()):
        count = scores.loc[scores["dataset"] == name, "image"].nunique()
        known = specs().get(name.partition("/")[0])
        digest, pinned = digests.get(name, ("not told", "not told"))
        licence = known.licence if known else "not stated"
        rows.append((Cell(name), Cell(float(count)), Cell(digest), Cell(pinned), Cell(licence)))
    return Table("Photographs", columns, tuple(rows))


def _weights(suite: "Suite", scores: "pd.DataFrame", known: Mapping[str, str]) -> "Table | None":
    from bench.trainings import Publication, publications, refined, weights_of
    from methods import METHODS
    from reports.layout import Cell, Column, Table

    columns = (Column("Method"), Column("Weights digest", words=True), Column("Seed", words=True),
               Column("Training", words=True), Column("Trained on", words=True),
               Column("Licence of the weights", words=True))  # fmt: skip
    runs: dict[str, MlflowRun] = {}
    for run in reversed(suite.search(kind="train")):
        for digest in weights_of(run):
            if digest not in runs or not publications(run).get(digest, Publication()).among:
                runs[digest] = run  # of a mean the run that tells of all
    rows, used = [], dict[str, None]()
    for method, digest in scores[["method", "checkpoint"]].drop_duplicates().itertuples(index=False, name=None):
        if not digest:
            continue
        found, licence = runs.get(digest), METHODS.card(known[method]).licence if method in known else ""
        told = found.data.tags if found else {}
        trained = (
            f"{found.info.run_name} ({found.info.run_id[:8]})"
            if found
            else shipped_told(known.get(method, method), digest)
        )
        trained = f"refined in {trained}" if found and refined(found) else trained
        published = publications(found).get(digest, Publication()) if found else Publication()
        if digest != told.get("weights_digest") and published.step:
            trained += f" after {published.step} steps"
        if published.mean_of:
            trained = f"the mean of {published.mean_of}"
        of = ", the first begun" if published.mean_of else ", begun"
        trained += f"{of} from {told['begun_from']}" if "begun_from" in told else ""
        trained += f"; taught by {told['taught_by']}" if "taught_by" in told else ""
        seed = "" if published.mean_of else told.get("seed", "")
        sides = {side: told[f"{side}_data"] for side in ("low", "normal") if told.get(f"{side}_data")}
        used |= dict.fromkeys(name for names in sides.values() for name in names.split(", "))
        photographs = "; ".join(f"{side}: {names}" for side, names in sides.items())
        photographs = photographs or ("see their card" if trained.startswith(COME) else "")
        told_of = (method, digest, seed, brief(trained), photographs, licence)
        rows.append(tuple(Cell(text or "–") for text in told_of))
    return Table("Weights", columns, tuple(rows), _told_of(used)) if rows else None


def brief(story: str) -> str:
    """Of how weights came about, what they are and, of a mean, what its first part began from: the rest fills pages."""
    first, *more = re.split("(?=, (?:itself|the first) )", story)
    if more and more[0].startswith(", the first "):
        first += more.pop(0)
    return f"{first}, and more before that, which the weights' own file tells" if more else story


def shipped_told(method: str, digest: str) -> str:
    """What the weights that come with the project tell of their training where they are those of `digest`."""
    from bench.errors import BenchError
    from commands.beginnings import shipped_of
    from enlightengan.beginning import begun_from
    from methods import METHODS

    if method not in METHODS:  # any text, from a score table, which need not be fit for a path
        return "not here"
    try:
        stories = [begun_from(file).get("begun_from", "") for file in shipped_of(method)]
    except BenchError:  # a damaged file, which the scores do not hang on
        return "not here"
    of = (story for story in stories if story.removeprefix("refined ").startswith(f"generator {digest}"))
    return next((f"{COME}: {story}" for story in of), "not here")


def _told_of(datasets: Iterable[str]) -> tuple[str, ...]:
    """What their specs say of these datasets, where they say something."""
    from bench.data import specs

    known = ((name, specs().get(name.partition("/")[0])) for name in datasets)
    return tuple(f"{name}: {spec.note}" for name, spec in known if spec and spec.note)


def _metrics(scores: "pd.DataFrame") -> "Table":
    from bench.metrics import get_metric
    from reports.layout import Cell, Column, Table

    columns = (Column("Metric"), Column("Variant", words=True), Column("Digest", words=True))
    rows = []
    for name, digest in scores.groupby("metric", sort=False)["metric_digest"].first().items():
        known = get_metric(str(name))
        variant = known.variant if known.digest == digest else "a variant of another version"
        rows.append((Cell(str(name)), Cell(variant), Cell(str(digest))))
    return Table("Metrics", columns, tuple(rows))
