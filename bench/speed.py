"""What a method costs: time with the device synchronised, multiply-accumulates, parameters, peak memory.

Times taken without synchronising a GPU measure how fast work is handed over, and have exceeded what the card can do. So
a time is checked against the fastest rate that the same device reaches on a matrix product or a convolution.
"""

import math
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from skimage import data
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench.device import return_freed_memory
from bench.errors import BenchError
from bench.jobs import enhance

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
MIB = 2**20


@dataclass(frozen=True)
class Speed:
    """One method at one size (width, height)."""

    method: str
    size: tuple[int, int]
    seconds: float
    """The median of the repeats."""
    fastest: float
    repeats: int
    macs: int | None
    """Multiply-accumulates of what torch computes; None for a method that torch computes nothing of."""
    parameters: int
    memory: float
    """Peak MiB beyond what was there before the call: of the card, else of the process. NaN where it is not told."""

    def beyond(self, peak: float) -> str:
        """A sentence when this is faster than `peak` multiply-accumulates a second allow, else nothing."""
        if self.macs is None or self.macs / self.fastest <= peak:
            return ""
        return (
            f"{self.method} at {self.size[0]}x{self.size[1]}: {self.fastest:.3g} s would take "
            f"{self.macs / self.fastest / 1e9:.0f} G multiply-accumulates a second, more than the {peak / 1e9:.0f} G "
            "that this device reaches: the time cannot be right."
        )


def picture(size: tuple[int, int]) -> Tensor:
    """The astronaut of scikit-image at a quarter of its light, (1, 3, height, width); `size` is width x height."""
    resized = cv2.resize(data.astronaut(), size, interpolation=cv2.INTER_CUBIC)
    return torch.from_numpy(resized.astype(np.float32) / 255 / 4).permute(2, 0, 1)[None].contiguous()


def parse_size(text: str) -> tuple[int, int]:
    """(width, height) of `600x400`. Raises BenchError for anything else."""
    with suppress(ValueError):
        width, height = (int(part) for part in text.lower().split("x"))
        if 1 <= width <= 32768 and 1 <= height <= 32768:
            return width, height
    raise BenchError(f"--size takes WIDTHxHEIGHT in pixels, such as 600x400, not '{text}'.")


def measure(name: str, enhancer: nn.Module, size: tuple[int, int], *, device: str = "cpu", repeats: int = 5) -> Speed:
    """Time `enhancer` on one picture of `size`, after two calls that warm up (they count operations and memory)."""
    image, module = picture(size), enhancer.eval().to(device)
    macs = operations(module, image.to(device))
    memory = peak_memory(lambda: enhance(module, image, device=device), device)
    seconds = [enhance(module, image, device=device)[1] for _ in range(repeats)]
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Speed(name, size, statistics.median(seconds), min(seconds), repeats, macs or None, parameters, memory)


def operations(module: nn.Module, image: Tensor) -> int:
    """Multiply-accumulates of one call: half of what torch counts, which takes each for two operations."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        module(image)
    return int(counter.get_total_flops()) // 2


def peak_memory(call: Callable[[], object], device: str) -> float:
    """MiB that `call` needs at its peak beyond what was there before; NaN where the system does not tell."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return (torch.cuda.max_memory_allocated(device) - before) / MIB
    try:
        return_freed_memory()
        CLEAR.write_text("5")  # Linux: the peak starts anew
        before = _resident("VmRSS")
        call()
        return max(_resident("VmHWM") - before, 0) / MIB
    except (OSError, BenchError):
        call()
        return math.nan


def _resident(field: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise BenchError(f"{STATUS} has no {field}.")


@cache
def peak_rate(device: str = "cpu") -> float:
    """Multiply-accumulates a second, float32: the better of a matrix product and a 3 x 3 convolution, measured once."""
    side, plane = (4096, 256) if device.startswith("cuda") else (1024, 64)
    matrix = torch.rand(side, side, device=device)
    planes, kernel = torch.rand(1, 256, plane, plane, device=device), torch.rand(256, 256, 3, 3, device=device)
    return max(
        side**3 / _fastest(lambda: matrix @ matrix, device),
        256 * 256 * 9 * plane**2 / _fastest(lambda: nn.functional.conv2d(planes, kernel, padding=1), device),
    )


def _fastest(call: Callable[[], object], device: str, repeats: int = 7) -> float:
    seconds = []
    with torch.inference_mode():
        for _ in range(repeats):
            _wait(device)
            started = time.perf_counter()
            call()
            _wait(device)
            seconds.append(time.perf_counter() - started)
    return min(seconds)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def device_name(device: str) -> str:
    """The card's name, or the processor's with the number of threads used."""
    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {torch.get_num_threads()} threads"
