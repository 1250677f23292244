"""TIFF: a writer for 8 and 16 bits, grey and colour, with and without alpha, that carries every tag (TIFF 6.0).

Pillow writes colour with 8 bits only, OpenCV writes no metadata; hence this. Pixels are deflated in strips with
horizontal differences (Adobe's technical notes), or left plain.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

EXIF, GPS, INTEROP, XMP, ICC = 0x8769, 0x8825, 0xA005, 700, 34675
STRUCTURAL = {*range(254, 260), 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, *range(284, 294), 297, 301, 317,
              *range(320, 337), 338, 339, 340, 341, 342, 347, *range(512, 533)}  # fmt: skip
"""Tags that say how the pixels are coded and where they lie, or point elsewhere in the old file."""
PLAIN, DEFLATED = 1, 8
STRIP = 1 << 18  # bytes of a strip, about


def portable_tags(exif: Image.Exif) -> dict[int, Any]:
    """The tags of a picture that another can carry on, by number; the EXIF and GPS directories as mappings."""
    return {
        tag: _directory(exif, tag) if tag in (EXIF, GPS) else value
        for tag, value in exif.items()
        if tag not in STRUCTURAL
    }


def _directory(exif: Image.Exif, tag: int) -> dict[int, Any]:
    found = dict(exif.get_ifd(tag))
    if INTEROP in found:  # else a pointer into the old file
        found[INTEROP] = dict(exif.get_ifd(INTEROP))
    return found


def encode_tiff(
    samples: NDArray[np.uint8] | NDArray[np.uint16], tags: Mapping[int, Any], *, big_endian: bool = False,
    compressed: bool = True,
) -> bytes:  # fmt: skip
    """(H, W, C) with C in 1 .. 4 as a TIFF file of the same depth; an even C ends with alpha. `tags` by number.

    Values are as Pillow's, directories (EXIF, GPS) as mappings. Raises ValueError beyond the 4 GB of a TIFF file.
    """
    height, width, channels = samples.shape
    rows = max(STRIP // (width * channels * samples.dtype.itemsize), 1)
    strips = list(_strips(samples, rows, big_endian=big_endian, compressed=compressed))
    offsets = np.cumsum([0, *map(len, strips)]).tolist()  # from the end of the directory, as Pillow wants them
    if offsets[-1] > 2**32 - 2**24:
        raise ValueError("the picture does not fit into the 4 GB of a TIFF file")
    header = b"MM\0*\0\0\0\x08" if big_endian else b"II*\0\x08\0\0\0"
    directory = ImageFileDirectory_v2(ifh=header)
    for tag, value in tags.items():
        directory[tag] = value
    coding = {
        256: width, 257: height, 258: (samples.dtype.itemsize * 8,) * channels,
        259: DEFLATED if compressed else PLAIN, 262: 2 if channels > 2 else 1, 273: tuple(offsets[:-1]),
        277: channels, 278: rows, 279: tuple(map(len, strips)), 284: 1,
    }  # fmt: skip
    if compressed:
        coding[317] = 2
    if channels % 2 == 0:
        coding[338] = 2  # unassociated alpha
    for tag, number in coding.items():
        directory[tag] = number
    directory.tagtype[273] = directory.tagtype[279] = TiffTags.LONG
    return b"".join([header, directory.tobytes(8), *strips])


def _strips(
    samples: NDArray[np.uint8] | NDArray[np.uint16], rows: int, *, big_endian: bool, compressed: bool
) -> Iterator[bytes]:
    order: Literal[">", "<"] = ">" if big_endian else "<"
    for start in range(0, len(samples), rows):
        strip = np.ascontiguousarray(samples[start : start + rows])
        if compressed:
            strip = strip.copy()
            np.subtract(strip[:, 1:], samples[start : start + rows, :-1], out=strip[:, 1:])  # wraps, as the format says
        raw = strip.astype(strip.dtype.newbyteorder(order), copy=False).tobytes()
        yield zlib.compress(raw, 6) if compressed else raw
