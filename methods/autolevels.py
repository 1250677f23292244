"""Automatic levels: each channel stretched between its own dark and bright ends."""

import numpy as np
from torch import nn

from bench.enhancer import Card, PerChannel, Plane
from methods import METHODS

CARD = Card(
    title="Automatic levels",
    year=None,
    family="classical",
    paper="the command of that name in photo editors",
    trust="named variant: per channel, 0.1 % clipped at either end, skimage.exposure.rescale_intensity",
)


def stretch(channel: Plane, clip: float) -> Plane:
    """(H, W); a constant channel stays as it is."""
    from skimage.exposure import rescale_intensity

    low, high = np.quantile(channel, (clip, 1 - clip))
    if low == high:
        return channel
    return np.asarray(rescale_intensity(channel, in_range=(float(low), float(high)), out_range=(0.0, 1.0)))


@METHODS.register("autolevels", CARD)
def autolevels(*, clip: float = 0.001) -> nn.Module:
    """`clip` is the share of pixels that may saturate at either end."""
    return PerChannel(lambda channel: stretch(channel, clip))
