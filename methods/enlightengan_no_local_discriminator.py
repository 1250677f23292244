"""EnlightenGAN trained without its local discriminator: an ablation of the paper's Fig. 3."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from enlightengan.enhancer import LearnedEnhancer
from methods import METHODS
from methods.enlightengan import CARD

NAME = "enlightengan_no_local_discriminator"
TRUST = "the authors' flags for this ablation; the full model's step is parity-tested, this one's is not"


@METHODS.register(NAME, replace(CARD, title="EnlightenGAN without local discriminator", trust=TRUST))
def enlightengan_no_local_discriminator(weights: Path | None = None) -> nn.Module:
    """The generator from `weights`, else from the newest finished run, else shipped. Raises MissingWeightsError."""
    return LearnedEnhancer.of(NAME, weights, attention=True)
