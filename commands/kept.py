"""The scores that earlier evaluations left in MLflow, or in files: which of them count."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.trainings import weights_of
from commands.kept_files import needs_reference, of_files

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite


class NothingEvaluatedError(BenchError):
    """No evaluation has left a score."""


def evaluations_of(suite: "Suite", *, demo: bool = False) -> list["MlflowRun"]:
    """The finished evaluations, newest first: those of the demo, or all others."""
    finished = [run for run in suite.search(kind="evaluate") if run.info.status == "FINISHED"]
    return [run for run in finished if (run.data.tags.get("demo") == "yes") == demo]


def tables_of(
    suite: "Suite", evaluations: Sequence["MlflowRun"], csv: Sequence[Path] = ()
) -> tuple["pd.DataFrame", list[str]]:
    """The score tables of evaluations, given newest first, or of files; and notes.

    Files are given newest first, too. Raises NothingEvaluatedError without any, BenchError for one that cannot be read.

    Of datasets of one name with different photographs only the newest counts: their scores must not be averaged; with
    other references, the scores that need none stay. Where a method's code or its libraries have changed between
    evaluations, a note says so.
    """
    import pandas as pd

    from bench.scores import read_scores

    tables, notes = of_files({path: read_scores(path) for path in csv})
    latest, paired, code = dict[str, Mapping[str, str]](), dict[str, str](), dict[str, str]()
    for run in evaluations:
        path = suite.artifact(run.info.run_id, "scores.csv")
        if path is None:
            continue
        tags = [child.data.tags for child in suite.children(run.info.run_id)]
        sets = {tag["dataset"]: tag for tag in tags}
        older = {name for name, tag in sets.items() if not same_photographs(latest.setdefault(name, tag), tag)}
        notes += [f"{name}: scores on other photographs of that name are left out." for name in sorted(older)]
        notes += [line for line in run.data.tags.get("mlflow.note.content", "").split("\n\n") if "not pinned" in line]
        # The first part of a digest is the code's, the second that of weights or finished results.
        made = {tag["method"]: tag["method_digest"].partition("-")[0] for tag in tags if "method_digest" in tag}
        changed = {name for name, digest in made.items() if code.setdefault(name, digest) != digest}
        notes += [f"{name}: its code or its libraries changed between evaluations." for name in sorted(changed)]
        table = _of_parts(read_scores(path), tags)
        table = table[~table["dataset"].isin(older)]
        unknown = unknown_metrics(table)
        notes += [f"{name}: there is no such metric here; its scores are left out." for name in unknown]
        table = table[~table["metric"].isin(unknown)]
        needing = needs_reference(table)
        others = {name for name in set(table.loc[needing, "dataset"])
                  if paired.setdefault(name, sets[name]["dataset_digest"]) != sets[name]["dataset_digest"]}  # fmt: skip
        notes += [f"{name}: scores against other references are left out." for name in sorted(others)]
        table = table[~(needing & table["dataset"].isin(others))]
        tables += [table] if len(table) else []
    if not tables and evaluations_of(suite, demo=True):
        raise NothingEvaluatedError(
            "Only the demo's photographs have been evaluated: give --demo, or run bench evaluate on others."
        )
    if not tables:
        raise NothingEvaluatedError(
            "Nothing has been evaluated yet: run bench evaluate first, or bench demo to see it work."
        )
    return pd.concat(tables, ignore_index=True), [*notes, *_of_several(suite, evaluations)]


def _of_several(suite: "Suite", evaluations: Sequence["MlflowRun"]) -> list[str]:
    """Sentences on finished results whose sets were scored in several evaluations, in which the files may differ."""
    scored: dict[str, dict[str, str]] = {}
    for run in evaluations:
        for tags in (child.data.tags for child in suite.children(run.info.run_id)):
            if tags.get("method_digest", "").startswith("results-"):
                scored.setdefault(tags["method"], {}).setdefault(tags["dataset"], run.info.run_id)
    told = []
    for method, sets in scored.items():
        newest = next(iter(sets.values()))
        older = [name for name, run_id in sets.items() if run_id != newest]
        told += [f"{method}: its results on {', '.join(older)} are those of an earlier evaluation."] if older else []
    return told


def _of_parts(table: "pd.DataFrame", tags: Sequence[Mapping[str, str]]) -> "pd.DataFrame":
    """The rows of the parts of an evaluation that these tags tell of: one that was removed took its scores along."""
    there = {(tag["method"], tag["dataset"]) for tag in tags}
    return table[[pair in there for pair in zip(table["method"], table["dataset"], strict=True)]]


def same_photographs(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether the tags of two evaluations of a dataset tell the same low-light photographs, whatever the references."""
    if one["dataset_digest"] == other["dataset_digest"]:
        return True
    return "low_digest" in one and one["low_digest"] == other.get("low_digest")


def unknown_metrics(scores: "pd.DataFrame") -> list[str]:
    """Metrics that were renamed or removed since they were scored by."""
    from bench.errors import UnknownNameError
    from bench.metrics import get_metric

    found = []
    for name in scores["metric"].unique():
        try:
            get_metric(str(name))
        except UnknownNameError:
            found.append(str(name))
    return found


def only(scores: "pd.DataFrame", column: str, names: Sequence[str]) -> "pd.DataFrame":
    """The rows of `names` in `column`; all without names. Raises BenchError for a name that nothing was scored of."""
    from bench.errors import unknown_name

    known = [str(name) for name in scores[column].unique()]
    for name in names:
        if name not in known:
            raise unknown_name(f"evaluated {column}", name, known)
    return scores[scores[column].isin(list(names))] if names else scores


def adapted(suite: "Suite") -> list["MlflowRun"]:
    """The finished trainings of `bench adapt`, newest first."""
    found = suite.search(kind="train")
    return [run for run in found if run.info.status == "FINISHED" and "adapted" in run.data.tags]


def general(suite: "Suite", scores: "pd.DataFrame") -> "pd.DataFrame":
    """The scores without those of adapted weights and on photographs held out from an adaptation."""
    return _without_adapted(_ever_trained(suite), scores)


def _without_adapted(trained: Sequence["MlflowRun"], scores: "pd.DataFrame") -> "pd.DataFrame":
    runs = [run for run in trained if "adapted" in run.data.tags]
    digests = {digest for run in runs for digest in weights_of(run)}
    held_out = scores["dataset"].isin([run.info.run_id for run in runs])
    return scores[~held_out & ~scores["checkpoint"].isin(digests)]


def _ever_trained(suite: "Suite") -> list["MlflowRun"]:
    """All trainings, removed ones too: what was scored of these is still no other."""
    return [run for removed in (False, True) for run in suite.search(kind="train", removed=removed)]


def that_count(
    suite: "Suite", scores: "pd.DataFrame", notes: Sequence[str] = (), *, named: Sequence[str] = ()
) -> tuple["pd.DataFrame", list[str]]:
    """The scores by which methods are compared, and what of `notes`, with what is left out, still has its place.

    Adaptations are left out, unless there is nothing else. So are the cells of a grid of ablations where its full model
    has other weights, too: a grid is as short as its number of cells demands, so that beside a longer training its
    ablations would say nothing. Only methods that were `named`, and were trained in no other way, stay.
    """
    trained = _ever_trained(suite)
    usual = _without_adapted(trained, scores)
    usual = scores if usual.empty else usual
    usual, told = _without_cells(trained, usual, named)
    return usual, [*in_place(notes, scores, usual), *told]


def in_place(notes: Sequence[str], before: "pd.DataFrame", after: "pd.DataFrame") -> list[str]:
    """Of `notes` those not on a dataset or method that the scores `before` have and those `after` a choice have not."""
    had, have = ({*scores["dataset"], *scores["method"]} for scores in (before, after))  # one name may be of both kinds
    gone = {str(name) for name in had - have}
    beginnings = tuple(f"{name}{mark}" for name in gone for mark in " :")
    return [note for note in notes if not note.startswith(beginnings)]


def _without_cells(
    trained: Sequence["MlflowRun"], scores: "pd.DataFrame", named: Sequence[str]
) -> tuple["pd.DataFrame", list[str]]:  # fmt: skip
    cells, full, apart = set[str](), set[str](), set[str]()
    for run in trained:
        tags = run.data.tags
        (cells if "cell" in tags else apart).update(weights_of(run))
        if "cell" in tags and not tags["without"]:
            full.add(tags["variant"])
    of_cells = scores["checkpoint"].isin(cells - apart)
    longer = set(scores.loc[~of_cells & (scores["checkpoint"] != ""), "method"])  # trained here, or come as a file
    gone = of_cells & (scores["method"].isin(longer) | (bool(full & longer) & ~scores["method"].isin(list(named))))
    if not gone.any():
        return scores, []
    names = ", ".join(sorted(scores.loc[gone, "method"].unique()))
    return scores[~gone], [f"The short trainings of ablations stand apart from all other parts: {names}."]


def of_newest_variants(scores: "pd.DataFrame") -> "pd.DataFrame":
    """Of scores given newest first those by the newest variant of each metric: others cannot be compared with them."""
    return scores[scores["metric_digest"] == scores.groupby("metric")["metric_digest"].transform("first")]


def newest(scores: "pd.DataFrame") -> tuple["pd.DataFrame", list[str]]:
    """Of scores given newest first: the newest checkpoint a method and variant a metric; and notes on the rest.

    Of results that somebody gave, a set's scores by a metric count where all are of the newest files.
    """
    notes = []
    for column, group in (("checkpoint", "method"), ("metric_digest", "metric")):
        latest = scores.groupby(group)[column].transform("first")
        older = scores.loc[scores[column] != latest, group].unique()
        if len(older):
            what = "of older weights" if column == "checkpoint" else "of another variant"
            notes.append(f"Scores {what} are left out: {', '.join(map(str, older))}.")
        scores = scores[scores[column] == latest]
    scores = scores.drop_duplicates(["method", "dataset", "image", "metric"])
    latest = scores.groupby(["method", "dataset", "image"])["method_digest"].transform("first")
    stale = scores["method_digest"].str.startswith("result-") & (scores["method_digest"] != latest)
    if stale.any():
        names = ", ".join(map(str, scores.loc[stale, "method"].unique()))
        notes.append(f"Scores of older results are left out: {names}.")
        scores = scores[~stale.groupby([scores[c] for c in ("method", "dataset", "metric")]).transform("any")]
    return scores.reset_index(drop=True), notes


def not_computed_here(scores: "pd.DataFrame") -> list[str]:
    """How many of the scores come with the project, in a sentence; nothing where none do."""
    from bench.scores import made_elsewhere

    count = int(made_elsewhere(scores).sum())
    told = f"{count:,} of {len(scores):,} scores come with the project and were not computed here."
    return [told] if count else []
