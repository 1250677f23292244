"""Averages of the score table: a summary of what was measured, and leaderboards that compare like with like.

A method that failed on the hard photographs must not look better for it. So a leaderboard compares methods only over
the images that all of them have a value for, and says in words where that is fewer than were measured. "All images"
weighs every image equally, whatever its dataset, as the EnlightenGAN paper (Jiang et al., TIP 2021, Table I) does; a
dataset that less than half as many methods have values on as on another has no part in it, or the few would be all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.errors import BenchError
from bench.scores import COLUMNS, ORIGIN
from bench.statistics import Interval, mean_interval

SUMMARY_COLUMNS = ("method", "dataset", "metric", "mean", "low", "high", "images", "errors", "seconds")


@dataclass(frozen=True)
class Leaderboard:
    """One metric: every method over the same images, best first."""

    metric: str
    lower_is_better: bool
    shared: pd.DataFrame
    """Image values: index (dataset, image), one column a method, only shared images; NaN where never scored."""
    apart: tuple[str, ...]
    """The datasets that have no part in the mean over all images, for too few methods have values there."""
    means: pd.DataFrame
    """Method × dataset, best first; NaN where the dataset cannot be compared or the method has no value."""
    overall: Mapping[str, Interval]
    """Over all images, best first; only methods that have values on every dataset that is not `apart`."""
    images: Mapping[str, int]
    """How many images of each dataset the methods are compared on."""
    asked: Mapping[str, int]
    """How many images of each dataset any method was scored on."""
    notes: tuple[str, ...]

    @property
    def values(self) -> pd.DataFrame:
        """Of `shared` what the means over all images are of."""
        return self.shared[~self.shared.index.isin(self.apart, level="dataset")]

    @property
    def methods(self) -> list[str]:
        """Every method that was asked for, best first."""
        return [str(method) for method in self.means.index]

    def on(self, dataset: str) -> dict[str, Interval]:
        """The mean of each method that can be compared on this dataset, with its interval, best first."""
        if not self.images[dataset]:
            return {}
        part = self.shared.loc[dataset]
        present = part.columns[part.notna().all()]
        intervals = {str(method): mean_interval(part[method].to_numpy()) for method in present}
        return dict(sorted(intervals.items(), key=lambda item: self.sign * item[1].mean))

    @property
    def sign(self) -> int:
        """Multiplied with a mean, smaller is better."""
        return 1 if self.lower_is_better else -1


def checked(scores: pd.DataFrame, *, directions: Mapping[str, bool]) -> pd.DataFrame:
    """The score table with methods named as in the report: `METHOD (CHECKPOINT)` where one has several checkpoints.

    Raises BenchError for missing columns, no rows, rows given twice, one metric in two variants, unknown directions.
    """
    missing = [column for column in COLUMNS if column not in (*scores, *ORIGIN)]
    if missing:
        raise BenchError(f"This is not a score table: it has no column {', '.join(missing)}.")
    if scores.empty:
        raise BenchError("The score table has no rows: run `bench evaluate` first.")
    unknown = sorted(set(scores["metric"]) - set(directions))
    if unknown:
        raise BenchError(f"It is not known whether lower is better for {named(unknown)}: give its direction.")
    digests = scores[np.isfinite(scores["value"]) & (scores["metric_digest"] != "")]
    for metric, found in digests.groupby("metric")["metric_digest"].unique().items():
        if len(found) > 1:
            raise BenchError(
                f"{metric} was measured in {len(found)} variants ({named(sorted(found))}), which cannot be compared: "
                "keep the rows of one, or run `bench evaluate --force`."
            )
    frame = scores.reset_index(drop=True)
    several = frame.groupby("method")["checkpoint"].transform("nunique") > 1
    labels = frame["method"] + " (" + frame["checkpoint"].replace("", "default") + ")"
    frame = frame.assign(method=frame["method"].where(~several, labels))
    twice = frame.duplicated(["method", "dataset", "image", "metric"])
    if twice.any():
        row = frame[twice].iloc[0]
        raise BenchError(
            f"The score table holds {int(twice.sum())} rows twice, first {row['method']} on {row['dataset']}/"
            f"{row['image']} for {row['metric']}: keep one of each, or they count double."
        )
    return frame


def summary(scores: pd.DataFrame, *, directions: Mapping[str, bool]) -> pd.DataFrame:
    """One row a (method, dataset, metric), best first: `SUMMARY_COLUMNS`, each over the method's own finite values.

    `images` counts finite values, `errors` the rows without one, `seconds` is the mean time for one image.
    """
    frame = checked(scores, directions=directions)
    rows = []
    for (metric, dataset, method), group in frame.groupby(["metric", "dataset", "method"], sort=False):
        finite = group["value"][np.isfinite(group["value"])].to_numpy()
        interval = mean_interval(finite) if len(finite) else Interval(np.nan, np.nan, np.nan, 0)
        bounds = (interval.mean, interval.low, interval.high, interval.count)
        rows.append((method, dataset, metric, *bounds, len(group) - len(finite), group["seconds"].mean()))
    table = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    better = table["mean"].where(table["metric"].map(dict(directions)).astype(bool), -table["mean"])
    return table.iloc[_order(table["metric"], table["dataset"], better)].reset_index(drop=True)


def leaderboard(scores: pd.DataFrame, *, directions: Mapping[str, bool], metric: str) -> Leaderboard:
    """Every method on every dataset that has rows of `metric`, over shared images only, best first.

    Raises BenchError as `checked` does, and when no row is of this metric.
    """
    frame = checked(scores, directions=directions)
    frame = frame[frame["metric"] == metric]
    if frame.empty:
        raise BenchError(f"No row of the score table is of the metric {metric}.")
    frame = frame.assign(value=frame["value"].where(np.isfinite(frame["value"])))
    values = frame.pivot(index=["dataset", "image"], columns="method", values="value")
    values = values.reindex(columns=frame["method"].unique())
    datasets = list(frame["dataset"].unique())
    shared = {dataset: _shared(values.xs(dataset, level="dataset", drop_level=False)) for dataset in datasets}
    every = pd.concat(shared.values())
    apart = _scored_by_few(every)
    kept = every[~every.index.isin(apart, level="dataset")]
    means = every.groupby(level="dataset").mean().T.reindex(columns=datasets)
    sign = 1 if directions[metric] else -1
    complete = [method for method in kept if len(kept) and kept[method].notna().all()]
    overall = {str(method): mean_interval(kept[method].to_numpy()) for method in complete}
    overall = dict(sorted(overall.items(), key=lambda item: sign * item[1].mean))
    rest = (sign * means.drop(index=complete)).assign(covered=lambda part: -part.notna().sum(axis=1))
    rest = rest.assign(mean=rest[datasets].mean(axis=1)).sort_values(["covered", "mean"], kind="stable")
    return Leaderboard(
        metric=metric,
        lower_is_better=directions[metric],
        shared=every,
        apart=apart,
        means=means.loc[[*overall, *rest.index]],
        overall=overall,
        images={dataset: len(part) for dataset, part in shared.items()},
        asked={str(dataset): int(count) for dataset, count in values.groupby(level="dataset").size().items()},
        notes=_notes(values, shared, apart),
    )


def named(names: Sequence[str], *, most: int = 5) -> str:
    """`a, b and c`, or the first few `and N more`."""
    shown = [str(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[: most - 1])} and {len(shown) - most + 1} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _shared(part: pd.DataFrame) -> pd.DataFrame:
    present = part.columns[part.notna().any()]
    return part[part[present].notna().all(axis=1) & part.notna().any(axis=1)]


def _order(metrics: pd.Series, datasets: pd.Series, better: pd.Series) -> npt.NDArray[np.intp]:
    """Metrics and datasets in the order they came in, best mean first, no mean last (NaN sorts last)."""
    return np.lexsort((better.to_numpy(), pd.factorize(datasets)[0], pd.factorize(metrics)[0]))


def _scored_by_few(every: pd.DataFrame) -> tuple[str, ...]:
    """The datasets that less than half as many methods have values on as on the one that most have."""
    scored = every.notna().groupby(level="dataset", sort=False).any().sum(axis=1)
    return tuple(str(dataset) for dataset in scored.index[2 * scored < scored.max()])


def _notes(values: pd.DataFrame, shared: Mapping[str, pd.DataFrame], apart: Sequence[str]) -> tuple[str, ...]:
    notes, absent = [], {str(method): list[str]() for method in values}
    for dataset, kept in shared.items():
        part = values.xs(dataset, level="dataset")
        present = [method for method in part if part[method].notna().any()]
        lacking = [f"{method} on {part[method].isna().sum()}" for method in present if part[method].isna().any()]
        for method in set(part) - set(present):
            absent[str(method)].append(dataset)
        if not present:
            notes.append(f"No method has a value on {dataset}.")
        elif not len(kept):
            notes.append(f"No image of {dataset} has a value from every method, so nothing is compared there.")
        elif lacking:
            notes.append(
                f"On {dataset} the methods are compared over {len(kept)} of {len(part)} images, those that all of them "
                f"have a value for (without one: {named(lacking)})."
            )
        if dataset in apart:
            few = f"{named([str(method) for method in present])} alone {'has' if len(present) == 1 else 'have'}"
            notes.append(
                f"{few} a value on {dataset}, of {values.shape[1]} methods, so {dataset} has no part in the means over "
                "all images."
            )
    compared = [dataset for dataset, kept in shared.items() if len(kept) and dataset not in apart]
    for method, datasets in absent.items():
        gaps = [dataset for dataset in datasets if dataset in compared]
        if gaps:
            notes.append(f"{method} has no value on {named(gaps)}, so it has no mean over all images.")
    return tuple(notes)
