"""EnlightenGAN trained without its local discriminator: the ablation of the paper's Fig. 3."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from bench.weights import find_weights
from enlightengan.enhancer import LearnedEnhancer
from methods import METHODS
from methods.enlightengan import CARD


@METHODS.register(
    "enlightengan_no_local_discriminator", replace(CARD, title="EnlightenGAN without local discriminator")
)
def enlightengan_no_local_discriminator(weights: Path | None = None) -> nn.Module:
    """The generator from `weights`, else from the newest finished run. Raises MissingWeightsError."""
    path, source = (weights, str(weights)) if weights else find_weights("enlightengan_no_local_discriminator")
    return LearnedEnhancer.from_file(path, source=source)
