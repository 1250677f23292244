"""How fast is `bench enhance`, and how much memory does it take? `python benchmarks/enhance.py` prints JSON.

Images a second at 600 x 400, the network at full size and the guided method beside ONNX Runtime with what we export of
each, taken in turns in the same process with the same number of threads. Of both methods, seconds and peak
memory of whole photographs (reading, enhancing, writing a JPEG), each size in a process of its own: the peak is what
the process had at most beyond what it has with torch and the network loaded.
Without --weights a seeded random generator is measured; speed and memory do not depend on the values.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from PIL import Image

from bench.batch import Job, run
from bench.brighten import brighten, develop, window_side
from bench.device import choose_device, fast_precision, keep_freed_memory
from bench.errors import BenchError
from enlightengan.enhancer import LearnedEnhancer
from enlightengan.export import export, session
from enlightengan.guided import GuidedEnhancer
from enlightengan.networks import Generator, initialise

SMALL = (400, 600)
PAUSE = 0.3  # seconds before each call: ONNX Runtime's threads spin for a while after theirs


def learned(weights: Path | None) -> LearnedEnhancer:
    """The enhancer in `weights`, else a seeded random one."""
    if weights is not None:
        return LearnedEnhancer.of("enlightengan", weights, attention=True)
    generator = Generator()
    initialise(generator, torch.Generator().manual_seed(0))
    return LearnedEnhancer(generator, source="seeded random numbers")


def picture(height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A dark gradient with noise, 8-bit RGB (H, W, 3)."""
    rng = np.random.default_rng(0)
    waves = np.sin(np.linspace(0, 30, height))[:, None] * np.cos(np.linspace(0, 40, width))[None]
    grey = (40 + 30 * waves).astype(np.uint8)[..., None]
    return grey + rng.integers(0, 12, (height, width, 3), dtype=np.uint8)


def small(enhancer: LearnedEnhancer, repeats: int) -> dict[str, Any]:
    """Images a second at 600 x 400: ours, ours in float32, ours guided, and ONNX Runtime's of both."""
    pixels, guided = picture(*SMALL), GuidedEnhancer(enhancer, source=enhancer.source)
    works: dict[str, Callable[[], Any]] = {
        "ours": lambda: brighten(enhancer, pixels, fast=True),
        "float32": lambda: brighten(enhancer, pixels),
        "guided": lambda: brighten(guided, pixels, fast=True),
    }
    apart = np.abs(works["ours"]().astype(int) - works["float32"]().astype(int)).max()
    found: dict[str, Any] = {"precision": str(fast_precision()), "largest_deviation_of_255": int(apart)}
    with tempfile.TemporaryDirectory() as folder:
        image = (pixels.astype(np.float32) / 255).transpose(2, 0, 1)[None].copy()
        for name, method in (("onnx_runtime", enhancer), ("guided_onnx_runtime", guided)):
            file = Path(folder) / f"{name}.onnx"
            try:
                export(method, file)
            except BenchError as error:  # without the extra
                found[name] = f"not measured: {error}"
                continue
            graph = session(file, threads=torch.get_num_threads())
            works[name] = partial(graph.run, None, {"image": image})
        seconds: dict[str, list[float]] = {name: [] for name in works}
        for number in range(repeats + 1):
            for name, work in works.items():
                time.sleep(PAUSE)
                began = time.perf_counter()
                work()
                if number:  # the first round warms up
                    seconds[name].append(time.perf_counter() - began)
    rates = {name: 1 / statistics.median(taken) for name, taken in seconds.items()}
    found |= {f"{name}_images_per_second": rate for name, rate in rates.items()}
    if "onnx_runtime" in rates:
        found["times_as_fast_as_onnx_runtime"] = rates["ours"] / rates["onnx_runtime"]
    return found


def large(enhancer: LearnedEnhancer | GuidedEnhancer, megapixels: float, tile: int | None) -> dict[str, Any]:
    """Seconds and peak memory of one photograph of 4 : 3; meant for a process of its own."""
    height, width = round((megapixels * 0.75e6) ** 0.5), round((megapixels * 1e6 / 0.75) ** 0.5)
    brighten(enhancer, picture(64, 64), fast=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "dark.jpg"
        if subprocess.run([sys.executable, __file__, "--make", source, f"{height}x{width}"], check=False).returncode:
            raise SystemExit("The photograph could not be made.")
        base, began = psutil.Process().memory_info().rss, time.perf_counter()
        job = Job(source, Path(folder) / "bright.jpg")
        (outcome,) = run([job], lambda given: develop(enhancer, given, tile=tile, fast=True))
        seconds = time.perf_counter() - began
    if outcome.state != "written":
        raise SystemExit(outcome.error)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "height": height, "width": width, "seconds": seconds, "megapixels_per_second": height * width / 1e6 / seconds,
        "tile": window_side(enhancer, (height, width), tile), "base_mb": base / 1e6,
        "peak_over_base_mb": (peak - base) / 1e6,
    }  # fmt: skip


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that is printed."""
    common = [sys.executable, __file__, *(["--weights", arguments.weights] if arguments.weights else [])]
    common += ["--tile", str(arguments.tile)] if arguments.tile else []
    photographs = []
    for megapixels in arguments.sizes:
        for guided in ([], ["--guided"]):
            one = [*common, "--one", str(megapixels), *guided]
            done = subprocess.run(one, check=True, capture_output=True, text=True)
            photographs.append({"megapixels": megapixels, "guided": bool(guided), **json.loads(done.stdout)})
    result = {"threads": torch.get_num_threads(), "load_before": psutil.getloadavg()[0]}
    return {**result, "600x400": small(learned(arguments.weights), arguments.repeats), "photographs": photographs}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="*", default=[12, 48], help="Megapixels.")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--tile", type=int, default=None)
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--one", type=float, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--guided", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--make", nargs=2, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    choose_device("cpu")
    keep_freed_memory()
    if given.make:
        Image.fromarray(picture(*map(int, given.make[1].split("x")))).save(given.make[0], quality=90)
    elif given.one is not None:
        network = learned(given.weights)
        print(
            json.dumps(
                large(
                    GuidedEnhancer(network, source=network.source) if given.guided else network, given.one, given.tile
                )
            )
        )
    else:
        print(json.dumps(measure(given), indent=1))
