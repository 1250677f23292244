"""EnlightenGAN (Jiang et al., IEEE TIP 30, 2021, arXiv 1906.06972): the full model, and combinations of ablations.

A single ablation is a module of its own; several together follow from their name by the rule below.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import nn

from bench.enhancer import Card, Factory
from enlightengan.config import TrainConfig, without_of
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


@METHODS.rule
def combination(name: str) -> tuple[Factory, Card, None] | None:
    """A model that several parts were left out of, such as `enlightengan_no_attention_no_local_discriminator`."""
    without = without_of(name)
    if without is None or len(without) < 2:
        return None
    title = f"EnlightenGAN without {', '.join(part.replace('-', ' ') for part in without)}"
    card = replace(CARD, title=title, trust="named variant: a combination of ablations, not parity-tested")
    return partial(LearnedEnhancer.of, name, attention=TrainConfig(without=without).attention), card, None
