"""How fast is a training step? `python benchmarks/train_step.py --crop 112 --batch 4` prints JSON.

Beside our step runs, in the same process, a deliberately plain one that reads like the paper: every network called once
for every use, patches one after another, no memory format. The JSON gives images a second of both, the operations as
torch counts them (2 a multiply-accumulate), the rate of a large matrix product on the same machine, and the largest
relative difference of losses and gradients between the two steps in float32. With `--photographs FOLDER` also how
much slower the steps are when their batches come from photographs, decoded, cropped and turned, than from memory.
"""

import argparse
import copy
import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import mse_loss
from torch.utils.flop_counter import FlopCounterMode

from bench.device import choose_device
from bench.folders import photographs_in
from enlightengan.batch import Batch
from enlightengan.config import preset
from enlightengan.data import UnpairedBatches
from enlightengan.image_cache import ImageCache, usable
from enlightengan.losses import self_feature_preserving, take_windows
from enlightengan.perceptual import load_features
from enlightengan.step import Model
from enlightengan.train import choose_precision


def plain_step(model: Model, batch: Batch) -> dict[str, Tensor]:
    """One step as the equations read, in float32; returns the losses. Changes `model` as `Model.step` does."""
    assert model.local_d is not None and model.features is not None
    patch, count = model.config.patch, len(batch.windows)
    enhanced, _ = model.generator(batch.seen)
    real, fake = model.global_d(batch.normal), model.global_d(enhanced)
    zeros, ones = torch.zeros_like(real), torch.ones_like(real)
    adversarial = (mse_loss(real - fake.mean(), zeros) + mse_loss(fake - real.mean(), ones)) / 2  # Eq. 4
    preserving = self_feature_preserving(enhanced, batch.low, model.features)  # Eq. 7
    for window in batch.windows:
        piece, low = (take_windows(image, [window], patch) for image in (enhanced, batch.low))
        logits = model.local_d(piece)
        adversarial = adversarial + mse_loss(logits, torch.ones_like(logits)) / count  # Eq. 6
        preserving = preserving + self_feature_preserving(piece, low, model.features) / count
    _descend(model, "generator", adversarial + preserving)
    fixed = enhanced.detach()
    real, fake = model.global_d(batch.normal), model.global_d(fixed)
    global_loss = (mse_loss(real - fake.mean(), ones) + mse_loss(fake - real.mean(), zeros)) / 2  # Eq. 3
    _descend(model, "global_discriminator", global_loss)
    local_loss = torch.zeros(())
    for window in batch.windows:
        real, fake = (model.local_d(take_windows(image, [window], patch)) for image in (batch.normal, fixed))
        both = mse_loss(real, torch.ones_like(real)) + mse_loss(fake, torch.zeros_like(fake))
        local_loss = local_loss + both / 2 / count  # Eq. 5
    _descend(model, "local_discriminator", local_loss)
    names = ("global_discriminator", "local_discriminator", "generator_adversarial", "self_feature_preserving")
    losses = (global_loss, local_loss, adversarial, preserving)
    return {name: loss.detach() for name, loss in zip(names, losses, strict=True)}


def _descend(model: Model, name: str, loss: Tensor) -> None:
    model.optimisers[name].zero_grad()
    torch.autograd.backward(loss)
    model.optimisers[name].step()


def difference(model: Model, batch: Batch) -> dict[str, float]:
    """Largest relative difference of losses and of gradients (by network) between the two steps, in float32."""
    other = copy.deepcopy(model)
    for network in other.networks().values():  # copied optimisers still hold the original's parameters
        network.zero_grad()
    other.optimisers = {
        name: torch.optim.Adam(network.parameters(), lr=0.0) for name, network in other.networks().items()
    }
    ours, plain = model.step(batch), plain_step(other, batch)
    losses = max(abs(float(ours[name] - plain[name])) / abs(float(plain[name])) for name in plain)
    gradients = 0.0
    for name, network in model.networks().items():
        # Relative to the network's largest gradient: a fresh one has tensors whose gradients are rounding noise.
        both = zip(network.parameters(), other.networks()[name].parameters(), strict=True)
        pairs = [(p.grad, q.grad) for p, q in both if p.grad is not None and q.grad is not None]
        apart = max(float((mine - theirs).abs().max()) for mine, theirs in pairs)
        gradients = max(gradients, apart / max(float(theirs.abs().max()) for _, theirs in pairs))
    return {"losses": losses, "gradients": gradients}


def seconds(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Median seconds of `work` after one warm-up, synchronised; `repeats` 0 is the first call itself."""
    taken = []
    for number in range(repeats + 1):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number or not repeats:
            taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def matrix_rate(device: torch.device, dtype: torch.dtype, size: int = 4096) -> float:
    """TFLOP/s of a square matrix product."""
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / seconds(lambda: left @ right, device, 3) / 1e12


def operations(work: Callable[[], Any]) -> float:
    """Floating-point operations of `work` as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that is printed."""
    device = choose_device(arguments.device)
    config = preset("fast", crop=arguments.crop, batch_size=arguments.batch, features="random",
                    accumulate=arguments.accumulate, checkpointing=arguments.checkpointing)  # fmt: skip
    precision = choose_precision(arguments.precision, device)
    model = Model(config, load_features("random"), device)
    shape = (arguments.batch, 3, arguments.crop, arguments.crop)
    low, normal = (torch.rand(shape, generator=torch.Generator().manual_seed(k)) * 2 - 1 for k in range(2))
    windows = [(int(x), int(y)) for x, y in torch.randint(0, arguments.crop - config.patch, (config.patches, 2))]
    batch = Batch(low.to(device), low.to(device), normal.to(device), windows)
    ours = seconds(lambda: model.step(batch, precision=precision), device, arguments.repeats)
    found: dict[str, Any] = {
        "device": str(device), "threads": torch.get_num_threads(), "precision": precision, "crop": config.crop,
        "batch": config.batch_size, "accumulate": config.accumulate, "checkpointing": config.checkpointing,
        "images_per_second": config.batch_size / ours, "peak_memory_mb": _peak(device),
    }  # fmt: skip
    if arguments.photographs:
        found |= starvation(model, arguments.photographs, precision, rounds=6 * arguments.repeats)
    if config.accumulate == 1 and not config.checkpointing:  # else it is another sum than the plain step's
        found |= beside_plain(model, batch, precision, ours=ours, repeats=arguments.repeats)
    return found


def beside_plain(model: Model, batch: Batch, precision: str, *, ours: float, repeats: int) -> dict[str, Any]:
    """Our step, which takes `ours` seconds, beside the plain one and a large matrix product."""
    apart, plain, count = difference(model, batch), copy.deepcopy(model), len(batch.low)
    theirs = seconds(lambda: plain_step(plain, batch), model.device, repeats)
    needed = operations(lambda: model.step(batch))
    rate = matrix_rate(model.device, torch.bfloat16 if precision == "bfloat16" else torch.float32)
    return {
        "plain_images_per_second": count / theirs, "speedup": theirs / ours, "gflop_per_image": needed / count / 1e9,
        "tflops": needed / ours / 1e12, "matrix_product_tflops": rate,
        "fraction_of_matrix_product": needed / ours / 1e12 / rate, "largest_relative_difference": apart,
    }  # fmt: skip


def starvation(model: Model, folder: Path, precision: str, *, rounds: int) -> dict[str, Any]:
    """Steps over photographs beside steps over one batch that is there already, taken in turns.

    And the seconds in which one thread prepares a batch: what a step must take, or leave to several threads.
    """
    config, read = model.config, ImageCache()
    good, _ = usable(photographs_in(folder), config.crop, read=read)
    batches = UnpairedBatches(config, low=good, normal=good, read=read)
    prepared = seconds(lambda: batches.crops(0), torch.device("cpu"), rounds)
    stream = batches.stream(0, model.device)
    taken: dict[str, list[float]] = {"memory": [], "photographs": []}
    there = next(stream)
    for number in range(rounds + 1):
        for name, spent in taken.items():
            started = time.perf_counter()
            batch = there if name == "memory" else next(stream)
            model.step(batch, precision=precision)
            if model.device.type == "cuda":
                torch.cuda.synchronize(model.device)
            if number:
                spent.append(time.perf_counter() - started)
    memory, photographs = (sum(taken[name]) for name in ("memory", "photographs"))
    lost = 1 - memory / photographs
    return {"photographs": len(good), "lost_to_input": lost, "seconds_to_prepare_a_batch": prepared}


def _peak(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crop", type=int, default=112)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--photographs", type=Path, help="A folder.")
    print(json.dumps(measure(parser.parse_args()), indent=1))
