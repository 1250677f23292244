"""One optimiser step of EnlightenGAN: the generator, then both discriminators on the same enhanced pictures.

The mathematics is the authors' to the last digit (`benchmarks/parity.py`); the order of the work is not. All patches go
through a network in one batch, each discriminator sees real and enhanced pictures in one pass that serves both
its own loss and the generator's, and the perceptual target is computed without a graph.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.optim import Adam

from enlightengan.config import TrainConfig
from enlightengan.losses import (
    Window,
    local_discriminator_loss,
    relativistic,
    self_feature_preserving,
    take_windows,
    toward,
)
from enlightengan.networks import Discriminator, Generator, initialise


@dataclass(frozen=True)
class Batch:
    """One training batch, all in [-1, 1]: `seen` is `low` with some items darkened; `windows` are (x, y) offsets."""

    low: Tensor  # (B, 3, crop, crop)
    seen: Tensor  # (B, 3, crop, crop)
    normal: Tensor  # (B, 3, crop, crop)
    windows: Sequence[Window]
    attention: Tensor | None = None
    """(B, 1, crop, crop); computed from `seen` unless given."""

    def to(self, device: torch.device) -> "Batch":
        low, seen, normal = (t.to(device, non_blocking=True) for t in (self.low, self.seen, self.normal))
        return replace(self, low=low, seen=seen, normal=normal)


class Model:
    """The networks and optimisers of one training run; `local_d` and `features` are None where the variant has none."""

    def __init__(self, config: TrainConfig, features: nn.Module | None, device: torch.device) -> None:
        seeded = torch.Generator().manual_seed(config.seed)
        self.config = config
        self.device = device
        self.generator = Generator(attention=config.attention, align_corners=config.align_corners)
        self.global_d = Discriminator(5)
        self.local_d = Discriminator(4) if config.local_discriminator else None
        self.features: nn.Module | None = None
        if features is not None and config.perceptual:
            self.features = features.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for network in self.networks().values():
            initialise(network, seeded)
            network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers = {
            name: Adam(network.parameters(), lr=config.learning_rate, betas=(config.beta1, config.beta2))
            for name, network in self.networks().items()
        }

    def networks(self) -> dict[str, nn.Module]:
        """The trained networks by name, in a fixed order."""
        found: dict[str, nn.Module] = {"generator": self.generator, "global_discriminator": self.global_d}
        return found | ({"local_discriminator": self.local_d} if self.local_d is not None else {})

    def autocast(self, precision: str) -> AbstractContextManager[object]:
        """bfloat16 where `precision` says so; losses stay in float32 either way."""
        return torch.autocast(self.device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()

    def step(self, batch: Batch, *, precision: str = "float32") -> dict[str, Tensor]:
        """Update all networks once; returns the losses before the update, as detached scalars."""
        config, losses = self.config, {}
        with self.autocast(precision):
            enhanced, _ = self.generator(batch.seen, batch.attention)
        enhanced = enhanced if enhanced.dtype == torch.float64 else enhanced.float()
        # The losses see a leaf, so that the discriminators' graph is shared and the generator's is walked once.
        fake = enhanced.detach().requires_grad_()
        with self.autocast(precision):
            normal_logits, fake_logits = _judge(self.global_d, batch.normal, fake)
            objective = relativistic(fake_logits, normal_logits)
            losses["global_discriminator"] = relativistic(normal_logits, fake_logits)
            if self.local_d is not None:
                patches = take_windows(fake, batch.windows, config.patch)
                normal_patches = take_windows(batch.normal, batch.windows, config.patch)
                normal_logits, fake_logits = _judge(self.local_d, normal_patches, patches)
                objective = objective + toward(fake_logits, 1.0)
                losses["local_discriminator"] = local_discriminator_loss(normal_logits, fake_logits)
            losses["generator_adversarial"] = objective
            if self.features is not None:
                preserving = self_feature_preserving(fake, batch.low, self.features)
                if self.local_d is not None:
                    low_patches = take_windows(batch.low, batch.windows, config.patch)
                    preserving = preserving + self_feature_preserving(patches, low_patches, self.features)
                losses["self_feature_preserving"] = preserving
                objective = objective + preserving
        torch.autograd.backward(objective, inputs=[fake], retain_graph=True)
        self._descend("generator", enhanced, fake.grad)
        for name in ("global_discriminator", "local_discriminator"):
            if name in losses:
                self._descend(name, losses[name], None)
        return {name: loss.detach() for name, loss in losses.items()}

    def _descend(self, name: str, root: Tensor, gradient: Tensor | None) -> None:
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(root, gradient, inputs=list(self.networks()[name].parameters()))
        optimiser.step()


def _judge(discriminator: nn.Module, normal: Tensor, enhanced: Tensor) -> tuple[Tensor, Tensor]:
    logits = discriminator(torch.cat([normal, enhanced]))
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return logits[: len(normal)], logits[len(normal) :]
