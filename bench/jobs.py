"""One job of an evaluation: a picture through a method, or a finished result of it, and its scores.

A job never raises for what a method or a metric does: the row says why a value is missing, and the rest goes on.
"""

import math
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.enhancer import checked
from bench.errors import BenchError
from bench.images import read_image, read_rgb, to_pixels, to_tensor, write_rgb
from bench.iqa import Scorer
from bench.metrics import get_metric

Results = Mapping[str, Mapping[str, Path | str]]


@dataclass(frozen=True)
class Contestant:
    """A method with its weights. `load` must be picklable: workers call it, once each."""

    name: str
    digest: str
    """Changes with the method's code and weights."""
    load: Callable[[], nn.Module] = field(compare=False)
    checkpoint: str = ""
    results: Results | None = field(default=None, compare=False)
    """Of somebody else's results: for each dataset each image's file, or a sentence on why there is none."""

    def covers(self, dataset: str) -> bool:
        """Whether there is anything to score on the dataset of this name."""
        return self.results is None or dataset in self.results


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
    result: Path | None = None
    """A finished result: it is read, and the method is not run."""


Row = dict[str, Any]
Result = tuple[list[Row], list[str]]
"""The rows of a job, and a sentence for each file that could not be written."""


def single_threaded() -> None:
    """What a worker does first: several workers with several threads each slow one another down."""
    import cv2
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    threadpool_limits(1, user_api="blas")  # for good, as long as it is not used as a context


def pool_worker() -> None:
    """What every process of a pool does first: one thread, and an end when the process that started it is gone.

    Otherwise the workers of a killed evaluation wait for work, and hold their memory, for ever.
    """
    single_threaded()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


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
        if job.result is None:
            made, seconds = enhance(_loaded(job.contestant, job.device), low, device=job.device)
            pixels = to_pixels(made)
        else:
            pixels = read_rgb(job.result)
        reference = read_image(job.reference) if job.reference else None
    except Exception as error:  # a method may fail in any way; its row says how
        reason = _reason(error)
        unwritten = [f"{path}: {reason}" for path in job.save] if not job.metrics else []
        return [row_of(common, job.image, name, math.nan, seconds, reason) for name in job.metrics], unwritten
    picture, unwritten = to_tensor(pixels), []
    others = {"reference": reference, "input": low}
    rows = [row_of(common, job.image, name, *_score(name, picture, others, seconds)) for name in job.metrics]
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


def row_of(common: Row, image: str, metric: str, value: float, seconds: float, error: str = "") -> Row:
    """One row of the score table, but for the metric's digest."""
    return {**common, "image": image, "metric": metric, "value": value, "seconds": seconds, "error": error}


def _reason(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [""])[0]
    return text if isinstance(error, BenchError) else f"{type(error).__name__}: {text}"
