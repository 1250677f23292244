"""A few fixed low-light photographs, enhanced at intervals while a model trains: seeing is how one knows it works."""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from bench.images import read_rgb, to_pixels, to_tensor
from enlightengan.log import RunLog

Assessment = Callable[[Sequence[Tensor]], Mapping[str, float]]
"""Scores enhanced pictures, each (1, 3, H, W) in [0, 1], by name."""


class Probe:
    """`count` photographs spread over `paths`, cut to the same `size` (height, width) after scaling, on the CPU."""

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        count: int = 4,
        size: tuple[int, int] = (288, 384),
        assess: Assessment | None = None,
    ) -> None:
        count = min(count, len(paths))
        chosen = [paths[k * len(paths) // count] for k in range(count)]
        self.low = torch.cat([to_tensor(_fit(path, size)) for path in chosen])  # (count, 3, *size)
        self.assess = assess

    def show(self, generator: nn.Module, state: Mapping[str, Tensor], *, log: RunLog, step: int) -> None:
        """Log a grid (low above, enhanced below), brightness, clipped share and `assess` of `state`'s results."""
        enhanced = self._enhance(generator, state)
        clipped = ((enhanced <= 0) | (enhanced >= 1)).float().mean().item()
        values = {"probe/brightness": enhanced.clamp(0, 1).mean().item(), "probe/clipped": clipped}
        enhanced = enhanced.clamp(0, 1)
        if self.assess:
            assessed = self.assess([picture[None] for picture in enhanced])
            values |= {f"probe/{name}": value for name, value in assessed.items()}
        log.metrics(values, step)
        rows = [torch.cat(list(side), dim=2) for side in (self.low, enhanced)]
        log.image("probe", to_pixels(torch.cat(rows, dim=1)), step)
        log.flush()

    @torch.no_grad()
    def _enhance(self, generator: nn.Module, state: Mapping[str, Tensor]) -> Tensor:
        device = next(generator.parameters()).device
        twin = copy.deepcopy(generator)
        twin.load_state_dict(state)
        twin.eval()
        results = [twin(low.to(device) * 2 - 1)[0] for low in self.low[:, None]]
        return (torch.cat(results).float().cpu() + 1) / 2


def _fit(path: Path, size: tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = Image.fromarray(read_rgb(path))
    height, width = size
    scale = max(height / picture.height, width / picture.width)
    scaled = picture.resize((max(width, round(picture.width * scale)), max(height, round(picture.height * scale))))
    left, top = (scaled.width - width) // 2, (scaled.height - height) // 2
    return np.asarray(scaled.crop((left, top, left + width, top + height)))
