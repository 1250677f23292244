"""Photographs of a training, decoded once into a bounded cache, and what is made of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

from bench.errors import BenchError
from bench.images import read_rgb, shown
from enlightengan.looks import Pixels


class ImageCache:
    """Pictures by path, as `make` gives them, kept until `budget` bytes are full; what does not fit is made again.

    One made `beside` another shares what that has left.
    """

    def __init__(
        self, budget: int = 4 << 30, *, make: Callable[[Path], Pixels] = read_rgb, beside: "ImageCache | None" = None
    ) -> None:
        self._free: list[int] = beside._free if beside else [budget]
        self._make = make
        self._kept: dict[Path, Pixels] = {}
        self._reading = Lock()

    def __call__(self, path: Path) -> Pixels:
        """The picture as 8-bit RGB (H, W, 3)."""
        with self._reading:  # several threads ask; warnings, which reading silences, are one thing for all of them
            if path in self._kept:
                return self._kept[path]
            pixels = self._make(path)
            if pixels.nbytes <= self._free[0]:
                self._free[0] -= pixels.nbytes
                self._kept[path] = pixels
        return pixels


def made(make: Callable[[Pixels], Pixels], read: Callable[[Path], Pixels], path: Path) -> Pixels:
    """What `make` makes of the picture (H, W, 3) in `path`."""
    return make(read(path))


def usable(paths: Sequence[Path], crop: int, *, read: ImageCache) -> tuple[list[Path], dict[Path, str]]:
    """The photographs that decode and have both sides of at least `crop` pixels, and why each other is left out.

    Every file is decoded now: a broken one must not end the training hours later.
    """
    good: list[Path] = []
    bad: dict[Path, str] = {}
    for path in paths:
        try:
            height, width = read(path).shape[:2]
        except BenchError as error:
            bad[path] = str(error)
            continue
        if min(height, width) >= crop:
            good.append(path)
        else:
            bad[path] = f"{shown(Path(path.name))} is smaller than the {crop} pixel crop."
    return good, bad
