"""Small copies of whole photographs, darkened, for a generator that is to see how much light a scene asks for.

The guided form looks at a photograph 128 pixels wide (`enlightengan.guided`), and crops never show a scene as that
does. Here a well-exposed photograph is the target, and what is seen is what a camera might have made of it with less
light: linear light times an exposure, uneven over the picture or falling away where the scene is dark, as before a
bright sky, and more of it where the photograph is white, for there it may have been cut off; then a colour cast,
another tone curve, less colour, a black that is not black, noise and 8 bits. Some stay as bright as they are: what
needs no light is to be left alone. No pair of photographs is needed.

How much brighter white was is what SICE shows: against what is of middle brightness, dark exposures (4.4 stops less
light) have 1.9 to 3.5 stops more there, middle ones 0.9 to 2.4, the middle four fifths of 52 and 62 scenes; at 0.8 and
0.65 of white's light the medians are 1.1 and 0.6, and 0.7 and 0.5.
"""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bench.darken import to_linear, to_srgb
from bench.images import to_pixels, to_tensor
from enlightengan.gain import box, luma, with_shoulder
from enlightengan.guided import CAPS, Seen, capped, looks, wanted_gain
from enlightengan.networks import LUMA

LARGEST_SHOWN = 112  # pixels, the side of what is shown: about a square of what the guided form looks at
DARKEST = 0.125  # the share of well-lit photographs that is too dark for an example
LEAST_SHOWN = 0.75  # of the shorter side, that the square which is shown has at least
AS_BRIGHT = 0.2  # the share of small copies that keep their light
CROPS_AS_BRIGHT = 0.5  # likewise of crops, which tell less of whether their photograph is dark or their part of it
EXPOSURES = (0.008, 0.8)  # times the light of the others, drawn log-uniformly
BACKLIT_EXPOSURES = (0.05, 1.0)  # likewise where what is dark loses more
UNEVEN, BACKLIT = 0.3, 0.3  # shares under a light that varies without, and with, what it falls on
SWING = 0.9  # the most standard deviation of such a light, a natural logarithm
FALLS = (0.3, 1.2)  # the powers of the surround's luma by which the dark of a backlit scene becomes darker
SURROUND = (3, 12)  # pixels of LARGEST_SHOWN, the radius of that surround; as much of what is larger
HIGHLIGHTS = (1.5, 12.0)  # times the light of white that a scene had there, drawn log-uniformly
HIGHLIGHT_POWER = 4  # of linear light: how far below white that reaches
CAST, SHARE_CAST = 0.04, 0.7  # deviation of a channel's gain, a natural logarithm; the share that has such
CURVES, SHARE_CURVE = (0.8, 1.3), 0.6  # powers of the encoded values
COLOURS, SHARE_COLOUR = (0.6, 1.1), 0.5  # times what a channel differs from the luma
BLACK, SHARE_BLACK = 0.004, 0.5  # deviation of what is added to a channel, of 1
NOISE, COPIES_NOISY = 1.5, 0.25  # the most deviation, levels of 255, and the share that has such
KEPT_DIVISORS = (1.0, 2.5)  # by which a well-exposed photograph is darkened whose result is to stay

Pixels = NDArray[np.uint8]


def well_exposed(pictures: Iterable[tuple[Path, Pixels]]) -> list[Path]:
    """Photographs (H, W, 3) but for the darkest eighth, at least one: which are well exposed no list tells.

    As bright as references are: of BSDS500 and EnlightenGAN's crops the mean L* of these is 47, as of SICE's
    references; of all it is 44, of the brighter half 53. What is so dark that nothing tells how bright it was comes out
    as the examples are.
    """
    lumas = {path: float(pixels.mean((0, 1)) @ np.array(LUMA)) for path, pixels in pictures}
    least = float(np.quantile(list(lumas.values()), DARKEST))
    return [path for path, mean in lumas.items() if mean >= least]


def shown(pixels: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """Most of a photograph (H, W, 3), or its mirror image: a square of it, `size` pixels wide, (`size`, `size`, 3)."""
    height, width = pixels.shape[:2]
    side = max(1, round(min(height, width) * rng.uniform(LEAST_SHOWN, 1)))
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    square = Image.fromarray(pixels[y : y + side, x : x + side])
    small = np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(small[:, ::-1]) if rng.random() < 0.5 else small


def to_keep(dark: Pixels, lit: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """A small copy of either photograph (H, W, 3), the well-exposed one a little too dark, as one of the guided form's
    looks shows it: (`size`, `size`, 3)."""
    if rng.random() < 0.5:
        seen = shown(dark, size, rng)
    else:
        seen = np.rint(shown(lit, size, rng) / rng.uniform(*KEPT_DIVISORS)).astype(np.uint8)
    return to_pixels(capped(to_tensor(seen), float(rng.choice((1.0, *CAPS)))))


def crop_in_less_light(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A crop (H, W, 3) as a camera might have taken it in less light, CROPS_AS_BRIGHT of them in as much; no noise."""
    return np.rint(_with_less_light(pixels, rng, CROPS_AS_BRIGHT) * 255).clip(0, 255).astype(np.uint8)


def copy_in_less_light(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Likewise a small copy, AS_BRIGHT of them in as much; COPIES_NOISY have noise."""
    value = _with_less_light(pixels, rng, AS_BRIGHT)
    deviation = rng.uniform(0, NOISE) if rng.random() < COPIES_NOISY else 0.0
    noisy = value * 255 + rng.normal(0, deviation, pixels.shape)
    return np.rint(noisy).clip(0, 255).astype(np.uint8)


def _with_less_light(pixels: Pixels, rng: np.random.Generator, as_bright: float) -> NDArray[np.float64]:
    return _developed(to_srgb(to_linear(pixels / 255) * _light(pixels, rng, as_bright=as_bright)), rng)


def _light(pixels: Pixels, rng: np.random.Generator, *, as_bright: float) -> NDArray[np.float64]:
    """Times the light of each place and channel, (H, W, 3)."""
    kind, keeps, (height, width) = rng.random(), rng.random() < as_bright, pixels.shape[:2]
    field = np.zeros((height, width))
    if kind < BACKLIT:
        grey = luma(torch.from_numpy(pixels / 255).permute(2, 0, 1)[None])
        radius = round(int(rng.integers(*SURROUND)) * max(1.0, min(height, width) / LARGEST_SHOWN))
        around = torch.log(box(grey, radius) + 0.05)[0, 0].numpy()
        field = (around - around.max()) * rng.uniform(*FALLS)
    elif kind < BACKLIT + UNEVEN:
        coarse = torch.from_numpy(rng.normal(0, rng.uniform(0, SWING), (1, 1, 4, 4)))
        field = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)[0, 0].numpy()
        field = field - field.max() * rng.random()
    field = field + _above_white(pixels, math.exp(rng.uniform(*np.log(HIGHLIGHTS))))
    least, most = BACKLIT_EXPOSURES if kind < BACKLIT else EXPOSURES
    lost = np.zeros_like(field) if keeps else field + rng.uniform(math.log(least), math.log(most))
    cast = rng.normal(0, CAST, 3) if rng.random() < SHARE_CAST else np.zeros(3)
    return np.asarray(np.exp(lost[..., None] + cast))


def _above_white(pixels: Pixels, white: float) -> NDArray[np.float64]:
    """The logarithm of how many times the light that a photograph (H, W, 3) tells each place had, (H, W).

    White had `white` times: a well-exposed photograph cuts off what is bright, one with less light does not.
    """
    return np.asarray(np.log1p((white - 1) * (to_linear(pixels / 255) @ np.array(LUMA)) ** HIGHLIGHT_POWER))


def _developed(value: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Values (H, W, 3) in [0, 1] by a camera's own tone curve, colour and black."""
    if rng.random() < SHARE_CURVE:
        value = value ** rng.uniform(*CURVES)
    if rng.random() < SHARE_COLOUR:
        grey = (value @ np.array(LUMA))[..., None]
        value = grey + (value - grey) * rng.uniform(*COLOURS)
    return value + rng.normal(0, BLACK, 3) if rng.random() < SHARE_BLACK else value


def as_guided(small: Tensor, copies: Tensor, results: Tensor) -> Tensor:
    """What the guided form makes of a small copy by the `results` of a network for the `copies` that it is shown.

    (B, 3, H, W) in [0, 1] the first and what is given back, the others as `guided.to_look_at` stacks them. Noise and
    texture are left as they are.
    """
    seen = Seen(1, looks(small, copies, results), noise=small.new_zeros(len(small), 4, 1, 1))
    return with_shoulder(small, wanted_gain(small, seen, lambda values: values).exp())
