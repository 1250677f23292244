"""CycleGAN (Zhu et al., ICCV 2017): the two-path rival, with EnlightenGAN's U-Net in both directions."""

from pathlib import Path

from torch import nn

from bench.enhancer import Card
from enlightengan.enhancer import LearnedEnhancer
from methods import METHODS

CARD = Card(
    title="CycleGAN",
    year=2017,
    family="unpaired",
    paper="Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, ICCV 2017",
    trust="named variant: losses, history, discriminators of the paper, but in preset fast; the one-path model's U-Net",
    licence="code Apache-2.0; weights under the terms of the photographs they were trained on",
    learned=True,
)


@METHODS.register("cyclegan", CARD)
def cyclegan(weights: Path | None = None) -> nn.Module:
    """The generator from `weights`, else from the newest finished run, else shipped. Raises MissingWeightsError."""
    return LearnedEnhancer.of("cyclegan", weights, attention=False)
