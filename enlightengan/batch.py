"""One training batch: its parts, and the bytes that it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from enlightengan.camera_noise import camera_noise

Window = tuple[int, int]
"""(x, y) offset of a patch."""
# Of a batch, what its parts share out.
SPLIT = ("low", "seen", "normal", "attention", "whole", "whole_seen", "target", "kept", "key")


@dataclass(frozen=True)
class Batch:
    """One training batch, all in [-1, 1]: `seen` is `low` with some items darkened; `windows` are (x, y) offsets."""

    low: Tensor  # (B, 3, crop, crop)
    seen: Tensor  # (B, 3, crop, crop)
    normal: Tensor  # (B, 3, crop, crop); no item where the method learns from dark photographs alone
    windows: Sequence[Window]
    attention: Tensor | None = None
    """(B, 1, crop, crop); computed from `seen` unless given."""
    whole: Tensor | None = None
    """Small copies of whole photographs, (B, 3, side, side), and what is seen of them; None where no method asks."""
    whole_seen: Tensor | None = None
    target: Tensor | None = None
    """What is wanted of `seen`, (B, 3, crop, crop), where that is known of the whole photographs."""
    kept: Tensor | None = None
    """Small copies of whole photographs, (B, 3, side, side), whose results are to stay; None where no method asks."""
    key: Tensor | None = None
    """Of the photographs that `seen` are crops of, as dark as these, (B, 1, 1, 1); None where no method asks."""

    def parts(self, count: int) -> list["Batch"]:
        """The batch in `count` parts as equal as can be, fewer where it has fewer items; the windows are shared."""
        if count == 1:
            return [self]
        number = min(count, len(self.low))
        names = [name for name in SPLIT if getattr(self, name) is not None]
        split = [getattr(self, name).tensor_split(number) for name in names]
        return [replace(self, **dict(zip(names, part, strict=True))) for part in zip(*split, strict=True)]


@dataclass(frozen=True)
class Crops:
    """What a batch is made of, in bytes: a quarter of what travels to the device otherwise, which then computes it."""

    low: NDArray[np.uint8]  # (B, crop, crop, 3)
    normal: NDArray[np.uint8]  # (B, crop, crop, 3), or no item
    divisors: Sequence[float]
    """By which each of `low` is darkened; 1 leaves it as it is."""
    windows: Sequence[Window]
    noise: Sequence[float] = ()
    """Standard deviation of each item's noise in the dark, in levels of 255 (`enlightengan.camera_noise`); 0: it has
    none, as all have where this is empty."""
    seed: int = 0
    """Of the noise."""
    whole: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
    """Small copies of whole photographs and what is seen of them, (B, side, side, 3) each."""
    target: NDArray[np.uint8] | None = None
    """What is wanted of each of `low`, (B, crop, crop, 3)."""
    kept: NDArray[np.uint8] | None = None
    """Small copies of whole photographs whose results are to stay, (B, side, side, 3)."""
    keys: Sequence[float] | None = None
    """The key of each input's whole photograph, as dark as the input (`networks.key_of`)."""

    def on(self, device: torch.device) -> Batch:
        """The batch, computed on `device`."""
        sides = (self.low, self.normal, *(self.whole or (None, None)), self.target, self.kept)
        low, normal, *further = (None if side is None else _values(side, device) for side in sides)
        assert low is not None and normal is not None
        divisors = _moved(np.array(self.divisors, np.float32), device)[:, None, None, None]
        seen = torch.where(divisors == 1, low, (low + 1) / divisors - 1)
        if self.noise:
            noise = _moved(np.array(self.noise, np.float32), device)
            source = torch.Generator(device).manual_seed(self.seed)
            noisy = camera_noise((seen + 1) * 127.5, noise, source) / 127.5 - 1
            seen = torch.where(noise[:, None, None, None] == 0, seen, noisy)
        key = None if self.keys is None else _moved(np.array(self.keys, np.float32), device)[:, None, None, None]
        return replace(Batch(low, seen, normal, self.windows, None, *further), key=key)


def _values(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """(B, H, W, 3) as (B, 3, H, W) in [-1, 1], on `device`."""
    return _moved(pixels, device).permute(0, 3, 1, 2).float() / 127.5 - 1


def _moved(values: NDArray[Any], device: torch.device) -> Tensor:
    """On `device`, without waiting for it."""
    host = torch.from_numpy(values)
    return host.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else host.to(device)
