import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from bench import images, photograph
from bench.errors import BenchError
from bench.photograph import inverse, read_photograph, turned, with_depth

NOISE = np.random.default_rng(0).integers(0, 256, (11, 7, 3), dtype=np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[40:200:48j, 60:220:64j], 128.0), axis=2).astype(np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (11, 7, 4), dtype=np.uint16)


def coded(kind, pixels=NOISE, *, mode=None, **options):
    stream = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture if mode is None else picture.convert(mode)).save(stream, kind, **options)
    return stream.getvalue()


def deep(suffix, pixels):
    return cv2.imencode(suffix, pixels)[1].tobytes()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM"])
def test_8_bits_come_as_they_are(kind):
    found = read_photograph(coded(kind))
    assert (found.format, found.bits, found.alpha, found.notes) == (kind, 8, None, ())
    assert np.array_equal(found.pixels, NOISE)
    grey = read_photograph(coded(kind, NOISE[..., 0]))
    assert np.array_equal(grey.pixels, NOISE[..., :1])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".ppm"])
def test_16_bit_colour_comes_with_every_bit(suffix):
    found = read_photograph(deep(suffix, DEEP[..., 2::-1]))
    assert found.pixels.dtype == np.uint16
    assert np.array_equal(found.pixels, DEEP[..., :3])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_16_bit_grey_comes_with_every_bit(suffix):
    found = read_photograph(deep(suffix, DEEP[..., 0]))
    assert np.array_equal(found.pixels, DEEP[..., :1])


def test_16_bit_alpha_is_apart():
    found = read_photograph(deep(".png", DEEP[..., [2, 1, 0, 3]]))
    assert np.array_equal(found.pixels, DEEP[..., :3])
    assert np.array_equal(found.alpha, DEEP[..., 3])


def test_alpha_of_colour_and_of_grey_is_apart():
    alpha = np.arange(77, dtype=np.uint8).reshape(11, 7)
    for pixels in (NOISE, NOISE[..., :1]):
        found = read_photograph(coded("PNG", np.dstack([pixels, alpha])))
        assert np.array_equal(found.pixels, pixels)
        assert np.array_equal(found.alpha, alpha)


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_rotated_photograph_is_stored_turned_and_seen_upright(kind, tag):
    exif = Image.Exif()
    exif[0x0112] = tag
    data = coded(kind, SMOOTH, exif=exif.tobytes())
    found = read_photograph(data)
    assert found.orientation == tag
    assert found.pixels.shape == SMOOTH.shape
    with Image.open(io.BytesIO(data)) as opened:
        assert np.array_equal(found.upright(), np.asarray(ImageOps.exif_transpose(opened)))
    assert np.array_equal(found.with_upright(found.upright()).pixels, found.pixels)


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_rotated_16_bit_tiff_is_stored_turned(tag, tiff):
    found = read_photograph(tiff(DEEP[..., :3], {274: tag}))
    assert found.orientation == tag
    assert np.array_equal(found.pixels, DEEP[..., :3])


@pytest.fixture
def tiff():
    from bench.tiff import encode_tiff

    return encode_tiff


def test_turning_back_undoes_turning():
    for tag in range(1, 9):
        assert np.array_equal(turned(turned(NOISE, tag), inverse(tag)), NOISE), tag
    assert len({turned(NOISE, tag).tobytes() for tag in range(1, 9)}) == 8


def test_depths_are_exchanged_without_loss_and_rounded_to_nearest():
    every = np.arange(256, dtype=np.uint8)
    assert with_depth(every, 16).tolist() == [257 * k for k in range(256)]
    assert np.array_equal(with_depth(with_depth(every, 16), 8), every)
    assert with_depth(np.array([128, 129, 65535], np.uint16), 8).tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    ("mode", "kind", "note"),
    [("P", "PNG", "palette"), ("1", "PNG", "black and white"), ("CMYK", "JPEG", "CMYK becomes RGB")],
)
def test_what_is_converted_is_said(mode, kind, note):
    found = read_photograph(coded(kind, SMOOTH, mode=mode))
    assert len(found.notes) == 1
    assert note in found.notes[0]
    assert found.pixels.dtype == np.uint8


def test_a_transparent_palette_keeps_its_transparency():
    picture = Image.fromarray(NOISE).convert("P")
    stream = io.BytesIO()
    picture.save(stream, "PNG", transparency=int(np.asarray(picture)[0, 0]))
    found = read_photograph(stream.getvalue())
    assert found.alpha[0, 0] == 0
    assert found.alpha.max() == 255


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_an_animation_is_refused(kind):
    frames = [Image.fromarray(pixels) for pixels in (SMOOTH, 255 - SMOOTH)]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    with pytest.raises(BenchError, match="holds 2 pictures"):
        read_photograph(stream.getvalue())


def test_further_pictures_of_a_phone_are_left_out_and_said():
    first, second = (Image.fromarray(pixels) for pixels in (SMOOTH, 255 - SMOOTH))
    stream = io.BytesIO()
    first.save(stream, "MPO", save_all=True, append_images=[second])
    found = read_photograph(stream.getvalue())
    assert found.format == "JPEG"
    assert "further pictures" in found.notes[0]
    assert np.abs(found.pixels.astype(int) - SMOOTH).max() < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "PPM"])
def test_what_is_cut_short_is_refused(kind):
    data = coded(kind, np.tile(NOISE, (9, 9, 1)))
    for length in (0, 5, 40, len(data) // 2):
        with pytest.raises(BenchError) as told:
            read_photograph(data[:length], name="dark.pic")
        assert "dark.pic" in str(told.value)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".ppm"])
def test_16_bits_that_are_cut_short_are_refused(suffix):
    data = deep(suffix, np.tile(DEEP[..., :3], (9, 9, 1)))
    with pytest.raises(BenchError):
        read_photograph(data[: len(data) // 2])


def test_what_decoders_do_not_agree_on_is_refused(monkeypatch):
    data = deep(".png", DEEP[..., 2::-1])
    monkeypatch.setattr(cv2, "imdecode", lambda *_: DEEP[..., :3] + np.uint16(600))
    with pytest.raises(BenchError, match="do not agree"):
        read_photograph(data)


def test_a_16_bit_tiff_that_stores_white_as_0_is_no_negative():
    stream = io.BytesIO()
    tifffile.imwrite(stream, DEEP[..., 0], photometric="miniswhite")
    assert np.array_equal(read_photograph(stream.getvalue()).pixels[..., 0], 65535 - DEEP[..., 0])


def test_other_formats_and_values_without_a_scale_are_refused():
    with pytest.raises(BenchError, match="not a picture"):
        read_photograph(coded("GIF", mode="P"))
    with pytest.raises(BenchError, match="scale is unknown"):
        read_photograph(coded("TIFF", np.ones((4, 4), np.float32)))
    with pytest.raises(BenchError, match="counts to 1023"):
        read_photograph(b"P6 2 1 1023\n" + bytes(12))


def test_bombs_are_refused_before_they_are_decoded(monkeypatch, tmp_path):
    monkeypatch.setattr(images, "MAX_PIXELS", 76)
    with pytest.raises(BenchError, match="7 x 11 pixels: more than 76"):
        read_photograph(coded("PNG"))
    monkeypatch.setattr(photograph, "MAX_BYTES", 10)
    (tmp_path / "long.png").write_bytes(coded("PNG"))
    with pytest.raises(BenchError, match="more than 10"):
        read_photograph(tmp_path / "long.png")


@pytest.mark.parametrize("shape", [(1, 1), (3, 20000), (1, 300)])
def test_extreme_shapes_are_read(shape):
    pixels = np.full((*shape, 3), 9, np.uint8)
    assert np.array_equal(read_photograph(coded("PNG", pixels)).pixels, pixels)
