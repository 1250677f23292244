"""The training loop, in one function: EnlightenGAN, its ablations and its rivals go through it alike."""

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from bench.device import enough_memory, fast_precision
from bench.errors import BenchError
from enlightengan import group, health
from enlightengan.average import Ema
from enlightengan.checkpoint import describe, has_state, latest_state, save_state, save_weights, snapshot_name
from enlightengan.cost import Cost
from enlightengan.data import UnpairedBatches
from enlightengan.health import Health
from enlightengan.image_cache import ImageCache, usable
from enlightengan.log import JsonLinesLog, RunLog
from enlightengan.model import TrainedModel
from enlightengan.probe import Assessment, Probe
from enlightengan.run_config import RunConfig

STATE_EVERY = 120.0  # seconds between two training states on disk


@dataclass(frozen=True)
class Report:
    """What the progress display shows: share done (0 to 1), step, latest losses, images a second."""

    done: float
    step: int
    epoch: int
    losses: Mapping[str, float]
    images_per_second: float


def choose_precision(precision: str, device: torch.device) -> str:
    """`auto` resolved: bfloat16 where that is faster on `device`, float32 elsewhere."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if device.type == "cpu" and fast_precision() == torch.bfloat16 else "float32"


@enough_memory("The training does not fit into memory: a smaller --crop or --batch-size does.")
def train(
    model: TrainedModel,
    *,
    low: Sequence[Path],
    normal: Sequence[Path] = (),
    out: Path,
    log: RunLog,
    resume: bool = False,
    assess: Assessment | None = None,
    on_step: Callable[[Report], None] | None = None,
    keep_optimisers: bool = True,
) -> Path:
    """Train on the photographs `low` and `normal`; returns the generator's weights file, `out/weights.safetensors`.

    `out` also receives training states, from which `resume` continues. `assess` scores the enhanced probe pictures,
    (1, 3, H, W) in [0, 1] each; `keep_optimisers` logs the final training state, too. Raises BenchError when a loss is
    not finite, a discriminator has collapsed or the memory runs out.
    """
    config, run = model.config, _Run(model, out, log)
    batches, probe = run.prepare(low, normal, assess, resume=resume)
    step, elapsed = run.restore() if resume else (0, 0.0)
    started, first, begun, saved_at = time.monotonic() - elapsed, step, elapsed, elapsed
    done = _share_done(config, batches, step, elapsed)
    for batch in batches.stream(step, model.device):
        if done >= 1:
            break
        if done >= run.next_probe:
            run.show(probe, step)
            if config.snapshots and step:
                run.keep(step, samples=batches.samples(step))
            run.next_probe = done + 1 / config.probes
        rate = config.learning_rate * config.learning_rate_factor(batches.epoch(step), done)
        run.set_learning_rate(rate)
        run.health.take(run.cost.step(batch, precision=run.precision))
        step += 1
        run.ema.update(model.generator, step)
        elapsed = group.agreed(time.monotonic() - started)
        done = _share_done(config, batches, step, elapsed)
        if step % health.LOG_EVERY == 0 or done >= 1:
            run.health.look(step, rate=rate, health=model.health)
            if on_step:
                shown = batches.samples(step) - batches.samples(first)
                speed = shown / max(elapsed - begun, 1e-9)
                on_step(Report(min(done, 1.0), step, batches.epoch(step - 1), run.health.losses, speed))
        if done < 1 and elapsed - saved_at > STATE_EVERY:
            run.save(step, elapsed, samples=batches.samples(step))
            saved_at = elapsed
    run.show(probe, step)
    return run.finish(step, elapsed, samples=batches.samples(step), keep_optimisers=keep_optimisers)


class _Run:
    """What the loop keeps: model, average, health, cost, states. Only the first process tells and writes."""

    def __init__(self, model: TrainedModel, out: Path, log: RunLog) -> None:
        self.model, self.out, self.log = model, out, log
        self.ema = Ema(model.generator, model.config.ema)
        self.health, self.cost = Health(log), Cost(model)
        faster = choose_precision(model.config.precision, model.device) == "bfloat16"
        self.precision = "bfloat16" if group.agreed(float(faster)) else "float32"
        self.photographs = ""  # a digest of their names
        self.next_probe = 0.0  # share done at which the probe pictures are looked at again

    def prepare(
        self, low: Sequence[Path], normal: Sequence[Path], assess: Assessment | None, *, resume: bool
    ) -> tuple[UnpairedBatches, Probe]:
        """The batches of the photographs that can be used, and the probe; tells the parameters."""
        config, read = self.model.config, ImageCache()
        anew = not (resume and has_state(self.out / "states"))  # one that was stopped before has told nothing yet
        low, normal = (self._usable(s, name, read, tell=anew) for name, s in (("low", low), ("normal", normal)))
        if anew:
            used = {"precision_used": self.precision, "device": _device_name(self.model.device)}
            of = {"variant": config.variant, "method": config.method}
            counts = {"low_images": len(low), "normal_images": len(normal)}
            self.log.parameters({**asdict(config), **of, **used, **counts})
        names = "\n".join([*(path.name for path in low), "", *(path.name for path in normal)])
        self.photographs = hashlib.sha256(os.fsencode(names)).hexdigest()[:16]
        batches = UnpairedBatches(config, low=low, normal=normal, read=read, wanted=self.model.wanted)
        return batches, Probe(low, assess=assess)

    def _usable(self, paths: Sequence[Path], side: str, read: ImageCache, *, tell: bool) -> list[Path]:
        good, bad = usable(paths, self.model.config.crop, read=read)
        if bad and tell:
            reason = next(iter(bad.values()))
            self.log.note(f"{len(bad)} of {len(paths)} {side}-light photographs are left out, for example: {reason}")
        return good

    def restore(self) -> tuple[int, float]:
        """Take up the newest training state, if one was written; its step and the seconds trained before it."""
        if not has_state(self.out / "states"):
            self.log.note("The run was interrupted before its first training state: it begins anew.")
            self.rewind(-1)
            return 0, 0.0
        state = latest_state(self.out / "states", tell=self.log.note)
        if state.get("photographs", self.photographs) != self.photographs:
            raise BenchError(
                f"The run in {self.out} began with other photographs, or in another order: it takes those alone."
            )
        self.rewind(state["step"])
        self.model.restore(state)
        self.model.begun_from = state.get("begun_from", {})
        self.precision = state.get("precision", self.precision)  # one run, one precision, whatever is faster now
        self.next_probe = state.get("next_probe", self.next_probe)
        for key, value in state["ema"].items():
            self.ema.state[key].copy_(value)
        return state["step"], state["elapsed"]

    def rewind(self, step: int) -> None:
        """A log that holds nothing back has told of steps after the state, too."""
        if isinstance(self.log, JsonLinesLog):
            self.log.rewind(step)

    def set_learning_rate(self, rate: float) -> None:
        """For all optimisers."""
        for optimiser in self.model.optimisers.values():
            for parameters in optimiser.param_groups:
                parameters["lr"] = rate

    def show(self, probe: Probe, step: int) -> None:
        """Enhance and score the probe pictures."""
        if group.rank() == 0:
            with self.cost.aside():
                probe.show(self.model.generator, self.ema.state, log=self.log, step=step)

    def keep(self, step: int, *, samples: int) -> None:
        """Keep the averaged generator as it is now."""
        if group.rank() == 0:
            with self.cost.aside():
                snapshot = self.out / snapshot_name(step)
                self._save_weights(snapshot, step, samples=samples)
                self.log.artifact(snapshot, spare=True)

    def _save_weights(self, path: Path, step: int, *, samples: int) -> None:
        config = self.model.config
        facts = {
            "variant": config.variant,
            "method": config.method,
            "steps": str(step),
            "samples": str(samples),
            **self.model.begun_from,
        }
        save_weights(path, self.ema.state, describe(asdict(config)) | facts)

    def save(self, step: int, elapsed: float, *, samples: int) -> Path | None:
        """Write a training state."""
        if group.rank():
            return None
        of = {
            "method": self.model.config.method, "begun_from": self.model.begun_from, "precision": self.precision,
            "next_probe": self.next_probe, "photographs": self.photographs,
        }  # fmt: skip
        told = {"step": step, "samples": samples, "elapsed": elapsed, **of}
        with self.cost.aside():
            self.health.tell(step)
            self.log.flush()  # a run that is continued tells nothing of the steps before its state
            return save_state(self.out / "states", step, {**told, "ema": self.ema.state, **self.model.state()})

    def finish(self, step: int, elapsed: float, *, samples: int, keep_optimisers: bool) -> Path:
        """Write the last state and the weights, tell the cost; returns the weights' file."""
        self.cost.tell(self.log, step)
        self.log.metrics({"cost/seconds": elapsed}, step)
        state, weights = self.save(step, elapsed, samples=samples), self.out / "weights.safetensors"
        if state is not None:
            self._save_weights(weights, step, samples=samples)
            self.log.artifact(weights)
            if keep_optimisers:
                self.log.artifact(state, spare=True)  # hundreds of megabytes
        self.log.flush()
        return weights


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads)"


def _share_done(config: RunConfig, batches: UnpairedBatches, step: int, elapsed: float) -> float:
    if config.minutes is not None:
        share = elapsed / (60 * config.minutes)
    else:
        share = step / (config.epochs * batches.steps_per_epoch)
    return share if config.max_steps is None else max(share, step / config.max_steps)
