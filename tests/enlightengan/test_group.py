"""Two real processes share a batch, and everything is as if one had it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.images import write_rgb
from enlightengan.batch import Batch
from enlightengan.build import build
from enlightengan.config import preset
from enlightengan.cost import Cost
from enlightengan.devices import _failed, device_of
from enlightengan.group import SynchronisedBatchNorm

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = ("perceptual",)
PROCESS = """
import json, os, sys, torch
from enlightengan.build import build
from enlightengan.config import preset
from enlightengan.devices import join
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from test_group import batches, config, told
with join(int(os.environ["RANK"]), 2, torch.device("cpu")):
    model = build(config(sys.argv[2]), device=torch.device("cpu"))
    found = told(model)
if os.environ["RANK"] == "0":
    print(json.dumps(found))
"""
UNLIKE = """
import os, sys, torch
from pathlib import Path
from enlightengan import train
from enlightengan.build import build
from enlightengan.devices import join
from enlightengan.log import JsonLinesLog
sys.path.insert(0, sys.argv[1])
from test_group import config
rank, cpu = int(os.environ["RANK"]), torch.device("cpu")
train.choose_precision = lambda *_: ("bfloat16", "float32")[rank == int(sys.argv[2])]
with join(rank, 2, cpu):
    out = Path(sys.argv[3]) / str(rank)
    print(train._Run(build(config("per-device", precision="auto"), device=cpu), out, JsonLinesLog(out)).precision)
"""


def config(batch_norm, **changes):
    sizes = {"crop": 40, "batch_size": 3, "precision": "float32"} | changes
    return preset("smoke", without=WITHOUT, batch_norm=batch_norm, **sizes)


def batches():
    """Two batches, of three pictures and of two: parts of two and one, then of one each."""
    random = torch.Generator().manual_seed(0)
    for count in (3, 2):
        low, normal = (torch.rand((count, 3, 40, 40), generator=random) * 2 - 1 for _ in range(2))
        yield Batch(low, low * 0.5 - 0.5, normal, [(0, 0), (5, 3)])


def told(model):
    """Losses of two steps; then gradients' norms, a running variance after them and what a sample costs, as numbers."""
    with torch.no_grad():
        model.generator.conv10.weight.mul_(30)  # a fresh generator's residual is too small to feel BatchNorm
    cost = Cost(model)
    steps = [cost.step(batch, precision="float32") for batch in batches()]
    losses = [{name: float(loss) for name, loss in found.items()} for found in steps]
    norms = {name: float(sum(p.grad.double().square().sum() for p in network.parameters()) ** 0.5)
             for name, network in model.networks().items()}  # fmt: skip
    variance = float(model.generator.state_dict()["bn5_2.running_var"].sum())
    return [*losses, norms, {"variance": variance, **cost.counted}]


def in_two(script, *words):
    """What each of two processes prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "WORLD_SIZE": "2",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
    }
    command = [sys.executable, "-c", script, str(Path(__file__).parent), *words]
    processes = [
        subprocess.Popen(command, env=os.environ | common | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    out = [process.communicate(timeout=200)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return out


def together(batch_norm):
    return json.loads(in_two(PROCESS, batch_norm)[0].splitlines()[-1])


def close(first, second, tolerance):
    return all(
        mine[name] == pytest.approx(theirs[name], rel=tolerance) for mine, theirs in zip(first, second, strict=True)
        for name in theirs
    )  # fmt: skip


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_two_processes_equal_one_with_synchronised_batch_norm(one_thread):
    alone = told(build(config("synchronised"), device=torch.device("cpu")))
    shared = together("synchronised")
    assert close(shared[:1], alone[:1], 1e-5)  # the losses
    assert close(shared[2:], alone[2:], 1e-2)  # after an Adam step, whose signs magnify rounding
    assert not close(together("per-device")[:1], alone[:1], 1e-5)  # the choice is one


@pytest.mark.parametrize("slower", [0, 1])
def test_processes_of_which_one_would_compute_otherwise_have_the_first_one_s_precision(slower, tmp_path):
    found = [out.split()[-1] for out in in_two(UNLIKE, str(slower), str(tmp_path))]
    assert found == [("float32", "bfloat16")[slower]] * 2


def test_alone_the_synchronised_norm_is_torch_s():
    norm, plain = SynchronisedBatchNorm(3), torch.nn.BatchNorm2d(3)
    image = torch.rand((2, 3, 4, 5), generator=torch.Generator().manual_seed(0))
    assert torch.equal(norm(image), plain(image))


def test_several_processes_are_not_given_one_device_by_its_number():
    assert device_of(1, torch.device("cuda")) == torch.device("cuda", 1)
    assert device_of(1, torch.device("cpu")) == torch.device("cpu")
    with pytest.raises(BenchError, match=r"cannot train on cuda:3 alone: give --device cuda\."):
        device_of(0, torch.device("cuda:3"))


def trained(tmp_path, photographs, *launcher):
    """The losses that a training of two steps on the command line logs."""
    out = tmp_path / f"run{len(launcher)}"
    words = ["-m", "enlightengan", "--low", photographs, "--normal", photographs, "--out", out, "--preset", "smoke"]
    words += ["--max-steps", 1, "--batch-size", 2, "--crop", 40, "--precision", "float32", "--without", "perceptual"]
    told = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *map(str, [*launcher, *words])], cwd=tmp_path, env=told, check=True, timeout=300)
    records = [json.loads(line) for line in (out / "run.jsonl").read_text().splitlines()]
    losses = [record["values"] for record in records if record["kind"] == "metrics"]
    return {name: value for values in losses for name, value in values.items() if name.startswith("loss/")}


def test_torchrun_trains_as_one_process_does(tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    random = np.random.default_rng(0)
    for number in range(4):
        write_rgb(random.integers(0, 256, (48, 56, 3), dtype=np.uint8), photographs / f"{number}.png")
    alone = trained(tmp_path, photographs)
    shared = trained(tmp_path, photographs, "-m", "torch.distributed.run", "--nproc-per-node", 2)
    assert alone
    assert shared == pytest.approx(alone, rel=1e-5)


def test_rivals_take_no_option_of_enlightengan_s_own(tmp_path):
    for words, told in (
        (("--features", "random", "--bright-inputs", 0.1), "cyclegan takes no --bright-inputs or --features."),
        (("--without", "attention"), "cyclegan takes no --without."),
    ):
        command = [sys.executable, "-m", "enlightengan", "--method", "cyclegan", "--low", tmp_path, "--out", tmp_path]
        done = subprocess.run(
            [*map(str, [*command, *words])], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr.strip()) == (1, told)


def test_what_ended_one_of_several_processes_is_said():
    assert _failed(2, [1]) == "One of the 2 processes has failed: its message is above."
    assert _failed(3, [0, -9]).endswith("it was ended by signal 9, as for want of memory.")
