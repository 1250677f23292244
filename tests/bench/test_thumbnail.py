import io
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from bench.encoding import encode
from bench.photograph import read_photograph
from bench.thumbnail import _text, without_previews, without_resources, without_thumbnail
from bench.tiff import encode_tiff

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


def resource(number, data, name=b""):
    named = bytes([len(name)]) + name
    return b"8BIM" + struct.pack(">H", number) + named + bytes(len(named) % 2) + struct.pack(">I", len(data)) + data


def test_photoshop_loses_its_previews_and_nothing_else():
    kept = [resource(1028, b"captions", b"odd"), resource(1005, bytes(16), b"even"), resource(1030, b"8BIM in a text")]
    dark = [resource(1036, DARK + bytes(len(DARK) % 2)), resource(1033, b"dark" * 3, b"name")]
    whole = kept[0] + dark[0] + kept[1] + dark[1] + kept[2] + b"\0"
    assert without_resources(whole) == b"".join(kept) + b"\0"
    data = coded("JPEG")
    body = b"Photoshop 3.0\0" + whole
    data = data[:20] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[20:]
    result = encode(read_photograph(data), "JPEG")[0]
    assert DARK not in result and b"dark" not in result
    assert all(one in result for one in kept)
    assert np.array_equal(read_photograph(result).pixels, read_photograph(data).pixels)


@pytest.mark.parametrize("length", range(0, 60, 3))
def test_cut_off_resources_stay_as_they_are_and_what_is_whole_before_them_goes(length):
    dark, caption, cut = resource(1036, b"dark" * 8), resource(1028, b"captions"), resource(1033, b"dark" * 12)[:length]
    assert without_resources(dark + caption + cut) == caption + cut


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["TIFF", "JPEG", "PNG"])
def test_a_tiff_loses_photoshops_previews_and_layers_and_keeps_the_rest(kind, order):
    caption = resource(1028, b"captions")
    exif, gps = {0x8827: 400, 0xA005: {1: "R98"}}, {1: "N"}
    tags = {270: "by moonlight", 0x8769: exif, 0x8825: gps, 34377: caption + resource(1036, DARK), 37724: DARK}
    data = encode_tiff(PICTURE, tags, big_endian=order == ">")
    assert data.count(DARK) == 2
    result = encode(read_photograph(data), kind)[0]
    assert DARK not in result
    with Image.open(io.BytesIO(result)) as opened:
        exif = opened.getexif()
        assert exif[270] == "by moonlight" and exif[34377] == caption and 37724 not in exif
        assert exif.get_ifd(0x8769)[0x8827] == 400 and exif.get_ifd(0x8825)[1] == "N"


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmp:Rating="5"><xmp:Thumbnails><rdf:Alt><rdf:li xmpGImg:image="ZGFyaw=="/></rdf:Alt></xmp:Thumbnails>
<dc:title>Night</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_loses_its_thumbnails_and_keeps_its_length_and_the_rest(kind):
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        data = coded(kind, pnginfo=text)
    elif kind == "TIFF":
        data = coded(kind, tiffinfo={700: XMP})
    else:
        data = coded(kind, xmp=XMP)
    assert b"ZGFyaw==" in data
    found = read_photograph(encode(read_photograph(data), kind)[0]).xmp
    start, end = XMP.index(b"<xmp:Thumbnails>"), XMP.index(b"</xmp:Thumbnails>") + len(b"</xmp:Thumbnails>")
    assert found == XMP[:start] + b" " * (end - start) + XMP[end:]


def test_compressed_xmp_of_a_png_loses_its_thumbnails_and_what_is_damaged_stays():
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
    found = read_photograph(encode(read_photograph(coded("PNG", pnginfo=text)), "PNG")[0]).xmp
    assert b"ZGFyaw==" not in found and found.endswith(XMP[XMP.index(b"<dc:title>") :])
    for body in (b"", b"\0", b"\1\0\0\0no deflate", b"\0\0one\0"):
        whole = b"XML:com.adobe.xmp\0" + body
        assert _text(whole) == whole


def test_an_empty_or_unclosed_list_of_thumbnails_stays():
    for xmp in (b"<a><xmp:Thumbnails/><b>x</b></a>", b"<xmp:Thumbnails><b>x</b>", b"", b"<xmp:Thumbnails>" * 10**5):
        assert without_previews(xmp) == xmp
