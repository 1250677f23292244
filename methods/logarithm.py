"""The logarithmic curve."""

import math

import torch
from torch import Tensor, nn

from bench.enhancer import Card
from methods import METHODS

CARD = Card(
    title="Logarithmic curve",
    year=None,
    family="classical",
    paper="Gonzalez and Woods, Digital Image Processing",
    trust="named variant: out = log2(1 + in), equals skimage.exposure.adjust_log",
)


class Logarithm(nn.Module):
    """out = gain log2(1 + in), clipped to [0, 1]; in of any shape, in [0, 1]."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, image: Tensor) -> Tensor:
        return (torch.log1p(image) * (self.gain / math.log(2))).clamp(0, 1)


@METHODS.register("logarithm", CARD)
def logarithm(*, gain: float = 1.0) -> nn.Module:
    """`gain` above 1 brightens more and clips highlights."""
    return Logarithm(gain)
