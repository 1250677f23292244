"""What a training run of a rival is: Zero-DCE, which needs dark photographs alone, and CycleGAN, the two-path model.

Both train on the crops, batches and lengths of EnlightenGAN's presets, so that the method is what differs. No torch.
"""

from dataclasses import dataclass
from typing import ClassVar

from bench.errors import BenchError
from enlightengan.run_config import RunConfig, changed_settings

ONE_PLACE = 16  # pixels, of a crop whose innermost layer in the U-Net is one
EXPOSED = 16  # pixels, of a region of Zero-DCE's exposure control: no crop can be smaller


@dataclass(frozen=True)
class ZeroDceConfig(RunConfig):
    """Zero-DCE (Guo et al., CVPR 2020); optimiser and weights of the losses are those of the authors' code.

    The paper's own weights are 1, 1, 0.5 and 20 in the order below: theirs in the code, but for the first, tenfold.
    """

    method: ClassVar[str] = "zero_dce"
    unpaired: ClassVar[bool] = False

    batch_size: int = 8
    crop: int = 256
    schedule: str = "constant"
    beta1: float = 0.9
    weight_decay: float = 1e-4
    clip: float | None = 0.1
    spatial: float = 1.0
    exposure: float = 10.0
    colour: float = 5.0
    smoothness: float = 200.0
    level: float = 0.6
    """The exposure E, in [0, 1], that regions are drawn to."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop < EXPOSED:
            raise BenchError(f"crop must be at least {EXPOSED} for the exposure control, not {self.crop}.")


@dataclass(frozen=True)
class CycleConfig(RunConfig):
    """CycleGAN (Zhu et al., ICCV 2017) with the one-path model's U-Net, without attention, in both directions.

    From its paper: losses and their weights, history pools, 70 x 70 PatchGAN with instance normalisation, Adam at 2e-4,
    random pairs. From EnlightenGAN, so that the two compare: U-Net with BatchNorm, crop, batch. (Its own is a ResNet of
    nine blocks on 256 crops, one picture a step; a U-Net with BatchNorm needs more than one.)
    """

    method: ClassVar[str] = "cyclegan"

    learning_rate: float = 2e-4
    pairing: str = "random"
    cycle: float = 10.0
    identity: float = 5.0
    """0.5 times `cycle`, as in the authors' code and their paper's section on paintings and photographs; 0: none, as in
    the rest of the paper."""
    pool: int = 50
    """Earlier results a discriminator may be shown instead of the present one."""
    instance_norm: bool = True
    """Instance normalisation in the discriminators, theirs. It divides by each picture's own contrast and takes its own
    mean away, so that how bright a picture is reaches the logits late; without it they see that first."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop <= ONE_PLACE:
            told = "the U-Net's innermost layer is then one pixel, and a picture left alone in a batch has no deviation"
            raise BenchError(f"crop must exceed {ONE_PLACE}: {told}.")


ZERO_DCE_PRESETS: dict[str, ZeroDceConfig] = {
    "paper": ZeroDceConfig(),
    "fast": ZeroDceConfig(preset="fast", minutes=60, crop=112, precision="auto"),
    "smoke": ZeroDceConfig(
        preset="smoke", epochs=1000, max_steps=10, batch_size=4, crop=64, precision="auto", probes=1
    ),
}
# fast: with their weights and normalisation the generators still gave their inputs after 1,217 steps. They begin there,
# where each step away costs `cycle` times its length and nothing undoes it yet, and discriminators that see brightness
# late ask for none. As below brightness had doubled after 60 steps of crops of 64. Cut gradients: as for EnlightenGAN.
CYCLEGAN_PRESETS: dict[str, CycleConfig] = {
    "paper": CycleConfig(),
    "fast": CycleConfig(
        preset="fast", minutes=60, batch_size=4, crop=112, schedule="step", precision="auto", ema=0.999, clip=10.0,
        cycle=1.0, identity=0.0, instance_norm=False,
    ),
    "smoke": CycleConfig(
        preset="smoke", epochs=1000, max_steps=10, batch_size=4, crop=64, schedule="step", precision="auto", probes=1
    ),
}  # fmt: skip


def rival_departures(config: RunConfig) -> list[str]:
    """What a rival's `paper` preset has otherwise than its authors, in sentences; empty for the other presets."""
    if config.preset != "paper":
        return []
    if isinstance(config, ZeroDceConfig):
        found = [
            "what is shown are the photographs of --low; theirs were SICE's, part 1, over-exposed ones among them.",
            "crops are cut out; theirs were whole photographs reduced to 256 x 256. Flips are ours.",
            "neighbours beyond the border do not count in the spatial loss; in their code they count as black.",
        ]
        return found + changed_settings(config, ZeroDceConfig(seed=config.seed))
    found = [
        "the generators are the one-path model's U-Net without attention; theirs were ResNets with nine blocks.",
        "batches and crops are EnlightenGAN's; theirs were one picture, 256 x 256 cut from 286 x 286.",
        "pictures are flipped upside down, too, and both sides together; theirs were mirrored, each by itself.",
    ]
    return found + changed_settings(config, CycleConfig(seed=config.seed))
