"""What a training run of EnlightenGAN is: a frozen dataclass with the authors' values, and the presets.

No torch here: the command line shows these defaults and must answer at once.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from bench.errors import BenchError, unknown_name
from enlightengan.run_config import RunConfig, changed_settings, choose_preset

PARTS = ("attention", "local-discriminator", "perceptual", "darkening", "relativistic")


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """One training run of EnlightenGAN or of an ablation of it; the defaults are the authors' official command."""

    method: ClassVar[str] = "enlightengan"

    without: tuple[str, ...] = ()
    """Parts left out, of PARTS. Without the local discriminator its patches' perceptual term goes too; without the
    relativistic loss the global discriminator is a plain LSGAN's."""
    patch: int = 32
    """Side of the local discriminator's patches, pixels."""
    patches: int = 6
    """Patches a step, the same windows for the whole batch (the paper says 5, the code draws 6)."""
    darkening: tuple[float, float] = (2.0, 4.0)
    """Range of the divisor by which half of the inputs are darkened."""
    bright_inputs: float = 0.0
    """Share of the inputs that are normal-light photographs instead, darkened as often as the others: what is not
    darkened should come out as it is. 0: none, theirs."""
    features: str = "vgg16"
    feature_pools: int = 3
    """Max-pools before relu5_1: 3 puts the features at 1/8 of the resolution, as in the authors' code."""
    align_corners: bool = True
    key: bool = False
    """The generator sees how light the whole photograph is, in the place of the attention that its first convolution
    sees (`networks.Generator`); False: attention, theirs."""

    def __post_init__(self) -> None:
        for part in self.without:
            if part not in PARTS:
                raise unknown_name("part to leave out", part, PARTS)
        object.__setattr__(self, "without", tuple(part for part in PARTS if part in self.without))
        super().__post_init__()
        if "darkening" in self.without and self.darkening != TrainConfig.darkening:
            raise BenchError("Without darkening there is no range of it: leave out --darkening.")
        if self.key and not self.attention:
            raise BenchError("Without attention the generator has three planes, none for the key: leave out --key.")
        if self.patches <= 0:
            raise BenchError(f"patches must be positive, not {self.patches}.")
        if self.crop <= self.patch:
            raise BenchError(f"crop ({self.crop}) must exceed the local discriminator's patch ({self.patch}).")

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
    def relativistic(self) -> bool:
        return "relativistic" not in self.without

    @property
    def windows(self) -> tuple[int, int]:
        return self.patches, self.patch

    @property
    def divisors(self) -> tuple[float, float] | None:
        return None if "darkening" in self.without else self.darkening

    @property
    def bright_share(self) -> float:
        return self.bright_inputs

    @property
    def variant(self) -> str:
        """The public name of the method that this run trains, such as `enlightengan_no_attention`."""
        return "_".join(["enlightengan", *(f"no_{part.replace('-', '_')}" for part in self.without)])


def without_of(variant: str) -> tuple[str, ...] | None:
    """The parts that `variant`, a method's name, leaves out, of PARTS; None when it is none of EnlightenGAN's."""
    method, *left_out = variant.split("_no_")
    without = tuple(part for part in PARTS if part.replace("-", "_") in left_out)
    named = "_".join([method, *(f"no_{part.replace('-', '_')}" for part in without)])
    return without if method == "enlightengan" and named == variant else None


# fast: without clip the loss of the global discriminator, which has no normalisation, leapt within 300 steps in each
# of four runs at 3e-4, to 194, 934, 1,042 and 16,000; three settled, the generator of the fourth learned a green cast.
# Usual norms are 1 to 6 for the discriminators and 11 to 36 for the generator.
PRESETS: dict[str, TrainConfig] = {
    "paper": TrainConfig(),
    "fast": TrainConfig(
        preset="fast", minutes=60, batch_size=4, crop=112, learning_rate=2e-4, schedule="step", pairing="random",
        precision="auto", ema=0.999, clip=10.0,
    ),
    "smoke": TrainConfig(
        preset="smoke", epochs=1000, max_steps=10, batch_size=4, crop=64, learning_rate=3e-4, schedule="step",
        pairing="random", features="random", precision="auto", probes=1,
    ),
}  # fmt: skip
"""`paper`: the authors' recipe to the letter. `fast`: two CPU cores, an hour. `smoke`: does it run, under a minute."""


TEACHERS = ("crop", "whole")
SMALLEST_CROP = 20  # of a refinement: windows of 5 pixels at a quarter of the size
SMALLEST_WITH_STATISTICS = 64  # a square that has statistics of its own


@dataclass(frozen=True)
class RefineConfig(RunConfig):
    """Refinement of a trained generator (`enlightengan.refine`); this project's own, there is no paper of it."""

    method: ClassVar[str] = "refine"

    preset: str = "fast"
    batch_size: int = 4
    crop: int = 112
    smallest_scale: float = 0.6
    learning_rate: float = 3e-4
    schedule: str = "step"
    beta1: float = 0.9
    clip: float | None = 5.0
    pairing: str = "random"
    precision: str = "auto"
    ema: float = 0.999
    batch_norm: str = "frozen"
    darkening: tuple[float, float] = (2.0, 6.0)
    """Range of the divisor by which half of the inputs are darkened."""
    noise: float = 2.0
    """Most noise of darkened inputs and of half of those that lose light as a camera's, its standard deviation in the
    dark in levels of 255 (`enlightengan.camera_noise`), after which they are rounded to levels; 0: neither."""
    bright_inputs: float = 0.25
    """Share of the inputs that are normal-light photographs."""
    huber: float = 0.0
    """Differences of values, of 1, below this count by their square, as by Huber's loss, so that what is unsure comes
    out at its mean and not at its median; 0: all by their size."""
    structure: float = 0.5
    """Weight of the structure loss beside the mean absolute distance."""
    statistics: float = 0.0
    """Weight of how unlike the statistics of texture are, of a crop's whole squares of 64 pixels
    (`enlightengan.scene_statistics`); 0: not looked at."""
    looks: float = 0.0
    """Weight of what is learned on small copies of whole photographs (`enlightengan.looks`), as many as crops; 0: none
    is shown."""
    keeps: float = 0.0
    """Weight of what the teacher, the generator's beginning where no other is given, makes of small copies of dark and
    dimmed photographs, as many as crops, which is to stay while it learns on crops; 0: none is shown."""
    teacher_sees: str = "crop"
    """Of what the teacher tells what is wanted: of the `crop`, as the network sees it in use at full
    size, or of the `whole` photograph small, as the guided form does."""
    key: bool = False
    """The generator sees how light the whole photograph is, in the place of the attention that its first convolution
    sees (`networks.Generator`); False: attention, theirs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.teacher_sees not in TEACHERS:
            raise unknown_name("teacher-sees", self.teacher_sees, TEACHERS)
        weights = (self.noise, self.huber, self.structure, self.statistics, self.looks, self.keeps)
        if not all(value >= 0 for value in weights):
            raise BenchError("noise, huber, structure, statistics, looks and keeps must not be negative.")
        if self.crop < SMALLEST_CROP:
            raise BenchError(f"crop must be at least {SMALLEST_CROP} for the structure loss, not {self.crop}.")
        if self.statistics and self.crop < SMALLEST_WITH_STATISTICS:
            raise BenchError(f"crop must be at least {SMALLEST_WITH_STATISTICS} for the statistics, not {self.crop}.")
        if self.statistics and self.accumulate * self.devices > 1:
            raise BenchError("statistics are compared over a whole batch: no accumulate, and one device.")

    @property
    def divisors(self) -> tuple[float, float] | None:
        return self.darkening

    @property
    def noise_levels(self) -> float:
        return self.noise

    @property
    def bright_share(self) -> float:
        return self.bright_inputs

    @property
    def small_copies(self) -> bool:
        return self.looks > 0

    @property
    def keeps_copies(self) -> bool:
        return self.keeps > 0

    @property
    def variant(self) -> str:
        """It is still EnlightenGAN's generator."""
        return "enlightengan"

    @property
    def label(self) -> str:
        return "enlightengan refined"


def preset(name: str, **changes: Any) -> TrainConfig:
    """The preset called `name` with changes (see `choose_preset`)."""
    return choose_preset(PRESETS, name, changes)


REFINE_PRESETS: dict[str, RefineConfig] = {
    "fast": RefineConfig(minutes=60, looks=1.0, teacher_sees="whole"),
    "smoke": RefineConfig(
        preset="smoke", epochs=1000, max_steps=10, crop=64, probes=1, looks=1.0, teacher_sees="whole"
    ),
}


def departures(config: TrainConfig, features_used: str) -> list[str]:
    """What the `paper` preset cannot have as the authors had it, in sentences; empty for the other presets."""
    if config.preset != "paper":
        return []
    found = [
        *_shared_out(config),
        "random numbers come from NumPy's PCG64, not from Python's random in four worker processes.",
        "photographs are sorted by path; theirs came in the order of os.walk, which decides the fixed partners.",
        "no history pool is filled: theirs was, but never used.",
    ]
    if config.perceptual and "Caffe" not in features_used:
        found.append(f"features are {features_used}; theirs were Caffe VGG-16, BGR 0-255, no mean.")
    alike = {name: getattr(config, name) for name in ("without", "features", "seed", "accumulate", "batch_norm")}
    return found + changed_settings(config, TrainConfig(preset="paper", **alike))


def _shared_out(config: TrainConfig) -> list[str]:
    """What differs where the authors' batches were shared out over three cards."""
    parts = config.accumulate * (config.devices if config.batch_norm == "per-device" else 1)
    seen = "sees the whole batch" if parts == 1 else f"sees the batch in {parts} parts"
    if config.batch_norm == "frozen":
        seen = "keeps the statistics that it begins with"
    found = [f"BatchNorm {seen}; theirs was split over three cards into chunks of 11, 11 and 10."]
    if parts == 3 and config.batch_norm != "frozen":
        found = []
    if config.accumulate > 1 and config.relativistic:
        found.append("relativistic means are over each part of a batch; theirs were over all of it.")
    return found
