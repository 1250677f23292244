"""Where the work goes: this process, a pool of processes, or somebody's Dask cluster; always an Executor."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

OURS = ("bench", "enlightengan", "methods")  # the packages that results depend on
IMPORTED = dict[str, str]()  # what computed when this process, a worker of a cluster, last imported ours
AHEAD = 4  # jobs in flight for each worker
PATIENCE = 10  # seconds that a scheduler has to answer


def begin() -> None:
    """What a worker does first: one thread, and float32 that means float32, as in the process that chose the device."""
    from bench.device import forbid_tf32
    from bench.jobs import single_threaded

    forbid_tf32()
    single_threaded()


def begin_anew() -> None:
    """As `begin`, by the code that is there now: a worker of a cluster may have imported ours long before."""
    importlib.invalidate_caches()
    if IMPORTED.get("digest") != what_computes():  # else another evaluation, whose jobs may run, is left alone
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        IMPORTED["digest"] = what_computes()
    begin()


def what_computes() -> str:
    """16 hex digits that change with any file of our packages and with the libraries that compute."""
    from bench.registry import LIBRARIES

    digest = hashlib.sha256("".join(f"{name} {version(name)}" for name in (*LIBRARIES, "pillow", "pyiqa")).encode())
    for package in OURS:
        spec = importlib.util.find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            files = (path for path in Path(folder).rglob("*") if path.is_file() and path.parent.name != "__pycache__")
            for path in sorted(files):
                digest.update(f"{package}/{path.relative_to(folder).as_posix()}".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class _Cluster(Executor):
    """Hands jobs on with absolute paths, for workers may have begun in another folder."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        return self._executor.submit(work, *map(_placed, given), **named)


def _placed(given: Any) -> Any:
    from dataclasses import replace

    from bench.jobs import Job

    if not isinstance(given, Job):
        return given
    paths = {name: path.absolute() for name in ("low", "reference", "result") if (path := getattr(given, name))}
    return replace(given, **paths, save=tuple(path.absolute() for path in given.save))


def begin_in_pool() -> None:
    """As `begin`; and an end when the process that started it is gone."""
    from bench.device import forbid_tf32
    from bench.jobs import pool_worker

    forbid_tf32()
    pool_worker()


@contextmanager
def pool(workers: int, scheduler: str | None = None) -> Iterator[tuple[Executor | None, int]]:
    """The executor and how many jobs it shall hold at a time; (None, 1) when the work is done in this process.

    `scheduler` is the address of a Dask scheduler. Raises BenchError when it does not answer.
    """
    import multiprocessing

    from bench.errors import BenchError

    if workers < 1:
        raise BenchError(f"--workers must be at least 1, not {workers}.")
    if scheduler is not None:
        if workers > 1:
            raise BenchError("--workers is for this machine and --scheduler for a cluster: give one of them.")
        with _cluster(scheduler) as found:
            yield found
    elif workers == 1:
        yield None, 1
    else:
        # A forked child of a process with running torch threads can hang; a spawned one cannot.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=begin_in_pool) as executor:
            try:
                yield executor, AHEAD * workers
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                raise


@contextmanager
def _cluster(address: str) -> Iterator[tuple[Executor, int]]:
    from bench.errors import BenchError

    try:
        from distributed import Client
    except ImportError as error:
        raise BenchError('--scheduler needs dask.distributed: install the project with its extra "cluster".') from error
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BenchError(f"No Dask scheduler answers at {address}: {error}") from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise BenchError(f"The Dask scheduler at {address} has no worker: start dask worker {address}.")
        try:
            client.register_worker_callbacks(setup=begin_anew)  # of workers that join later, too
            told = client.run(what_computes)
        except Exception as error:  # whatever a worker's older code raises
            raise BenchError(f"A worker of {address} has not what this machine has, renew it: {error}") from error
        apart = [worker for worker, digest in told.items() if digest != what_computes()]
        if apart:
            raise BenchError(f"The worker {apart[0]} has other code or libraries than this machine: renew it.")
        yield _Cluster(client.get_executor(pure=False)), AHEAD * threads
