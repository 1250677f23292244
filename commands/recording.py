"""What an evaluation leaves in MLflow: the table, a child run for each method and dataset, a few pictures."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from bench.data import Dataset
    from bench.jobs import Contestant
    from bench.metrics import Metric
    from bench.run import Run
    from bench.tracking import Suite
    from commands.scoring import Entry

SAMPLES = Path("runs/samples")
LONGEST_NAME = 200  # bytes; file systems take 255, less what is written aside
SAMPLE_COUNT = 6  # pictures of each dataset that are kept for MLflow and the report


def sample_images(dataset: "Dataset") -> list[str]:
    """The pictures of `dataset` that are kept to be looked at: SAMPLE_COUNT, spread evenly over its list."""
    count = min(SAMPLE_COUNT, len(dataset.low))
    return [dataset.image_name(dataset.low[k * len(dataset.low) // count]) for k in range(count)]


def sample_file(contestant: "Contestant", dataset: "Dataset", image: str) -> Path:
    """Where the result of `contestant` on a sample picture is kept; changes with code, weights and photographs."""
    return SAMPLES / contestant.digest / f"{dataset.name}-{dataset.digest}" / artifact_name(image)


def artifact_name(image: str) -> str:
    """A picture's name as one flat file name, png.

    A digest stands for what makes it longer than a name may be, and beside what another picture may be called flat.
    """
    flat = image.replace("/", "__")
    if any(mark in image for mark in ("__", "_/", "/_")) or len(flat.encode(errors="surrogateescape")) > LONGEST_NAME:
        digest = hashlib.sha256(image.encode(errors="surrogateescape")).hexdigest()[:16]
        flat = f"{flat.encode(errors='surrogateescape')[:LONGEST_NAME].decode(errors='ignore')}-{digest}"
    return f"{flat}.png"


def record(
    suite: "Suite", parent: "Run", frame: "pd.DataFrame", entries: Sequence["Entry"], datasets: Sequence["Dataset"],
    metrics: Sequence["Metric"], *, device: str,
) -> None:  # fmt: skip
    """The whole table and the low-light samples to the parent; one child run for each method on each dataset."""
    import tempfile

    from bench.images import read_rgb, write_rgb
    from bench.scores import write_csv

    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "scores.csv"
        write_csv(frame, table)
        parent.artifact(table)
        parent.tags({f"variant {m.name}": m.variant for m in metrics} | {f"digest {m.name}": m.digest for m in metrics})
        for dataset in datasets:
            scored = frame[(frame["dataset"] == dataset.name) & (frame["error"] == "")]
            for image in sorted(set(sample_images(dataset)) & set(scored["image"])):
                low = Path(scratch) / artifact_name(image)
                write_rgb(read_rgb(dataset.folder / image), low)
                parent.artifact(low, f"low/{dataset.name}")
            for entry in (entry for entry in entries if entry.contestant.covers(dataset.name)):
                name = entry.contestant.name
                part = frame[(frame["method"] == name) & (frame["dataset"] == dataset.name)]
                write_csv(part, table)
                _log_child(suite, parent, part, entry, dataset, table, device=device)


def _log_child(
    suite: "Suite", parent: "Run", part: "pd.DataFrame", entry: "Entry", dataset: "Dataset", table: Path, *,
    device: str,
) -> None:  # fmt: skip
    contestant = entry.contestant
    tags = {
        "method": contestant.name, "method_digest": contestant.digest, "weights_digest": contestant.checkpoint,
        "dataset": dataset.name, "dataset_digest": dataset.digest, "low_digest": dataset.low_digest,
        "pinned": "yes" if dataset.pinned else "no",
        "dataset_folder": str(dataset.folder.absolute()), "device": device,
    }  # fmt: skip
    if dataset.but:
        tags["dataset_but"] = json.dumps([str(place.absolute()) for place in dataset.but])
    if dataset.references is not None:
        tags["references_folder"] = str(dataset.references.absolute())
    if entry.results is not None:
        tags["results_folder"] = str(entry.results.absolute())
    if entry.weights is not None:
        tags |= {"made_by": entry.method, "weights_file": str(entry.weights.absolute())}
    with suite.run(f"{contestant.name} on {dataset.name}", kind="score", tags=tags, parent=parent) as child:
        child.parameters(
            {
                "method": contestant.name,
                "dataset": dataset.name,
                "checkpoint": contestant.checkpoint,
                "weights": entry.source,
                "images": len(dataset.low),
            }
        )
        means = part.groupby("metric")["value"].agg(["mean", "count"])
        child.metrics({f"{dataset.name}/{metric}": row["mean"] for metric, row in means.iterrows() if row["count"]})
        child.metrics({"errors": float((part["error"] != "").sum()), "seconds": float(part["seconds"].mean())})
        child.artifact(table)
        for image in sample_images(dataset):
            file = sample_file(contestant, dataset, image)
            if file.exists():
                child.artifact(file, "samples")


def bare_folder(tags: Mapping[str, str]) -> "Dataset":
    """The photographs of a folder as they were taken for those of a dataset when they were scored."""
    from bench.data import from_folder

    twins = tags.get("references_folder")
    but = [Path(place) for place in json.loads(tags.get("dataset_but", "[]"))]
    return from_folder(Path(tags["dataset_folder"]), Path(twins) if twins else None, but=but)
