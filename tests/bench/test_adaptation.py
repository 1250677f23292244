import numpy as np
import pytest
from PIL import Image

from bench.adaptation import choose_dark
from bench.errors import BenchError


@pytest.fixture
def scenes(tmp_path):
    """Four scenes of five photographs of means 20, 30, 40, 50, 60."""
    paths = []
    for scene in "abcd":
        (tmp_path / scene).mkdir()
        for mean in range(20, 70, 10):
            paths.append(tmp_path / scene / f"{mean}.png")
            Image.fromarray(np.full((8, 8, 3), mean, np.uint8)).save(paths[-1])
    return paths


def test_only_what_is_dark_enough_is_chosen_and_whole_scenes_are_held_out(scenes):
    found = choose_dark(scenes, threshold=45, hold_out=0.25, seed=0)
    assert (len(found.train), len(found.held_out), found.considered, found.by_scene) == (9, 3, 20, True)
    assert not {path.parent for path in found.train} & {path.parent for path in found.held_out}
    assert {int(path.stem) for path in found.train} == {20, 30, 40}
    assert found == choose_dark(scenes[::-1], threshold=45, hold_out=0.25, seed=0)
    assert {choose_dark(scenes, threshold=45, hold_out=0.25, seed=s).held_out for s in range(9)} > {found.held_out}


def test_a_folder_that_is_no_scene_is_not_held_out_whole(scenes, tmp_path):
    for stray in (scenes[:5], scenes[:6], scenes[:10]):  # one folder, a stray beside it, two
        found = choose_dark(stray, threshold=61, hold_out=0.1, seed=0)
        assert (len(found.held_out), found.by_scene) == (round(0.1 * len(stray)), stray == scenes[:6])
    sizes = {len(choose_dark(scenes, threshold=61, hold_out=0.3, seed=seed).held_out) for seed in range(9)}
    assert sizes == {5}, "a second scene of five would lead further away from six"


def test_in_one_folder_photographs_are_held_out_one_by_one(scenes):
    found = choose_dark(scenes[:5], threshold=61, hold_out=0.4, seed=0)
    assert (len(found.train), len(found.held_out), found.by_scene) == (3, 2, False)
    assert choose_dark(scenes[:5], threshold=61, hold_out=0, seed=0).held_out == ()


def test_the_threshold_itself_is_not_below_it_and_broken_files_are_counted(scenes, tmp_path):
    (tmp_path / "a" / "broken.png").write_bytes(b"no")
    found = choose_dark([*scenes, tmp_path / "a" / "broken.png"], threshold=20.5, hold_out=0, seed=0)
    assert len(found.train) == 4 and found.unreadable == 1
    with pytest.raises(BenchError, match="0 have a mean intensity below 20, and none is left"):
        choose_dark(scenes, threshold=20, hold_out=0, seed=0)
    with pytest.raises(BenchError, match="share"):
        choose_dark(scenes, threshold=45, hold_out=1.0, seed=0)
