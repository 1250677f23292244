"""Automatic levels: each channel stretched between its own dark and bright ends."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.enhancer import Card, PerPicture, Picture
from methods import METHODS

CARD = Card(
    title="Automatic levels",
    year=None,
    family="classical",
    paper="the command of that name in photo editors",
    trust="named variant: per channel, 0.1 % clipped at either end, skimage.exposure.rescale_intensity",
)


def stretch(picture: Picture, clip: float) -> NDArray[np.float32]:
    """(H, W, 3); a constant channel stays as it is."""
    from skimage.exposure import rescale_intensity

    channels = []
    for channel in np.moveaxis(picture, 2, 0):
        low, high = np.quantile(channel, (clip, 1 - clip))
        ends = (float(low), float(high))
        channels.append(rescale_intensity(channel, in_range=ends, out_range=(0.0, 1.0)) if high > low else channel)
    return np.stack(channels, axis=2).astype(np.float32)


@METHODS.register("autolevels", CARD)
def autolevels(*, clip: float = 0.001) -> nn.Module:
    """`clip` is the share of pixels that may saturate at either end."""
    return PerPicture(lambda picture: stretch(picture, clip))
