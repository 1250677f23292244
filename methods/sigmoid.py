"""The sigmoid curve (Braun and Fairchild, Journal of Electronic Imaging 8(4), 1999)."""

from torch import Tensor, nn

from bench.enhancer import Card
from methods import METHODS

CARD = Card(
    title="Sigmoid curve",
    year=1999,
    family="classical",
    paper="Braun and Fairchild, Image lightness rescaling using sigmoidal contrast enhancement functions, JEI 1999",
    trust="named variant: skimage.exposure.adjust_sigmoid, gain 10, cutoff 0.25 instead of 0.5, which would darken",
)


class Sigmoid(nn.Module):
    """out = 1 / (1 + exp(gain (cutoff - in))); in of any shape, in [0, 1]. Black does not stay black."""

    def __init__(self, cutoff: float, gain: float) -> None:
        super().__init__()
        self.cutoff, self.gain = cutoff, gain

    def forward(self, image: Tensor) -> Tensor:
        return (self.gain * (image - self.cutoff)).sigmoid()


@METHODS.register("sigmoid", CARD)
def sigmoid(*, cutoff: float = 0.25, gain: float = 10.0) -> nn.Module:
    """`cutoff` is the value that becomes one half, `gain` four times the slope there."""
    return Sigmoid(cutoff, gain)
