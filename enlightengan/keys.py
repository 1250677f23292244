"""How light the whole photograph of a crop is, as dark and noisy as the crop is shown (`networks.key_of`)."""

import numpy as np
import torch

from bench.images import to_tensor
from enlightengan.camera_noise import camera_noise
from enlightengan.looks import Pixels
from enlightengan.networks import light_of

SAMPLED = 128  # pixels, at least, of the longer side of what is looked at, where a photograph has as many


def sampled(pixels: Pixels) -> Pixels:
    """Every so manieth pixel of a photograph (H, W, 3): a mean of logarithms asks for pixels, not for their means."""
    step = max(1, max(pixels.shape[:2]) // SAMPLED)
    return np.ascontiguousarray(pixels[::step, ::step])


def key_as_shown(pixels: Pixels, divisor: float, noise: float, seed: int) -> float:
    """The key of a photograph (H, W, 3) that is divided by `divisor` and has `noise`, in levels of 255."""
    values = to_tensor(pixels) * 255 / divisor
    if noise:
        values = camera_noise(values, torch.tensor([noise]), torch.Generator().manual_seed(seed))
    return float(light_of(values / 255).mean())
