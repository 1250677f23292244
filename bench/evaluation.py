"""Running methods on datasets and scoring the results: every (method, picture) is one job of an Executor.

A job never raises for what a method or a metric does: the row says why a value is missing, and the rest goes on.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from bench.cells import CellStore, cell_key
from bench.data import Dataset, file_digest
from bench.enhancer import checked
from bench.errors import BenchError
from bench.images import read_image, to_pixels, to_tensor, write_rgb
from bench.metrics import Metric, Scorer, get_metric
from bench.scores import score_table


@dataclass(frozen=True)
class Contestant:
    """A method with its weights. `load` must be picklable: workers call it, once each."""

    name: str
    digest: str
    """Changes with the method's code and weights."""
    load: Callable[[], nn.Module] = field(compare=False)
    checkpoint: str = ""


@dataclass(frozen=True)
class Job:
    """One picture through one method, and the metrics still to be computed; `save` are files to write the result to."""

    contestant: Contestant
    dataset: str
    image: str
    low: Path
    reference: Path | None
    metrics: tuple[str, ...]
    device: str
    save: tuple[Path, ...] = ()


Row = dict[str, Any]
Result = tuple[list[Row], list[str]]
"""The rows of a job, and a sentence for each file that could not be written."""


def suits(metric: Metric, dataset: Dataset) -> bool:
    """Whether `dataset` has what `metric` needs."""
    return bool(dataset.reference) or not metric.needs_reference


def evaluate(
    contestants: Sequence[Contestant],
    datasets: Sequence[Dataset],
    metrics: Sequence[Metric],
    *,
    cells: CellStore | None = None,
    executor: Executor | None = None,
    device: str = "cpu",
    force: bool = False,
    save: Callable[[Contestant, Dataset, str], tuple[Path, ...]] = lambda *_: (),
    on_picture: Callable[[Contestant, Dataset, bool], None] | None = None,
    troubles: list[str] | None = None,
) -> pd.DataFrame:
    """Score every contestant on every picture of every dataset by every metric that suits it; the score table.

    Cells found in `cells` are not computed again unless `force`. `save(contestant, dataset, image)` names the files
    that the result shall be written to; those that could not be written are told in `troubles`.
    `on_picture(contestant, dataset, reused)` is told of each finished picture. Without an executor it is done here.
    """
    rows: list[Row] = []
    jobs: list[tuple[Job, Dataset, dict[str, str]]] = []
    for dataset in datasets:
        suitable = [metric for metric in metrics if suits(metric, dataset)]
        for low, reference in _pictures(dataset):
            picture = file_digest(low) + (file_digest(reference) if reference else "")
            image = dataset.image_name(low)
            for contestant in contestants:
                method = contestant.digest if device == "cpu" else f"{contestant.digest}-{device}"
                keys = {metric.name: cell_key(method, picture, metric.digest) for metric in suitable}
                known = {} if force or cells is None else _known(cells, keys)
                files = save(contestant, dataset, image)
                missing = tuple(name for name in keys if name not in known)
                common = {"method": contestant.name, "checkpoint": contestant.checkpoint, "dataset": dataset.name}
                rows += [_row(common, image, name, *score) for name, score in known.items()]
                if missing or files:
                    job = Job(contestant, dataset.name, image, low, reference, missing, device, files)
                    jobs.append((job, dataset, keys))
                elif on_picture:
                    on_picture(contestant, dataset, True)
    for job, dataset, keys, (result, unwritten) in _results(jobs, executor):
        if troubles is not None:
            troubles += unwritten
        if cells is not None:
            cells.put({keys[row["metric"]]: (row["value"], row["seconds"]) for row in result if not row["error"]})
        rows += result
        if on_picture:
            on_picture(job.contestant, dataset, False)
    return _ordered(rows, contestants, datasets, metrics)


def _pictures(dataset: Dataset) -> Iterator[tuple[Path, Path | None]]:
    references: Sequence[Path | None] = dataset.reference or [None] * len(dataset.low)
    yield from zip(dataset.low, references, strict=True)


def _known(cells: CellStore, keys: dict[str, str]) -> dict[str, tuple[float, float]]:
    found = {name: cells.get(key) for name, key in keys.items()}
    return {name: score for name, score in found.items() if score is not None}


def _results(
    jobs: list[tuple[Job, Dataset, dict[str, str]]], executor: Executor | None
) -> Iterator[tuple[Job, Dataset, dict[str, str], "Result"]]:
    if executor is None:
        for job, dataset, keys in jobs:
            yield job, dataset, keys, run_job(job)
        return
    futures: dict[Future[Result], tuple[Job, Dataset, dict[str, str]]] = {
        executor.submit(run_job, entry[0]): entry for entry in jobs
    }
    for future in as_completed(futures):
        try:
            result = future.result()
        except BrokenExecutor as error:
            raise BenchError(
                "A worker process was killed, often for lack of memory. What was finished is kept: run the same "
                "command again, with fewer --workers."
            ) from error
        yield *futures[future], result


def _ordered(
    rows: list[Row], contestants: Sequence[Contestant], datasets: Sequence[Dataset], metrics: Sequence[Metric]
) -> pd.DataFrame:
    digests = {metric.name: metric.digest for metric in metrics}
    order = ([d.name for d in datasets], [c.name for c in contestants], [m.name for m in metrics])
    first, second, third = ({name: place for place, name in enumerate(group)} for group in order)
    for row in rows:
        row["metric_digest"] = digests[row["metric"]]
    rows.sort(key=lambda r: (first[r["dataset"]], second[r["method"]], third[r["metric"]], r["image"]))
    return score_table(rows)


def single_threaded() -> None:
    """What every process of a pool does first: several workers with several threads each slow one another down."""
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@cache
def _loaded(contestant: Contestant, device: str) -> nn.Module:
    return contestant.load().eval().to(device)


@cache
def _scorer(metric: str) -> Scorer:
    return get_metric(metric).load()


def run_job(job: Job) -> Result:
    """Enhance one picture, score it by `job.metrics`, write it where asked."""
    common = {"method": job.contestant.name, "checkpoint": job.contestant.checkpoint, "dataset": job.dataset}
    seconds = math.nan
    try:
        low = read_image(job.low)
        result, seconds = enhance(_loaded(job.contestant, job.device), low, device=job.device)
        pixels = to_pixels(result)
        reference = read_image(job.reference) if job.reference else None
    except Exception as error:  # a method may fail in any way; its row says how
        reason = _reason(error)
        unwritten = [f"{path}: {reason}" for path in job.save] if not job.metrics else []
        return [_row(common, job.image, name, math.nan, seconds, reason) for name in job.metrics], unwritten
    picture, unwritten = to_tensor(pixels), []
    others = {"reference": reference, "input": low}
    rows = [_row(common, job.image, name, *_score(name, picture, others, seconds)) for name in job.metrics]
    for path in job.save:
        try:
            write_rgb(pixels, path)
        except BenchError as error:
            unwritten.append(str(error))
    return rows, unwritten


def enhance(enhancer: nn.Module, low: Tensor, *, device: str = "cpu") -> tuple[Tensor, float]:
    """The enhanced picture, on the CPU, and the seconds it took with the device synchronised.

    Raises BenchError when the shape differs from the input's or a value is not finite.
    """
    image = low.to(device)
    _synchronise(device)
    started = time.perf_counter()
    with torch.inference_mode():
        result = enhancer(image)
    _synchronise(device)
    seconds = time.perf_counter() - started
    return checked(result, low).cpu(), seconds


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _score(metric: str, picture: Tensor, others: dict[str, Tensor | None], seconds: float) -> tuple[float, float, str]:
    known = get_metric(metric)
    other = "reference" if known.needs_reference else "input" if known.needs_input else ""
    try:
        value = _scorer(metric)(picture, others.get(other))
    except Exception as error:  # likewise: the metric's own error goes into the row
        return math.nan, seconds, _reason(error)
    return (value, seconds, "") if math.isfinite(value) else (math.nan, seconds, f"{metric} gave {value}")


def _row(common: Row, image: str, metric: str, value: float, seconds: float, error: str = "") -> Row:
    return {**common, "image": image, "metric": metric, "value": value, "seconds": seconds, "error": error}


def _reason(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [""])[0]
    return text if isinstance(error, BenchError) else f"{type(error).__name__}: {text}"
