"""Metadata without EXIF's and JFIF's thumbnails: beside a brightened photograph they would still show the dark one."""

import struct
from dataclasses import replace

from bench.photograph import EXIF_PREFIX, Photograph
from bench.png import chunk

ORDERS = {b"II": "<", b"MM": ">"}
START, LENGTH = 0x0201, 0x0202  # EXIF's tags of where the thumbnail is
APP0, APP1 = 0xE0, 0xE1
JFIF_HEAD = 12  # bytes of a JFIF header's body before the thumbnail's width and height


def without_thumbnails(photograph: Photograph) -> Photograph:
    """`photograph` without the thumbnails that EXIF (of JPEG, PNG and WebP) and JFIF keep; all else stays as it is."""
    blocks = photograph.blocks
    if photograph.format == "JPEG":
        blocks = tuple(map(_segment, blocks))
    if photograph.format == "PNG":
        blocks = tuple(map(_chunk, blocks))
    return replace(photograph, exif=without_thumbnail(photograph.exif), blocks=blocks)


def without_thumbnail(exif: bytes) -> bytes:
    """A TIFF structure as EXIF has it, whose second directory is the thumbnail's: no more pointed to, its bytes gone.

    What follows the thumbnail stays at its place, for others point there. What is no such structure is given back.
    """
    try:
        return _cleared(exif, ORDERS[exif[:2]])
    except (KeyError, struct.error):
        return exif


def _cleared(exif: bytes, order: str) -> bytes:
    (first,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, first)
    pointer = first + 2 + 12 * count
    (second,) = struct.unpack_from(f"{order}I", exif, pointer)
    if second == 0:
        return exif
    found = bytearray(exif)
    found[pointer : pointer + 4] = bytes(4)
    (count,) = struct.unpack_from(f"{order}H", exif, second)
    entries = [struct.unpack_from(f"{order}HHII", exif, second + 2 + 12 * place) for place in range(count)]
    values = {tag: value for tag, _, _, value in entries}
    start, end = values.get(START, 0), values.get(START, 0) + values.get(LENGTH, 0)
    if start >= pointer + 4 and end <= len(found):
        found[start:end] = b"" if end == len(found) else bytes(end - start)
    return bytes(found)


def _segment(segment: bytes) -> bytes:
    marker, body = segment[1], segment[4:]
    if marker == APP1 and body.startswith(EXIF_PREFIX):
        body = EXIF_PREFIX + without_thumbnail(body.removeprefix(EXIF_PREFIX))
    elif marker == APP0 and body.startswith(b"JFIF\0"):
        body = body[:JFIF_HEAD] + bytes(2)
    else:
        return segment
    return segment[:2] + struct.pack(">H", len(body) + 2) + body


def _chunk(whole: bytes) -> bytes:
    kind, exif = whole[4:8], whole[8:-4]
    return chunk(kind, without_thumbnail(exif)) if kind == b"eXIf" else whole
