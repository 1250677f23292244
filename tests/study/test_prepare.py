from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.images import read_rgb, write_rgb
from study.design import Plan
from study.prepare import choose, degraded, inputs_of, make_study, match


def test_results_are_matched_by_name_whatever_their_suffix(results_of, tmp_path):
    folders = results_of(("a", "b"), ("one", "sub/two"))
    pixels = read_rgb(folders["b"] / "one.png")
    (folders["b"] / "one.png").unlink()
    write_rgb(pixels, folders["b"] / "one.jpg")
    scenes, notes = match(folders)
    assert [scene.name for scene in scenes] == ["one", "sub/two"]
    assert [path.name for path in scenes[0].results] == ["one.png", "one.jpg"]
    assert notes == []


def test_every_mismatch_is_named(results_of):
    folders = results_of(("a", "b"), ("one", "two", "three"))
    (folders["a"] / "two.png").unlink()
    (folders["b"] / "one.png").unlink()
    inputs = {"one": ("one.jpg", folders["a"] / "one.png"), "two": ("two.jpg", folders["b"] / "two.png")}
    with pytest.raises(BenchError) as told:
        match(folders, inputs)
    for part in ("a lacks 1 (two)", "b lacks 1 (one)", "the dataset lacks 1 (three)", "--common"):
        assert part in str(told.value)
    with pytest.raises(BenchError, match="No image has a result in every folder"):
        match(folders, inputs, common=True)
    scenes, notes = match(folders, common=True)
    assert [scene.name for scene in scenes] == ["three"]
    assert notes == ["Left out: a lacks 1 (two).", "Left out: b lacks 1 (one)."]


def test_beside_a_dataset_the_files_name_is_enough_where_it_tells_which(results_of, tmp_path):
    folders = results_of(("a", "b"), ("one", "two")) | {"c": results_of(("c",), ("low/one", "low/two"))["c"]}
    inputs = {f"low/{name}": (f"low/{name}.jpg", folders["a"] / f"{name}.png") for name in ("one", "two")}
    scenes, notes = match(folders, inputs)
    assert [scene.name for scene in scenes] == ["low/one.jpg", "low/two.jpg"] and notes == []
    assert scenes[0].results == (folders["a"] / "one.png", folders["b"] / "one.png", folders["c"] / "low/one.png")
    twice = inputs | {"high/one": inputs["low/one"]}
    with pytest.raises(BenchError, match=r"the dataset lacks 1 \(one\)"):
        match({name: folders[name] for name in "ab"}, twice)


def test_two_files_of_one_name_are_no_match(results_of, tmp_path):
    folders = results_of(("a", "b"), ("one",))
    write_rgb(read_rgb(folders["a"] / "one.png"), folders["a"] / "one.jpg")
    with pytest.raises(BenchError, match="several pictures called one"):
        match(folders)


def test_a_datasets_photographs_are_keyed_like_their_results(tmp_path):
    keys = inputs_of({"a/x.jpg": tmp_path, "b.png": tmp_path, "b.jpg": tmp_path})
    assert {key: name for key, (name, _) in keys.items()} == {"a/x": "a/x.jpg", "b.png": "b.png", "b.jpg": "b.jpg"}


def test_images_are_drawn_by_the_seed(results_of):
    scenes, _ = match(results_of(("a", "b"), tuple("klmnopqr")))
    assert choose(scenes, None, 0) == scenes
    drawn = {tuple(scene.name for scene in choose(scenes, 3, seed)) for seed in range(20)}
    assert len(drawn) > 10
    assert all(list(names) == sorted(names) and len(names) == 3 for names in drawn)
    with pytest.raises(BenchError, match="between 1 and 8"):
        choose(scenes, 9, 0)


def test_all_versions_of_an_image_have_one_size_and_names_that_tell_nothing(results_of, tmp_path):
    folders = results_of(("secret_a", "secret_b"), ("one",), size=(300, 200))
    write_rgb(np.full((400, 602, 3), 90, np.uint8), folders["secret_b"] / "one.png")  # twice as large, padded by two
    scenes, _ = match(folders)
    folder = tmp_path / "study"
    make_study(folder, scenes, Plan(2, 1, 0, catches=2), methods=list(folders), longest=150)
    files = list((folder / "pictures").iterdir())
    assert len(files) == 4  # two results, two spoilt copies
    for file in files:
        assert len(file.stem) == 32
        assert int(file.stem, 16) >= 0
        assert read_rgb(file).shape == (100, 150, 3)
        assert b"secret" not in file.read_bytes()


def test_versions_of_another_shape_are_refused_and_leave_nothing(results_of, tmp_path):
    folders = results_of(("a", "b"), ("one",))
    write_rgb(np.full((48, 32, 3), 90, np.uint8), folders["b"] / "one.png")
    with pytest.raises(BenchError, match=r"one\.png is .* must have the same shape"):
        make_study(tmp_path / "runs/study", match(folders)[0], Plan(2, 1, 0), methods=["a", "b"])
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_name_that_is_no_text_is_told_before_anything_is_made(results_of, tmp_path):
    folders = results_of(("a", "b"), ("one",))
    scenes = [replace(scene, name="caf\udce9") for scene in match(folders)[0]]
    with pytest.raises(BenchError, match=r"'caf\\udce9' is not UTF-8"):
        make_study(tmp_path / "runs/study", scenes, Plan(2, 1, 0), methods=["a", "b"])
    assert not (tmp_path / "runs").exists()


def test_a_broken_picture_is_named_and_leaves_nothing(results_of, tmp_path):
    folders = results_of(("a", "b"), ("one",))
    (folders["b"] / "one.png").write_bytes((folders["b"] / "one.png").read_bytes()[:60])
    with pytest.raises(BenchError, match=r"one\.png"):
        make_study(tmp_path / "runs/study", match(folders)[0], Plan(2, 1, 0), methods=["a", "b"])
    assert list((tmp_path / "runs").iterdir()) == []


def test_the_spoilt_copy_is_dark_and_has_no_detail():
    board = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((16, 16))) * 200 + 30
    picture = Image.fromarray(np.repeat(board.astype(np.uint8)[..., None], 3, axis=2))
    spoilt = np.asarray(degraded(picture), dtype=float)
    assert spoilt.mean() < 0.4 * np.asarray(picture).mean()
    assert spoilt.std() < 0.3 * np.asarray(picture).std()


def test_the_input_is_kept_where_there_is_a_dataset(opened):
    with_input, without = opened("with", low=True), opened("without")
    for store, wanted in ((with_input, True), (without, False)):
        pair = store.state(store.observer(store.join()))["trial"]
        assert (pair["input"] is not None) == wanted
    assert with_input.images == ["one.png", "two.png"]
    assert with_input.facts["dataset"] == "dark"
