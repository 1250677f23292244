"""Metadata without thumbnails: beside a brightened photograph they would still show the dark one.

EXIF keeps one as a second directory, JFIF in its header, Photoshop as one of its resources (in APP13, in TIFF as a tag,
beside all its layers; Adobe Photoshop File Formats Specification), XMP as text (`xmp:Thumbnails`; XMP Specification,
part 1). What makers keep in their notes stays, and so does what is spread over several segments of a JPEG.
"""

import struct
import zlib
from dataclasses import replace

from PIL import Image

from bench.photograph import EXIF_PREFIX, Photograph
from bench.png import chunk

ORDERS = {b"II": "<", b"MM": ">"}
START, LENGTH = 0x0201, 0x0202  # EXIF's tags of where the thumbnail is
APP0, APP1, APP13 = 0xE0, 0xE1, 0xED
JFIF_HEAD = 12  # bytes of a JFIF header's body before the thumbnail's width and height
PHOTOSHOP, RESOURCE, PREVIEWS = b"Photoshop 3.0\0", b"8BIM", (1033, 1036)
RESOURCES, LAYERS = 34377, 37724  # TIFF's tags of Photoshop's resources and layers, the dark picture's
XMP_PREFIX, XMP_KEYWORD = b"http://ns.adobe.com/xap/1.0/\0", b"XML:com.adobe.xmp\0"
XMP_PREVIEWS = b"<xmp:Thumbnails>", b"</xmp:Thumbnails>"


def without_thumbnails(photograph: Photograph) -> Photograph:
    """`photograph` without the thumbnails that its metadata keep; all else stays as it is."""
    blocks = photograph.blocks
    if photograph.format == "JPEG":
        blocks = tuple(map(_segment, blocks))
    if photograph.format == "PNG":
        blocks = tuple(map(_chunk, blocks))
    exif = without_thumbnail(photograph.exif)
    if photograph.format == "TIFF":
        exif = _without_photoshop(exif)
    return replace(photograph, exif=exif, xmp=without_previews(photograph.xmp), blocks=blocks)


def without_thumbnail(exif: bytes) -> bytes:
    """A TIFF structure as EXIF has it, whose second directory is the thumbnail's: no more pointed to, its bytes gone.

    What follows the thumbnail stays at its place, for others point there. What is no such structure is given back.
    """
    try:
        return _cleared(exif, ORDERS[exif[:2]])
    except (KeyError, struct.error):
        return exif


def without_previews(xmp: bytes) -> bytes:
    """XMP with spaces for its thumbnails, so that it stays as long as it was."""
    opening, closing = XMP_PREVIEWS
    cleared, end = bytearray(xmp), 0
    while (start := xmp.find(opening, end)) >= 0 and (found := xmp.find(closing, start)) >= 0:
        end = found + len(closing)
        cleared[start:end] = b" " * (end - start)
    return bytes(cleared)


def without_resources(photoshop: bytes) -> bytes:
    """Photoshop's resources, one behind the other, without the previews; from one that is cut off on as they are."""
    kept, place = b"", 0
    while photoshop[place : place + 4] == RESOURCE and place + 7 <= len(photoshop):
        size_at = place + 6 + (photoshop[place + 6] // 2 + 1) * 2  # behind the name, whose length is made even
        if size_at + 4 > len(photoshop):
            break
        number, size = (struct.unpack_from(how, photoshop, at)[0] for how, at in ((">H", place + 4), (">I", size_at)))
        end = size_at + 4 + size
        if end > len(photoshop):
            break
        end = min(end + size % 2, len(photoshop))
        kept += b"" if number in PREVIEWS else photoshop[place:end]
        place = end
    return kept + photoshop[place:]


def _without_photoshop(exif: bytes) -> bytes:
    """A TIFF's tags as a structure, Photoshop's without previews and layers."""
    tags = Image.Exif()
    tags.load(exif)
    resources, layers = tags.pop(RESOURCES, b""), tags.pop(LAYERS, b"")
    if not resources and not layers:
        return exif
    left = without_resources(resources)
    if left:
        tags[RESOURCES] = left
    return tags.tobytes().removeprefix(EXIF_PREFIX)


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
    elif marker == APP1 and body.startswith(XMP_PREFIX):
        body = without_previews(body)
    elif marker == APP13 and body.startswith(PHOTOSHOP):
        body = PHOTOSHOP + without_resources(body.removeprefix(PHOTOSHOP))
    else:
        return segment
    return segment[:2] + struct.pack(">H", len(body) + 2) + body


def _chunk(whole: bytes) -> bytes:
    kind, body = whole[4:8], whole[8:-4]
    if kind == b"eXIf":
        return chunk(kind, without_thumbnail(body))
    if kind == b"iTXt" and body.startswith(XMP_KEYWORD):
        return chunk(kind, _text(body))
    return whole


def _text(body: bytes) -> bytes:
    """XMP as PNG's iTXt has it, compressed or not: keyword, two bytes that tell, language, translation, text."""
    start = len(XMP_KEYWORD) + 2
    try:
        language, translated, text = body[start:].split(b"\0", 2)
        compressed = body[start - 2] != 0
        left = without_previews(zlib.decompress(text) if compressed else text)
    except (ValueError, IndexError, zlib.error):
        return body
    return body[:start] + b"\0".join((language, translated, zlib.compress(left) if compressed else left))
