"""What every training run has, whichever method it trains: its length, its data, its schedule.

No torch here: the command line shows these defaults and must answer at once.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, TypeVar

from bench.errors import BenchError, unknown_name

PAIRINGS = ("fixed", "random")
PRECISIONS = ("auto", "float32", "bfloat16")
SCHEDULES = ("epoch", "step", "constant")
BATCH_NORMS = ("synchronised", "per-device", "frozen")
ALIKE = ("devices", "checkpointing", "probes", "snapshots")  # settings by which the same is learned
LATER = ("key",)  # switches that older runs do not tell of: they were off
AT_LEAST_ONE = ("epochs", "batch_size", "crop", "learning_rate", "probes", "accumulate", "devices")


@dataclass(frozen=True)
class RunConfig:
    """One training run; what a method has of its own is in the classes below this one."""

    method: ClassVar[str]
    """The command that trains it, `bench train METHOD`."""
    unpaired: ClassVar[bool] = True
    """Whether it learns from normal-light photographs, too."""

    preset: str = "paper"
    epochs: int = 200
    """Passes over the longer side."""
    minutes: float | None = None
    """When set, the run ends after this long whatever `epochs` says, and a schedule by step follows the clock."""
    max_steps: int | None = None
    """When set, the run ends after so many optimiser steps."""
    batch_size: int = 32
    accumulate: int = 1
    """Parts that a batch is worked through in, one after another, before one optimiser step: less memory, same batch.
    Relativistic means and BatchNorm's statistics are then those of each part."""
    checkpointing: bool = False
    """Compute the U-Net's activations again in the backward pass instead of keeping them: same gradients."""
    devices: int = 1
    """Processes that share every batch."""
    batch_norm: str = "synchronised"
    """Over the whole batch (`synchronised`) or over each device's part (`per-device`), with several devices; `frozen`:
    by the running statistics that the generator begins with, as in use. In a batch of four each picture's brightness
    depends on the three beside it, which in use are not there."""
    crop: int = 320
    """Side of the random crops, pixels."""
    smallest_scale: float = 1.0
    """Each photograph is shrunk before it is cropped, by a factor drawn log-uniformly from here (but not below a crop's
    size) to `largest_scale`, so that a small crop shows as much of the scene as a large one would; 1: no resizing,
    theirs."""
    largest_scale: float = 1.0
    learning_rate: float = 1e-4
    schedule: str = "epoch"
    """The learning rate falls linearly over the second half: by `epoch`, in stairs, as the authors do, or by `step`."""
    beta1: float = 0.5
    beta2: float = 0.999
    clip: float | None = None
    """The norm of each network's gradient is cut to this; None leaves it, as the authors do."""
    pairing: str = "fixed"
    """`fixed`: item i always meets the same normal-light partner, as in the authors' code; `random`: drawn anew."""
    precision: str = "float32"
    ema: float = 0.0
    """Decay of the exponential moving average of the generator, a step; 0 keeps the raw weights, as the authors do."""
    probes: int = 10
    """How often in the run the probe pictures are enhanced and scored."""
    snapshots: bool = False
    """Keep the generator of every look at the probe pictures: the last is not always the best."""
    seed: int = 0

    def __post_init__(self) -> None:
        choices = {"pairing": PAIRINGS, "precision": PRECISIONS, "schedule": SCHEDULES, "batch_norm": BATCH_NORMS}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise unknown_name(name.replace("_", "-"), getattr(self, name), known)
        for name in AT_LEAST_ONE:
            if getattr(self, name) <= 0:
                raise BenchError(f"{name} must be positive, not {getattr(self, name)}.")
        for name in ("minutes", "max_steps", "clip"):
            if getattr(self, name) is not None and getattr(self, name) <= 0:
                raise BenchError(f"{name} must be positive, not {getattr(self, name)}.")
        if self.accumulate * self.devices > self.batch_size:
            raise BenchError(
                f"A batch of {self.batch_size} cannot be cut into {self.accumulate} parts on {self.devices} devices: "
                "raise --batch-size, or lower --accumulate or --devices."
            )
        if self.seed < 0:
            raise BenchError(f"seed must not be negative, {self.seed} is.")
        if not 0 < self.smallest_scale <= self.largest_scale <= 1:
            scales = f"{self.smallest_scale} and {self.largest_scale}"
            raise BenchError(f"smallest_scale and largest_scale must lie in (0, 1], in this order, not {scales}.")
        if not 0 <= self.bright_share < 1:
            raise BenchError(f"bright_inputs must lie in [0, 1), not {self.bright_share}.")
        least, most = self.divisors or (1, 1)
        if not 1 <= least <= most < math.inf:
            raise BenchError(f"darkening must be two divisors from 1 on, the smaller first, not {least} and {most}.")
        if not 0 <= self.ema < 1:
            raise BenchError(f"ema must lie in [0, 1), not {self.ema}.")

    def told(self) -> dict[str, Any]:
        """Every setting by name; of LATER those alone that are on, so that older runs are told alike."""
        return {name: value for name, value in asdict(self).items() if name not in LATER or value}

    @property
    def variant(self) -> str:
        """The public name of the method that this run trains."""
        return self.method

    @property
    def label(self) -> str:
        """What a run is called by."""
        return self.variant

    @property
    def windows(self) -> tuple[int, int]:
        """How many patches are drawn a step, and their side in pixels."""
        return 0, 0

    @property
    def divisors(self) -> tuple[float, float] | None:
        """Range of the divisor by which half of the inputs are darkened; None leaves them as they are."""
        return None

    @property
    def noise_levels(self) -> float:
        """Most noise of the darkened inputs, a standard deviation in levels of 255."""
        return 0.0

    @property
    def bright_share(self) -> float:
        """Share of the inputs that are normal-light photographs."""
        return 0.0

    @property
    def small_copies(self) -> bool:
        """Whether each batch has small copies of whole photographs beside its crops."""
        return False

    @property
    def tells_key(self) -> bool:
        """Whether the generator sees the key of each input's whole photograph, where the method has that setting."""
        return bool(getattr(self, "key", False))

    @property
    def keeps_copies(self) -> bool:
        """Whether each batch has small copies, too, whose results are to stay."""
        return False

    def learning_rate_factor(self, epoch: int, done: float) -> float:
        """The factor on the learning rate in `epoch` (from 1), with the share `done` (0 to 1) of the run behind it.

        By epoch as in EnlightenGAN's code: constant through epochs/2 + 1, then down by 2/epochs an epoch.
        """
        if self.schedule == "constant":
            return 1.0
        if self.schedule == "step":
            return min(1.0, 2 * max(0.0, 1 - done))
        half = self.epochs / 2
        return max(0.0, 1 - max(0.0, epoch - (half + 1)) / half)


def samples_shown(step: int, length: int, batch_size: int) -> int:
    """Items shown before `step`, of an epoch of `length` items whose last batch may be short."""
    epochs, rest = divmod(step, -(-length // batch_size))
    return epochs * length + rest * batch_size


C = TypeVar("C", bound=RunConfig)


def choose_preset(presets: Mapping[str, C], name: str, changes: Mapping[str, Any]) -> C:
    """The preset called `name` with every change that is not None applied. Raises BenchError on a bad value.

    A length that is given replaces the preset's own, in whichever unit that is.
    """
    if name not in presets:
        raise unknown_name("preset", name, presets)
    given = {key: value for key, value in changes.items() if value is not None}
    lengths = {"epochs", "minutes", "max_steps"} & given.keys()
    if {"epochs", "minutes"} <= lengths:
        raise BenchError("Epochs and minutes are two lengths of a run: give one of them.")
    if lengths and "epochs" not in given and presets[name].schedule == "epoch":
        given.setdefault("schedule", "step")  # epochs do not say when such a run ends
    freed: dict[str, Any] = {key: None for key in ("minutes", "max_steps") if lengths and key not in given}
    if lengths == {"max_steps"} and given.get("schedule", presets[name].schedule) != "epoch":
        # an epoch has at least one step, so that none ends the run before
        freed["epochs"] = max(presets[name].epochs, given["max_steps"])
    return replace(presets[name], **freed, **given)


def changed_settings(config: RunConfig, published: RunConfig) -> list[str]:
    """Sentences on the settings of `config` that differ from the `published` ones and change what is learned."""
    alike = (*ALIKE, "epochs") if config.epochs == config.max_steps else ALIKE  # no length but in steps was given
    changed = [name for name, value in vars(config).items() if value != getattr(published, name) and name not in alike]
    return [f"{name} is {getattr(config, name)}, theirs {getattr(published, name)}." for name in changed]
