"""EnlightenGAN, guided, with the photograph's own texture: what `bench enhance` does unless another method is named."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from bench.weights import NATURAL
from methods import METHODS
from methods.enlightengan import CARD
from methods.enlightengan_guided import NATURAL_TRUST, made


@METHODS.register("enlightengan_natural", replace(CARD, title="EnlightenGAN, natural", trust=NATURAL_TRUST))
def enlightengan_natural(weights: Path | None = None) -> nn.Module:
    """With `weights`, else those of `bench.weights.find_weights`. Raises MissingWeightsError."""
    return made("enlightengan", NATURAL, weights)
