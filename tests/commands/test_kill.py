"""A training process is killed in earnest and continued."""

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from bench.tracking import open_suite
from enlightengan import train
from enlightengan.build import build
from enlightengan.checkpoint import read_weights
from enlightengan.config import preset
from enlightengan.log import JsonLinesLog
from enlightengan.probe import Probe

ROOT = Path(__file__).resolve().parents[2]
STEPS = 80  # so many that half a second after the first state, on any machine, training is not at its end
BARE = f"""
import sys
from dataclasses import replace
from functools import partial
from commands import training
from enlightengan import config, discriminators, networks, train
from enlightengan.probe import Probe
train.STATE_EVERY, train.Probe = 0.0, partial(Probe, size=(32, 48), count=1)
networks.WIDTHS, discriminators.FIRST, discriminators.WIDEST = (4, 8, 16, 32, 64), 8, 64  # as `narrow` does
training._probe_niqe = lambda: lambda pictures: {{}}
config.PRESETS["smoke"] = replace(config.PRESETS["smoke"], max_steps={STEPS})
import cli
sys.argv = ["bench", *sys.argv[1:]]
cli.main()
"""
WITHOUT = ("local-discriminator", "perceptual")
LEFT_OUT = [word for part in WITHOUT for word in ("--without", part)]


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def start(*words):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", BARE, "train", "enlightengan", *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_killed_process_continues_bit_identical_in_the_same_run(
    store, workplace, photograph, one_thread, narrow, monkeypatch
):
    for seed in range(3):
        photograph(workplace / f"dark/{seed}.png", seed=seed, size=(60, 64), high=50)
        photograph(workplace / f"bright/{seed}.png", seed=seed, size=(60, 64), low=100)
    settings = ("--crop", 40, "--batch-size", 2, "--precision", "float32")
    process = start("--low", "dark", "--normal", "bright", "--preset", "smoke", *LEFT_OUT, *settings)
    deadline = time.monotonic() + 120
    while not (states := list(workplace.glob("runs/training/*/states/state-*.pt"))) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.5))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert states and process.returncode == -signal.SIGKILL
    (run,) = open_suite().search(kind="train")
    assert run.info.status == "RUNNING"  # nobody was left to say otherwise
    again = start("--resume", run.info.run_id)
    assert again.wait(timeout=120) == 0, again.communicate()[0]
    again.communicate()
    (run,) = open_suite().search(kind="train")
    assert run.info.status == "FINISHED"
    resumed, _ = read_weights(open_suite().artifact(run.info.run_id, "weights.safetensors"))

    monkeypatch.setattr(train, "Probe", partial(Probe, size=(32, 48), count=1))
    config = preset("smoke", without=WITHOUT, crop=40, batch_size=2, precision="float32", max_steps=STEPS)
    files = [sorted((workplace / side).iterdir()) for side in ("dark", "bright")]
    whole = train.train(
        build(config, device=torch.device("cpu")), low=files[0], normal=files[1], out=workplace / "whole",
        log=JsonLinesLog(workplace / "whole"), keep_optimisers=False,
    )  # fmt: skip
    expected, _ = read_weights(whole)
    assert resumed.keys() == expected.keys()
    assert all(torch.equal(resumed[key], expected[key]) for key in expected)
