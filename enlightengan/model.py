"""What the training loop needs of a method: networks, their optimisers, and gradients for a batch."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from enlightengan import group
from enlightengan.batch import Batch
from enlightengan.data import Wanted
from enlightengan.networks import freeze_statistics, initialise
from enlightengan.run_config import RunConfig


class TrainedModel(ABC):
    """A method in training. A subclass sets `generator`, says which networks it has and computes their gradients.

    `generator` is what enhances: (B, 3, H, W) in [-1, 1] to a tuple whose first item is the enhanced picture, likewise.
    """

    generator: nn.Module

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.begun_from: dict[str, str] = {}
        """What its generator was trained on before, as `beginning.begun_from` tells it."""
        self.wanted: Wanted | None = None
        """What is wanted of whole photographs, for a method whose crops are taught by that."""
        self.health: dict[str, Tensor] = {}
        """Of the last batch, over all parts: discriminators' mean logits and accuracy, brightness, saturated share."""

    def prepare(self, *, weight_decay: float = 0.0) -> None:
        """Give the networks their seeded start, move them to the device and make an Adam for each."""
        config, seeded = self.config, torch.Generator().manual_seed(self.config.seed)
        for network in self.networks().values():
            initialise(network, seeded)
            if group.size() > 1 and config.batch_norm == "synchronised":
                group.synchronise(network)
            if config.batch_norm == "frozen":
                freeze_statistics(network)
            network.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers = {
            name: Adam(
                network.parameters(), lr=config.learning_rate, betas=(config.beta1, config.beta2),
                weight_decay=weight_decay,
            )
            for name, network in self.networks().items()
        }  # fmt: skip

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """The trained networks by name, in a fixed order."""

    @abstractmethod
    def gradients(self, batch: Batch, *, share: float, precision: str) -> dict[str, Tensor]:
        """Add `share` times the gradients of `batch` to the networks'; returns the losses, not yet times `share`."""

    def further_state(self) -> dict[str, Any]:
        """What a training state must hold besides networks and optimisers."""
        return {}

    def restore_further(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Take up what `further_state` gave."""

    def autocast(self, precision: str) -> AbstractContextManager[object]:
        """bfloat16 where `precision` says so; losses stay in float32 either way."""
        return torch.autocast(self.device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()

    def step(self, batch: Batch, *, precision: str = "float32") -> dict[str, Tensor]:
        """Update all networks once; returns the losses before the update, as detached scalars.

        With several processes each works on its part of `batch`; gradients and losses are those of the whole.
        """
        for optimiser in self.optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        found: dict[str, Tensor] = {}
        health: dict[str, Tensor] = {}
        # As many parts in every process: each of them waits for the others.
        count = min(self.config.accumulate, max(1, len(batch.low) // group.size()))
        for part in batch.parts(group.size())[group.rank()].parts(count):
            share = len(part.low) / len(batch.low)
            for name, loss in self.gradients(part, share=share, precision=precision).items():
                found[name] = found.get(name, 0) + share * loss.detach()
            health = {name: health.get(name, 0) + share * value.detach() for name, value in self.health.items()}
        parameters = [p for network in self.networks().values() for p in network.parameters()]
        group.add_up([p.grad for p in parameters if p.grad is not None])
        group.add_up([*found.values(), *health.values()])
        self.health = health
        if self.config.clip is not None:
            for network in self.networks().values():
                nn.utils.clip_grad_norm_(network.parameters(), self.config.clip)
        for optimiser in self.optimisers.values():
            optimiser.step()
        return found

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on from here; tensors and plain values only."""
        return {
            "networks": {name: network.state_dict() for name, network in self.networks().items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "further": self.further_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.restore_networks(state)
        self.restore_further(state["further"])

    def restore_networks(self, state: dict[str, Any]) -> None:
        """Of what `state` gave, take up networks and optimisers: what another training can begin from."""
        for name, network in self.networks().items():
            network.load_state_dict(state["networks"][name])
            self.optimisers[name].load_state_dict(state["optimisers"][name])


def add_gradients(root: Tensor, network: nn.Module, gradient: Tensor | None = None) -> None:
    """Add the gradients of `root` (weighed by `gradient`) to the parameters of `network`, and to no other."""
    torch.autograd.backward(root, gradient, inputs=list(network.parameters()))


def judge(discriminator: nn.Module, normal: Tensor, enhanced: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of both, computed in one pass, in at least float32."""
    logits = discriminator(torch.cat([normal, enhanced]))
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return logits[: len(normal)], logits[len(normal) :]


@torch.no_grad()
def picture_health(enhanced: Tensor) -> dict[str, Tensor]:
    """Mean brightness, in [0, 1], and the share of values at or beyond black or white, of pictures in [-1, 1]."""
    return {
        "health/brightness": (enhanced.clamp(-1, 1).mean() + 1) / 2,
        "health/saturated": (enhanced.abs() >= 1).float().mean(),
    }


@torch.no_grad()
def balance(name: str, real: Tensor, fake: Tensor, *, relative: bool) -> dict[str, Tensor]:
    """How a discriminator stands: mean logits of both, and the share that it judges rightly (0.5 is a draw).

    A logit is right on its side of the other kind's mean where the loss is `relative`, else of 0.5, the middle of the
    least-squares targets.
    """
    first, second = (fake.mean(), real.mean()) if relative else (0.5, 0.5)
    right = ((real > first).float().mean() + (fake < second).float().mean()) / 2
    start = f"health/{name}"
    return {f"{start}_real": real.mean(), f"{start}_fake": fake.mean(), f"{start}_accuracy": right}
