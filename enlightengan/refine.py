"""Refinement: a trained generator learns to keep to the photograph's own detail, and how much light scenes ask for.

What a generator learned from discriminators in a short training has a texture of its own, which no photograph has, and
it decides for each place anew how bright that should be. The remedy needs no discriminators, and well-lit photographs
only as inputs: the generator is taught by itself, as it was at the beginning. What its guided form makes of the whole
photograph, seen small (`enlightengan.guided`), faint texture made stronger, is what it is to give for each crop of it.
Another generator may teach it in its beginning's place; who is taught by his own results again and again, drifts.

Where the crop was darkened and made noisy, the target is still that of the untouched photograph: as in EnlightenGAN,
whose perceptual loss compares with the picture before darkening. Of well-exposed photographs half of the crops lose
light as a camera might have had less of it (`enlightengan.looks`), and half of all have noise; wanted is the
photograph, its faint texture made stronger likewise.

Noise is left out of what is wanted of a dark photograph (`enlightengan.denoise`); else it would be asked for.

The teacher may see the crop alone instead (`teacher_sees`): how much brighter it makes each place, smoothed along the
photograph's edges (`detail_preserved`), is a gain without texture, and the crop times that is what is wanted. That
keeps what the network does at full size, rims and clouds included, for a crop cannot tell what its scene asks for.

With `looks` each batch shows small copies of whole photographs, too, which teach how much light a scene asks for
(`enlightengan.looks`): there the target is the photograph before it was darkened, for what the generator gives and for
what the guided form makes of that. With `keeps` there are small copies whose results are to be the teacher's:
crops teach brightness, too, and the guided form, which looks at small copies, should not move with that.

With `statistics` texture is to be as strong and as grained as in what is wanted, which neither loss asks of a network
that is unsure of it (`enlightengan.scene_statistics`). Grain is unlike the statistics of what has no noise, too.

Unsure of brightness, a network taught by absolute differences gives the median of what may be wanted, dark or bright,
and by squares its mean: `huber` (Huber, 1964).

The smoothing is `enlightengan.gain`, the second loss the contrast and structure term of SSIM (Wang et al., TIP 2004).
"""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.images import to_pixels, to_tensor
from enlightengan.batch import Batch
from enlightengan.config import RefineConfig
from enlightengan.data import Wanted
from enlightengan.denoise import without_noise
from enlightengan.enhancer import TrainedEnhancer
from enlightengan.gain import fitted_gain, gain_at, with_gain
from enlightengan.guided import GuidedEnhancer, Look, Seen, brightened, to_look_at
from enlightengan.looks import Pixels, as_guided
from enlightengan.model import TrainedModel, add_gradients, picture_health
from enlightengan.networks import KEY_FLOOR, Generator
from enlightengan.noise import level, unevenness
from enlightengan.scene_statistics import unlike

RADIUS = 8  # pixels, of the guided filter
EDGE = 0.3  # its epsilon: a deviation of 0.8 stops
WINDOW = 5  # pixels, of the structure term
STEADY = (1.5 / 255) ** 2  # its constant: structure below it is no structure
SCALES = (1, 2, 4)


def detail_preserved(photograph: Tensor, enhanced: Tensor) -> Tensor:
    """`photograph` as bright as `enhanced` is around each place; both (B, 3, H, W) in [0, 1], as is the result.

    The logarithm of the gain is smoothed channel by channel, so that colours are those of `enhanced`.
    """
    fitted = fitted_gain(photograph, enhanced, radius=RADIUS, epsilon=EDGE)
    return with_gain(photograph, gain_at(photograph, *fitted))


def structure(pictures: Tensor, targets: Tensor) -> Tensor:
    """One minus the contrast and structure term of SSIM, the mean over `SCALES`; (B, C, H, W) in [0, 1], a scalar."""
    found = []
    for scale in SCALES:
        first, second = (F.avg_pool2d(side, scale) if scale > 1 else side for side in (pictures, targets))
        mean_first, mean_second = F.avg_pool2d(first, WINDOW, stride=1), F.avg_pool2d(second, WINDOW, stride=1)
        covariance = F.avg_pool2d(first * second, WINDOW, stride=1) - mean_first * mean_second
        variances = F.avg_pool2d(first**2 + second**2, WINDOW, stride=1) - mean_first**2 - mean_second**2
        found.append(1 - ((2 * covariance + STEADY) / (variances.clamp_min(0) + STEADY)).mean())
    return torch.stack(found).mean()


@torch.inference_mode()
def crisp(photograph: Pixels) -> Pixels:
    """A photograph (H, W, 3) as the guided form has it where no place needs light: its faint texture made stronger."""
    image = to_tensor(photograph)
    none = image.new_zeros(1, 3, 1, 1)
    noise = level(unevenness(image))
    seen = Seen(1, (Look(1.0, none[:, :1] + 1, none, none),), noise)
    return to_pixels(brightened(image, seen, lambda values: values))


class Refinement(TrainedModel):
    """A generator in refinement, with the frozen one that teaches it: a copy of its beginning (see `teach`), or other
    weights (`build`)."""

    config: RefineConfig
    generator: Generator

    def __init__(self, config: RefineConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.generator = Generator(checkpointing=config.checkpointing, key=config.key)
        self.prepare()
        self.take_teacher(self.generator)
        if config.teacher_sees == "whole":
            self.wanted = Wanted(dark=self.guided, lit=crisp)

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def take_teacher(self, generator: Generator) -> None:
        """Take a copy of `generator` as it is now for the teacher."""
        self.teacher = copy.deepcopy(generator).to(self.device)
        self.form = GuidedEnhancer(TrainedEnhancer(self.teacher, source="the teacher"), source="the teacher")

    def further_state(self) -> dict[str, Any]:
        return {"teacher": self.teacher.state_dict()}

    def restore_further(self, state: dict[str, Any]) -> None:
        teacher = Generator(key=KEY_FLOOR in state["teacher"])
        teacher.load_state_dict(state["teacher"])
        self.take_teacher(teacher)

    @torch.inference_mode()
    def guided(self, photograph: Pixels) -> Pixels:
        """What the teacher, guided, makes of a whole photograph without its noise, (H, W, 3) both."""
        return to_pixels(self.form(without_noise(to_tensor(photograph)).to(self.device)))

    @torch.no_grad()
    def target(self, low: Tensor) -> Tensor:
        """What the generator is to give for `low`, (B, 3, H, W) in [-1, 1], in [0, 1]."""
        look = self.teacher(low)[0].float()
        return detail_preserved((low + 1) / 2, (look.clamp(-1, 1) + 1) / 2)

    def moved(self, copies: Tensor) -> Tensor:
        """How far the results for small copies, (B, 3, H, W) in [-1, 1], are from the teacher's, of 1: a scalar."""
        with torch.no_grad():
            before = self.teacher(copies)[0].float()
        return F.l1_loss(self.generator(copies)[0].float(), before) / 2

    def gradients(self, batch: Batch, *, share: float = 1.0, precision: str = "float32") -> dict[str, Tensor]:
        """Add this batch's gradients, times `share`, to those of the generator; returns the losses by name."""
        with self.autocast(precision):
            target = self.target(batch.low) if batch.target is None else (batch.target + 1) / 2
            enhanced = self.generator(batch.seen, key=batch.key)[0]
            copies = None if batch.whole_seen is None else to_look_at((batch.whole_seen + 1) / 2)
            looked = None if copies is None else self.generator(copies * 2 - 1)[0]
            kept = None if batch.kept is None else self.moved(batch.kept)
        pictures = (enhanced.float() + 1) / 2
        self.health = picture_health(enhanced.detach())
        losses = {
            "distance": F.smooth_l1_loss(pictures, target, beta=self.config.huber),
            "structure": self.config.structure * structure(pictures, target),
        }
        if self.config.statistics:
            losses["statistics"] = self.config.statistics * unlike(pictures, target.float())
        if looked is not None and copies is not None and batch.whole is not None:
            results, lit = (looked.float() + 1) / 2, (batch.whole + 1) / 2
            guided = as_guided(copies[: len(lit)], copies, results.clamp(0, 1))
            distances = F.l1_loss(results[: len(lit)], lit), F.l1_loss(guided, lit)
            losses["look"] = self.config.looks * torch.stack(distances).sum()
        if kept is not None:
            losses["kept"] = self.config.keeps * kept
        add_gradients(torch.stack(list(losses.values())).sum() * share, self.generator)
        return losses
