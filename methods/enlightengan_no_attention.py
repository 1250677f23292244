"""EnlightenGAN trained without its attention: the ablation of the paper's Fig. 3."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from bench.weights import find_weights
from enlightengan.enhancer import LearnedEnhancer
from methods import METHODS
from methods.enlightengan import CARD


@METHODS.register("enlightengan_no_attention", replace(CARD, title="EnlightenGAN without attention"))
def enlightengan_no_attention(weights: Path | None = None) -> nn.Module:
    """The generator from `weights`, else from the newest finished run. Raises MissingWeightsError."""
    path, source = (weights, str(weights)) if weights else find_weights("enlightengan_no_attention")
    return LearnedEnhancer.from_file(path, source=source)
