"""Running methods on datasets and scoring the results: every (method, picture) is one job of an Executor.

Only a window of jobs is in flight, so memory does not grow with the number of photographs.
"""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bench.cells import CellStore, cell_key, scoring_digest
from bench.data import Dataset
from bench.digests import file_digest
from bench.errors import BenchError
from bench.jobs import Contestant, Job, Result, Row, row_of, run_job
from bench.metrics import Metric
from bench.scores import score_table

WINDOW = 8
"""Jobs in flight when nothing is said: enough to keep two workers busy."""
Save = Callable[[Contestant, Dataset, str], tuple[Path, ...]]


@dataclass(frozen=True)
class Task:
    """What is known of one picture of one contestant, and the job for the rest; None when nothing is left to do."""

    contestant: Contestant
    dataset: Dataset
    rows: list[Row]
    keys: dict[str, str]
    """The key of the cell of each metric."""
    origin: dict[str, str] = field(default_factory=dict)
    """The digests that the rows depend on, by the score table's columns."""
    job: Job | None = None


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
    window: int = WINDOW,
    device: str = "cpu",
    force: bool = False,
    save: Save = lambda *_: (),
    on_picture: Callable[[Contestant, Dataset, bool], None] | None = None,
    troubles: list[str] | None = None,
) -> pd.DataFrame:
    """Score every contestant on every picture of every dataset by every metric that suits it; the score table.

    Cells found in `cells` are not computed again unless `force`. `save(contestant, dataset, image)` names the files
    that the result shall be written to; those that could not be written are told in `troubles`.
    `on_picture(contestant, dataset, reused)` is told of each finished picture. Without an executor it is done here;
    with one, at most `window` jobs are handed to it at a time.
    """
    rows: list[Row] = []
    known = None if force else cells
    tasks = _tasks(contestants, datasets, metrics, cells=known, device=device, save=save)
    for task, (result, unwritten) in _results(tasks, executor, window):
        if troubles is not None:
            troubles += unwritten
        if cells is not None and result:
            cells.put({task.keys[row["metric"]]: (row["value"], row["seconds"]) for row in result if not row["error"]})
        rows += [{**row, **task.origin} for row in task.rows + result]
        if on_picture:
            on_picture(task.contestant, task.dataset, task.job is None)
    return _ordered(rows, contestants, datasets, metrics)


def _tasks(
    contestants: Sequence[Contestant], datasets: Sequence[Dataset], metrics: Sequence[Metric], *,
    cells: CellStore | None, device: str, save: Save,
) -> Iterator[Task]:  # fmt: skip
    for dataset in datasets:
        suitable = [metric for metric in metrics if suits(metric, dataset)]
        references: Sequence[Path | None] = dataset.reference or [None] * len(dataset.low)
        for low, reference in zip(dataset.low, references, strict=True):
            picture = file_digest(low) + (file_digest(reference) if reference else "")
            for contestant in contestants:
                if contestant.covers(dataset.name):
                    yield _task(contestant, dataset, low, reference, picture=picture, metrics=suitable, cells=cells,
                                device=device, save=save)  # fmt: skip


def _task(
    contestant: Contestant, dataset: Dataset, low: Path, reference: Path | None, *, picture: str,
    metrics: Sequence[Metric], cells: CellStore | None, device: str, save: Save,
) -> Task:  # fmt: skip
    image = dataset.image_name(low)
    common = {"method": contestant.name, "checkpoint": contestant.checkpoint, "dataset": dataset.name}
    given = contestant.results[dataset.name][image] if contestant.results is not None else None
    if isinstance(given, str):
        lacking = [row_of(common, image, metric.name, math.nan, math.nan, given) for metric in metrics]
        return Task(contestant, dataset, lacking, {})
    method = contestant.digest if device == "cpu" else f"{contestant.digest}-{device}"
    if given is not None:
        method = f"result-{file_digest(given)}"  # whoever made it: the same file has the same scores
    scoring = scoring_digest()
    keys = {metric.name: cell_key(method, picture, metric.digest, scoring) for metric in metrics}
    found = {} if cells is None else {name: cells.get(key) for name, key in keys.items()}
    known = {name: score for name, score in found.items() if score is not None}
    rows = [row_of(common, image, name, *score) for name, score in known.items()]
    files, missing = save(contestant, dataset, image), tuple(name for name in keys if name not in known)
    job = Job(contestant, dataset.name, image, low, reference, missing, device, files, given)
    origin = {"method_digest": method, "picture_digest": picture, "scoring_digest": scoring}
    return Task(contestant, dataset, rows, keys, origin, job if missing or files else None)


def _results(tasks: Iterable[Task], executor: Executor | None, window: int) -> Iterator[tuple[Task, Result]]:
    pending: dict[Future[Result], Task] = {}
    for task in tasks:
        if task.job is None:
            yield task, ([], [])
        elif executor is None:
            yield task, run_job(task.job)
        else:
            while len(pending) >= window:
                yield from _finished(pending)
            try:
                pending[executor.submit(run_job, task.job)] = task
            except BrokenExecutor as error:
                yield from _kept(pending, pending)
                raise _lost(error) from error
    while pending:
        yield from _finished(pending)


def _finished(pending: dict["Future[Result]", Task]) -> Iterator[tuple[Task, Result]]:
    """Take what is finished out of `pending`, waiting for one at least."""
    done = wait(pending, return_when=FIRST_COMPLETED).done
    lost = yield from _kept(done, pending)
    if lost is not None:
        yield from _kept([future for future in pending if future.done()], pending)
        raise _lost(lost) from lost


def _kept(
    done: Iterable["Future[Result]"], pending: dict["Future[Result]", Task]
) -> Generator[tuple[Task, Result], None, Exception | None]:
    """What the futures that are done have given, taken out of `pending`; and why others of them gave nothing."""
    lost = None
    for future in [future for future in done if future.done()]:
        task = pending.pop(future)
        try:
            result = future.result()
        except Exception as error:  # a job itself raises nothing: its worker or its cluster is gone
            lost = error
        else:
            yield task, result
    return lost


def _lost(error: Exception) -> BenchError:
    if isinstance(error, BrokenExecutor):
        return BenchError(
            "A worker process was killed, often for lack of memory. What was finished is kept: run the same command "
            "again, with fewer --workers."
        )
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return BenchError(f"The workers were lost: {reason} What was finished is kept: run the same command again.")


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
