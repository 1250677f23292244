import io
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image

from bench.encoding import encode
from bench.photograph import read_photograph
from bench.thumbnail import without_thumbnail

PICTURE = np.full((20, 24, 3), 60, np.uint8)


def coded(kind, pixels=PICTURE, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


DARK = coded("JPEG", PICTURE[:8, :8])


def exif_with_thumbnail(order, *, behind=b""):
    """Two directories: an orientation and a text that lies at the very end, and the thumbnail's with its bytes."""
    mark, text = (b"II" if order == "<" else b"MM"), b"by moonlight\0"
    first = struct.pack(f"{order}H", 2) + struct.pack(f"{order}HHIHH", 0x0112, 3, 1, 6, 0)
    second = struct.pack(f"{order}HHHIHH", 3, 0x0103, 3, 1, 6, 0)
    start = 8 + 30 + 42
    second += struct.pack(f"{order}HHII", 0x0201, 4, 1, start) + struct.pack(f"{order}HHII", 0x0202, 4, 1, len(DARK))
    second += bytes(4)
    if behind:
        where = struct.pack(f"{order}HHII", 0x010E, 2, len(text), start + len(DARK))
    else:
        where = struct.pack(f"{order}HHI4s", 0x010E, 2, 4, b"moo\0")
    first += where + struct.pack(f"{order}I", 8 + 30)
    head = mark + struct.pack(f"{order}HI", 42, 8)
    assert len(head + first) == 38 and len(second) == 42
    return head + first + second + DARK + behind


def thumbnail_in(data):
    """The thumbnail that Pillow finds, and the other tags."""
    with Image.open(io.BytesIO(data)) as opened:
        exif = opened.getexif()
        return dict(exif.get_ifd(ExifTags.IFD.IFD1)), dict(exif)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("behind", [b"", b"by moonlight\0"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_dark_thumbnail_is_gone_and_all_other_metadata_is_there(order, behind, kind):
    exif = exif_with_thumbnail(order, behind=behind)
    data = coded(kind, exif=b"Exif\0\0" + exif)
    thumbnail, before = thumbnail_in(data)
    assert thumbnail[0x0202] == len(DARK) and DARK in data
    result, notes = encode(read_photograph(data), kind)
    thumbnail, after = thumbnail_in(result)
    assert notes == () and thumbnail == {} and DARK not in result
    assert after == before == {0x0112: 6, 0x010E: "by moonlight" if behind else "moo"}


def test_a_jfif_header_loses_its_thumbnail_and_keeps_its_resolution():
    data = coded("JPEG", dpi=(300, 300))
    assert data[2:4] == b"\xff\xe0" and data[4:6] == b"\0\x10"
    pixels = b"dark picture"
    thumb = data[:2] + b"\xff\xe0" + struct.pack(">H", 16 + 12) + data[6:18] + b"\x02\x02" + pixels + data[20:]
    assert np.array_equal(read_photograph(thumb).pixels, read_photograph(data).pixels)
    result = encode(read_photograph(thumb), "JPEG")[0]
    assert pixels not in result and result[:20] == data[:20]
    assert read_photograph(result).dpi == (300, 300)


@pytest.mark.parametrize("exif", [b"", b"II", b"XX*\0\x08\0\0\0", b"II*\0\xff\xff\0\0", b"II*\0\x08\0\0\0\xff\xff"])
def test_what_is_no_structure_stays_as_it_is(exif):
    assert without_thumbnail(exif) == exif


def test_without_a_thumbnail_nothing_changes():
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    plain = exif.tobytes().removeprefix(b"Exif\0\0")
    assert without_thumbnail(plain) == plain
    cleared = without_thumbnail(exif_with_thumbnail("<"))
    assert without_thumbnail(cleared) == cleared
