"""Which device to compute on, and how the CPU's memory is used."""

import ctypes
import sys
from typing import Any

import torch

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


def fast_precision() -> torch.dtype:
    """What convolutions may run in where speed counts more than the last digit: bfloat16 if this CPU computes in it.

    Only for photographs. Scores are always made in float32.
    """
    abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return torch.bfloat16 if abilities.get("avx512_bf16") or abilities.get("amx_bf16") else torch.float32
