"""A photograph as the bytes of a file: as much as the format can hold, a sentence for what it cannot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from bench.errors import BenchError
from bench.jpeg import with_segments
from bench.photograph import EXIF_PREFIX, Photograph, with_depth
from bench.png import encode_png, metadata_chunks
from bench.thumbnail import without_thumbnails
from bench.tiff import ICC, XMP, encode_tiff, portable_tags

DEEP = {"PNG", "PPM", "TIFF"}
"""Formats that hold 16 bits."""
TRANSPARENT = {"PNG", "TIFF", "WEBP"}
QUALITY = {"quality": 95}
"""Where the source does not say how well it was coded: JPEG out of other formats, and lossy WebP."""


def encode(photograph: Photograph, kind: str) -> tuple[bytes, tuple[str, ...]]:
    """`photograph` as a file of format `kind` (of `bench.images.FORMATS`), and sentences on what it could not hold.

    Pixels that `kind` codes without loss come back exactly, metadata without thumbnails. Raises BenchError when
    it cannot hold them.
    """
    notes = []
    if photograph.alpha is not None and kind not in TRANSPARENT:
        raise BenchError(f"{kind} cannot hold transparency: write a PNG or TIFF (--out NAME.png).")
    if photograph.bits == 16 and kind not in DEEP:
        notes.append(f"written with 8 bits, since {kind} holds no 16")
        alpha = None if photograph.alpha is None else with_depth(photograph.alpha, 8)
        photograph = replace(photograph, pixels=with_depth(photograph.pixels, 8), alpha=alpha)
    if kind in ("BMP", "PPM") and (photograph.exif or photograph.icc or photograph.xmp):
        notes.append(f"{kind} holds no metadata: EXIF, XMP and colour profile are left out")
    if kind in ("BMP", "PPM") and photograph.orientation != 1:
        photograph = replace(photograph, pixels=photograph.upright(), orientation=1)
    photograph = without_thumbnails(photograph)
    if kind != photograph.format:
        photograph = replace(photograph, coding={}, blocks=())
    try:
        return ENCODERS[kind](photograph), tuple(notes)
    except (ValueError, OSError, TypeError, KeyError, OverflowError) as error:
        raise BenchError(f"It cannot be coded as {kind}: {error}") from error


def samples(photograph: Photograph) -> NDArray[Any]:
    """Pixels and alpha side by side, (H, W, 1 .. 4)."""
    if photograph.alpha is None:
        return photograph.pixels
    return np.concatenate([photograph.pixels, photograph.alpha[..., None]], axis=2)


def _saved(photograph: Photograph, kind: str, **options: Any) -> bytes:
    values = samples(photograph)
    stream = BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(values[..., 0] if values.shape[2] == 1 else values))
    picture.save(stream, kind, **{key: value for key, value in options.items() if value not in (None, b"")})
    return stream.getvalue()


def _jpeg(photograph: Photograph) -> bytes:
    options = photograph.coding or {**QUALITY, "subsampling": 0}
    if photograph.format == "JPEG":
        with _room(2 * photograph.pixels.nbytes if options.get("progressive") else 0):
            return with_segments(_saved(photograph, "JPEG", **options), photograph.blocks)
    exif = EXIF_PREFIX + photograph.exif if photograph.exif else b""
    return _saved(
        photograph, "JPEG", exif=exif, icc_profile=photograph.icc, xmp=photograph.xmp, dpi=photograph.dpi, **options
    )


@contextmanager
def _room(size: int) -> Iterator[None]:
    # A progressive file is coded into one buffer, for which Pillow guesses a size that fine tables exceed.
    before, ImageFile.MAXBLOCK = ImageFile.MAXBLOCK, max(ImageFile.MAXBLOCK, size)
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = before


def _png(photograph: Photograph) -> bytes:
    made = metadata_chunks(photograph.exif, photograph.icc, photograph.xmp, photograph.dpi)
    return encode_png(samples(photograph), photograph.blocks if photograph.format == "PNG" else made)


def _tiff(photograph: Photograph) -> bytes:
    exif = Image.Exif()
    if photograph.exif:
        exif.load(EXIF_PREFIX + photograph.exif)
    tags = portable_tags(exif)
    if photograph.dpi is not None and 282 not in tags:
        tags |= {282: photograph.dpi[0], 283: photograph.dpi[1], 296: 2}
    if photograph.icc:
        tags[ICC] = photograph.icc
    if photograph.xmp:
        tags[XMP] = photograph.xmp
    return encode_tiff(samples(photograph), tags, **photograph.coding)


def _webp(photograph: Photograph) -> bytes:
    exif = EXIF_PREFIX + photograph.exif if photograph.exif else b""
    options = {**QUALITY, "exact": True, **photograph.coding}
    if photograph.pixels.shape[2] == 1:  # WebP knows only colour
        colour: Any = np.repeat(photograph.pixels, 3, axis=2)
        photograph = replace(photograph, pixels=colour)
    return _saved(photograph, "WEBP", exif=exif, icc_profile=photograph.icc, xmp=photograph.xmp, **options)


def _bmp(photograph: Photograph) -> bytes:
    return _saved(photograph, "BMP", dpi=photograph.dpi)


def _ppm(photograph: Photograph) -> bytes:
    height, width, channels = photograph.pixels.shape
    header = f"P{5 if channels == 1 else 6}\n{width} {height}\n{2**photograph.bits - 1}\n"
    values = photograph.pixels.astype(photograph.pixels.dtype.newbyteorder(">"), copy=False)
    return header.encode() + values.tobytes()


ENCODERS: dict[str, Callable[[Photograph], bytes]] = {
    "BMP": _bmp, "JPEG": _jpeg, "PNG": _png, "PPM": _ppm, "TIFF": _tiff, "WEBP": _webp,
}  # fmt: skip
