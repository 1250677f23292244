import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from bench.encoding import encode
from bench.errors import BenchError
from bench.photograph import Photograph, read_photograph
from bench.png import encode_png, kept_chunks

RNG = np.random.default_rng(0)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[40:200:48j, 60:220:64j], 128.0), axis=2).astype(np.uint8)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


def tags():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0in the dark"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def coded(kind, pixels=SMOOTH, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def noise(channels, bits):
    return RNG.integers(0, 2**bits, (37, 29, channels)).astype(np.uint8 if bits == 8 else np.uint16)


def photograph(channels, bits, **more):
    values = noise(channels, bits)
    alpha = values[..., -1] if channels % 2 == 0 else None
    return Photograph(values[..., : 1 if channels < 3 else 3], "", alpha=alpha, **more)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_metadata_survives(kind):
    data = coded(kind, exif=tags().tobytes(), icc_profile=PROFILE, dpi=(300, 300), xmp=XMP)
    before = read_photograph(data)
    result, notes = encode(before.with_upright(before.upright()), kind)
    after = read_photograph(result)
    assert notes == ()
    assert (after.orientation, after.icc, after.format) == (6, PROFILE, kind)
    assert after.exif == before.exif
    with Image.open(io.BytesIO(result)) as opened:
        exif = opened.getexif()
        assert exif[0x010F] == "Maker"
        assert exif.get_ifd(0x8769)[0x9286] == b"ASCII\0\0\0in the dark"
        assert exif.get_ifd(0x8825)[1] == "N"
    if kind != "WEBP":
        assert after.dpi == pytest.approx((300, 300), rel=1e-4)
    if kind in ("JPEG", "WEBP"):
        assert after.xmp == XMP


@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("target", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_metadata_survives_another_format(source, target):
    before = read_photograph(coded(source, exif=tags().tobytes(), icc_profile=PROFILE))
    after = read_photograph(encode(before, target)[0])
    assert (after.orientation, after.icc) == (6, PROFILE)
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + after.exif)
    assert exif[0x010F] == "Maker"
    assert exif.get_ifd(0x8769)[0x9286] == b"ASCII\0\0\0in the dark"
    assert np.abs(after.upright().astype(int) - before.upright()).max() <= 10


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_and_tiff_give_every_bit_back(channels, bits):
    given = photograph(channels, bits)
    for kind in ("PNG", "TIFF"):
        if (kind, channels, bits) == ("TIFF", 2, 16):
            continue  # Pillow does not open grey TIFFs with alpha and 16 bits
        found = read_photograph(encode(given, kind)[0])
        assert np.array_equal(found.pixels, given.pixels), kind
        assert (found.alpha is None) == (given.alpha is None)
        assert given.alpha is None or np.array_equal(found.alpha, given.alpha)


@pytest.mark.parametrize("kind", ["BMP", "PPM"])
def test_plain_formats_give_the_pixels_back_and_say_what_they_cannot_hold(kind):
    given = photograph(3, 8, icc=PROFILE)
    data, notes = encode(given, kind)
    assert np.array_equal(read_photograph(data).pixels, given.pixels)
    assert "no metadata" in notes[0]


def test_plain_formats_are_written_upright():
    given = photograph(3, 8, orientation=6)
    assert np.array_equal(read_photograph(encode(given, "PPM")[0]).pixels, given.upright())


def test_opencv_reads_our_16_bit_png_as_we_wrote_it():
    values = noise(3, 16)
    decoded = cv2.imdecode(np.frombuffer(encode_png(values), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(decoded[..., ::-1], values)


def test_the_filters_make_smooth_pngs_small():
    assert len(encode_png(SMOOTH)) < 0.1 * SMOOTH.nbytes


def test_a_png_keeps_its_chunks_and_no_pixel_chunks():
    text = b"tEXt" + b"Title\0A night"
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    data = coded("PNG")
    data = data[:33] + chunk + data[33:]
    after = encode(read_photograph(data), "PNG")[0]
    assert kept_chunks(after) == (chunk,)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [30, 75, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_is_as_good_as_its_source(quality, subsampling, progressive):
    pixels = RNG.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    data = coded("JPEG", pixels, quality=quality, subsampling=subsampling, progressive=progressive)
    result = encode(read_photograph(data), "JPEG")[0]
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(result)) as after:
        assert after.quantization == before.quantization
        assert after.layer == before.layer
        assert bool(after.info.get("progressive")) == progressive


def test_a_jpeg_keeps_its_other_segments():
    iptc = b"\xff\xed" + struct.pack(">H", 2 + 20) + b"Photoshop 3.0\0abcdef"
    data = coded("JPEG", comment=b"by moonlight", exif=tags().tobytes())
    result = encode(read_photograph(data[:2] + iptc + data[2:]), "JPEG")[0]
    assert result.count(iptc) == 1
    assert result.count(b"by moonlight") == 1
    assert result.count(b"Exif\0\0") == 1
    assert result.count(b"JFIF\0") == 1


def test_grey_and_cmyk_jpegs_are_written(tmp_path):
    grey = read_photograph(encode(read_photograph(coded("JPEG", SMOOTH[..., 0])), "JPEG")[0])
    assert grey.pixels.shape == (48, 64, 1)
    stream = io.BytesIO()
    Image.fromarray(SMOOTH).convert("CMYK").save(stream, "JPEG", icc_profile=PROFILE)
    given = read_photograph(stream.getvalue())
    assert "without its colour profile" in given.notes[0]
    result = read_photograph(encode(given, "JPEG")[0])
    assert np.abs(result.pixels.astype(int) - SMOOTH).max() <= 12
    assert result.icc == b""


def test_a_lossless_webp_stays_lossless():
    for more in ({}, {"icc_profile": PROFILE}):
        given = read_photograph(coded("WEBP", lossless=True, **more))
        again = read_photograph(encode(given, "WEBP")[0])
        assert np.array_equal(again.pixels, SMOOTH) and again.icc == more.get("icc_profile", b"")
    assert not read_photograph(coded("WEBP", quality=95)).coding["lossless"]


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "PPM"])
def test_transparency_is_never_dropped(kind):
    with pytest.raises(BenchError, match="cannot hold transparency"):
        encode(photograph(4, 8), kind)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP"])
def test_fewer_bits_are_said(kind):
    data, notes = encode(photograph(3, 16), kind)
    assert "8 bits" in notes[0]
    assert read_photograph(data).bits == 8


def test_too_wide_a_webp_is_one_sentence():
    with pytest.raises(BenchError, match="cannot be coded as WEBP"):
        encode(Photograph(np.zeros((3, 20000, 3), np.uint8), ""), "WEBP")


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_written_jpeg_looks_upright(tag):
    exif = Image.Exif()
    exif[0x0112] = tag
    data = coded("JPEG", exif=exif.tobytes(), quality=95)
    given = read_photograph(data)
    darker = given.upright() // 2
    with Image.open(io.BytesIO(encode(given.with_upright(darker), "JPEG")[0])) as opened:
        assert opened.getexif()[0x0112] == tag
        seen = np.asarray(ImageOps.exif_transpose(opened)).astype(int)
    assert seen.shape == darker.shape
    assert np.abs(seen - darker).max() <= 8


def test_every_suffix_has_a_format():
    from bench.encoding import ENCODERS
    from bench.images import FORMATS

    assert set(FORMATS.values()) == set(ENCODERS)


@pytest.mark.parametrize("big_endian", [False, True])
def test_a_tiff_keeps_its_byte_order_and_stays_plain(big_endian):
    from bench.tiff import encode_tiff

    values = noise(3, 16)
    data = encode_tiff(values, {271: "Maker"}, big_endian=big_endian, compressed=False)
    result = encode(read_photograph(data), "TIFF")[0]
    assert result[:2] == (b"MM" if big_endian else b"II")
    assert len(result) > values.nbytes
    assert np.array_equal(read_photograph(result).pixels, values)
