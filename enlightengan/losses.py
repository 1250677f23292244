"""The losses of EnlightenGAN, Eq. 1 to 8 of arXiv 1906.06972 in the form in which the authors' code computes them.

Logits are maps (B, 1, h, w) of the discriminators; every mean is over the batch and the map. The relativistic means
run over the whole batch, on several devices over all their parts, and nothing in them is detached. All terms have
weight 1.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from enlightengan import group
from enlightengan.batch import Window


def toward(logits: Tensor, target: float) -> Tensor:
    """The least-squares GAN term (Mao et al. 2017): mean of (logits - target)^2, a scalar."""
    return ((logits - target) ** 2).mean()


def relativistic(winner: Tensor, loser: Tensor) -> Tensor:
    """Relativistic average LSGAN, half the sum (Eq. 3, 4): `winner` should exceed the mean of `loser` by one.

    The discriminator's loss has normal-light logits as winner; the generator's has the enhanced ones.
    """
    return (toward(winner - group.mean(loser), 1.0) + toward(loser - group.mean(winner), 0.0)) / 2


def discriminator_loss(normal: Tensor, enhanced: Tensor) -> Tensor:
    """Plain LSGAN of a discriminator, the local one's over the patches (Eq. 5), half the sum."""
    return (toward(normal, 1.0) + toward(enhanced, 0.0)) / 2


def normalised_features(image: Tensor, features: nn.Module) -> Tensor:
    """Instance-normalised features of `image`, (B, 3, H, W) in [-1, 1], in at least float32."""
    activations = features(image)
    if activations.dtype in (torch.bfloat16, torch.float16):
        activations = activations.float()
    return F.instance_norm(activations, eps=1e-5)


def self_feature_preserving(enhanced: Tensor, low: Tensor, features: nn.Module) -> Tensor:
    """The self feature preserving loss (Eq. 7): mean squared distance of instance-normalised features, a scalar.

    `low` is the picture before any darkening; it carries no gradient.
    """
    with torch.no_grad():
        target = normalised_features(low, features)
    return F.mse_loss(normalised_features(enhanced, features), target)


def take_windows(image: Tensor, windows: Sequence[Window], size: int) -> Tensor:
    """The square windows at (x, y) of every image, one after another: (len(windows) * B, 3, size, size)."""
    return torch.cat([image[..., y : y + size, x : x + size] for x, y in windows])
