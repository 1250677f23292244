import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bench import images
from bench.errors import BenchError
from bench.images import FORMATS, beside, list_images, read_image, read_rgb, to_pixels, to_tensor, write_rgb

NOISE = np.random.default_rng(0).integers(0, 256, (11, 7, 3), dtype=np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[40:200:48j, 60:220:64j], 128.0), axis=2).astype(np.uint8)


def saved(path, pixels=NOISE, *, mode=None, **options):
    picture = Image.fromarray(pixels)
    (picture if mode is None else picture.convert(mode)).save(path, **options)
    return path


def stored_as(path):
    """The mode of the file and what Pillow makes of it."""
    with Image.open(path) as opened:
        return opened.mode, np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".ppm"])
def test_lossless_formats_give_the_pixels_back(tmp_path, suffix):
    read = read_rgb(saved(tmp_path / f"a{suffix}"))
    assert read.dtype == np.uint8
    assert np.array_equal(read, NOISE)


def test_lossless_webp_gives_the_pixels_back(tmp_path):
    assert np.array_equal(read_rgb(saved(tmp_path / "a.webp", lossless=True)), NOISE)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_lossy_formats_come_close(tmp_path, suffix):
    read = read_rgb(saved(tmp_path / f"a{suffix}", SMOOTH, quality=95))
    assert np.abs(read.astype(int) - SMOOTH).max() <= 8


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = NOISE[..., 0]
    assert np.array_equal(read_rgb(saved(tmp_path / "a.png", grey)), np.repeat(grey[..., None], 3, axis=2))


def test_a_palette_is_looked_up(tmp_path):
    path = saved(tmp_path / "a.png", mode="P")
    mode, pixels = stored_as(path)
    assert mode == "P"
    assert np.array_equal(read_rgb(path), pixels)
    assert len(np.unique(read_rgb(path).reshape(-1, 3), axis=0)) > 20


def test_black_and_white_spans_the_range(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1").save(path)
    assert read_rgb(path).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_cmyk_is_converted(tmp_path):
    path = saved(tmp_path / "a.jpg", SMOOTH, mode="CMYK", quality=98)
    assert stored_as(path)[0] == "CMYK"
    assert np.abs(read_rgb(path).astype(int) - SMOOTH).max() <= 8


def test_alpha_is_dropped_and_the_colours_stay(tmp_path):
    alpha = np.dstack([NOISE, np.arange(77, dtype=np.uint8).reshape(11, 7)])
    assert np.array_equal(read_rgb(saved(tmp_path / "a.png", alpha)), NOISE)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_grey_is_scaled_to_8(tmp_path, suffix):
    grey = np.array([[0, 257, 257 * 100 + 60], [257 * 254, 65535, 300]], np.uint16)
    read = read_rgb(saved(tmp_path / f"a{suffix}", grey))
    assert read[..., 0].tolist() == [[0, 1, 100], [254, 255, 1]]
    assert np.array_equal(read[..., 0], read[..., 2])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_colour_is_scaled_to_8(tmp_path, suffix):
    cv2.imwrite(str(tmp_path / f"a{suffix}"), NOISE[..., ::-1].astype(np.uint16) * 257)
    assert np.array_equal(read_rgb(tmp_path / f"a{suffix}"), NOISE)


def test_16_bit_grey_that_stores_white_as_0_is_no_negative_for_scoring_either(tmp_path):
    grey = np.array([[0, 257 * 100], [257 * 254, 65535]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="miniswhite")
    assert read_rgb(tmp_path / "a.tif")[..., 0].tolist() == [[255, 155], [1, 0]]


def test_integers_of_32_bits_have_no_known_scale(tmp_path):
    Image.fromarray(np.full((4, 4), 70_000, np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(BenchError, match=r"a\.tif holds values of more than 16 bits"):
        read_rgb(tmp_path / "a.tif")


def test_a_dark_16_bit_grey_picture_is_scaled_like_a_bright_one(tmp_path):
    grey = np.full((4, 4), 250, np.uint16)  # below 1/255 of full scale: all but black
    assert read_rgb(saved(tmp_path / "a.png", grey)).max() <= 1


@pytest.mark.parametrize(("tag", "turned"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_the_orientation_tag_is_followed(tmp_path, tag, turned):
    exif = Image.Exif()
    exif[0x0112] = tag
    assert np.array_equal(read_rgb(saved(tmp_path / "a.png", exif=exif)), np.rot90(NOISE, turned))


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [Image.fromarray(pixels) for pixels in (NOISE, 255 - NOISE)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert np.array_equal(read_rgb(tmp_path / "a.png"), NOISE)


@pytest.mark.parametrize("name", ["a b'c\".png", "ночь 写真.png", "<script>.png", "semi;colon%20&.png"])
def test_odd_names_are_only_names(tmp_path, name):
    assert np.array_equal(read_rgb(saved(tmp_path / name)), NOISE)


def broken_pictures(folder):
    whole = saved(folder / "whole.png", np.tile(NOISE, (20, 20, 1))).read_bytes()
    jpeg = saved(folder / "whole.jpg", np.tile(NOISE, (20, 20, 1))).read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 0xFF
    contents = {
        "truncated.png": whole[: len(whole) // 2], "truncated.jpg": jpeg[: len(jpeg) // 2], "damaged.png": damaged,
        "empty.png": b"", "text.jpg": b"hello, I am a text\n" * 9, "header.png": whole[:20], "zeros.bmp": bytes(500),
        "vector.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return list(contents)


def test_what_cannot_be_decoded_is_an_error_that_names_the_file(tmp_path):
    for name in [*broken_pictures(tmp_path), "absent.png"]:
        with pytest.raises(BenchError) as told:
            read_rgb(tmp_path / name)
        assert str(tmp_path / name) in str(told.value), name
        assert "\n" not in str(told.value), name


def test_a_folder_is_no_picture(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(BenchError, match=r"folder\.png"):
        read_rgb(tmp_path / "folder.png")


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 76)
    with pytest.raises(BenchError, match="7 x 11 pixels: more than 76"):
        read_rgb(saved(tmp_path / "a.png"))


def test_every_byte_survives_the_way_through_tensors():
    pixels = np.arange(256 * 3, dtype=np.int64).reshape(16, 16, 3).astype(np.uint8)
    tensor = to_tensor(pixels)
    assert tensor.shape == (1, 3, 16, 16)
    assert tensor.dtype == torch.float32
    assert torch.equal(tensor[0, 2, 3], torch.from_numpy(pixels[3, :, 2].copy()).float() / 255)
    assert np.array_equal(to_pixels(tensor), pixels)
    assert np.array_equal(to_pixels(tensor[0]), pixels)


def test_a_tensor_owns_its_memory():
    pixels = NOISE.copy()
    tensor = to_tensor(pixels)
    pixels[:] = 0
    assert np.array_equal(to_pixels(tensor), NOISE)


def test_pixels_are_clipped_and_rounded_to_nearest():
    values = torch.tensor([-0.5, 0.0, 1.4 / 255, 1.6 / 255, 1.0, 7.0])
    assert to_pixels(values.expand(3, 1, 6))[0, :, 0].tolist() == [0, 0, 1, 2, 255, 255]


def test_one_pixel_high_or_wide_pictures_keep_their_shape():
    for shape in ((1, 1), (1, 7), (7, 1)):
        assert to_pixels(to_tensor(np.zeros((*shape, 3), np.uint8))).shape == (*shape, 3)


def test_read_image_is_the_tensor_of_the_pixels(tmp_path):
    assert torch.equal(read_image(saved(tmp_path / "a.png")), to_tensor(NOISE))


def test_writing_makes_folders_and_keeps_the_pixels(tmp_path):
    path = tmp_path / "new" / "folder" / "a.png"
    write_rgb(NOISE, path)
    assert np.array_equal(read_rgb(path), NOISE)
    assert list(path.parent.iterdir()) == [path]


class FullDisk:
    """Stands for a PngInfo: the disk is full when its chunks are written."""

    @property
    def chunks(self):
        raise OSError(28, "No space left on device")


def test_names_that_begin_alike_are_written_at_one_time(tmp_path):
    first, second = (tmp_path / f"{'a' * 60}{k}.png" for k in range(2))
    with beside(first) as one, beside(second) as two:
        one.write_bytes(b"1")
        two.write_bytes(b"2")
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    with beside(Path(tmp_path / f"{'b' * 251}.png")) as long:
        long.write_bytes(b"3")


def test_a_failed_write_leaves_the_old_file_and_no_partial_one(tmp_path):
    path = tmp_path / "a.png"
    write_rgb(NOISE, path)
    with pytest.raises(BenchError, match=r"Cannot write .*a\.png"):
        write_rgb(NOISE, path, pnginfo=FullDisk())
    assert np.array_equal(read_rgb(path), NOISE)
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_suffix_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(BenchError, match=r"Cannot write .*a\.xyz"):
        write_rgb(NOISE, tmp_path / "a.xyz")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="Cannot write"):
        write_rgb(NOISE, tmp_path / "file" / "a.png")


def test_a_folder_is_listed_in_order_with_its_subfolders(tmp_path):
    for name in ("b.png", "a.JPG", "sub/c.tiff", "sub/.hidden.png", "notes.txt", "Thumbs.db", "d.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [p.relative_to(tmp_path).as_posix() for p in list_images(tmp_path)] == [
        "a.JPG", "b.png", "d.webp", "sub/c.tiff",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_listed_suffix_can_be_read(tmp_path, suffix):
    shutil.copy(saved(tmp_path / "a.png"), tmp_path / f"copy{suffix}")  # content decides, not the name
    assert np.array_equal(read_rgb(tmp_path / f"copy{suffix}"), NOISE)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(BenchError, match=r"There is no folder .*absent"):
        list_images(tmp_path / "absent")
