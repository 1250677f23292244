"""The key (`networks.key_of`): of the whole photographs of crops, as dark as these, and a generator that is told it."""

import numpy as np
import torch
from torch import nn

from bench.images import to_tensor
from enlightengan.looks import Pixels
from enlightengan.networks import LUMA, Generator, light_of

SAMPLED = 128  # pixels, at least, of the longer side of what is looked at, where a photograph has as many


def sampled(pixels: Pixels) -> Pixels:
    """Every so manieth pixel of a photograph (H, W, 3): a mean of logarithms asks for pixels, not for their means."""
    step = max(1, max(pixels.shape[:2]) // SAMPLED)
    return np.ascontiguousarray(pixels[::step, ::step])


def key_as_shown(pixels: Pixels, divisor: float) -> float:
    """The key of a photograph (H, W, 3) that is divided by `divisor`; noise that is added moves it next to nothing."""
    return float(light_of(to_tensor(pixels) / divisor).mean())


@torch.no_grad()
def told_key(generator: Generator) -> Generator:
    """A generator that sees the key and does not heed it yet: it gives what `generator`, which sees attention, gives.

    But for what hangs on the border, one pixel, where the first convolution sees zeros in the place of either.

    Attention is 1/2 minus half the luma of values in [-1, 1], so its weights can be those of the three colours.
    """
    told = Generator(align_corners=generator.align_corners, checkpointing=generator.checkpointing, key=True)
    told.load_state_dict(generator.state_dict(), strict=False)
    first = told.get_submodule("conv1_1")
    assert isinstance(first, nn.Conv2d) and first.bias is not None
    fourth = first.weight[:, 3:].clone()
    first.weight[:, :3] -= fourth * first.weight.new_tensor(LUMA)[:, None, None] / 2
    first.bias += fourth.sum((1, 2, 3)) / 2
    first.weight[:, 3:] = 0
    return told.train(generator.training)
