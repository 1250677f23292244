"""EnlightenGAN's gain, found on a small copy of the photograph and applied to the photograph: this project's own.

Any learned method can be used so, under its own name and `_guided`, with its own weights.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import nn

from bench.enhancer import Card, Factory
from bench.weights import GUIDED, variant_of
from enlightengan.enhancer import chosen
from enlightengan.guided import GuidedEnhancer
from methods import METHODS
from methods.enlightengan import CARD

TRUST = "named variant: this project's; a trained generator seen small, its gain smoothed and applied at full size"


@METHODS.register("enlightengan_guided", replace(CARD, title="EnlightenGAN, guided", trust=TRUST))
def enlightengan_guided(weights: Path | None = None) -> nn.Module:
    """With the weights of `enlightengan`. Raises MissingWeightsError."""
    return _made("enlightengan", weights)


@METHODS.rule
def guided(name: str) -> tuple[Factory, Card] | None:
    """Another learned method seen small, such as `cyclegan_guided`."""
    method = variant_of(name)
    if name == method or method != variant_of(method) or method not in METHODS:
        return None
    card = METHODS.card(method)
    return (partial(_made, method), replace(card, title=f"{card.title}, guided", trust=TRUST)) if card.learned else None


def _made(method: str, weights: Path | None = None) -> nn.Module:
    path, source = chosen(f"{method}{GUIDED}", weights)
    return GuidedEnhancer(METHODS[method](weights=path), source=source)
