import cv2
import numpy as np
import pytest
from PIL import Image

from bench.demo import SOURCES
from bench.overlap import AGREEING, hashes, same_part, same_whole

SCENES = ("astronaut", "chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Four real photographs, of the demo's packages."""
    folder = tmp_path_factory.mktemp("scenes")
    for name in SCENES:
        Image.fromarray(SOURCES[name](name)).save(folder / f"{name}.png", compress_level=1)
    return sorted(folder.iterdir())


def changed(source, target, change):
    pixels = np.asarray(Image.open(source).convert("RGB"))
    Image.fromarray(np.ascontiguousarray(change(pixels))).save(target)
    return target


def ticks():
    count = [0]

    def tick():
        count[0] += 1

    return count, tick


FLIPS = {"as it is": lambda p: p, "mirrored": lambda p: p[:, ::-1], "upside down": lambda p: p[::-1],
         "turned": lambda p: p[::-1, ::-1]}  # fmt: skip


@pytest.mark.parametrize("flip", FLIPS)
def test_a_darkened_smaller_flipped_copy_is_found_and_nothing_else(photographs, tmp_path, flip):
    def change(pixels):
        dark = (255 * (pixels / 255) ** 2.2 * 0.3).astype(np.uint8)
        return cv2.resize(FLIPS[flip](dark), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)

    copy, (count, tick) = changed(photographs[1], tmp_path / "copy.png", change), ticks()
    (found,) = same_whole([copy], photographs, tick=tick)
    assert (found.train, found.test) == (copy, photographs[1])
    assert count[0] == 1 + len(photographs)


def test_hashes_of_flips_are_those_of_flipped_pictures(photographs, tmp_path):
    whole = hashes(photographs[0])
    for place, flip in enumerate(FLIPS.values()):
        turned = hashes(changed(photographs[0], tmp_path / f"{place}.png", flip))
        assert (turned[0] != whole[place]).sum() <= 2  # rounding of the reduced picture


def test_a_mirrored_dark_crop_is_found_by_its_features_alone(photographs, tmp_path):
    source = photographs[0]

    def change(pixels):
        h, w = pixels.shape[:2]
        return (0.4 * pixels[h // 4 : h // 4 + h // 2, w // 4 : w // 4 + w // 2][:, ::-1]).astype(np.uint8)

    crop = changed(source, tmp_path / "crop.png", change)
    assert list(same_whole([crop], photographs, tick=lambda: None)) == []
    (found,) = same_part([crop], photographs, tick=lambda: None)
    assert found.test == source and int(found.told.split()[0]) >= AGREEING


def test_different_scenes_share_nothing(photographs):
    first, rest = photographs[:2], photographs[2:]
    assert list(same_whole(first, rest, tick=lambda: None)) == []
    assert list(same_part(first, rest, tick=lambda: None)) == []


def test_flat_pictures_are_like_nothing(tmp_path, photographs):
    for number, grey in enumerate((0, 128)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((40, 50, 3), grey, np.uint8))
    flat = sorted(tmp_path.glob("?.png"))
    assert list(same_whole(flat, [*flat, *photographs], tick=lambda: None)) == []


def test_a_flat_picture_has_no_features(tmp_path, photographs):
    Image.new("RGB", (80, 60), (40, 40, 40)).save(tmp_path / "flat.png")
    assert list(same_part([tmp_path / "flat.png"], photographs, tick=lambda: None)) == []
