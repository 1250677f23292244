"""How fast the evaluation is: pictures a second with one and two workers, beside pyiqa's own loop; and when repeated.

python benchmarks/evaluation.py [--images 24] [--size 600x400] [--metric niqe] [--finished 1000] [--folder DIR]

Prints JSON. Every measurement is a process of its own, on one torch thread a worker. `start` is the time until the
first picture is done (imports, models, database), `rate` counts the others over the time after it: the steady state.
pyiqa's part loads the same parameters and does what its command does: open each picture, score it. `repeated` is an
evaluation of `--finished` cells that are all there already; `imports` is what importing mlflow and pandas takes beside
it, and `over` the difference. The pictures are noise with structure, made here, unless a folder is given.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
OURS = """
import sys, time
started = time.perf_counter()
from bench.data import from_folder
from bench.evaluation import evaluate
from bench.metrics import get_metric
from bench.jobs import single_threaded
from commands.workers import pool
from methods import contestant
from pathlib import Path
if __name__ == "__main__":
    single_threaded()
    times = []
    with pool(int(sys.argv[3])) as (executor, window):
        evaluate([contestant("identity")[0]], [from_folder(Path(sys.argv[1]))], [get_metric(sys.argv[2])],
                 executor=executor, window=window, on_picture=lambda *_: times.append(time.perf_counter() - started))
    print(times)
"""
PYIQA = """
import sys, time
started = time.perf_counter()
import torch, pyiqa, warnings
warnings.simplefilter("ignore")
from bench.metrics import PRISTINE
from pathlib import Path
from PIL import Image
from pyiqa.utils.img_util import imread2tensor
torch.set_num_threads(1)
options = {"pretrained_model_path": str(PRISTINE)} if sys.argv[2] == "niqe" else {}
metric, times = pyiqa.create_metric(sys.argv[2], device=torch.device("cpu"), **options), []
for path in sorted(Path(sys.argv[1]).rglob("*.*")):
    float(metric(imread2tensor(str(path), rgb=True).unsqueeze(0)))
    times.append(time.perf_counter() - started)
print(times)
"""
IMPORTS = "import time; s = time.perf_counter(); import mlflow, pandas; print([time.perf_counter() - s])"


def script(code: str, *words: object) -> list[float]:
    """What a process with this code prints last, a list of seconds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measured.py"
        path.write_text(code)
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        told = subprocess.run(
            [sys.executable, str(path), *map(str, words)], capture_output=True, text=True, check=True, env=environment
        )
    return [float(value) for value in json.loads(told.stdout.strip().splitlines()[-1])]


def steady(times: list[float], skipped: int) -> dict[str, float]:
    """Seconds until the first `skipped` pictures are done, and pictures a second after them."""
    start = times[skipped - 1]
    return {"start_seconds": start, "rate": (len(times) - skipped) / (times[-1] - start)}


def command(*words: object, folder: Path) -> float:
    """Seconds that `bench` with these words takes in `folder`."""
    code = "import sys; sys.argv[0] = 'bench'; from cli import main; main()"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *map(str, words)], cwd=folder, check=True, capture_output=True,
                   env=environment)  # fmt: skip
    return time.perf_counter() - started


def make(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """`count` pictures of `size` (width, height) in `folder`."""
    folder.mkdir(parents=True)
    width, height = size
    for seed in range(count):
        rng = np.random.default_rng(seed)
        waves = (
            np.sin(np.linspace(0, 20 + seed, width))[None, :, None] * np.cos(np.linspace(0, 15, height))[:, None, None]
        )
        pixels = np.clip(60 + 40 * waves + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed:05}.png")
    return folder


def repeated(scratch: Path, finished: int) -> dict[str, Any]:
    """Seconds of an evaluation whose cells are all there: ten methods on a tenth as many small pictures."""
    methods = ("identity", "gamma", "logarithm", "sigmoid", "autolevels", "clahe", "histogram_equalization",
               "histogram_equalization_64", "histogram_equalization_luma", "histogram_equalization_value")  # fmt: skip
    make(scratch / "night", max(1, finished // len(methods)), (48, 32))
    words = ["evaluate", "--images", "night", "--metric", "loe", *(w for m in methods for w in ("--method", m))]
    first, again = (command(*words, folder=scratch) for _ in range(2))
    (imports,) = script(IMPORTS)
    return {"cells": finished, "first_seconds": first, "seconds": again, "imports": imports, "over": again - imports}


def main() -> None:
    """Run every measurement and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--size", default="600x400")
    parser.add_argument("--metric", default="niqe")
    parser.add_argument("--finished", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder = (
            options.folder.resolve() if options.folder else make(scratch / "pictures", options.images, (width, height))
        )
        found: dict[str, Any] = {"load_average": os.getloadavg()[0], "cores": os.cpu_count(), "metric": options.metric}
        found["pyiqa"] = steady(script(PYIQA, folder, options.metric), 1)
        found["one_worker"] = steady(script(OURS, folder, options.metric, 1), 1)
        found["two_workers"] = steady(script(OURS, folder, options.metric, 2), 2)
        found["two_over_one"] = found["two_workers"]["rate"] / found["one_worker"]["rate"]
        found["one_over_pyiqa"] = found["one_worker"]["rate"] / found["pyiqa"]["rate"]
        if options.finished:
            found["repeated"] = repeated(scratch / "finished", options.finished)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
