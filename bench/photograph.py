"""A photograph with everything that must survive: pixels at their own depth, alpha, orientation, profile, metadata.

The format is what the bytes say, whatever the name. What cannot be kept is told in a sentence (`notes`); what would be
lost altogether (an animation, values without a scale) is refused. Pillow decodes; where it knows only 8 bits of 16,
OpenCV does, and Pillow's 8 bits must agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin

from bench.deep import Pixels, deep_pixels, is_deep
from bench.errors import BenchError
from bench.images import FORMATS, opened_picture, reason_of, shown
from bench.jpeg import kept_segments
from bench.png import kept_chunks
from bench.tiff import ICC, XMP, portable_tags

ORIENTATION = 0x0112
MAX_BYTES = 1 << 32
"""A longer file is refused unread: no single photograph is."""
EXIF_PREFIX = b"Exif\0\0"


@dataclass(frozen=True)
class Photograph:
    """What a file holds. `pixels` (H, W, 1 or 3) lie as in the file; `upright` turns them as they are looked at."""

    pixels: Pixels
    format: str
    """JPEG, PNG, TIFF, WEBP, BMP or PPM."""
    alpha: Pixels | None = None
    """(H, W), as deep as the pixels; 0 is transparent."""
    orientation: int = 1
    """EXIF's 1 .. 8. The tag itself is in the metadata, which is carried on unchanged."""
    exif: bytes = b""
    """A TIFF structure, without JPEG's prefix."""
    icc: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    blocks: tuple[bytes, ...] = ()
    """The metadata as the file has it, for a result of the same format: segments of a JPEG, chunks of a PNG."""
    coding: Mapping[str, Any] = field(default_factory=dict)
    """How the pixels were coded, as Pillow's options: a JPEG's tables and subsampling, a WebP's losslessness."""
    notes: tuple[str, ...] = ()
    """Sentences on what is not kept."""

    @property
    def bits(self) -> int:
        """8 or 16."""
        return self.pixels.dtype.itemsize * 8

    def upright(self) -> Pixels:
        """The pixels (H, W, 1 or 3) as they are looked at; a view."""
        return turned(self.pixels, self.orientation)

    def with_upright(self, pixels: Pixels) -> "Photograph":
        """The same photograph with other pixels, given as they are looked at; alpha follows their depth."""
        stored = turned(pixels, inverse(self.orientation))
        alpha = None if self.alpha is None else with_depth(self.alpha, pixels.dtype.itemsize * 8)
        return replace(self, pixels=stored, alpha=alpha)


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """`pixels` (H, W, ...) turned and mirrored as EXIF's `orientation` (1 .. 8) asks; a view."""
    rotated = np.rot90(pixels, {3: 2, 4: 2, 5: -1, 6: -1, 7: 1, 8: 1}.get(orientation, 0))
    return rotated[:, ::-1] if orientation in (2, 4, 5, 7) else rotated


def inverse(orientation: int) -> int:
    """The orientation that turns back what `orientation` turned."""
    return {6: 8, 8: 6}.get(orientation, orientation)


def with_depth(pixels: Pixels, bits: int) -> Pixels:
    """8-bit values as 16-bit ones (times 257) or the other way, rounded to nearest."""
    if pixels.dtype.itemsize * 8 == bits:
        return pixels
    if bits == 16:
        return pixels.astype(np.uint16) * np.uint16(257)
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def read_photograph(source: Path | bytes, *, name: str = "standard input") -> Photograph:
    """The photograph in a file, or in `source` itself, which is called `name` in errors.

    Raises BenchError that names it, when it is no JPEG, PNG, TIFF, WebP, BMP or PPM that can be decoded whole.
    """
    name = shown(source) if isinstance(source, Path) else name
    data = _content(source) if isinstance(source, Path) else source
    with opened_picture(BytesIO(data), name, formats=tuple(dict.fromkeys(FORMATS.values()))) as opened:
        kind = "JPEG" if opened.format == "MPO" else str(opened.format)
        notes = _check_frames(opened, name)
        deep = is_deep(opened, data, name)
        if kind != "TIFF":
            opened.load()  # the metadata of a PNG may lie behind its pixels
        metadata = _metadata(opened, data, kind)
        opened.load()  # turns a TIFF, and no other, upright
        pixels, alpha, changes = (*deep_pixels(opened, data, name), []) if deep else _pixels(opened, name)
        if kind == "TIFF":
            back = inverse(metadata["orientation"])
            pixels, alpha = turned(pixels, back), None if alpha is None else turned(alpha, back)
        return Photograph(
            pixels=pixels, alpha=alpha, notes=(*notes, *changes), format=kind, coding=_coding(opened, data, kind),
            **metadata,
        )  # fmt: skip


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BenchError(f"{shown(path)} has {size:,} bytes: more than {MAX_BYTES:,}.")
        return path.read_bytes()
    except OSError as error:
        raise BenchError(f"Cannot read {shown(path)}: {reason_of(error)}") from error


def _check_frames(opened: Image.Image, name: str) -> list[str]:
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format != "MPO":
        raise BenchError(f"{name} holds {frames} pictures (an animation or pages): save them one by one first.")
    return ["its further pictures (previews, depth, gain map) are left out"] if opened.format == "MPO" else []


def _pixels(opened: Image.Image, name: str) -> tuple[Pixels, Pixels | None, list[str]]:
    mode, notes = opened.mode, []
    if mode in ("F", "I") or mode.startswith("I;"):
        raise BenchError(
            f"{name} holds values of more than 16 bits or with a sign, whose scale is unknown: convert it."
        )
    grey, transparent = mode in ("1", "L", "LA", "La"), opened.has_transparency_data
    target = ("LA" if grey else "RGBA") if transparent else ("L" if grey else "RGB")
    if mode == "P":
        notes.append("its palette becomes full colour")
    elif mode == "1":
        notes.append("its black and white becomes 8-bit grey")
    elif mode in ("La", "RGBa"):
        notes.append("its colours are no longer multiplied by its transparency")
    elif mode in ("CMYK", "LAB", "HSV", "RGBX"):
        notes.append(
            f"its {mode} becomes RGB" + (", without its colour profile" if opened.info.get("icc_profile") else "")
        )
    picture = opened if mode == target else opened.convert(target)
    values = np.asarray(picture)
    values = values if values.ndim == 3 else values[..., None]
    colours = 1 if grey else 3
    alpha = np.ascontiguousarray(values[..., colours]) if transparent else None
    return np.ascontiguousarray(values[..., :colours]), alpha, notes


def _coding(opened: Image.Image, data: bytes, kind: str) -> dict[str, Any]:
    if kind == "JPEG" and opened.mode in ("L", "RGB"):
        sampling = JpegImagePlugin.get_sampling(opened)
        used = [layer[3] for layer in opened.layer[:2]]  # type: ignore[attr-defined]  # tables of luma and chroma
        tables = [list(opened.quantization[number]) for number in used]  # type: ignore[attr-defined]
        progressive = bool(opened.info.get("progressive"))
        # -1 is a sampling that Pillow cannot write: full colour resolution loses nothing
        return {"qtables": tables, "subsampling": max(sampling, 0), "progressive": progressive}
    if kind == "WEBP":
        return {"lossless": b"VP8L" in _chunks(data)}
    if kind == "TIFF":
        return {"big_endian": data[:2] == b"MM", "compressed": opened.info.get("compression") != "raw"}
    return {}


def _chunks(data: bytes) -> set[bytes]:
    """The names of the chunks of a RIFF file, such as a WebP."""
    found, place = set(), 12
    while place + 8 <= len(data):
        found.add(data[place : place + 4])
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        place += 8 + length + length % 2
    return found


def _metadata(opened: Image.Image, data: bytes, kind: str) -> dict[str, Any]:
    profile = opened.mode not in ("CMYK", "LAB", "HSV")
    info, exif = opened.info, opened.getexif()
    orientation = exif.get(ORIENTATION, 1)
    found: dict[str, Any] = {
        "orientation": orientation if orientation in range(1, 9) else 1,
        "icc": (info.get("icc_profile") or b"") if profile else b"",
        "xmp": _bytes(info.get("xmp")),
        "dpi": _resolution(info.get("dpi")),
        "exif": _bytes(info.get("exif")).removeprefix(EXIF_PREFIX),
    }
    if kind == "TIFF":
        found["exif"] = _tiff_structure(exif)
    if kind == "JPEG":
        found["blocks"] = kept_segments(data, profile=profile)
    if kind == "PNG":
        found["blocks"] = kept_chunks(data)
    return found


def _tiff_structure(exif: Image.Exif) -> bytes:
    portable = Image.Exif()
    portable.endian = exif.endian
    for tag, value in portable_tags(exif).items():
        if tag not in (ICC, XMP):  # kept apart, since other formats do
            portable[tag] = value
    return portable.tobytes().removeprefix(EXIF_PREFIX) if len(portable) else b""


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else b""


def _resolution(dpi: object) -> tuple[float, float] | None:
    if not isinstance(dpi, tuple) or len(dpi) != 2:
        return None
    across, down = (float(value) for value in dpi)
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None
