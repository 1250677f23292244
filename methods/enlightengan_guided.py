"""EnlightenGAN's gain, found on a small copy of the photograph and applied to the photograph: this project's own.

Any learned method can be used so, under its own name and `_guided`, with its own weights or with such as are for that
alone; or, under its name and `_natural`, without making faint texture stronger.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import nn

from bench.enhancer import Card, Factory
from bench.weights import GUIDED, NATURAL, variant_of
from enlightengan.enhancer import chosen
from enlightengan.guided import GuidedEnhancer
from methods import METHODS
from methods.enlightengan import CARD

NATURAL_TRUST = "named variant: this project's; a trained generator seen small, its gain smoothed, applied at full size"
TRUSTS = {NATURAL: NATURAL_TRUST, GUIDED: f"{NATURAL_TRUST}, faint texture made stronger"}


@METHODS.register("enlightengan_guided", replace(CARD, title="EnlightenGAN, guided", trust=TRUSTS[GUIDED]))
def enlightengan_guided(weights: Path | None = None) -> nn.Module:
    """With `weights`, else those of `bench.weights.find_weights`. Raises MissingWeightsError."""
    return made("enlightengan", GUIDED, weights)


@METHODS.rule
def guided(name: str) -> tuple[Factory, Card, str] | None:
    """Another learned method seen small, such as `cyclegan_guided` or `cyclegan_natural`."""
    method = variant_of(name)
    if name == method or method != variant_of(method) or method not in METHODS:
        return None
    card, ending = METHODS.card(method), name.removeprefix(method)
    title, trust = (f"{card.title}, {ending.strip('_')}", TRUSTS[ending])
    return (partial(made, method, ending), replace(card, title=title, trust=trust), method) if card.learned else None


def made(method: str, ending: str, weights: Path | None = None) -> nn.Module:
    """`method` in the form that `ending` names. Raises MissingWeightsError."""
    path, source = chosen(f"{method}{ending}", weights)
    return GuidedEnhancer(METHODS[method](weights=path), source=source, texture=float(ending == GUIDED))
