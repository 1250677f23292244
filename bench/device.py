"""Which device to compute on, and how the CPU's memory is used."""

import ctypes
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

from bench.errors import BenchError


def choose_device(name: str = "auto") -> torch.device:
    """`auto` is CUDA where there is one, else the CPU. Raises BenchError when the named device is not there.

    float32 then means float32 (see `forbid_tf32`).
    """
    forbid_tf32()
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BenchError(f"The device {name} cannot be used: {reason} Choose auto, cpu or another.") from error
    return device


@contextmanager
def enough_memory(told: str) -> Iterator[None]:
    """Raises BenchError, which says `told`, where the memory, the device's or the machine's, runs out."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise BenchError(told) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        raise BenchError(told) from error


def forbid_tf32() -> None:
    """Switch TF32 off in this process, which torch allows convolutions by default."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
KEPT = 32 << 20  # bytes of the largest block that is kept: windows of huge photographs must not pile up


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next layer, instead of returning it and faulting it in again.

    A network's activations are large enough to go back to the system each time: a tenth of the time of a picture on a
    CPU. Only glibc can do that; elsewhere nothing happens, and no result depends on it.
    """
    mallopt = _c_library("mallopt")
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEPT)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """Let the C library return what is freed to the system, so that what is taken next shows in the process's size."""
    malloc_trim = _c_library("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _c_library(name: str) -> Any:
    """The function `name` of glibc; None elsewhere."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


FASTER = 1.2  # times: less is within what two measurements differ by
KERNEL, SIDE, CHANNELS = 3, 64, 64  # of the convolution that is timed: one from the middle of the network


@cache
def fast_precision() -> torch.dtype:
    """What convolutions on this CPU run in where speed counts more than the last digit: bfloat16 where that is faster.

    That it can multiply bfloat16 says little: with AVX-512 alone, without AMX's tiles, it takes longer than float32. So
    a convolution is timed in both, once a process. Scores are always made in float32.
    """
    abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if not (abilities.get("avx512_bf16") or abilities.get("amx_bf16")):
        return torch.float32
    whole, half = (_convolution(precision) for precision in (torch.float32, torch.bfloat16))
    pairs = [(_seconds(whole), _seconds(half)) for _ in range(6)][1:]  # what is done first is set up first
    return torch.bfloat16 if min(pair[0] for pair in pairs) > FASTER * min(pair[1] for pair in pairs) else torch.float32


def _convolution(precision: torch.dtype) -> Callable[[], Tensor]:
    shapes = (2, CHANNELS, SIDE, SIDE), (CHANNELS, CHANNELS, KERNEL, KERNEL)
    values, weights = (torch.ones(s, dtype=precision).contiguous(memory_format=torch.channels_last) for s in shapes)
    return lambda: torch.conv2d(values, weights, padding=1)


@torch.inference_mode()
def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
