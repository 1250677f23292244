"""A method that looks at the photograph small, and the gain that it finds there applied to the photograph as it is.

A network sees as far as its training reached: in a large photograph a lamp and the sky behind it are strangers, and it
decides for each place anew how bright that should be, with dark rims and clouds where it changes its mind. In a small
copy of the photograph it sees all at once, in one twice as large it tells dark corners from bright ones better. From
these copies comes the gain (`enlightengan.gain`), the geometric mean of both; from the photograph comes every detail,
but for its noise where the gain is large: 1 / gain of it is left, so that it is not amplified. Highlights rise less, so
that little clips. A photograph of any size costs what the small copies cost, and a few dozen operations a pixel.
"""

import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.enhancer import Reader, Window
from enlightengan.gain import fitted_gain, gain_at, with_shoulder
from enlightengan.noise import BLOCK, MARGIN, level, quieted, unevenness

LOOK = 256  # pixels, the most that the longer side of the larger small copy has; the other one has half as many
RADIUS = 4  # pixels of a small copy, of the guided filter
EDGE = 0.1  # its epsilon: a deviation of 0.5 stops
STRIP = 1 << 18  # pixels that are worked on at a time: more would not stay in the processor's cache
PIXEL_BYTES = 60  # that a pixel of a window takes at most


class Look(NamedTuple):
    """The gain of a small copy (see `gain_at`), whose sides are the photograph's divided by `factor`."""

    factor: int
    slope: Tensor
    offset: Tensor


class Seen(NamedTuple):
    """What the whole photograph tells: its looks, and its noise (see `enlightengan.noise.level`)."""

    looks: tuple[Look, ...]
    noise: Tensor


def reduction(size: tuple[int, ...]) -> int:
    """By which whole number the sides of a picture of `size` (H, W) are divided, so that none exceeds LOOK."""
    return -(-max(size) // LOOK)


def reduced(image: Tensor, factor: int) -> Tensor:
    """The means of squares of `factor` pixels; (B, 3, H, W), whose last squares may be cut, to the least that holds."""
    return image if factor == 1 else F.avg_pool2d(image, factor, ceil_mode=True, count_include_pad=False)


class GuidedEnhancer(nn.Module):
    """Maps (B, 3, H, W) in [0, 1] to the same, any H and W, by what `base`, which does likewise, makes of it small.

    Pictures too large for the memory are computed window by window (`bench.enhancer.Windowed`). `checkpoint` is the
    digest of the weights of `base`, and `source` says where they came from, in words.
    """

    def __init__(self, base: nn.Module, *, source: str) -> None:
        super().__init__()
        self.base, self.source = base, source
        self.checkpoint = base.checkpoint
        self._last: tuple[weakref.ref[Any], Seen] | None = None  # a picture comes in many windows

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        factor = reduction((height, width))
        found = overview(lambda rows, _: image[..., rows[0] : rows[-1] + 1, :], (height, width), factor)
        return applied(image, self._seen(*found, factor), (slice(0, height), slice(0, width)))

    def _seen(self, small: Tensor, uneven: Tensor, factor: int) -> Seen:
        copies = {factor: small}
        if max(small.shape[-2:]) > LOOK // 2:
            copies[2 * factor] = reduced(small, 2)
        looks = [
            Look(by, *fitted_gain(copy, self.base(copy).float(), radius=RADIUS, epsilon=EDGE))
            for by, copy in copies.items()
        ]
        return Seen(tuple(looks), level(uneven))

    def enhance_window(self, read: Reader, size: tuple[int, int], window: Window) -> Tensor:
        """The result in `window` of the picture of `size` (H, W) that `read` reads, equal to the whole picture's."""
        last = self._last  # another thread may set it
        if last is None or last[0]() is not read:
            factor = reduction(size)
            last = self._last = weakref.ref(read), self._seen(*overview(read, size, factor), factor)
        around: Window = tuple(
            slice(max(side.start - MARGIN, 0), min(side.stop + MARGIN, length))
            for side, length in zip(window, size, strict=True)
        )  # type: ignore[assignment]
        part = read(*(np.arange(side.start, side.stop) for side in around))
        result = applied(part, last[1], around)
        rows, columns = (
            slice(side.start - wide.start, side.stop - wide.start) for side, wide in zip(window, around, strict=True)
        )
        return result[..., rows, columns]

    def window_bytes(self, size: tuple[int, int]) -> int:
        """About the most memory that a window of `size` takes."""
        return (size[0] + 2 * MARGIN) * (size[1] + 2 * MARGIN) * PIXEL_BYTES


def applied(image: Tensor, seen: Seen, window: Window) -> Tensor:
    """The result for `image` (B, 3, H, W), which is `window` of the photograph that was `seen`, strip by strip."""
    height, first = image.shape[-2], window[0].start
    result, rows = torch.empty_like(image, memory_format=torch.contiguous_format), max(32, STRIP // image.shape[-1])
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        above, below = max(top - MARGIN, 0), min(bottom + MARGIN, height)
        strip = image[..., above:below, :]
        done = _applied(strip, seen, (slice(first + above, first + below), window[1]))
        result[..., top:bottom, :] = done[..., top - above : bottom - above, :]
    return result


def _applied(image: Tensor, seen: Seen, window: Window) -> Tensor:
    slopes = [enlarged(look.slope, look.factor, window) for look in seen.looks]
    offsets = [enlarged(look.offset, look.factor, window) for look in seen.looks]
    gain = gain_at(image, torch.stack(slopes).mean(0), torch.stack(offsets).mean(0))
    quiet = quieted(image, seen.noise)
    return with_shoulder(torch.lerp(quiet, image, gain.reciprocal().clamp_(max=1)), gain)


def overview(read: Reader, size: tuple[int, int], factor: int) -> tuple[Tensor, Tensor]:
    """`reduced` and `unevenness` of a whole picture, which is read in strips."""
    small = [reduced(strip, factor) for strip in strips(read, size, factor)]
    uneven = [unevenness(strip) for strip in strips(read, size, BLOCK)]
    return torch.cat(small, dim=2), torch.cat(uneven, dim=2)


def strips(read: Reader, size: tuple[int, int], unit: int) -> Iterator[Tensor]:
    """A whole picture in strips of whole multiples of `unit` rows, the last one of what is left."""
    height, width = size
    rows = max(1, STRIP // (unit * width)) * unit
    for top in range(0, height, rows):
        yield read(np.arange(top, min(top + rows, height)), np.arange(width))


def enlarged(values: Tensor, factor: int, window: Window) -> Tensor:
    """`values` of a `reduced` picture (B, C, h, w) for the pixels of `window` of the whole: bilinear, (B, C, H, W)."""
    if factor == 1:
        return values[..., window[0], window[1]]
    kept, inside = [], []
    for length, side in zip(values.shape[-2:], window, strict=True):
        first = max(side.start // factor - 1, 0)
        kept.append(slice(first, min(-(-side.stop // factor) + 1, length)))
        inside.append(slice(side.start - first * factor, side.stop - first * factor))
    larger = F.interpolate(values[..., kept[0], kept[1]], scale_factor=factor, mode="bilinear", align_corners=False)
    return larger[..., inside[0], inside[1]]
