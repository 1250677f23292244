"""CycleGAN (Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017).

The two-path rival: one generator brightens, a second darkens, each must undo the other. Both are the one-path model's
U-Net without attention (the same widths, 8,636,387 parameters), so that the comparison is of one path with two.
Discriminators are 70 x 70 PatchGANs with instance normalisation and look at a history of results.
"""

from typing import Any

import torch
from torch import Tensor, nn

from enlightengan import group
from enlightengan.batch import Batch
from enlightengan.discriminators import Discriminator
from enlightengan.losses import discriminator_loss, toward
from enlightengan.model import TrainedModel, add_gradients, balance, judge, picture_health
from enlightengan.networks import Generator, kept_statistics
from enlightengan.rivals import CycleConfig


class History:
    """The last `size` results of a generator, more or less: each new one takes the place of an old one at even odds."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.kept: list[Tensor] = []
        self.random = torch.Generator().manual_seed(seed)

    def exchange(self, pictures: Tensor) -> Tensor:
        """`pictures`, (B, 3, H, W), of which about half are replaced by earlier ones; all of them until it is full."""
        shown = []
        for picture in pictures.detach():
            if len(self.kept) < self.size:
                self.kept.append(picture.clone())
                shown.append(picture)
            elif torch.rand((), generator=self.random) < 0.5:
                place = int(torch.randint(self.size, (), generator=self.random))
                shown.append(self.kept[place])
                self.kept[place] = picture.clone()
            else:
                shown.append(picture)
        return torch.stack(shown)

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {"kept": [picture.cpu() for picture in self.kept], "random": self.random.get_state()}

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        """Take up what `state` gave."""
        self.kept = [picture.to(device) for picture in state["kept"]]
        self.random.set_state(state["random"])


class CycleGan(TrainedModel):
    """CycleGAN in training; `generator` brightens, `darkener` goes the other way."""

    config: CycleConfig

    def __init__(self, config: CycleConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.generator = Generator(attention=False, checkpointing=config.checkpointing)
        self.darkener = Generator(attention=False, checkpointing=config.checkpointing)
        self.normal_d = Discriminator(3, normalised=config.instance_norm)
        self.low_d = Discriminator(3, normalised=config.instance_norm)
        self.histories = {name: History(config.pool, config.seed + group.rank()) for name in ("normal", "low")}
        self.prepare()

    def networks(self) -> dict[str, nn.Module]:
        return {
            "generator": self.generator, "darkener": self.darkener,
            "normal_discriminator": self.normal_d, "low_discriminator": self.low_d,
        }  # fmt: skip

    def gradients(self, batch: Batch, *, share: float = 1.0, precision: str = "float32") -> dict[str, Tensor]:
        """Add this batch's gradients, times `share`, to those of the networks; returns the losses, scalars by name."""
        config = self.config
        with self.autocast(precision):
            bright, dark = self._translate(self.generator, batch.seen), self._translate(self.darkener, batch.normal)
            adversarial = toward(self._logits(self.normal_d, bright), 1.0) + toward(self._logits(self.low_d, dark), 1.0)
            losses = {"generator_adversarial": adversarial, "cycle": config.cycle * self._unlike(batch, dark, bright)}
            if config.identity:
                losses["identity"] = config.identity * self._unlike(batch, batch.normal, batch.seen)
        generators = [*self.generator.parameters(), *self.darkener.parameters()]
        torch.autograd.backward(torch.stack(list(losses.values())).sum() * share, inputs=generators)
        self.health = picture_health(bright)
        for name, network, real, fake in (
            ("normal", self.normal_d, batch.normal, bright), ("low", self.low_d, batch.seen, dark),
        ):  # fmt: skip
            with self.autocast(precision):
                real_logits, fake_logits = judge(network, real, self.histories[name].exchange(fake))
            self.health |= balance(name, real_logits, fake_logits, relative=False)
            losses[f"{name}_discriminator"] = discriminator_loss(real_logits, fake_logits)
            add_gradients(losses[f"{name}_discriminator"] * share, network)
        return losses

    def _unlike(self, batch: Batch, dark: Tensor, bright: Tensor) -> Tensor:
        """How far what is made of `bright` is from the dark photographs, and what is made of `dark` from the others."""
        # Only the direction in which a generator is used may shape its running statistics.
        with kept_statistics(self.generator), kept_statistics(self.darkener):
            low, normal = self._translate(self.darkener, bright), self._translate(self.generator, dark)
        return distance(low, batch.seen) + distance(normal, batch.normal)

    def _translate(self, generator: nn.Module, pictures: Tensor) -> Tensor:
        translated: Tensor = generator(pictures)[0]
        return translated if translated.dtype == torch.float64 else translated.float()

    def _logits(self, discriminator: nn.Module, pictures: Tensor) -> Tensor:
        logits: Tensor = discriminator(pictures)
        return logits if logits.dtype == torch.float64 else logits.float()

    def further_state(self) -> dict[str, Any]:
        return {name: history.state() for name, history in self.histories.items()}

    def restore_further(self, state: dict[str, Any]) -> None:
        for name, history in self.histories.items():
            history.restore(state[name], self.device)


def distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference, a scalar."""
    return (first - second).abs().mean()
