"""One optimiser step of EnlightenGAN: the generator, then both discriminators on the same enhanced pictures.

The mathematics is the authors' to the last digit (`benchmarks/parity.py`); the order of the work is not. All patches go
through a network in one batch, each discriminator sees real and enhanced pictures in one pass that serves both
its own loss and the generator's, and the perceptual target is computed without a graph.
"""

import torch
from torch import Tensor, nn

from enlightengan.batch import Batch
from enlightengan.config import TrainConfig
from enlightengan.discriminators import Discriminator
from enlightengan.losses import (
    discriminator_loss,
    relativistic,
    self_feature_preserving,
    take_windows,
    toward,
)
from enlightengan.model import TrainedModel, add_gradients, balance, judge, picture_health
from enlightengan.networks import Generator


class Model(TrainedModel):
    """The networks and optimisers of one training run; `local_d` and `features` are None where the variant has none."""

    config: TrainConfig
    generator: Generator

    def __init__(self, config: TrainConfig, features: nn.Module | None, device: torch.device) -> None:
        super().__init__(config, device)
        self.generator = Generator(
            attention=config.attention, align_corners=config.align_corners, checkpointing=config.checkpointing,
            key=config.key,
        )  # fmt: skip
        self.global_d = Discriminator(5)
        self.local_d = Discriminator(4) if config.local_discriminator else None
        self.features: nn.Module | None = None
        if features is not None and config.perceptual:
            self.features = features.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.prepare()

    def networks(self) -> dict[str, nn.Module]:
        found: dict[str, nn.Module] = {"generator": self.generator, "global_discriminator": self.global_d}
        return found | ({"local_discriminator": self.local_d} if self.local_d is not None else {})

    def gradients(self, batch: Batch, *, share: float = 1.0, precision: str = "float32") -> dict[str, Tensor]:
        """Add this batch's gradients, times `share`, to those of the networks; returns the losses, scalars by name."""
        config, losses = self.config, {}
        with self.autocast(precision):
            enhanced, _ = self.generator(batch.seen, batch.attention, batch.key)
        enhanced = enhanced if enhanced.dtype == torch.float64 else enhanced.float()
        # The losses see a leaf, so that the discriminators' graph is shared and the generator's is walked once.
        fake = enhanced.detach().requires_grad_()
        self.health = picture_health(fake)
        with self.autocast(precision):
            normal_logits, fake_logits = judge(self.global_d, batch.normal, fake)
            if config.relativistic:
                objective = relativistic(fake_logits, normal_logits)
                losses["global_discriminator"] = relativistic(normal_logits, fake_logits)
            else:
                objective = toward(fake_logits, 1.0)
                losses["global_discriminator"] = discriminator_loss(normal_logits, fake_logits)
            self.health |= balance("global", normal_logits, fake_logits, relative=config.relativistic)
            if self.local_d is not None:
                patches = take_windows(fake, batch.windows, config.patch)
                normal_patches = take_windows(batch.normal, batch.windows, config.patch)
                normal_logits, fake_logits = judge(self.local_d, normal_patches, patches)
                objective = objective + toward(fake_logits, 1.0)
                losses["local_discriminator"] = discriminator_loss(normal_logits, fake_logits)
                self.health |= balance("local", normal_logits, fake_logits, relative=False)
            losses["generator_adversarial"] = objective
            if self.features is not None:
                preserving = self_feature_preserving(fake, batch.low, self.features)
                if self.local_d is not None:
                    low_patches = take_windows(batch.low, batch.windows, config.patch)
                    preserving = preserving + self_feature_preserving(patches, low_patches, self.features)
                losses["self_feature_preserving"] = preserving
                objective = objective + preserving
        torch.autograd.backward(objective * share, inputs=[fake], retain_graph=True)
        add_gradients(enhanced, self.generator, fake.grad)
        for name, network in self.networks().items():
            if name in losses:
                add_gradients(losses[name] * share, network)
        return losses
