"""The contract of a method, its card, and the wrapper that makes one of a function of a single picture."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.errors import BenchError

Picture = NDArray[np.floating[Any]]
"""One picture, RGB (H, W, 3) in [0, 1]."""
Plane = NDArray[np.floating[Any]]
"""One channel (H, W) in [0, 1]."""
Window = tuple[slice, slice]
"""Rows and columns of a picture, both with start and stop."""


class Enhancer(Protocol):
    """Maps low-light pictures, float32 RGB (B, 3, H, W) in [0, 1], to pictures of the same shape and range."""

    def __call__(self, image: Tensor) -> Tensor: ...


Indices = NDArray[np.intp]
Reader = Callable[[Indices, Indices], Tensor]
"""Gives the pixels at these rows x columns of a picture, float32 RGB (1, 3, h, w) in [0, 1]."""


@runtime_checkable
class Windowed(Protocol):
    """An enhancer that can also compute a window of a picture, equal to what the whole picture gives there."""

    def enhance_window(self, read: Reader, size: tuple[int, int], window: Window) -> Tensor:
        """The result in `window` of the picture of `size` (H, W) that `read` reads: (1, 3, h, w) in [0, 1]."""
        ...

    def window_bytes(self, size: tuple[int, int]) -> int:
        """About how much memory a window of `size` takes at most while it is computed."""
        ...


class Factory(Protocol):
    """Makes an enhancer; a learned method's factory also takes `weights: Path | None`."""

    def __call__(self, *args: Any, **options: Any) -> nn.Module: ...


@dataclass(frozen=True)
class Card:
    """What is known of a method, printed by `bench methods` and carried into every report."""

    title: str
    year: int | None
    family: str
    """classical, zero-reference, unpaired, paired, or none for the input itself."""
    paper: str
    trust: str
    """How far to trust it: parity-tested (with the deviation), named variant (of what), or from the paper."""
    licence: str = "code Apache-2.0; no weights"
    learned: bool = False

    def as_text(self) -> dict[str, str]:
        """Every field as text, for tables."""
        return {key: "" if value is None else str(value) for key, value in asdict(self).items()}


class PerChannel(nn.Module):
    """A classical method that treats every channel by itself: `function` of one plane (H, W), on the CPU, clipped."""

    def __init__(self, function: Callable[[Plane], NDArray[np.floating[Any]]]) -> None:
        super().__init__()
        self.function = function

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] to the same."""
        planes = np.ascontiguousarray(image.detach().cpu().numpy(), dtype=np.float32)
        results = np.empty_like(planes)
        for place in np.ndindex(planes.shape[:2]):
            results[place] = self.function(planes[place])
        return torch.from_numpy(results).clamp_(0, 1).to(image.device)


class PerPicture(nn.Module):
    """A classical method: applies `function` to each picture of the batch, on the CPU, and clips the result."""

    def __init__(self, function: Callable[[Picture], NDArray[np.floating[Any]]]) -> None:
        super().__init__()
        self.function = function

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] to the same."""
        results = []
        for planes in np.ascontiguousarray(image.detach().cpu().numpy(), dtype=np.float32):
            result = self.function(cv2.merge(list(planes)))  # OpenCV turns planes into pixels faster than numpy
            results.append(np.stack(cv2.split(np.asarray(result, dtype=np.float32))))
        return torch.from_numpy(np.stack(results)).clamp_(0, 1).to(image.device)


def checked(result: Tensor, image: Tensor) -> Tensor:
    """`result`, if it is what an enhancer may make of `image`. Raises BenchError."""
    if result.shape != image.shape:
        raise BenchError(f"The result has shape {tuple(result.shape)}, the picture {tuple(image.shape)}.")
    if not torch.isfinite(result).all():
        raise BenchError("The result holds values that are not finite.")
    return result


def to_bytes(picture: Picture) -> NDArray[np.uint8]:
    """A picture (H, W, 3) or plane (H, W) in [0, 1] as 8-bit values, rounded to nearest."""
    return np.asarray(cv2.convertScaleAbs(picture, alpha=255), dtype=np.uint8)
