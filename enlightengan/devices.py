"""Several processes train one model: this one tells and writes, and it starts the others, unless torchrun does.

Every process draws the same global batch and works on its part; means, BatchNorm's statistics and gradients go over all
parts (see `group`).
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist

from bench.errors import BenchError


def device_of(rank: int, device: torch.device) -> torch.device:
    """The device of process `rank`: the CPU for all, or a CUDA device each. Raises BenchError where one is named."""
    if device.index is not None:
        raise BenchError(f"Several processes cannot train on {device} alone: give --device {device.type}.")
    return torch.device("cuda", rank) if device.type == "cuda" else device


def launched() -> tuple[int, int, int]:
    """(rank, rank on this machine, size) of the processes that torchrun started together; (0, 0, 1) without it."""
    rank, local, size = (int(os.environ.get(name, none)) for name, none in
                         (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "1")))  # fmt: skip
    return rank, local, size


@contextmanager
def join(rank: int, size: int, device: torch.device) -> Iterator[None]:
    """Be process `rank` of `size` meanwhile; MASTER_ADDR and MASTER_PORT say where the first one listens."""
    if size == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", rank=rank, world_size=size)
    try:
        yield
    finally:
        dist.destroy_process_group()


@contextmanager
def spread(size: int, device: torch.device, folder: Path, *, resume: bool) -> Iterator[None]:
    """Be the first of `size` processes meanwhile; the others train by the plan in `folder` (see `worker`).

    Raises BenchError when there are not enough devices or another process has failed.
    """
    if size == 1:
        yield
        return
    if device.type == "cuda" and torch.cuda.device_count() < size:
        raise BenchError(f"--devices {size}: there are {torch.cuda.device_count()} CUDA devices here.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(size)}
    os.environ.update(told)
    command = [sys.executable, "-m", "enlightengan.worker", str(folder), device.type, "resume" if resume else "start"]
    workers = [subprocess.Popen(command, env=os.environ | {"RANK": str(rank)}) for rank in range(1, size)]
    try:
        with join(0, size, device):
            yield
        if any(codes := [worker.wait() for worker in workers]):
            raise BenchError(_failed(size, codes))
    except RuntimeError as error:
        if any(codes := [worker.poll() or 0 for worker in workers]):
            raise BenchError(_failed(size, codes)) from error
        raise
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()
        for name in told:
            os.environ.pop(name, None)


def _failed(size: int, codes: Sequence[int]) -> str:
    """What became of one of `size` processes by the exit status of the others."""
    ended = next((-code for code in codes if code < 0), 0)
    why = f"it was ended by signal {ended}, as for want of memory" if ended else "its message is above"
    return f"One of the {size} processes has failed: {why}."
