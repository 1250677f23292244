"""Zero-DCE (Guo et al., CVPR 2020): curves estimated without any reference."""

from pathlib import Path

from torch import nn

from bench.enhancer import Card
from enlightengan.enhancer import curve_enhancer
from methods import METHODS

CARD = Card(
    title="Zero-DCE",
    year=2020,
    family="zero-reference",
    paper="Guo et al., Zero-Reference Deep Curve Estimation for Low-Light Image Enhancement, CVPR 2020",
    trust="from the paper; weights of the losses and their formulas as in the authors' code, whose files load",
    licence="code Apache-2.0; weights under the terms of the photographs they were trained on",
    learned=True,
)


@METHODS.register("zero_dce", CARD)
def zero_dce(weights: Path | None = None) -> nn.Module:
    """The network from `weights`, else from the newest finished run, else shipped. Raises MissingWeightsError."""
    return curve_enhancer("zero_dce", weights)
