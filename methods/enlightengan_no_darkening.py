"""EnlightenGAN trained without its darkening augmentation: an ablation that the paper does not have."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from enlightengan.enhancer import LearnedEnhancer
from methods import METHODS
from methods.enlightengan import CARD

NAME = "enlightengan_no_darkening"
TRUST = "ours: the authors' code has no such variant"


@METHODS.register(NAME, replace(CARD, title="EnlightenGAN without darkening augmentation", trust=TRUST))
def enlightengan_no_darkening(weights: Path | None = None) -> nn.Module:
    """The generator from `weights`, else from the newest finished run, else shipped. Raises MissingWeightsError."""
    return LearnedEnhancer.of(NAME, weights, attention=True)
