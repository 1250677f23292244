"""Unpaired training data: decoded once into a bounded cache, cropped and augmented as the authors do.

Every random draw follows from (seed, step) or (seed, epoch) alone, so a run continues where it stopped without any
stored generator state, and the prefetching threads change nothing. They hand on bytes; the device makes numbers of
them.
"""

import copy
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from bench.errors import BenchError
from enlightengan.batch import Batch, Crops
from enlightengan.image_cache import ImageCache, made
from enlightengan.keys import key_as_shown, sampled
from enlightengan.looks import (
    LARGEST_SHOWN,
    Pixels,
    copy_in_less_light,
    crop_in_less_light,
    shown,
    to_keep,
    well_exposed,
)
from enlightengan.run_config import RunConfig, samples_shown

EPOCH, STEP = 1, 2  # the two streams of random numbers
CROPS_NOISY = 0.5  # the share with noise of the crops that lose light as a camera's
KEPT_WANTED = 2 << 30  # bytes of what is wanted of whole photographs
AHEAD = 4  # batches that are prepared at a time, each by a thread of its own where there are cores for it


def shrunk(pixels: Pixels, size: int) -> Pixels:
    """The square (H, H, 3) as (`size`, `size`, 3), bicubic with support as wide as the shrinking asks for.

    Pillow's box would take one pixel here and two there: a grid in the noise, which a discriminator sees at once.
    """
    if len(pixels) == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))


class Wanted(NamedTuple):
    """What is wanted of a whole photograph, (H, W, 3) each."""

    dark: Callable[[Pixels], Pixels]
    lit: Callable[[Pixels], Pixels]
    """Of a well-exposed one, whatever light its crops then lose."""


class _Item(NamedTuple):
    low: Pixels
    """The input's crop, and what is wanted of it behind that."""
    normal: Pixels
    lit: bool
    """Whether the input is a photograph of normal light."""
    sample: Pixels
    """Of the input's whole photograph (`keys.sampled`)."""


class UnpairedBatches:
    """Batches of one run by step, from 0. An epoch is one pass over the longer side; its last batch may be short.

    A method that learns from dark photographs alone gets batches without normal-light pictures. Where `wanted` tells
    what is wanted of a whole photograph, batches have that of their crops, and the well-exposed inputs lose light as a
    camera might have had less of it (`looks.crop_in_less_light`), not by a divisor.
    """

    def __init__(
        self, config: RunConfig, *, low: Sequence[Path], normal: Sequence[Path], read: ImageCache | None = None,
        wanted: Wanted | None = None,
    ) -> None:  # fmt: skip
        if not low or (config.unpaired and not normal):
            side = "low-light" if not low else "normal-light"
            raise BenchError(f"There is no {side} photograph of at least {config.crop} x {config.crop} pixels.")
        self.config, self.low, self.normal = config, list(low), list(normal)
        self.length = max(len(low), len(normal))
        self.steps_per_epoch = -(-self.length // config.batch_size)
        self._read = reading = read or ImageCache()
        # Of the dark and of the lit, in this order; empty where nothing tells.
        self._wanted: list[ImageCache] = []
        if wanted:  # in a memory of its own: what is made again for each crop takes longest
            dark = ImageCache(KEPT_WANTED, make=partial(made, wanted.dark, reading))
            self._wanted = [dark, ImageCache(make=partial(made, wanted.lit, reading), beside=dark)]
        known = config.small_copies or config.keeps_copies or wanted
        self._bright = well_exposed((path, self._read(path)) for path in normal) if known else []

    def epoch(self, step: int) -> int:
        """The epoch that `step` belongs to, from 1."""
        return step // self.steps_per_epoch + 1

    def samples(self, step: int) -> int:
        """How many pairs were shown before `step`."""
        return samples_shown(step, self.length, self.config.batch_size)

    def __getitem__(self, step: int) -> Batch:
        return self.crops(step).on(torch.device("cpu"))

    def crops(self, step: int) -> Crops:
        """What the batch of `step` is made of."""
        config, rng = self.config, np.random.default_rng([self.config.seed, STEP, step])
        items = [self._item(low, normal, rng) for low, normal in self._pairs(step)]
        lit = [item.lit for item in items]
        low, normal = np.stack([item.low for item in items]), np.stack([item.normal for item in items])
        low, target = (np.ascontiguousarray(side) for side in (low[..., :3], low[..., 3:]))
        if not config.unpaired:
            normal = normal[:0]
        divisors = [1.0] * len(low)
        if config.divisors is not None:
            divisors = [self._divisor(config.divisors, rng) if rng.random() < 0.5 else 1.0 for _ in low]
        if self._wanted:
            for k in np.flatnonzero(lit):
                if config.tells_key:  # the whole photograph loses what its crop loses
                    items[k] = items[k]._replace(sample=crop_in_less_light(items[k].sample, copy.deepcopy(rng)))
                low[k], divisors[k] = crop_in_less_light(low[k], rng), 1.0
        count, side = config.windows
        high = config.crop - side  # exclusive: the authors never draw the last offset
        crops = Crops(low, normal, divisors, [(int(x), int(y)) for x, y in rng.integers(0, high, size=(count, 2))])
        if config.noise_levels > 0:
            crops = replace(crops, noise=self._noise(divisors, lit, rng), seed=int(rng.integers(1 << 62)))
        if config.tells_key:
            crops = replace(
                crops, keys=[key_as_shown(item.sample, by) for item, by in zip(items, divisors, strict=True)]
            )
        if self._wanted:
            crops = replace(crops, target=target)
        if config.small_copies:
            crops = replace(crops, whole=self._looks(len(low), rng))
        return replace(crops, kept=self._to_keep(len(low), rng)) if config.keeps_copies else crops

    def _noise(self, divisors: list[float], lit: list[bool], rng: np.random.Generator) -> list[float]:
        """Each item's: darkened ones have some, those that lost light as a camera's a share."""
        likely = [CROPS_NOISY if bright and self._wanted else divisor != 1
                  for bright, divisor in zip(lit, divisors, strict=True)]  # fmt: skip
        return [float(rng.uniform(0, self.config.noise_levels)) if rng.random() < share else 0.0 for share in likely]

    def _to_keep(self, count: int, rng: np.random.Generator) -> Pixels:
        sides = [[side[rng.integers(len(side))] for side in (self.low, self._bright)] for _ in range(count)]
        size = min(self.config.crop, LARGEST_SHOWN)
        return np.stack([to_keep(self._read(dark), self._read(lit), size, rng) for dark, lit in sides])

    def _looks(self, count: int, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
        chosen = [self._bright[rng.integers(len(self._bright))] for _ in range(count)]
        whole = [shown(self._read(path), min(self.config.crop, LARGEST_SHOWN), rng) for path in chosen]
        return np.stack(whole), np.stack([copy_in_less_light(pixels, rng) for pixels in whole])

    def _input(self, low: Path, rng: np.random.Generator) -> tuple[list[Pixels], bool]:
        """The photograph to be cropped and, where it is known, what is wanted of it; whether it is one of normal light
        in the place of `low`."""
        lit = self.config.bright_share > 0 and rng.random() < self.config.bright_share
        bright = self._bright if self._wanted else self.normal
        path = bright[rng.integers(len(bright))] if lit else low
        return [self._read(path), *([self._wanted[lit](path)] if self._wanted else [])], lit

    def _divisor(self, between: tuple[float, float], rng: np.random.Generator) -> float:
        weakest, strongest = between
        return float(rng.integers(round(weakest * 100), round(strongest * 100) + 1)) / 100

    def _pairs(self, step: int) -> list[tuple[Path, Path]]:
        config, epoch = self.config, self.epoch(step)
        rng = np.random.default_rng([config.seed, EPOCH, epoch])
        order = rng.permutation(self.length)
        partner = order if config.pairing == "fixed" else rng.permutation(self.length)
        start = (step % self.steps_per_epoch) * config.batch_size
        count = min(config.batch_size, self.length - start)
        chosen = np.arange(start, start + max(count, config.devices)) % self.length  # a picture for every device
        normal = self.normal or self.low
        return [
            (self.low[a % len(self.low)], normal[b % len(normal)])
            for a, b in zip(order[chosen], partner[chosen], strict=True)
        ]

    def _item(self, low: Path, normal: Path, rng: np.random.Generator) -> "_Item":
        pictures, lit = self._input(low, rng)
        crops = [self._crop(some, rng) for some in (pictures, [self._read(normal)])]
        crops = [crop[:, ::-1] if rng.random() < 0.5 else crop for crop in crops]
        for axis in (1, 0):  # then both sides together, as the authors do
            if rng.random() < 0.5:
                crops = [np.flip(crop, axis) for crop in crops]
        return _Item(crops[0], crops[1], lit, sampled(pictures[0]))

    def _crop(self, pictures: list[Pixels], rng: np.random.Generator) -> Pixels:
        """The same part of `pictures` of one size, one behind the other: (crop, crop, 3 of each)."""
        (pixels, *_), size, window = pictures, self.config.crop, self.config.crop
        if self.config.smallest_scale < 1:
            least = max(self.config.smallest_scale, size / min(pixels.shape[:2]))
            largest = max(self.config.largest_scale, least)
            window = round(size / (largest * (least / largest) ** rng.random()))
        y, x = (int(rng.integers(0, side - window + 1)) for side in pixels.shape[:2])
        parts = [shrunk(whole[y : y + window, x : x + window], size) for whole in pictures]
        return np.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]

    def stream(self, start: int, device: torch.device) -> Iterator[Batch]:
        """Batches on `device` from step `start` on without end, the next ones prepared by threads while one is used."""
        threads = max(1, min(AHEAD, (os.cpu_count() or 1) // self.config.devices - 1))
        with ThreadPoolExecutor(threads, thread_name_prefix="batches") as pool:
            coming: deque[Future[Crops]] = deque(pool.submit(self.crops, start + k) for k in range(threads))
            for step in range(start + threads, 1 << 62):
                crops = coming.popleft().result()
                coming.append(pool.submit(self.crops, step))
                yield crops.on(device)
