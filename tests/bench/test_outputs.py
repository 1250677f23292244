import numpy as np
import pytest
from PIL import Image

from bench.data import Dataset
from bench.errors import BenchError
from bench.images import size_of
from bench.outputs import match, match_all


@pytest.fixture
def pictures(tmp_path, photograph):
    """Makes a dataset of small pictures (H 24, W 32) with these names."""

    def make(*names, name="night"):
        for image in names:
            photograph(tmp_path / name / image)
        folder = tmp_path / name
        return Dataset(name, folder, "test", low=tuple(folder / image for image in sorted(names)))

    return make


@pytest.fixture
def results(tmp_path, photograph):
    """Writes pictures of these names (or name: size) into a folder of results."""

    def make(*names, folder="mine", size=(24, 32)):
        for name in names:
            photograph(tmp_path / folder / name, size=size)
        return tmp_path / folder

    return make


@pytest.mark.parametrize(
    ("image", "result"),
    [
        ("a.jpg", "a.jpg"),
        ("a.jpg", "a.png"),
        ("low/1.png", "low/1.png"),
        ("low/1.png", "1.png"),
        ("low/1.bmp", "deep/1.jpg"),
        ("it's b.jpg", "it's b.png"),
    ],
)
def test_a_result_is_found_by_path_then_stem_then_name(pictures, results, image, result):
    found, amiss = match("m", results(result), pictures(image))
    assert found == {image: results() / result}
    assert amiss == []


def test_the_exact_name_goes_before_the_stem(pictures, results):
    found, amiss = match("m", results("a.jpg", "a.png"), pictures("a.jpg"))
    assert found["a.jpg"].name == "a.jpg"
    assert amiss == ["m has 1 file that is of no picture of night:\n  a.png"]


def test_names_as_save_images_writes_them_are_known(pictures, results):
    found, amiss = match("m", results("a.jpg.png", "a.png.png"), pictures("a.jpg", "a.png"))
    assert {image: file.name for image, file in found.items()} == {"a.jpg": "a.jpg.png", "a.png": "a.png.png"}
    assert amiss == []


@pytest.mark.parametrize(
    ("images", "files"),
    [(("a.bmp",), ("a.jpg", "a.png")), (("a.bmp", "a.jpg"), ("a.png",)), (("x/1.png", "y/1.png"), ("1.png",))],
)
def test_what_is_ambiguous_is_not_taken(pictures, results, images, files):
    found, amiss = match("m", results(*files), pictures(*images))
    assert set(found.values()) == {f"It is not clear which is its result: {', '.join(files)}."}
    assert amiss[0].startswith(f"m has no score on {len(images)} of {len(images)} pictures of night:")
    assert len(amiss) == 1, "an ambiguous file is not told again as one too many"


def test_missing_extra_and_misfitting_files_are_all_named(pictures, results, tmp_path):
    data = pictures("a.png", "b.png", "c.png", "d.png")
    results("b.png", size=(24, 31))
    (results("a.png", "other.png") / "d.png").write_bytes(b"no picture")
    found, amiss = match("m", tmp_path / "mine", data)
    mine = tmp_path / "mine"
    assert found == {
        "a.png": mine / "a.png",
        "b.png": f"{mine / 'b.png'} is 31 x 24, its picture 32 x 24.",
        "c.png": f"There is no result in {mine}.",
        "d.png": f"{mine / 'd.png'} is not a picture that can be read.",
    }
    assert amiss[0].splitlines()[0] == "m has no score on 3 of 4 pictures of night:"
    assert [line.split(":")[0].strip() for line in amiss[0].splitlines()[1:]] == ["b.png", "c.png", "d.png"]
    assert amiss[1].splitlines()[1:] == ["  other.png"]


def test_the_size_is_that_of_the_upright_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((10, 20, 3), np.uint8)).save(tmp_path / "turned.jpg", exif=exif)
    assert size_of(tmp_path / "turned.jpg") == (10, 20)


def test_subfolders_named_like_datasets_are_taken(pictures, results):
    first, second = pictures("a.png", name="first"), pictures("a.png", name="second")
    found, notes = match_all("m", results("second/a.png"), [first, second])
    assert list(found) == ["second"]
    assert notes == [f"m has no folder first in {results()}, so it is not scored on it."]


def test_without_subfolders_the_folder_must_fit_one_dataset(pictures, results):
    first, second = pictures("a.png", name="first"), pictures("b.png", name="second")
    found, notes = match_all("m", results("b.png"), [first, second])
    assert (list(found), notes) == (["second"], ["m is scored on second only."])
    with pytest.raises(BenchError, match="fit first or second: put them into subfolders of these names"):
        match_all("m", results("a.png"), [first, second])
    with pytest.raises(BenchError, match=r"called like a picture of first, such as a\.png"):
        match_all("m", results("c.png", folder="others"), [first])
