"""The training loop of EnlightenGAN and of its ablations, in one function."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from enlightengan.checkpoint import describe, latest_state, load_generator, save_state, save_weights
from enlightengan.config import TrainConfig
from enlightengan.data import ImageCache, UnpairedBatches, usable
from enlightengan.log import RunLog
from enlightengan.probe import Assessment, Probe
from enlightengan.step import Model

LOG_EVERY = 10  # steps between two looks at the losses, each of which waits for the device
STATE_EVERY = 120.0  # seconds between two training states on disk
COLLAPSED = 1e-3  # a discriminator whose loss stays below has won: its gradient has stopped teaching
COLLAPSE_WINDOW = 300  # steps over which it must stay there


@dataclass(frozen=True)
class Report:
    """What the progress display shows: share done (0 to 1), step, latest losses, images a second."""

    done: float
    step: int
    epoch: int
    losses: Mapping[str, float]
    images_per_second: float


class Ema:
    """Exponential moving average of a network's floating-point state; decay 0 follows it exactly."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the state of `network` after `step` steps; counters are copied."""
        # Early on a long memory would remember the random start.
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point() and self.decay:
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)


def choose_precision(precision: str, device: torch.device) -> str:
    """`auto` resolved: bfloat16 where `device` multiplies it in hardware, float32 elsewhere."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu":
        fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bfloat16" if fast else "float32"
    return "float32"


def train(
    config: TrainConfig,
    *,
    low: Sequence[Path],
    normal: Sequence[Path],
    features: nn.Module | None,
    out: Path,
    log: RunLog,
    device: torch.device,
    init_from: Path | None = None,
    resume: bool = False,
    assess: Assessment | None = None,
    on_step: Callable[[Report], None] | None = None,
    keep_optimisers: bool = True,
) -> Path:
    """Train on the photographs `low` and `normal`; returns the generator's weights file, `out/weights.safetensors`.

    `out` also receives training states, from which `resume` continues. `assess` scores the enhanced probe pictures,
    (1, 3, H, W) in [0, 1] each; `keep_optimisers` logs the final training state, too. Raises BenchError when a loss is
    not finite or a discriminator has collapsed.
    """
    precision = choose_precision(config.precision, device)
    read = ImageCache()
    low, normal = (_usable(side, name, config.crop, read, log) for name, side in (("low", low), ("normal", normal)))
    if not resume:
        log.parameters(_parameters(config, low, normal, precision, device))
    model = Model(config, features, device)
    if init_from is not None and not resume:
        model.generator.load_state_dict(_initial(init_from, config), strict=False)
    batches = UnpairedBatches(config, low=low, normal=normal, read=read)
    probe = Probe(low, assess=assess)
    ema = Ema(model.generator, config.ema)
    step, elapsed = _restore(model, ema, out) if resume else (0, 0.0)
    pending, recent = [], deque[Mapping[str, float]](maxlen=COLLAPSE_WINDOW // LOG_EVERY)
    started, first, begun, saved_at = time.monotonic() - elapsed, step, elapsed, elapsed
    done = next_probe = _share_done(config, batches, step, elapsed)
    for batch in batches.stream(step):
        if done >= next_probe:
            probe.show(model.generator, ema.state, log=log, step=step)
            next_probe = done + 1 / config.probes
        factor = config.learning_rate_factor(batches.epoch(step), done)
        for optimiser in model.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * factor
        pending.append(model.step(batch.to(device), precision=precision))
        step += 1
        ema.update(model.generator, step)
        elapsed = time.monotonic() - started
        done = _share_done(config, batches, step, elapsed)
        if step % LOG_EVERY == 0 or done >= 1:
            recent.append(_log_losses(pending, log, step, config.learning_rate * factor))
            pending.clear()
            _check(recent, step)
            if on_step:
                rate = (step - first) * config.batch_size / max(elapsed - begun, 1e-9)
                on_step(Report(min(done, 1.0), step, batches.epoch(step - 1), recent[-1], rate))
        if done >= 1:
            break
        if elapsed - saved_at > STATE_EVERY:
            save_state(out / "states", step, _state(model, ema, step, elapsed))
            saved_at = elapsed
    probe.show(model.generator, ema.state, log=log, step=step)
    state = save_state(out / "states", step, _state(model, ema, step, elapsed))
    weights = out / "weights.safetensors"
    facts = {"variant": config.variant, "steps": str(step), "samples": str(batches.samples(step))}
    save_weights(weights, ema.state, describe(asdict(config)) | facts)
    for file in (weights, state) if keep_optimisers else (weights,):
        log.artifact(file)
    log.flush()
    return weights


def _usable(paths: Sequence[Path], side: str, crop: int, read: ImageCache, log: RunLog) -> list[Path]:
    good, bad = usable(paths, crop, read=read)
    if bad:
        reason = next(iter(bad.values()))
        log.note(f"{len(bad)} of {len(paths)} {side}-light photographs are left out, for example: {reason}")
    return good


def _parameters(
    config: TrainConfig, low: Sequence[Path], normal: Sequence[Path], precision: str, device: torch.device
) -> dict[str, object]:
    used = {"precision_used": precision, "device": _device_name(device)}
    counts = {"low_images": len(low), "normal_images": len(normal)}
    return {**asdict(config), "variant": config.variant, **used, **counts}


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads)"


def _share_done(config: TrainConfig, batches: UnpairedBatches, step: int, elapsed: float) -> float:
    if config.minutes is not None:
        share = elapsed / (60 * config.minutes)
    else:
        share = step / (config.epochs * batches.steps_per_epoch)
    return share if config.max_steps is None else max(share, step / config.max_steps)


def _log_losses(pending: list[dict[str, Tensor]], log: RunLog, step: int, rate: float) -> dict[str, float]:
    names = list(pending[0])
    values = torch.stack([torch.stack([losses[name].float() for name in names]) for losses in pending]).tolist()
    for number, row in enumerate(values, start=step - len(pending) + 1):
        log.metrics({f"loss/{name}": value for name, value in zip(names, row, strict=True)}, number)
    log.metrics({"learning_rate": rate}, step)
    return {name: sum(column) / len(column) for name, column in zip(names, zip(*values, strict=True), strict=True)}


def _check(recent: deque[Mapping[str, float]], step: int) -> None:
    for name, value in recent[-1].items():
        if not math.isfinite(value):
            raise BenchError(f"Training diverged: {name} is {value} at step {step}. Lower --learning-rate.")
    for name in ("global_discriminator", "local_discriminator"):
        if len(recent) == recent.maxlen and name in recent[-1] and max(row[name] for row in recent) < COLLAPSED:
            raise BenchError(
                f"The {name.replace('_', ' ')} has won: its loss stayed below {COLLAPSED} for {COLLAPSE_WINDOW} steps "
                f"up to step {step}, so it no longer teaches the generator. Use more normal-light photographs of the "
                "same kind as the low-light ones, or lower --learning-rate."
            )


def _state(model: Model, ema: Ema, step: int, elapsed: float) -> dict[str, object]:
    return {
        "step": step,
        "elapsed": elapsed,
        "ema": ema.state,
        "networks": {name: network.state_dict() for name, network in model.networks().items()},
        "optimisers": {name: optimiser.state_dict() for name, optimiser in model.optimisers.items()},
    }


def _restore(model: Model, ema: Ema, out: Path) -> tuple[int, float]:
    state = latest_state(out / "states")
    for name, network in model.networks().items():
        network.load_state_dict(state["networks"][name])
        model.optimisers[name].load_state_dict(state["optimisers"][name])
    for key, value in state["ema"].items():
        ema.state[key].copy_(value)
    return state["step"], state["elapsed"]


def _initial(path: Path, config: TrainConfig) -> dict[str, Tensor]:
    generator, _ = load_generator(path)
    if generator.attention != config.attention:
        has = "with" if generator.attention else "without"
        raise BenchError(f"{path} was trained {has} attention, this run is not: choose --without accordingly.")
    return generator.state_dict()
