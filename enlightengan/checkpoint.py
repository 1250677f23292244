"""Weights and training states on disk: written beside their target and renamed, read without running code in them."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from bench.errors import BenchError
from bench.weights import check_sum
from enlightengan.dce_net import DceNet
from enlightengan.networks import KEY_FLOOR, Generator

STATE = {"networks", "optimisers", "ema", "step"}
"""What a training state has at least."""


def save_weights(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors with what is known of them (the run's configuration among it) as safetensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        save_file({key: value.detach().cpu().contiguous() for key, value in state.items()}, partial, dict(metadata))
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise BenchError(f"Cannot write {path}: {error}") from error


def snapshot_name(step: int) -> str:
    """The file of a run's generator after `step` steps, where it keeps snapshots."""
    return f"weights-{step:08}.safetensors"


def snapshot_step(name: str) -> int | None:
    """The step in a file's name that `snapshot_name` gives, or None."""
    found = re.fullmatch(r"weights-(\d{8,})\.safetensors", name)
    return int(found[1]) if found else None


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a weights file: ours (safetensors) or the authors' published `.pth`.

    The prefix `module.` that DataParallel leaves is taken off. Raises BenchError when the file is not one, or not the
    one that `SHA256SUMS` beside it tells.
    """
    try:
        check_sum(path)
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as stored:
                return {key: stored.get_tensor(key) for key in stored.keys()}, stored.metadata() or {}  # noqa: SIM118
        state = _saved(path, "a file of network weights (.safetensors or .pth)")
        if isinstance(state, Mapping) and state.keys() >= STATE:
            raise BenchError(f"{path} is a training state: name it state-STEP.pt, by which such files are told.")
        if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
            raise BenchError(f"{path} is not a file of network weights.")
        return {key.removeprefix("module."): value for key, value in state.items()}, {}
    except BenchError:
        raise
    except FileNotFoundError as error:
        raise BenchError(f"There is no weights file {path}.") from error
    except OSError as error:
        raise BenchError(f"Cannot read the weights {path}: {_reason(error)}") from error
    except SafetensorError as error:
        raise BenchError(f"{path} is not a file of network weights (.safetensors or .pth), or is damaged.") from error


def _saved(path: Path, kind: str) -> Any:
    """What torch saved in `path`. Raises OSError where the system refuses, BenchError where it is not `kind`."""
    with path.open("rb"):
        pass
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch says of a file that it does not trust would lead people to trust it
        raise BenchError(f"{path} is not {kind}, or is damaged.") from error


def load_generator(path: Path) -> tuple[Generator, dict[str, str]]:
    """The generator in `path`, in evaluation mode, and the file's metadata.

    The variant follows from the first convolution; that it sees the key, from its KEY_FLOOR;
    `align_corners` from the metadata, else True as published. Counters
    (`num_batches_tracked`), which files of torch 0.3 lack, may be missing, nothing else.
    """
    state, metadata = read_weights(path)
    first = state.get("conv1_1.weight")
    if first is None or first.ndim != 4:
        raise BenchError(f"{path} does not hold an EnlightenGAN generator: it has no convolution conv1_1.")
    align_corners = metadata.get("align_corners", "True") == "True"
    generator = Generator(attention=first.shape[1] == 4, align_corners=align_corners, key=KEY_FLOOR in state)
    _fill(generator, state, path, "an EnlightenGAN generator")
    return generator.eval(), metadata


def load_dce(path: Path) -> tuple[DceNet, dict[str, str]]:
    """The DCE-Net in `path`, ours or the authors', in evaluation mode, and the file's metadata."""
    state, metadata = read_weights(path)
    network = DceNet()
    _fill(network, state, path, "a Zero-DCE network")
    return network.eval(), metadata


def _fill(network: nn.Module, state: Mapping[str, Tensor], path: Path, kind: str) -> None:
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise BenchError(f"{path} does not fit {kind}: {error}") from error
    wrong = [key for key in missing if not key.endswith("num_batches_tracked")] + list(unexpected)
    if wrong:
        raise BenchError(f"{path} does not hold {kind}: {wrong[0]} is missing or unknown.")


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """16 hex digits of a SHA-256 over names, shapes and values, counters left out; the same for any file format."""
    digest = hashlib.sha256()
    for key in sorted(state):
        if not key.endswith("num_batches_tracked"):
            digest.update(f"{key}{tuple(state[key].shape)}{state[key].dtype}".encode())
            digest.update(state[key].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_state(folder: Path, step: int, state: Mapping[str, Any], *, keep: int = 2) -> Path:
    """Write a training state of `step` to `folder`, flushed to disk before it is renamed; the last `keep` stay."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"state-{step:08d}.pt"
    partial = folder / f".{path.name}.partial"
    try:
        with partial.open("wb") as stream:
            torch.save(dict(state), stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        reason = error if isinstance(error, OSError) else error.__context__  # torch's own words on a full disk
        if not isinstance(reason, OSError):
            raise
        raise BenchError(f"Cannot write {path}: {_reason(reason)}") from error
    for old in (*sorted(folder.glob("state-*.pt"))[:-keep], *folder.glob(".state-*.partial")):
        old.unlink(missing_ok=True)
    return path


def has_state(folder: Path) -> bool:
    """Whether a training state was ever written to `folder`, readable or not."""
    return any(folder.glob("state-*.pt"))


def is_state(path: Path) -> bool:
    """Whether `path` is named as `save_state` names training states."""
    return path.match("state-*.pt")


def read_state(path: Path) -> dict[str, Any]:
    """The training state in `path`: networks, optimisers, the generator's average `ema`, `step`. Raises BenchError."""
    try:
        state = _saved(path, "a training state")
    except FileNotFoundError as error:
        raise BenchError(f"There is no training state {path}.") from error
    except OSError as error:
        raise BenchError(f"Cannot read the training state {path}: {_reason(error)}") from error
    if not isinstance(state, dict) or not state.keys() >= STATE:
        raise BenchError(f"{path} is not a training state.")
    return state


def _reason(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def latest_state(folder: Path, *, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """The newest readable training state in `folder`; `tell` hears of each newer one that cannot be read.

    Raises BenchError when there is none.
    """
    for path in sorted(folder.glob("state-*.pt"), reverse=True):
        try:
            return read_state(path)
        except BenchError as error:
            tell(f"{path} is damaged, so the run goes on from the state before it: {error}")
    raise BenchError(f"There is no training state to continue from in {folder}.")


def describe(config: Mapping[str, object]) -> dict[str, str]:
    """A configuration as safetensors metadata: `align_corners`, where it has one, readable alone; the whole as JSON."""
    alone = {key: str(config[key]) for key in ("align_corners",) if key in config}
    return alone | {"config": json.dumps(config)}
