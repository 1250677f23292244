"""JPEG: the segments of metadata, which are carried from one file to another byte by byte (ITU-T T.81, annex B)."""

import struct
from collections.abc import Iterator

SOI, SOS, EOI = 0xD8, 0xDA, 0xD9
PICTURE = {0xDB, 0xC4, 0xDD, 0xCC, *range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
"""Markers of tables and frames: they belong to the pixels."""


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, whole segment) of a JPEG file up to its first scan."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
            continue
        if marker in (SOS, EOI):
            return
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        yield marker, data[place : place + 2 + length]
        place += 2 + length


def kept_segments(data: bytes, *, profile: bool = True) -> tuple[bytes, ...]:
    """The segments that another picture can carry on: EXIF, XMP, IPTC, comments, resolution and (`profile`) ICC.

    Left out are what belongs to the pixels: tables, the colour transform (Adobe), further pictures (MPF) and JFIF's
    thumbnail of the dark picture.
    """
    found = []
    for marker, segment in segments(data):
        body = segment[4:]
        foreign = marker == 0xEE or body.startswith((b"MPF\0", b"JFXX\0"))
        if marker in PICTURE or foreign or (body.startswith(b"ICC_PROFILE\0") and not profile):
            continue
        found.append(segment)
    return tuple(found)


def with_segments(encoded: bytes, kept: tuple[bytes, ...]) -> bytes:
    """A fresh JPEG file with the segments of another. Its own JFIF header stays where the other had none."""
    place, own = 2, b""
    while encoded[place + 1] == 0xE0:
        (length,) = struct.unpack(">H", encoded[place + 2 : place + 4])
        own += encoded[place : place + 2 + length]
        place += 2 + length
    has = any(segment[4:9] == b"JFIF\0" for segment in kept)
    return encoded[:2] + (b"" if has else own) + b"".join(kept) + encoded[place:]
