"""PNG: its chunks, and a writer for 8 and 16 bits, grey and colour, with and without alpha (ISO/IEC 15948).

Pillow reads and writes colour with 8 bits only, OpenCV writes no metadata; hence this.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEPT = {
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"iCCP",
    b"cICP",
    b"mDCV",
    b"cLLI",
    b"pHYs",
    b"eXIf",
    b"iTXt",
    b"tEXt",
    b"zTXt",
    b"tIME",
}
"""Ancillary chunks that say nothing of how the pixels are coded, so that they hold for other pixels, too."""
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by number of channels
BAND = 128  # rows that are filtered together: bounds the memory
Samples = NDArray[np.uint8] | NDArray[np.uint16]


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def kept_chunks(data: bytes) -> tuple[bytes, ...]:
    """The chunks of a PNG file that another picture can carry on, as they are."""
    found, place = [], len(SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if data[place + 4 : place + 8] in KEPT:
            found.append(data[place : place + 12 + length])
        place += 12 + length
    return tuple(found)


def metadata_chunks(exif: bytes, icc: bytes, xmp: bytes, dpi: tuple[float, float] | None) -> tuple[bytes, ...]:
    """Chunks that say what another format's file said."""
    found = []
    if icc:
        found.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if dpi is not None:
        across, down = (min(round(value / 0.0254), 2**31 - 1) for value in dpi)
        found.append(chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if exif:
        found.append(chunk(b"eXIf", exif))
    if xmp:
        found.append(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    return tuple(found)


def encode_png(samples: Samples, chunks: Iterable[bytes] = ()) -> bytes:
    """(H, W, C) with C in 1 .. 4 as a PNG file of the same depth, with `chunks` before the pixels."""
    height, width, channels = samples.shape
    header = struct.pack(">IIBBBBB", width, height, samples.dtype.itemsize * 8, COLOUR_TYPES[channels], 0, 0, 0)
    packer = zlib.compressobj(6)
    packed = [packer.compress(rows) for rows in _filtered(samples)] + [packer.flush()]
    body = b"".join(packed)
    pieces = (body[start : start + 2**30] for start in range(0, len(body), 2**30))  # a chunk's length has 31 bits
    parts = [
        SIGNATURE,
        chunk(b"IHDR", header),
        *chunks,
        *(chunk(b"IDAT", piece) for piece in pieces),
        chunk(b"IEND", b""),
    ]
    return b"".join(parts)


def _filtered(samples: Samples) -> Iterator[bytes]:
    """Bands of rows as zlib gets them: for each row the filter (Sub, Up or Paeth) whose residual is smallest."""
    height, width, channels = samples.shape
    step = samples.dtype.itemsize * channels  # bytes of one pixel: filters work on bytes
    before = np.zeros((1, width * step + step), np.int16)
    for start in range(0, height, BAND):
        band = np.ascontiguousarray(samples[start : start + BAND])
        band = band.astype(band.dtype.newbyteorder(">"), copy=False).view(np.uint8).reshape(len(band), width * step)
        rows = np.pad(band.astype(np.int16), ((0, 0), (step, 0)))
        above = np.concatenate([before, rows[:-1]])
        here, left, up, corner = rows[:, step:], rows[:, :-step], above[:, step:], above[:, :-step]
        kinds = [(1, here - left), (2, here - up), (4, here - _paeth(left, up, corner))]
        residuals = np.stack([values.astype(np.uint8) for _, values in kinds])
        best = np.abs(residuals.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64).argmin(axis=0)
        chosen = residuals[best, np.arange(len(band))]
        numbers = np.array([kind for kind, _ in kinds], np.uint8)[best]
        yield np.concatenate([numbers[:, None], chosen], axis=1).tobytes()
        before = rows[-1:]


def _paeth(left: NDArray[np.int16], up: NDArray[np.int16], corner: NDArray[np.int16]) -> NDArray[np.int16]:
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    first = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(first, left, np.where(to_up <= to_corner, up, corner))
