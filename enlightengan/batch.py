"""One training batch, and its parts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

Window = tuple[int, int]
"""(x, y) offset of a patch."""


@dataclass(frozen=True)
class Batch:
    """One training batch, all in [-1, 1]: `seen` is `low` with some items darkened; `windows` are (x, y) offsets."""

    low: Tensor  # (B, 3, crop, crop)
    seen: Tensor  # (B, 3, crop, crop)
    normal: Tensor  # (B, 3, crop, crop); no item where the method learns from dark photographs alone
    windows: Sequence[Window]
    attention: Tensor | None = None
    """(B, 1, crop, crop); computed from `seen` unless given."""

    def to(self, device: torch.device) -> "Batch":
        low, seen, normal = (t.to(device, non_blocking=True) for t in (self.low, self.seen, self.normal))
        return replace(self, low=low, seen=seen, normal=normal)

    def parts(self, count: int) -> list["Batch"]:
        """The batch in `count` parts as equal as can be, fewer where it has fewer items; the windows are shared."""
        if count == 1:
            return [self]
        sides = [torch.tensor_split(side, min(count, len(self.low))) for side in (self.low, self.seen, self.normal)]
        attention = [None] * len(sides[0]) if self.attention is None else self.attention.tensor_split(len(sides[0]))
        return [
            replace(self, low=low, seen=seen, normal=normal, attention=weights)
            for low, seen, normal, weights in zip(*sides, attention, strict=True)
        ]
