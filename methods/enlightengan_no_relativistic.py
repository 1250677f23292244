"""EnlightenGAN trained with a plain least-squares global discriminator: an ablation that the paper does not have."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from enlightengan.enhancer import LearnedEnhancer
from methods import METHODS
from methods.enlightengan import CARD

NAME = "enlightengan_no_relativistic"
TRUST = "the authors' flag for this variant; the full model's step is parity-tested, this one's is not"


@METHODS.register(NAME, replace(CARD, title="EnlightenGAN without the relativistic loss", trust=TRUST))
def enlightengan_no_relativistic(weights: Path | None = None) -> nn.Module:
    """The generator from `weights`, else from the newest finished run, else shipped. Raises MissingWeightsError."""
    return LearnedEnhancer.of(NAME, weights, attention=True)
