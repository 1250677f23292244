"""One of several processes of a training run, started by `devices.spread` as `python -m enlightengan.worker`."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.errors import BenchError
from enlightengan.build import build, features_for, restored
from enlightengan.checkpoint import has_state
from enlightengan.devices import device_of, join
from enlightengan.train import train


class Silent:
    """A log of a process that has nothing to tell."""

    def parameters(self, values: Mapping[str, object]) -> None: ...
    def metrics(self, values: Mapping[str, float], step: int) -> None: ...
    def image(self, name: str, picture: NDArray[np.uint8], step: int) -> None: ...
    def artifact(self, path: Path) -> None: ...
    def note(self, sentence: str) -> None: ...
    def flush(self) -> None: ...


def main(folder: Path, kind: str, start: str) -> None:
    """Train by the plan in `folder` beside the other processes."""
    plan = json.loads((folder / "plan.json").read_text())
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device, resume = device_of(rank, torch.device(kind)), start == "resume"
    config = restored(plan["method"], plan["config"])
    files = {side: [Path(file) for file in listed] for side, listed in plan["files"].items()}
    features = features_for(config, Path(plan["feature_weights"]) if plan["feature_weights"] else None)
    begun = resume and has_state(folder / "states")
    init_from = Path(plan["init_from"]) if plan["init_from"] and not begun else None
    with join(rank, size, device):
        model = build(config, device=device, features=features, init_from=init_from)
        train(model, low=files["low"], normal=files["normal"], out=folder, log=Silent(), resume=resume)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), *sys.argv[2:4])
    except BenchError as error:
        sys.exit(str(error))
