import hashlib

import numpy as np
import pytest

from bench.demo import EXPOSURES, LOW, NORMAL, SOURCES, TEST, write_demo
from bench.images import list_images, read_rgb


def digests(folder):
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in list_images(folder)}


def test_every_file_is_there(demo_photographs):
    counts = {
        side: len(list_images(demo_photographs / side)) for side in ("low", "normal", "test/low", "test/reference")
    }
    assert counts == {"low": 9, "normal": 4, "test/low": 6, "test/reference": 6}
    assert len(list_images(demo_photographs)) == 25


def test_a_complete_folder_is_left_alone_and_an_incomplete_one_gets_the_same_bytes(demo_photographs, tmp_path):
    (tmp_path / "complete").touch()
    write_demo(tmp_path)
    assert list_images(tmp_path) == []
    (tmp_path / "complete").unlink()
    write_demo(tmp_path)
    assert digests(tmp_path) == digests(demo_photographs)


def test_no_photograph_is_on_two_sides():
    assert len({*LOW, *NORMAL, *TEST}) == len(LOW) + len(NORMAL) + len(TEST) == 9
    assert {*LOW, *NORMAL, *TEST} == SOURCES.keys()


@pytest.mark.parametrize("name", TEST)
def test_references_are_the_photographs_themselves(demo_photographs, name):
    for exposure in EXPOSURES:
        file = f"{name}_{round(exposure * 100):02d}.png"
        reference, low = (read_rgb(demo_photographs / "test" / side / file) for side in ("reference", "low"))
        assert np.array_equal(reference, SOURCES[name](name))
        assert low.shape == reference.shape
        assert low.mean() < 0.65 * reference.mean()


def test_less_exposure_is_darker(demo_photographs):
    means = [
        read_rgb(demo_photographs / "low" / f"chelsea_{round(exposure * 100):02d}.png").mean() for exposure in EXPOSURES
    ]
    assert means == sorted(means)
    assert means[0] < 40 < means[-1] < 90
