"""The methods: one module each, whose name is the method's public name. The folder is the list.

from methods import METHODS
brighter = METHODS["clahe"]()(image)  # float32 RGB (B, 3, H, W) in [0, 1], in and out
"""

from functools import partial
from pathlib import Path

from torch import nn

from bench.enhancer import Card, Factory
from bench.evaluation import Contestant
from bench.registry import Registry
from bench.weights import find_weights

METHODS: Registry[Factory, Card] = Registry("method", package="methods")


def make(name: str, weights: Path | None = None) -> nn.Module:
    """The enhancer called `name`, with `weights` where it is a learned one."""
    return METHODS[name](weights=weights) if METHODS.card(name).learned else METHODS[name]()


def contestant(name: str, weights: Path | None = None, tracking_uri: str | None = None) -> tuple[Contestant, str]:
    """`name` made ready for evaluation, and where its weights came from, in words (empty without weights).

    The weights are looked up here, once, so that every worker loads the same file. Raises MissingWeightsError.
    """
    code = METHODS.source_digest(name)
    if not METHODS.card(name).learned:
        return Contestant(name, code, partial(make, name)), ""
    path, source = (weights, str(weights)) if weights else find_weights(name, tracking_uri)
    checkpoint = str(make(name, path).checkpoint)
    return Contestant(name, f"{code}-{checkpoint}", partial(make, name, path), checkpoint), source
