"""The methods: one module each, whose name is the method's public name. The folder is the list.

from methods import METHODS
brighter = METHODS["clahe"]()(image)  # float32 RGB (B, 3, H, W) in [0, 1], in and out

`enhance` does the same for arrays, PIL images and tensors as people have them.
"""

from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from bench.brighten import brighten_like
from bench.enhancer import Card, Factory
from bench.errors import BenchError
from bench.jobs import Contestant
from bench.registry import Registry
from bench.weights import find_weights

Kind = TypeVar("Kind")
METHODS: Registry[Factory, Card] = Registry("method", package="methods")


def make(name: str, weights: Path | None = None) -> nn.Module:
    """The enhancer called `name`, with `weights` where it is a learned one.

    Raises BenchError when another has some, and when a learned one does not tell which it has.
    """
    if METHODS.card(name).learned:
        made = METHODS[name](weights=weights)
        if lacking := [told for told in ("checkpoint", "source") if not hasattr(made, told)]:
            raise BenchError(f"{name} is a learned method without {' and '.join(lacking)}: see CONTRIBUTING.md.")
        return made
    if weights is not None:
        raise BenchError(f"{name} has no weights: give none.")
    return METHODS[name]()


def contestant(name: str, weights: Path | None = None, tracking_uri: str | None = None) -> tuple[Contestant, str]:
    """`name` made ready for evaluation, and where its weights came from, in words (empty without weights).

    The weights are looked up here, once, so that every worker loads the same file. Raises MissingWeightsError.
    """
    code = METHODS.source_digest(name)
    if not METHODS.card(name).learned:
        return Contestant(name, code, partial(make, name)), ""
    path, source = (weights, str(weights)) if weights else find_weights(name, tracking_uri)
    checkpoint = str(make(name, path).checkpoint)
    return Contestant(name, f"{code}-{checkpoint}", partial(make, name, path.absolute()), checkpoint), source


@cache
def _made(name: str, weights: Path | None) -> nn.Module:
    return make(name, weights).eval()


def enhance(
    picture: Kind, *, method: str = "enlightengan_natural", strength: float = 1.0, weights: Path | str | None = None
) -> Kind:
    """`picture` enhanced by `method`, as the same kind of object, of the same type and shape.

    A numpy array: (H, W), (H, W, 1) or (H, W, 3), uint8, uint16 or floats in [0, 1]. A PIL image: L, LA, RGB, RGBA or
    I;16; alpha stays. A torch tensor: floats in [0, 1], (3, H, W) or (B, 3, H, W). `strength` 0 .. 1 goes from the
    input to the method's result. The method is made once for each `weights` and computes on the CPU.
    Raises BenchError for any other picture, MissingWeightsError when a learned method has no weights.
    """
    enhancer = _made(method, None if weights is None else Path(weights))
    result: Any = brighten_like(enhancer, picture, strength=strength)
    return result  # type: ignore[no-any-return]
