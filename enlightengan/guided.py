"""A method that looks at the photograph small, and the gain that it finds there applied to the photograph as it is.

A network sees as far as its training reached: in a large photograph a lamp and the sky behind it are strangers, and it
decides for each place anew how bright that should be, with dark rims and clouds where it changes its mind. In a small
copy of the photograph it sees all at once. From there comes the gain (`enlightengan.gain`); from the photograph comes
every detail, but for its noise where the gain is large: 1 / gain of it is left, so that it is not amplified. Faint
texture of what is left is made stronger (`enlightengan.texture`), for a gain that holds back what is bright makes it
weaker, and so did the dark. Highlights rise less, so that little clips. A photograph of any size costs what
the small copies cost, and a few dozen operations a pixel.

A bright sky or window makes the network take a scene for well lit, and what stands before it stays dark. So it looks
again with all light held down to a cap (`capped`), as one holds a hand before the sun: what is below the cap rises by
what is seen then, as far as most of the photograph lies there. Luma tells; but where a channel is above the cap, a
place rises less, for it is a coloured light.
"""

import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from enlightengan.gain import fitted_gain, log_gain, luma, with_shoulder
from enlightengan.noise import BLOCK, level, quieted, unevenness
from enlightengan.noise import MARGIN as QUIETED_MARGIN
from enlightengan.texture import MARGIN as TEXTURE_MARGIN
from enlightengan.texture import emphasis

if TYPE_CHECKING:
    from bench.enhancer import Reader, Window  # needs OpenCV, which a bare machine has not

LOOK = 128  # pixels, about what the longer side of the small copy has
CAPS = (0.08, 0.22)  # of 1, the lumas that light is held down to for further looks
RADIUS = 4  # pixels of the small copy, of the guided filter
EDGE = 0.1  # its epsilon: a deviation of 0.5 stops
MARGIN = QUIETED_MARGIN + TEXTURE_MARGIN  # pixels around a place that its result depends on
STRIP = 1 << 19  # pixels worked on at a time: fewer share more of their surround, more would not stay in the cache
PIXEL_BYTES = 60  # that a pixel of a window takes at most


Enlarge = Callable[[Tensor], Tensor]
"""Values (B, C, h, w) of the small copy for the pixels of a part of the photograph: (B, C, H, W)."""


class Look(NamedTuple):
    """The gain of the small copy (see `gain_at`) with light held down to `cap`, and how much that counts."""

    cap: float
    share: Tensor
    """Of the small copy, what lies below the cap, squared: (B, 1, 1, 1)."""
    slope: Tensor
    offset: Tensor


class Seen(NamedTuple):
    """What the whole photograph tells: its looks, the first at it as it is, and its noise (see `noise.level`)."""

    factor: int
    """By which the photograph's sides were divided for the small copy."""
    looks: tuple[Look, ...]
    noise: Tensor
    texture: float = 1.0
    """The share of what `texture.emphasis` adds that is added."""


def reduction(size: tuple[int, ...]) -> int:
    """The whole number by which the sides of a picture of `size` (H, W) are divided, the longer one to about LOOK."""
    return max(1, round(max(size) / LOOK))


def capped(image: Tensor, cap: float) -> Tensor:
    """`image` (B, 3, H, W) with no luma above `cap`: what is brighter is darkened to it, its colour kept."""
    return image * (cap / luma(image).clamp_min(cap))


def to_look_at(small: Tensor) -> Tensor:
    """What the network is shown of the small copy (B, 3, h, w): as it is, and capped; one after the other."""
    return torch.cat([small, *(capped(small, cap) for cap in CAPS)])


def looks(small: Tensor, copies: Tensor, results: Tensor) -> tuple[Look, ...]:
    """The looks at `small` by what the network made, `results`, of the `copies` that it was shown."""
    caps = (1.0, *CAPS)
    parts = (every.reshape(len(caps), -1, *every.shape[1:]).unbind() for every in (copies, results))
    pairs = zip(*parts, strict=True)
    fits = [fitted_gain(*pair, radius=RADIUS, epsilon=EDGE) for pair in pairs]
    shares = [(luma(small) < cap).float().mean((1, 2, 3), keepdim=True) ** 2 for cap in caps]
    return tuple(Look(cap, share, *fit) for cap, share, fit in zip(caps, shares, fits, strict=True))


def reduced(image: Tensor, factor: int) -> Tensor:
    """The means of squares of `factor` pixels; (B, 3, H, W), whose last squares may be cut, to the least that holds."""
    return image if factor == 1 else F.avg_pool2d(image, factor, ceil_mode=True, count_include_pad=False)


class GuidedEnhancer(nn.Module):
    """Maps (B, 3, H, W) in [0, 1] to the same, any H and W, by what `base`, which does likewise, makes of it small.

    Pictures too large for the memory are computed window by window (`bench.enhancer.Windowed`). `checkpoint` is the
    digest of the weights of `base`, and `source` says where they came from, in words. `texture`, 0 to 1, is how much of
    the stronger texture there is: 1 is what is scored, 0 leaves texture as the photograph has it.
    """

    def __init__(self, base: nn.Module, *, source: str, texture: float = 1.0) -> None:
        super().__init__()
        self.base, self.source, self.texture = base, source, texture
        self.checkpoint = base.checkpoint
        self._last: tuple[weakref.ref[Any], Seen] | None = None  # a picture comes in many windows

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        seen = self.seen(lambda rows, _: image[..., rows[0] : rows[-1] + 1, :], (height, width))
        return applied(image, seen, (slice(0, height), slice(0, width)))

    def seen(self, read: "Reader", size: tuple[int, int]) -> Seen:
        """What the whole picture of `size` (H, W) that `read` reads tells."""
        factor = reduction(size)
        small, uneven = overview(read, size, factor)
        copies = to_look_at(small)
        return Seen(factor, looks(small, copies, self.base(copies).float()), level(uneven), self.texture)

    def enhance_window(self, read: "Reader", size: tuple[int, int], window: "Window") -> Tensor:
        """The result in `window` of the picture of `size` (H, W) that `read` reads, equal to the whole picture's."""
        last = self._last  # another thread may set it
        if last is None or last[0]() is not read:
            last = self._last = weakref.ref(read), self.seen(read, size)
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


def applied(image: Tensor, seen: Seen, window: "Window") -> Tensor:
    """The result for `image` (B, 3, H, W), which is `window` of the photograph that was `seen`, strip by strip."""
    height, first = image.shape[-2], window[0].start
    result, rows = torch.empty_like(image, memory_format=torch.contiguous_format), max(32, STRIP // image.shape[-1])
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        above, below = max(top - MARGIN, 0), min(bottom + MARGIN, height)
        strip = image[..., above:below, :]
        place = slice(first + above, first + below), window[1]
        done = brightened(strip, seen, partial(enlarged, factor=seen.factor, window=place))
        result[..., top:bottom, :] = done[..., top - above : bottom - above, :]
    return result


def brightened(image: Tensor, seen: Seen, enlarge: Enlarge) -> Tensor:
    """The result for `image` (B, 3, H, W), whose part of the small copy's values `enlarge` makes as large."""
    quiet, gain = quieted(image, seen.noise), wanted_gain(image, seen, enlarge)
    if seen.texture:
        gain.add_(emphasis(luma(quiet), seen.noise[:, :1], gain.mean(1, keepdim=True)), alpha=seen.texture)
    return raised(image, quiet, gain.exp_())


def raised(image: Tensor, quiet: Tensor, gain: Tensor) -> Tensor:
    """`image` times `gain`, both (B, 3, H, W), its noise, which `quiet` lacks, times 1 at most."""
    return with_shoulder(torch.lerp(quiet, image, gain.reciprocal().clamp_(max=1)), gain)


def wanted_gain(image: Tensor, seen: Seen, enlarge: Enlarge) -> Tensor:
    """The logarithm of the gain of the first look, and what the darkness of each place adds of the others."""
    first, *others = seen.looks
    grey, peak = luma(image), image.amax(1, keepdim=True)
    gain = _log_gain_of(first, grey, enlarge)
    added = torch.zeros_like(gain)
    for look in others:
        further = _log_gain_of(look, grey.clamp_max(look.cap), enlarge).sub_(gain)
        added = torch.maximum(added, further.mul_(look.share * look.cap / peak.clamp_min(look.cap)))
    return gain.add_(added)


def _log_gain_of(look: Look, grey: Tensor, enlarge: Enlarge) -> Tensor:
    return log_gain(grey, enlarge(look.slope), enlarge(look.offset))


def overview(read: "Reader", size: tuple[int, int], factor: int) -> tuple[Tensor, Tensor]:
    """`reduced` and `unevenness` of a whole picture, which is read in strips."""
    small = [reduced(strip, factor) for strip in strips(read, size, factor)]
    uneven = [unevenness(strip) for strip in strips(read, size, BLOCK)]
    return torch.cat(small, dim=2), torch.cat(uneven, dim=2)


def strips(read: "Reader", size: tuple[int, int], unit: int) -> Iterator[Tensor]:
    """A whole picture in strips of whole multiples of `unit` rows, the last one of what is left."""
    height, width = size
    rows = max(1, STRIP // (unit * width)) * unit
    for top in range(0, height, rows):
        yield read(np.arange(top, min(top + rows, height)), np.arange(width))


def enlarged(values: Tensor, factor: int, window: "Window") -> Tensor:
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
