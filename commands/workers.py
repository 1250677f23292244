"""Where the work goes: this process, a pool of processes, or somebody's Dask cluster; always an Executor."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

AHEAD = 4  # jobs in flight for each worker
PATIENCE = 10  # seconds that a scheduler has to answer


def begin() -> None:
    """What a worker does first: one thread, and float32 that means float32, as in the process that chose the device."""
    from bench.device import forbid_tf32
    from bench.jobs import single_threaded

    forbid_tf32()
    single_threaded()


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
        client.register_worker_callbacks(setup=begin)  # of workers that join later, too
        yield client.get_executor(pure=False), AHEAD * threads
