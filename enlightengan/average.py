"""The exponential moving average of a network."""

import torch
from torch import nn


class Ema:
    """Exponential moving average of a network's floating-point state; decay 0 follows it exactly."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the state of `network` after `step` steps; counters are copied."""
        # Early on a long memory would remember the random start.
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point() and self.decay:
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)
