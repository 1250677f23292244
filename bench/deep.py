"""16 bits a sample where Pillow gives 8 of them: OpenCV decodes, and Pillow's 8 bits must agree."""

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.errors import BenchError

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def is_deep(opened: Image.Image, data: bytes, name: str) -> bool:
    """Whether the file holds 16 bits a sample where Pillow would give 8."""
    if opened.format == "PNG":
        return data[24] == 16
    if opened.format == "PPM":
        header = re.match(rb"P([1-6])(?:\s+|#[^\n]*\n)*\d+(?:\s+|#[^\n]*\n)+\d+(?:\s+|#[^\n]*\n)+(\d+)", data)
        top = int(header[2]) if header and header[1] in b"2356" else 255
        if top not in (255, 65535):
            raise BenchError(f"{name} counts to {top}, not to 255 or 65535: convert it first.")
        return top == 65535
    if opened.format == "TIFF":
        tags = opened.tag_v2  # type: ignore[attr-defined]
        return set(tags.get(258, (1,))) == {16} and set(tags.get(339, (1,))) == {1}
    return False


def deep_pixels(opened: Image.Image, data: bytes, name: str) -> tuple[Pixels, Pixels | None]:
    """Pixels (H, W, 1 or 3) and alpha (H, W) of `opened`, which is loaded, from the file's bytes. Raises BenchError."""
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise BenchError(f"Cannot read {name}: OpenCV cannot decode it.") from error
    if values is None or values.dtype != np.uint16 or values.shape[:2] != (opened.height, opened.width):
        raise BenchError(f"Cannot read {name}: its 16 bits are coded in a way that OpenCV cannot decode.")
    values = values if values.ndim == 3 else values[..., None]
    if values.shape[2] > 2:
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]
    # Pillow shows grey PNGs with alpha as colour, so those are asked for their colour type
    grey = data[25] in (0, 4) if opened.format == "PNG" else opened.mode in ("L", "I") or opened.mode.startswith("I;")
    alpha = np.ascontiguousarray(values[..., -1]) if values.shape[2] in (2, 4) else None
    pixels = np.ascontiguousarray(values[..., :1] if grey else values[..., :3])
    if pixels.shape[2] == 2 or not _agrees(pixels, opened):
        raise BenchError(f"Cannot read {name}: its 16 bits are coded in a way that decoders do not agree on.")
    if opened.format == "TIFF" and opened.tag_v2.get(262) == 0:  # type: ignore[attr-defined]
        pixels = np.iinfo(np.uint16).max - pixels  # white is stored as 0, which neither decoder minds
    return pixels, alpha


def _agrees(pixels: Pixels, opened: Image.Image) -> bool:
    """Whether Pillow sees the same picture, in the 8 bits that it keeps."""
    seen = np.asarray(opened)
    seen = seen.reshape(*seen.shape[:2], -1)[..., : pixels.shape[2]]
    for start in range(0, len(pixels), 256):
        ours, theirs = pixels[start : start + 256].astype(np.int32), seen[start : start + 256].astype(np.int32)
        if (
            ours.shape != theirs.shape
            or np.abs(ours - theirs if seen.dtype.itemsize > 1 else (ours >> 8) - theirs).max() > 1
        ):
            return False
    return True
