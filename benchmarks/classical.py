"""Time and memory of every classical method, on one thread; equalization, gamma and CLAHE beside the library they use.

python benchmarks/classical.py [--method NAME]... [--size 600x400]... [--repeats 3]

Prints JSON: for each size and method the seconds of the fastest call after a warm-up and the peak memory of a process
of its own that makes one call, over what it had before (MB). The picture is a darkened photograph that comes
with scikit-image. References get and give the same float32 array as the methods do. Linux only; no GPU is used.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from skimage import data, exposure
from torch import Tensor

from bench.enhancer import Picture
from bench.environment import provenance
from methods import METHODS

Call = Callable[[Picture], Any]


def picture(size: tuple[int, int]) -> Tensor:
    """The astronaut of scikit-image at a quarter of its light, (1, 3, height, width); `size` is width x height."""
    resized = cv2.resize(data.astronaut(), size, interpolation=cv2.INTER_CUBIC)
    return torch.from_numpy(resized.astype(np.float32) / 255 / 4).permute(2, 0, 1)[None].contiguous()


def clahe(image: Picture) -> Picture:
    """OpenCV on 8-bit CIELAB, as its documentation shows it."""
    planes = cv2.cvtColor(np.rint(image * 255).astype(np.uint8), cv2.COLOR_RGB2LAB)
    planes[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(np.ascontiguousarray(planes[..., 0]))
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_LAB2RGB), dtype=np.float32) / 255


def equalize(image: Picture) -> Picture:
    """OpenCV on each 8-bit channel."""
    channels = cv2.split(np.rint(image * 255).astype(np.uint8))
    return np.asarray(cv2.merge([cv2.equalizeHist(channel) for channel in channels]), dtype=np.float32) / 255


REFERENCES: dict[str, tuple[str, Call]] = {
    "histogram_equalization": ("OpenCV equalizeHist", equalize),
    "gamma": ("scikit-image adjust_gamma", lambda image: exposure.adjust_gamma(image, 1 / 2.2)),
    "clahe": ("OpenCV createCLAHE", clahe),
}


def fastest(call: Callable[[], Any], repeats: int) -> float:
    """Seconds of the fastest of `repeats` calls after one to warm up."""
    call()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def one_thread() -> None:
    """The same for every measurement."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def memory(name: str, size: tuple[int, int]) -> float:
    """MB that one call needs beyond what was there before; meant for a fresh process."""
    one_thread()
    method, small, image = METHODS[name](), picture((32, 32)), picture(size)
    method(small)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
    before = memory_of("VmRSS")
    method(image)
    return (memory_of("VmHWM") - before) / 1024


def memory_of(field: str) -> int:
    """A line of what Linux tells of this process's memory, kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def measure(name: str, size: tuple[int, int], repeats: int) -> dict[str, Any]:
    """The figures of one method at one size."""
    method, image = METHODS[name](), picture(size)
    seconds = fastest(lambda: method(image), repeats)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        row: dict[str, Any] = {"seconds": seconds, "peak_mb": pool.apply(memory, (name, size))}
    if name in REFERENCES:
        title, reference = REFERENCES[name]
        array = np.ascontiguousarray(image[0].permute(1, 2, 0).numpy())
        row["reference"] = title
        row["reference_seconds"] = fastest(lambda: reference(array), repeats)
        row["times_the_reference"] = seconds / row["reference_seconds"]
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", action="append", help="may be given several times; all classical ones unless given")
    parser.add_argument("--size", action="append", help="width x height; 600x400 and 2000x1500 unless given")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    one_thread()
    classical = [name for name in METHODS if METHODS.card(name).family == "classical"]
    results: dict[str, dict[str, Any]] = {}
    for text in arguments.size or ["600x400", "2000x1500"]:
        width, height = (int(side) for side in text.split("x"))
        results[text] = {n: measure(n, (width, height), arguments.repeats) for n in arguments.method or classical}
    print(json.dumps({"environment": provenance(), "threads": 1, "sizes": results}, indent=2))


if __name__ == "__main__":
    main()
