"""Multi-scale Retinex (Jobson, Rahman and Woodell, IEEE TIP 6(7), 1997)."""

from torch import nn

from bench.enhancer import Card, PerPicture
from bench.retinex import SCALES, colour_balance, retinex
from methods import METHODS

CARD = Card(
    title="Multi-scale Retinex",
    year=1997,
    family="classical",
    paper="Jobson, Rahman and Woodell, A multiscale Retinex, IEEE TIP 1997; Petro et al., IPOL 2014",
    trust="named variant: scales 15, 80, 250, equal weights, then IPOL's simplest colour balance 1 %",
)


@METHODS.register("msr", CARD)
def msr() -> nn.Module:
    """Algorithm 1 of Petro et al. 2014."""
    return PerPicture(lambda picture: colour_balance(retinex(picture, SCALES)))
