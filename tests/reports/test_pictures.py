import base64
import io
import itertools

import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError
from reports.gallery import BUDGET, files_of, gallery_of
from reports.pictures import GalleryItem, chosen, contact_sheet, contact_sheets, data_uri, side_for, thumbnail


def decoded(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))


def test_a_thumbnail_is_at_most_640_pixels_and_never_enlarged(picture):
    assert thumbnail(picture("wide.png", "red", size=(1600, 400))).size == (640, 160)
    assert thumbnail(picture("small.png", "red", size=(30, 20))).size == (30, 20)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    Image.new("RGB", (20, 10), (250, 250, 250)).convert(mode).save(path)
    shown = thumbnail(path)
    assert shown.mode == "RGB"
    assert np.asarray(shown).mean() > 225  # a palette dithers


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    Image.fromarray(np.full((10, 20), 257 * 100, dtype=np.uint16)).save(tmp_path / "deep.png")
    assert np.asarray(thumbnail(tmp_path / "deep.png")).max() == 100


def test_a_rotated_photograph_is_shown_upright(tmp_path):
    turned = Image.new("RGB", (40, 20))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert thumbnail(tmp_path / "turned.jpg").size == (20, 40)


@pytest.mark.parametrize("content", [None, b"", b"not a picture", b"\x89PNG\r\n\x1a\n truncated"])
def test_a_file_that_is_no_picture_is_named(tmp_path, content):
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BenchError, match=r"broken\.png"):
        thumbnail(path)


def test_the_address_holds_the_picture(picture):
    shown = decoded(data_uri(thumbnail(picture("red.png", (220, 10, 10)))))
    assert shown.size == (48, 32)
    assert np.asarray(shown, dtype=float)[16, 24] == pytest.approx([220, 10, 10], abs=4)


def test_datasets_take_turns_and_the_order_stays(tmp_path):
    items = [GalleryItem("a", str(i), tmp_path, {}) for i in range(5)] + [GalleryItem("b", "b0", tmp_path, {})]
    assert [item.image for item in chosen(items, limit=3)] == ["0", "1", "b0"]
    assert chosen(items, limit=0) == []
    assert chosen(items, limit=99) == items


def test_an_unreadable_result_costs_only_itself(gallery, tmp_path):
    item = GalleryItem("d", "x.png", gallery[0].low, {**gallery[0].results, "gone": tmp_path / "gone.png"})
    dark = GalleryItem("d", "y.png", tmp_path / "nowhere.png", gallery[0].results)
    shown = gallery_of([item, dark], limit=5)
    assert [[method for method, _ in shot.results] for shot in shown.shots] == [["clahe", "gamma"]]
    assert len(shown.unreadable) == 2
    assert "gone.png" in shown.unreadable[0]
    assert "nowhere.png" in shown.unreadable[1]
    assert shown.total == 2


def test_the_budget_stops_the_gallery_but_not_its_first_picture(gallery):
    assert len(gallery_of(gallery * 3, limit=3, budget=1).shots) == 1


def test_the_contact_sheet_has_a_cell_a_picture_and_leaves_gaps(gallery):
    partial = GalleryItem("d", "x.png", gallery[0].low, {"gamma": gallery[0].results["gamma"]})
    figure = contact_sheet([*gallery, partial])
    axes = figure.axes[0]
    assert len(axes.images) == 5
    assert [text.get_text() for text in axes.texts][:3] == ["low light", "clahe", "gamma"]
    middles = [np.asarray(image.get_array())[78, 112] for image in axes.images]
    assert middles[1].tolist() == [200, 40, 40]
    assert middles[4].tolist() == [40, 200, 40]


def test_many_methods_make_several_sheets_with_the_input_on_each(gallery):
    item = GalleryItem("d", "x.png", gallery[0].low, {f"m{k}": gallery[0].low for k in range(10)})
    sheets = contact_sheets([item])
    assert list(sheets) == ["contact-sheet-1", "contact-sheet-2"]
    assert [len(sheet.axes[0].images) for sheet in sheets.values()] == [9, 3]
    assert list(contact_sheets(gallery)) == ["contact-sheet"]


def test_the_columns_of_a_sheet_are_in_the_order_that_is_asked_for(gallery):
    partial = GalleryItem("d", "x.png", gallery[0].low, {"gamma": gallery[0].results["gamma"]})
    (sheet,) = contact_sheets([partial, *gallery], order=["clahe", "other", "gamma"]).values()
    assert [text.get_text() for text in sheet.axes[0].texts][:3] == ["low light", "clahe", "gamma"]


def test_a_method_of_the_input_s_name_takes_no_place_of_the_input(gallery):
    item = GalleryItem("d", "x.png", gallery[0].low, {"low light": gallery[0].results["gamma"]})
    targets = {name: (target, path) for name, (target, path) in files_of(item).items()}
    assert targets[""][1] == gallery[0].low and targets["low light"][1] == gallery[0].results["gamma"]
    assert targets[""][0] != targets["low light"][0]


def test_the_more_pictures_the_smaller_and_twenty_methods_on_twelve_photographs_fit(tmp_path):
    sides = [side_for(count, budget=BUDGET) for count in (1, 100, 252, 10_000)]
    assert sides[0] == 640
    assert sides[-1] == 320
    assert all(before >= after for before, after in itertools.pairwise(sides))
    waves = np.sin(np.linspace(0, 60, 900)) * 60 + np.random.default_rng(0).normal(120, 12, (600, 900))
    detailed = tmp_path / "detailed.png"
    Image.fromarray(np.stack([waves] * 3, axis=2).clip(0, 255).astype(np.uint8)).save(detailed)
    items = [GalleryItem("d", f"{k}.png", detailed, {f"m{m}": detailed for m in range(20)}) for k in range(12)]
    assert len(gallery_of(items, limit=12).shots) == 12
