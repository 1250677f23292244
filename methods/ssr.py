"""Single-scale Retinex (Jobson, Rahman and Woodell, IEEE TIP 6(3), 1997)."""

from torch import nn

from bench.enhancer import Card, PerPicture
from bench.retinex import colour_balance, retinex
from methods import METHODS

CARD = Card(
    title="Single-scale Retinex",
    year=1997,
    family="classical",
    paper="Jobson, Rahman and Woodell, Properties and performance of a center/surround Retinex, IEEE TIP 1997",
    trust="named variant: sigma 80, then IPOL's simplest colour balance 1 %",
)


@METHODS.register("ssr", CARD)
def ssr(*, sigma: float = 80.0) -> nn.Module:
    """`sigma` of the surround in pixels."""
    return PerPicture(lambda picture: colour_balance(retinex(picture, [sigma])))
