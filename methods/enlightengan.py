"""EnlightenGAN (Jiang et al., IEEE TIP 30, 2021, arXiv 1906.06972): the full model."""

from pathlib import Path

from torch import nn

from bench.enhancer import Card
from enlightengan.enhancer import LearnedEnhancer
from methods import METHODS

CARD = Card(
    title="EnlightenGAN",
    year=2019,
    family="unpaired",
    paper="Jiang et al., EnlightenGAN: Deep Light Enhancement without Paired Supervision, IEEE TIP 2021",
    trust="parity-tested: three training steps of the authors' code equal to 1e-6 in float64",
    licence="code Apache-2.0; weights under the terms of the photographs they were trained on",
    learned=True,
)


@METHODS.register("enlightengan", CARD)
def enlightengan(weights: Path | None = None) -> nn.Module:
    """The generator from `weights`, else from the newest finished run, else shipped. Raises MissingWeightsError."""
    return LearnedEnhancer.of("enlightengan", weights, attention=True)
