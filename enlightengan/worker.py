"""One of several processes of a training run, started by `devices.spread` as `python -m enlightengan.worker`."""

import json
import os
import sys
from pathlib import Path

import torch

from bench.device import forbid_tf32
from bench.errors import BenchError
from enlightengan.build import build, features_for, restored
from enlightengan.checkpoint import has_state
from enlightengan.devices import device_of, join
from enlightengan.log import Silent
from enlightengan.train import train


def main(folder: Path, kind: str, start: str) -> None:
    """Train by the plan in `folder` beside the other processes."""
    plan = json.loads((folder / "plan.json").read_text())
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device, resume = device_of(rank, torch.device(kind)), start == "resume"
    forbid_tf32()
    config = restored(plan["method"], plan["config"])
    files = {side: [Path(file) for file in listed] for side, listed in plan["files"].items()}
    features = features_for(config, Path(plan["feature_weights"]) if plan["feature_weights"] else None)
    continued = resume and has_state(folder / "states")
    init_from, teacher = (Path(plan[key]) if plan.get(key) else None for key in ("init_from", "teacher"))
    with join(rank, size, device):
        model = build(
            config, device=device, features=features, init_from=init_from, teacher=teacher, continued=continued
        )
        train(model, low=files["low"], normal=files["normal"], out=folder, log=Silent(), resume=resume)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), *sys.argv[2:4])
    except BenchError as error:
        sys.exit(str(error))
