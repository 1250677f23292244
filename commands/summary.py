"""The table that `bench evaluate` prints: means with intervals, the best of each dataset marked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from bench.data import Dataset
    from bench.metrics import Metric


def _called(dataset: "Dataset") -> str:
    """A dataset's heading; what was held out from an adaptation is kept under the ID of its run."""
    if dataset.pinned or dataset.role == "demo":
        return dataset.name
    return f"held out (run {dataset.name[:8]})" if dataset.role == "held-out" else f"{dataset.name} (not pinned)"


def print_summary(frame: "pd.DataFrame", metrics: Sequence["Metric"], datasets: Sequence["Dataset"]) -> None:
    """Print, for each metric, the mean of each method on each dataset: best first, the best of a column marked."""
    from commands.console import bracketed, table
    from reports.tables import summary

    called = {dataset.name: _called(dataset) for dataset in datasets}
    means = summary(frame, directions={metric.name: metric.lower_is_better for metric in metrics})
    for metric in metrics:
        part = means[means["metric"] == metric.name]
        # A mean over fewer pictures than another method's is no rival to it.
        whole = part[part["images"] == part.groupby("dataset")["images"].transform("max")]
        best = whole.groupby("dataset")["mean"].agg("min" if metric.lower_is_better else "max")
        rivals = set(zip(whole["method"], whole["dataset"], strict=True))
        names = [dataset.name for dataset in datasets if dataset.name in best.index]
        cells = part.set_index(["method", "dataset"])
        order = part.groupby("method")["mean"].mean().sort_values(ascending=metric.lower_is_better).index
        rows = []
        for method in order:
            row = [str(method)]
            for name in names:
                if (method, name) not in cells.index or not cells.loc[(method, name), "images"]:
                    row.append("-")
                    continue
                cell = cells.loc[(method, name)]
                marked = cell["mean"] == best[name] and (method, name) in rivals and not metric.diagnostic
                mark = " *" if marked else "  "
                row.append(f"{cell['mean']:.3f} {bracketed(cell['low'], cell['high'])} {int(cell['images']):>3}{mark}")
            rows.append(row)
        headings = ["method", *(called[name] for name in names)]
        best_said = "" if metric.diagnostic else ", * best"
        title = f"{metric.name}: mean [95 % interval] images, {metric.direction}{best_said}"
        table(headings, rows, title=title, numbers=len(names))
