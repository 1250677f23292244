"""What a training run is: a frozen dataclass with the authors' values as defaults, and the three presets.

No torch here: the command line shows these defaults and must answer at once.
"""

from dataclasses import dataclass, replace
from typing import Any

from bench.errors import BenchError, unknown_name

PARTS = ("attention", "local-discriminator", "perceptual", "darkening")
PAIRINGS = ("fixed", "random")
PRECISIONS = ("auto", "float32", "bfloat16")
SCHEDULES = ("epoch", "step")


@dataclass(frozen=True)
class TrainConfig:
    """One training run of EnlightenGAN or of an ablation of it; the defaults are the authors' official command."""

    preset: str = "paper"
    without: tuple[str, ...] = ()
    """Parts left out, of PARTS. Without the local discriminator its patches' perceptual term goes too."""
    epochs: int = 200
    """Passes over the longer side."""
    minutes: float | None = None
    """When set, the run ends after this long whatever `epochs` says, and a schedule by step follows the clock."""
    max_steps: int | None = None
    """When set, the run ends after so many optimiser steps."""
    batch_size: int = 32
    crop: int = 320
    """Side of the random crops, pixels. No resizing."""
    learning_rate: float = 1e-4
    schedule: str = "epoch"
    """The learning rate falls linearly over the second half: by `epoch`, in stairs, as the authors do, or by `step`."""
    beta1: float = 0.5
    beta2: float = 0.999
    patch: int = 32
    """Side of the local discriminator's patches, pixels."""
    patches: int = 6
    """Patches a step, the same windows for the whole batch (the paper says 5, the code draws 6)."""
    darkening: tuple[float, float] = (2.0, 4.0)
    """Range of the divisor by which half of the inputs are darkened."""
    pairing: str = "fixed"
    """`fixed`: item i always meets the same normal-light partner, as in the authors' code; `random`: drawn anew."""
    features: str = "vgg16"
    feature_pools: int = 3
    """Max-pools before relu5_1: 3 puts the features at 1/8 of the resolution, as in the authors' code."""
    precision: str = "float32"
    align_corners: bool = True
    ema: float = 0.0
    """Decay of the exponential moving average of the generator, a step; 0 keeps the raw weights, as the authors do."""
    probes: int = 10
    """How often in the run the probe pictures are enhanced and scored."""
    seed: int = 0

    def __post_init__(self) -> None:
        for part in self.without:
            if part not in PARTS:
                raise unknown_name("part to leave out", part, PARTS)
        object.__setattr__(self, "without", tuple(part for part in PARTS if part in self.without))
        for name, choices in (("pairing", PAIRINGS), ("precision", PRECISIONS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in choices:
                raise unknown_name(name, getattr(self, name), choices)
        for name in ("epochs", "batch_size", "crop", "learning_rate", "patches", "probes"):
            if getattr(self, name) <= 0:
                raise BenchError(f"{name} must be positive, not {getattr(self, name)}.")
        for name in ("minutes", "max_steps"):
            if getattr(self, name) is not None and getattr(self, name) <= 0:
                raise BenchError(f"{name} must be positive, not {getattr(self, name)}.")
        if self.seed < 0:
            raise BenchError(f"seed must not be negative, {self.seed} is.")
        if self.crop <= self.patch:
            raise BenchError(f"crop ({self.crop}) must exceed the local discriminator's patch ({self.patch}).")
        if not 0 <= self.ema < 1:
            raise BenchError(f"ema must lie in [0, 1), not {self.ema}.")

    @property
    def attention(self) -> bool:
        return "attention" not in self.without

    @property
    def local_discriminator(self) -> bool:
        return "local-discriminator" not in self.without

    @property
    def perceptual(self) -> bool:
        return "perceptual" not in self.without

    @property
    def darkens(self) -> bool:
        return "darkening" not in self.without

    @property
    def variant(self) -> str:
        """The public name of the method that this run trains, such as `enlightengan_no_attention`."""
        return "_".join(["enlightengan", *(f"no_{part.replace('-', '_')}" for part in self.without)])

    def learning_rate_factor(self, epoch: int, done: float) -> float:
        """The factor on the learning rate in `epoch` (from 1), with the share `done` (0 to 1) of the run behind it.

        By epoch as in the authors' code: constant through epochs/2 + 1, then down by 2/epochs an epoch.
        """
        if self.schedule == "step":
            return min(1.0, 2 * max(0.0, 1 - done))
        half = self.epochs / 2
        return max(0.0, 1 - max(0.0, epoch - (half + 1)) / half)


# fast: at 3e-4 the global discriminator's loss leapt past 50 once in each of three runs before it settled again.
PRESETS: dict[str, TrainConfig] = {
    "paper": TrainConfig(),
    "fast": TrainConfig(
        preset="fast", minutes=60, batch_size=4, crop=112, learning_rate=2e-4, schedule="step", pairing="random",
        precision="auto", ema=0.999,
    ),
    "smoke": TrainConfig(
        preset="smoke", epochs=1000, max_steps=10, batch_size=4, crop=64, learning_rate=3e-4, schedule="step",
        pairing="random", features="random", precision="auto", probes=1,
    ),
}  # fmt: skip
"""`paper`: the authors' recipe to the letter. `fast`: two CPU cores, an hour. `smoke`: does it run, under a minute."""


def preset(name: str, **changes: Any) -> TrainConfig:
    """The preset called `name` with every change that is not None applied. Raises BenchError on a bad value.

    A length given in epochs or minutes replaces the preset's own, in whichever unit that is.
    """
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    given = {key: value for key, value in changes.items() if value is not None}
    lengths = {"epochs", "minutes", "max_steps"} & given.keys()
    if "minutes" in given and "epochs" not in given:
        given["schedule"] = "step"  # epochs do not say when such a run ends
    freed: dict[str, Any] = {key: None for key in ("minutes", "max_steps") if lengths and key not in given}
    return replace(PRESETS[name], **freed, **given)


def departures(config: TrainConfig, features_used: str) -> list[str]:
    """What the `paper` preset cannot have as the authors had it, in sentences; empty for the other presets."""
    if config.preset != "paper":
        return []
    found = [
        "BatchNorm sees the whole batch; theirs was split over three cards into chunks of 11, 11 and 10.",
        "random numbers come from NumPy's PCG64, not from Python's random in four worker processes.",
        "photographs are sorted by path; theirs came in the order of os.walk, which decides the fixed partners.",
        "no history pool is filled: theirs was, but never used.",
    ]
    if config.perceptual and "Caffe" not in features_used:
        found.append(f"features are {features_used}; theirs were Caffe VGG-16, BGR 0-255, no mean.")
    own = TrainConfig(preset="paper", without=config.without, features=config.features, seed=config.seed)
    changed = [name for name, value in vars(config).items() if value != getattr(own, name)]
    return found + [f"{name} is {getattr(config, name)}, theirs {getattr(own, name)}." for name in changed]
