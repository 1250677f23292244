"""Gamma correction with a fixed exponent."""

from torch import Tensor, nn

from bench.enhancer import Card
from methods import METHODS

CARD = Card(
    title="Gamma correction",
    year=None,
    family="classical",
    paper="Gonzalez and Woods, Digital Image Processing",
    trust="named variant: out = in^(1/2.2) on encoded RGB, equals skimage.exposure.adjust_gamma",
)


class Gamma(nn.Module):
    """out = in^exponent, in and out in [0, 1], any shape."""

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, image: Tensor) -> Tensor:
        return image**self.exponent


@METHODS.register("gamma", CARD)
def gamma(*, exponent: float = 1 / 2.2) -> nn.Module:
    """`exponent` below 1 brightens."""
    return Gamma(exponent)
