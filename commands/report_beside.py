"""What the report takes from MLflow that other commands left: probes, studies, times."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from commands.report_runs import finished

if TYPE_CHECKING:
    import pandas as pd

    from bench.tracking import Suite


def probes(
    suite: "Suite", *, datasets: Collection[str] = (), metrics: Collection[str] = ()
) -> tuple["pd.DataFrame", dict[str, bool | None], str] | None:
    """What the newest `bench probe` found by metrics that there are, and whether lower is better, None for diagnostics.

    And of what, in words. Where any are given, on `datasets` alone and by `metrics` alone; of the demo alone never, nor
    by other variants of the metrics than are here. None without any.
    """
    import json

    import pandas as pd

    from bench.gaming import directions_of
    from bench.metrics import get_metric
    from commands.kept import unknown_metrics

    for run in finished(suite, "gaming"):
        tags = run.data.tags
        where = tags.get("datasets", "photographs")
        probed = set(json.loads(tags["probed"]) if "probed" in tags else where.split(", "))
        if all(name.partition("/")[0] == "demo" for name in probed) or (datasets and not probed <= set(datasets)):
            continue
        file = suite.artifact(run.info.run_id, "gaming.csv")
        if file is not None:
            found = pd.read_csv(file)
            found = found[~found["metric"].isin(unknown_metrics(found))]
            here = {name: get_metric(name).digest for name in found["metric"].unique()}
            others = [name for name, digest in here.items() if tags.get(f"digest {name}", digest) != digest]
            found = found[~found["metric"].isin(others)]
            found = found[found["metric"].isin(list(metrics))] if metrics else found
            method = tags.get("method", "identity")
            told = where if method == "identity" else f"what {method} made of {where}"
            told += f" ({', '.join(others)} by another variant then, and left out)" if others else ""
            return (found, directions_of(map(get_metric, found["metric"].unique())), told) if len(found) else None
    return None


def studies(suite: "Suite", datasets: Collection[str] = ()) -> list[tuple[dict[str, Any], dict[str, "pd.DataFrame"]]]:
    """Facts and tables of the newest ranking of each human study that `bench study rank` kept; of some `datasets` those
    that tell of one of them."""
    import json

    import pandas as pd

    found: dict[str, tuple[dict[str, Any], dict[str, pd.DataFrame]]] = {}
    for run in finished(suite, "study"):
        name = run.data.tags.get("study", "")
        folder = suite.artifact(run.info.run_id, "study") if name not in found else None
        if folder is None:
            continue
        text = dict.fromkeys(("method", "other", "observer", "metric", "image", "excluded"), str)
        tables = {
            file.stem: pd.read_csv(file, dtype=text, keep_default_na=False, na_values=[""])
            for file in sorted(folder.glob("*.csv"))
        }
        found[name] = (json.loads((folder / "study.json").read_text(encoding="utf-8")), tables)
    return [(facts, tables) for facts, tables in found.values() if not datasets or facts.get("dataset") in datasets]


def speeds(suite: "Suite", methods: Collection[str]) -> "dict[str, pd.DataFrame]":
    """What each `bench speed`, by its run's ID, measured of `methods` that no newer one did at that size and device."""
    import pandas as pd

    found: dict[str, pd.DataFrame] = {}
    known = set[tuple[object, ...]]()
    for run in finished(suite, "speed"):
        file = suite.artifact(run.info.run_id, "speed.csv")
        if file is None or not file.read_text(encoding="utf-8").strip():
            continue
        frame = pd.read_csv(file, dtype={"method": str, "device": str})
        frame = frame[frame["method"].isin(list(methods))]
        measured = list(frame[["method", "width", "height", "device"]].itertuples(index=False, name=None))
        frame = frame[[what not in known for what in measured]]
        known.update(measured)
        if len(frame):
            found[run.info.run_id] = frame
    return found
