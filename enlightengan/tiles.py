"""A window of a large picture through the generator, equal to what the whole picture would give there.

Four things of the U-Net may see the whole picture. The padding to a multiple of 16 is done on the picture, not on the
piece. Bilinear enlargement with align_corners samples at i (n - 1) / (2n - 1), which depends on the size n of the
whole: positions and weights are taken from there. And convolutions see zeros beyond the picture's border: a piece that
ends inside the picture carries as much surrounding as its window depends on, computed level by level, so that what the
zeros spoil is cut off. The decoder, three quarters of the work, needs far less surrounding than the encoder. The key,
where the generator sees one, is of all pixels, which are read in strips once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from enlightengan.networks import STRIDE, Generator, attention_map, light_of

if TYPE_CHECKING:
    from bench.enhancer import Indices, Reader, Window  # needs OpenCV, which a bare machine has not

LEVELS = 4
REACH_UP = 3  # pixels that a decoder stage looks sideways: three 3 x 3 convolutions after the enlargement
REACH_DOWN = 2  # an encoder stage: two
STRIP = 1 << 19  # pixels that are read at a time for the key
SURROUND = 152  # pixels that the encoder needs beyond a window: what Axis comes to, for the estimate of memory


def padded_indices(size: int, stride: int = STRIDE) -> tuple["Indices", int]:
    """For one axis of `networks.pad_to_stride`: which pixel stands at each place, and where the picture starts."""
    extra = -size % stride
    before, after = extra // 2, extra - extra // 2
    mode: Any = "reflect" if max(before, after) < size else "edge"
    return np.pad(np.arange(size), (before, after), mode=mode), before


@dataclass(frozen=True)
class Span:
    """Places [start, stop) along one axis of one level, in the coordinates of the whole padded picture."""

    start: int
    stop: int

    def grown(self, by: int, size: int) -> "Span":
        """Wider by `by` on either side, within [0, size)."""
        return Span(max(self.start - by, 0), min(self.stop + by, size))

    def within(self, outer: "Span") -> slice:
        """Where this span lies in an array that covers `outer`."""
        return slice(self.start - outer.start, self.stop - outer.start)


def sources(span: Span, size: int, align_corners: bool) -> tuple["Indices", NDArray[np.float32]]:
    """Where torch's bilinear enlargement of `size` places to twice as many samples for `span`: places and weights.

    The value is x[place] * (1 - weight) + x[place + 1] * weight. In float32 as torch computes it.
    """
    places = np.arange(span.start, span.stop, dtype=np.float32)
    if align_corners:
        scale = np.float32(size - 1) / np.float32(2 * size - 1)
        position = places * scale
    else:
        position = np.maximum((places + np.float32(0.5)) * np.float32(0.5) - np.float32(0.5), np.float32(0))
    low = np.minimum(position.astype(np.intp), size - 1)
    return low, position - low.astype(np.float32)


class Axis:
    """What a window needs along one axis: of the padded picture (`crop`) and of every decoder level (`work`)."""

    def __init__(self, size: int, start: int, stop: int, align_corners: bool) -> None:
        """`size` of the whole axis, `start` and `stop` of the window, all in padded coordinates."""
        self.sizes = [size >> level for level in range(LEVELS + 1)]
        self.align_corners = align_corners
        valid, self.work = Span(start, stop), list[Span]()
        for level in range(LEVELS):
            self.work.append(valid.grown(REACH_UP, self.sizes[level]))
            low, _ = sources(self.work[level], self.sizes[level + 1], align_corners)
            valid = Span(int(low[0]), min(int(low[-1]) + 2, self.sizes[level + 1]))
        need = valid.grown(REACH_DOWN, self.sizes[LEVELS])
        for level in reversed(range(LEVELS)):
            skip = self.work[level]
            below = Span(min(2 * need.start, skip.start), max(2 * need.stop, skip.stop))
            need = below.grown(REACH_DOWN, self.sizes[level])
        self.crop = Span(need.start // STRIDE * STRIDE, -(-need.stop // STRIDE) * STRIDE)

    def covered(self, level: int) -> Span:
        """What the encoder has of `level`."""
        return Span(self.crop.start >> level, self.crop.stop >> level)

    def samples(self, level: int) -> tuple[Tensor, Tensor, Tensor]:
        """For the work at `level`: both neighbours' places in what lies at `level` + 1, and the second's weight."""
        below = self.work[level + 1] if level + 1 < LEVELS else self.covered(LEVELS)
        low, weight = sources(self.work[level], self.sizes[level + 1], self.align_corners)
        high = np.minimum(low + 1, self.sizes[level + 1] - 1)
        places = (
            torch.from_numpy(np.clip(index - below.start, 0, below.stop - below.start - 1)) for index in (low, high)
        )
        return *places, torch.from_numpy(weight)  # type: ignore[return-value]


class Part:
    """The decoder's view of one window (see `networks.View`)."""

    def __init__(self, rows: Axis, columns: Axis) -> None:
        self.rows, self.columns = rows, columns

    def keep(self, x: Tensor, level: int) -> Tensor:
        inside = [axis.work[level].within(axis.covered(level)) for axis in (self.rows, self.columns)]
        return x[..., inside[0], inside[1]]

    def up(self, x: Tensor, level: int) -> Tensor:
        """x (B, C, h, w) of `level` at twice its size, sampled where the whole picture would be."""
        top, bottom, down = (index.to(x.device) for index in self.rows.samples(level))
        left, right, across = (index.to(x.device) for index in self.columns.samples(level))
        shape = (*x.shape[:2], len(top), len(left))
        result = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        for start in range(0, len(top), 64):  # the copies that the indices make stay small
            band = slice(start, start + 64)
            high = x.index_select(2, top[band])
            mixed = high.lerp_(x.index_select(2, bottom[band]), down[band, None].to(x.dtype))
            first, second = mixed.index_select(3, left), mixed.index_select(3, right)
            torch.lerp(first, second, across.to(x.dtype), out=result[:, :, band])
        return result


def key_in_strips(read: "Reader", size: tuple[int, int]) -> Tensor:
    """`networks.key_of` of the whole picture of `size` (H, W) that `read` reads: (1, 1, 1, 1)."""
    height, width = size
    rows, sums = max(1, STRIP // width), []
    for top in range(0, height, rows):
        strip = read(np.arange(top, min(top + rows, height)), np.arange(width))
        sums.append(light_of(strip).sum((2, 3), keepdim=True, dtype=torch.float64))
    return (torch.stack(sums).sum(0) / (height * width)).float()


def enhance_window(
    generator: Generator, read: "Reader", size: tuple[int, int], window: "Window", key: Tensor | None = None
) -> Tensor:
    """The generator's result in `window` of a picture of `size` (H, W): (1, 3, h, w) in [0, 1], not clipped.

    `key` is the whole picture's, where the generator sees one. Equal to the whole picture's result up to the order of
    additions (1e-5 and less).
    """
    indices, axes, inside = [], [], []
    for length, part in zip(size, window, strict=True):
        places, before = padded_indices(length)
        axis = Axis(len(places), part.start + before, part.stop + before, generator.align_corners)
        indices.append(places[axis.crop.start : axis.crop.stop])
        inside.append(Span(part.start + before, part.stop + before).within(axis.work[0]))
        axes.append(axis)
    image = read(indices[0], indices[1]) * 2 - 1
    attention = attention_map(image) if generator.attention else None
    enhanced, _ = generator.unet(image, attention, Part(axes[0], axes[1]), key)
    return (enhanced[..., inside[0], inside[1]] + 1) / 2


def window_bytes(size: tuple[int, int]) -> int:
    """About the most memory that `enhance_window` takes for a window of `size`, in float32."""
    height, width = size
    encoder, decoder = (height + 2 * SURROUND) * (width + 2 * SURROUND), (height + 32) * (width + 32)
    return max(encoder * 460, decoder * 720)
