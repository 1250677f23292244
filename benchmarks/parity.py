"""Does our training step equal the authors'? Compares with an oracle: `python benchmarks/parity.py PREFIX`.

Reads PREFIX.npz and PREFIX.json and nothing else. Weights follow from their names: standard normal numbers of PCG64
seeded with crc32("net/key"), scaled by kind. Prints the largest deviation (max |ours - theirs| / max |theirs|) of each
array and loss; exits 1 when float64 exceeds 1e-6 at any step or float32 exceeds 1e-5 at step 0.
"""

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.errors import BenchError
from enlightengan.batch import Batch
from enlightengan.config import TrainConfig
from enlightengan.losses import self_feature_preserving
from enlightengan.networks import attention_map
from enlightengan.perceptual import VGG16Features
from enlightengan.step import Model

LIMITS = {torch.float64: 1e-6, torch.float32: 1e-5}
ORACLE_NAMES = {"generator": "G_A", "global_discriminator": "D_A", "local_discriminator": "D_P"}


def fill(network: nn.Module, name: str) -> None:
    """Set every tensor of `network` by the recipe, from the oracle's `name` for it and the tensor's own key."""
    for key, tensor in network.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        seed = zlib.crc32(f"{name}/{key}".encode())
        noise = np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(tensor.shape))
        tensor.copy_(torch.from_numpy(_scale(noise, name, key).astype(np.float32)))


def _scale(noise: NDArray[np.float64], name: str, key: str) -> NDArray[np.float64]:
    if key.endswith("running_mean"):
        return np.zeros_like(noise)
    if key.endswith("running_var"):
        return np.ones_like(noise)
    if name == "vgg":
        return noise * (np.sqrt(2 / np.prod(noise.shape[1:])) if noise.ndim == 4 else 0.01)
    if noise.ndim == 4:
        return noise * (0.04 if name == "G_A" else 0.015)
    if key.startswith("bn") and key.endswith("weight"):
        return 1 + 0.1 * noise
    return 0.05 * noise


def deviation(ours: Any, theirs: Any) -> float:
    """max |ours - theirs| / max |theirs|; a missing or differently shaped result is infinitely far."""
    mine, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if mine.shape != other.shape or not np.isfinite(mine).all():
        return float("inf")
    return float(np.abs(mine - other).max() / np.abs(other).max())


def build(oracle: dict[str, Any], dtype: torch.dtype) -> Model:
    """Our model with the oracle's weights and settings, in `dtype`."""
    beta1, beta2 = oracle["betas"]
    config = TrainConfig(
        crop=oracle["crop"], batch_size=oracle["batch"], patch=oracle["patch"], learning_rate=oracle["lr"],
        beta1=beta1, beta2=beta2, align_corners=oracle["align_corners"], patches=len(oracle["steps"][0]["windows_xy"]),
    )  # fmt: skip
    features = VGG16Features(imagenet=False)
    model = Model(config, features.eval().requires_grad_(False), torch.device("cpu"))
    for name, network in model.networks().items():
        fill(network, ORACLE_NAMES[name])
        network.to(dtype)
    fill(features, "vgg")
    features.to(dtype)
    return model


def compare(arrays: dict[str, NDArray[Any]], oracle: dict[str, Any], dtype: torch.dtype) -> dict[str, float]:
    """Deviations by name for one precision: forward arrays, then the losses of every step."""
    model = build(oracle, dtype)
    inputs = {key: torch.from_numpy(arrays[key]).to(dtype) for key in ("low", "normal", "darkened", "attention")}
    found: dict[str, float] = {"attention": deviation(attention_map(inputs["darkened"]), arrays["attention"])}
    found |= _forward(model, inputs, arrays, oracle)
    for number, step in enumerate(oracle["steps"]):
        windows = [(x, y) for x, y in step["windows_xy"]]
        batch = Batch(inputs["low"], inputs["darkened"], inputs["normal"], windows, inputs["attention"])
        losses = model.step(batch)
        found |= {f"step {number} {name}": deviation(loss, step[name]) for name, loss in losses.items()}
    return found


@torch.no_grad()
def _forward(
    model: Model, inputs: dict[str, Tensor], arrays: dict[str, NDArray[Any]], oracle: dict[str, Any]
) -> dict[str, float]:
    assert model.features is not None and model.local_d is not None
    seen, attention, normal, patch = inputs["darkened"], inputs["attention"], inputs["normal"], oracle["patch"]
    height, width = arrays["eval_output_odd"].shape[-2:]
    model.generator.eval()
    output, residual = model.generator(seen, attention)
    odd, _ = model.generator(seen[:1, :, :height, :width], attention[:1, :, :height, :width])
    model.generator.train()
    statistics = {key: value.clone() for key, value in model.generator.state_dict().items() if "running" in key}
    train_output, _ = model.generator(seen, attention)
    model.generator.load_state_dict(statistics, strict=False)
    ours = {
        "eval_output": output,
        "eval_residual": residual,
        "eval_output_odd": odd,
        "train_output_step0": train_output,
        "global_logits": model.global_d(normal),
        "local_logits": model.local_d(normal[..., :patch, :patch]),
        "sfp": self_feature_preserving(normal, inputs["low"], model.features),
    }
    return {key: deviation(value, arrays[key]) for key, value in ours.items()}


def main(prefix: str) -> int:
    """Print every deviation and return the exit status."""
    try:
        oracle = json.loads(Path(f"{prefix}.json").read_text())
        with np.load(f"{prefix}.npz") as stored:
            arrays = dict(stored)
    except OSError as error:
        raise BenchError(f"No oracle there: {error}") from error
    failed = False
    for dtype, limit in LIMITS.items():
        for name, value in compare(arrays, oracle, dtype).items():
            # In float32 Adam turns the sign noise of near-zero gradients into steps: later losses say nothing.
            binding = dtype == torch.float64 or not name.startswith("step") or name.startswith("step 0 ")
            bad = binding and not value <= limit
            failed |= bad
            verdict = "FAILS" if bad else "ok" if binding else "(not binding)"
            print(f"{str(dtype)[6:]}  {name:<34} {value:.2e}  {verdict}")
    print("differs from the oracle" if failed else "equals the oracle")
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python benchmarks/parity.py PREFIX   (reads PREFIX.npz and PREFIX.json)")
    try:
        sys.exit(main(sys.argv[1]))
    except BenchError as error:
        sys.exit(str(error))
