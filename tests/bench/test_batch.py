import errno
import os
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import batch
from bench.batch import Job, plan, run, through
from bench.brighten import brightened
from bench.errors import BenchError
from bench.photograph import read_photograph

ODD_NAMES = ['it\'s "quoted".png', "ночь 写真.png", "<script>.png", "two\nlines.png", "a" * 200 + ".png", "-x.png"]


def halve(photograph):
    return photograph.with_upright(photograph.upright() // 2)


@pytest.fixture
def folder(workplace, photograph):
    """a.png and sub/b.png below `night`."""
    photograph(workplace / "night/a.png", seed=1)
    photograph(workplace / "night/sub/b.png", seed=2)
    return workplace / "night"


def targets(paths, **options):
    return {str(job.source): str(job.target) for job in plan([str(path) for path in paths], ending="clahe", **options)}


def test_a_result_of_a_kind_that_is_not_written_is_refused(folder):
    with pytest.raises(BenchError, match=r"z\.gif ends in none of"):
        targets(["night/a.png"], out=Path("z.gif"))
    assert targets(["night/a.png"], out=Path("v1.5")) == {"night/a.png": "v1.5/a.png"}  # a folder's name


def test_a_result_lies_beside_its_photograph(folder):
    assert targets(["night/a.png"]) == {"night/a.png": "night/a_clahe.png"}


def test_a_folder_keeps_its_tree(folder):
    root = folder.with_name("night_clahe")
    assert targets(["night"]) == {"night/a.png": f"{root}/a.png", "night/sub/b.png": f"{root}/sub/b.png"}
    assert targets(["night"], out=Path("x")) == {"night/a.png": "x/a.png", "night/sub/b.png": "x/sub/b.png"}


def test_a_folder_named_by_its_dots_has_a_name(folder, monkeypatch):
    monkeypatch.chdir(folder / "sub")
    assert targets([".."])["../a.png"] == str(folder.with_name("night_clahe") / "a.png")


def test_results_inside_the_folder_are_not_taken_for_photographs(folder, photograph):
    photograph(folder / "bright/a.png")
    assert targets(["night"], out=Path("night/bright")).keys() == {"night/a.png", "night/sub/b.png"}


def test_globs_are_expanded_and_earlier_results_left_out(folder, photograph):
    photograph(folder / "a_clahe.png")
    assert targets(["night/*.png"]) == {"night/a.png": "night/a_clahe.png"}
    assert targets(["night/**/b.png"]) == {"night/sub/b.png": "night/sub/b_clahe.png"}
    with pytest.raises(BenchError, match="No file matches"):
        targets(["night/*.jpg"])


@pytest.mark.parametrize("out", [None, Path("x")])
def test_results_beside_the_photographs_of_a_folder_are_left_out_and_said(folder, photograph, out):
    for name in ("a_clahe.png", "a_clahe_clahe.jpg", "sub/b_clahe.JPG", "sub/a_clahe.png"):  # the last is a photograph
        photograph(folder / name)
    told = []
    found = targets(["night"], out=out, tell=told.append)
    assert found.keys() == {"night/a.png", "night/sub/b.png", "night/sub/a_clahe.png"}
    assert told == [
        "Left out, as results of an earlier run: 3, night/a_clahe.png for one. Name one alone if it is none."
    ]
    assert targets(["night/a_clahe.png"]) == {"night/a_clahe.png": "night/a_clahe_clahe.png"}  # asked for by name


def test_results_in_a_folder_of_them_are_left_out_and_said(folder, photograph):
    photograph(folder.with_name("night_clahe") / "a.png")
    told = []
    assert targets(["night", "night_clahe"], tell=told.append).keys() == {"night/a.png", "night/sub/b.png"}
    assert told == [
        "Left out, as results of an earlier run: 1, night_clahe/a.png for one. Name one alone if it is none."
    ]


def test_results_of_other_methods_and_comparisons_are_no_photographs(photograph, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = ["a.png", "a_b.png", "b_gamma.png", "a_2.x.png"]
    results = ["a_gamma.png", "a_b_gamma.png", "a_clahe_compare.png", "a_gamma_clahe.png", "a_b_clahe.png"]
    for seed, name in enumerate([*kept, *results]):
        photograph(tmp_path / name, seed=seed)
    told = list[str]()
    jobs = plan(["*.png"], ending="gamma_compare", tell=told.append, is_method=["clahe", "gamma"].__contains__)
    assert sorted(job.source.name for job in jobs) == sorted(kept), "b_gamma has no photograph b"
    assert told == ["Left out, as results of an earlier run: 5, a_b_clahe.png for one. Name one alone if it is none."]
    assert len(plan(["*.png"], ending="gamma_compare")) == 9, "nobody says which methods there are"


def test_a_folder_of_other_formats_alone_says_how_many_and_what_to_do(tmp_path):
    (tmp_path / "p").mkdir()
    for name in ("a.heic", "b.nef"):
        (tmp_path / "p" / name).touch()
    with pytest.raises(BenchError, match=r"2 of other formats are there: convert them first, raw ones to TIFF"):
        plan([str(tmp_path / "p")], ending="gamma")
    (tmp_path / "a.png").touch()
    with pytest.raises(BenchError, match=r"b.heic ends in none of"):
        plan([str(tmp_path / "a.png")], ending="gamma", out=tmp_path / "b.heic")


def test_hidden_folders_are_no_part_of_a_folder(photograph, tmp_path):
    photograph(tmp_path / "p/a.png", seed=1)
    photograph(tmp_path / "p/.thumbnails/a.png", seed=2)
    (tmp_path / "p/.thumbnails/b.avif").touch()
    said = list[str]()
    (job,) = plan([str(tmp_path / "p")], ending="gamma", tell=said.append)
    assert job.source == tmp_path / "p/a.png" and said == []


def test_pictures_of_other_formats_in_a_folder_are_said(folder):
    names = ("c.AVIF", "d.cr2", "sub/e.gif", "sub/f.heic", "sub/g.gif", ".h.gif", "notes.txt", "a.json", "x/i.gif")
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    told = []
    targets(["night", "night/sub"], out=folder / "x", tell=told.append)
    assert told == ["Left out, of no format that is taken: 5 (.avif, .cr2, .gif, .heic)."]


def test_a_photograph_named_twice_is_done_once(folder):
    found = plan(["night", "night/a.png", str(folder / "a.png")], ending="clahe", out=Path("x"))
    assert sorted(str(job.target) for job in found) == ["x/a.png", "x/sub/b.png"]


def test_a_name_with_brackets_is_only_a_name(folder, photograph):
    photograph(folder / "a[1].png")
    assert targets(["night/a[1].png"]) == {"night/a[1].png": "night/a[1]_clahe.png"}


def test_out_is_a_file_when_it_ends_like_one(folder):
    assert targets(["night/a.png"], out=Path("b.tif")) == {"night/a.png": "b.tif"}
    with pytest.raises(BenchError, match="is one file"):
        targets(["night"], out=Path("b.tif"))


def test_the_input_is_never_overwritten(folder):
    Path("link").symlink_to(folder)
    for out in (Path("night/a.png"), folder, Path("link")):
        with pytest.raises(BenchError, match=r"would overwrite .*a\.png"):
            targets(["night/a.png"], out=out)


def test_two_results_of_one_name_are_refused(folder, photograph):
    photograph(folder / "sub/a.png")
    with pytest.raises(BenchError, match="would both be written"):
        targets(["night/a.png", "night/sub/a.png"], out=Path("x"))


def test_an_empty_name_is_not_the_folder_here(folder):
    with pytest.raises(BenchError, match="An empty name is no photograph"):
        targets([""])


def test_an_empty_folder_is_said(workplace):
    (workplace / "empty").mkdir()
    with pytest.raises(BenchError, match="no picture in the folder empty"):
        targets(["empty"])


def outcomes(jobs, work=halve, **options):
    return {outcome.job.source.name: outcome for outcome in run(jobs, work, **options)}


def test_one_bad_file_does_not_stop_the_others(folder):
    whole = (folder / "a.png").read_bytes()
    bad = {"cut.png": whole[:200], "empty.png": b"", "text.jpg": b"hello" * 50, "gone.png": None}
    for name, content in bad.items():
        if content is not None:
            (folder / name).write_bytes(content)
    names = [*bad, "a.png", "sub/b.png"]
    found = outcomes([Job(folder / name, folder / "out" / name) for name in names])
    assert {name for name, outcome in found.items() if outcome.state == "failed"} == set(bad)
    assert all(name in found[name].error and "\n" not in found[name].error for name in bad)
    assert sorted(path.name for path in (folder / "out").rglob("*.png")) == ["a.png", "b.png"]


def test_pixels_are_those_of_the_work(folder):
    outcomes([Job(folder / "a.png", folder / "r.png")])
    before, after = (read_photograph(folder / name).pixels for name in ("a.png", "r.png"))
    assert np.array_equal(after, before // 2)


def test_results_that_are_there_are_kept_unless_forced(folder):
    (folder / "r.png").write_bytes(b"old")
    jobs = [Job(folder / "a.png", folder / "r.png")]
    assert outcomes(jobs)["a.png"].state == "there"
    assert (folder / "r.png").read_bytes() == b"old"
    assert outcomes(jobs, force=True)["a.png"].state == "written"
    assert (folder / "r.png").read_bytes() != b"old"


def test_a_method_that_fails_is_told_by_photograph(folder):
    def work(photograph):
        if photograph.pixels[0, 0, 0] == read_photograph(folder / "a.png").pixels[0, 0, 0]:
            raise ZeroDivisionError("no light")
        return photograph

    found = outcomes([Job(folder / name, folder / "out" / name) for name in ("a.png", "sub/b.png")], work)
    assert found["a.png"].error == f"{folder}/a.png: ZeroDivisionError: no light"
    assert found["b.png"].state == "written"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_only_names(workplace, photograph, name):
    photograph(workplace / "in" / name)
    (workplace / "in" / f"cut {name}"[:250]).write_bytes(b"no picture")
    jobs = plan([str(workplace / "in")], ending="clahe")
    found = outcomes(jobs)
    assert sorted(outcome.state for outcome in found.values()) == ["failed", "written"]
    assert all("\n" not in outcome.error for outcome in found.values())
    assert (workplace / "in_clahe" / name).exists()


def test_a_suffix_that_does_not_fit_the_bytes_is_said(folder):
    (folder / "a.png").rename(folder / "a.jpg")
    found = outcomes([Job(folder / "a.jpg", folder / "r.jpg")])["a.jpg"]
    assert found.notes == ("it holds a PNG, which its name does not say; written as JPEG",)
    assert (folder / "r.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_an_unknown_suffix_is_one_sentence(folder):
    (folder / "a.png").rename(folder / "a.pic")
    assert "ends in none of" in outcomes([Job(folder / "a.pic", folder / "r.pic")])["a.pic"].error


def test_a_format_that_is_not_taken_is_said_to_be_none(folder):
    picture = Image.open(folder / "a.png")
    for name, kind in (("c.avif", "AVIF"), ("d.nef", "TIFF"), ("e.gif", "GIF")):
        picture.save(folder / name, kind)
    names = ("c.avif", "d.nef", "e.gif", "gone.nef", "gone.gif")
    found = outcomes([Job(folder / name, folder / "out" / f"{name}.png") for name in names])
    told = "is of no format that is taken: .bmp, .jpeg, .jpg, .pgm, .png, .ppm, .tif, .tiff, .webp are."
    assert all(found[name].error == f"{folder / name} {told}" for name in names[:3])
    assert all("No such file" in found[name].error for name in names[3:])
    assert not (folder / "out").exists()


def test_a_full_disk_leaves_no_half_file(folder, monkeypatch):
    def full(path, data):
        with path.open("wb") as stream:
            stream.write(data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    found = outcomes([Job(folder / "a.png", folder / "r.png")])["a.png"]
    assert found.error == f"Cannot write {folder}/r.png: No space left on device"
    assert not [path for path in folder.iterdir() if "r" in path.name and path.is_file()]


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 32 KB."""
    where = tmp_path / "disk"
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(where)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a small disk here")
    yield where
    subprocess.run(["umount", str(where)], check=True)


def test_a_disk_that_is_really_full(folder, photograph, tiny_disk):
    photograph(folder / "large.png", size=(200, 200))
    found = outcomes([Job(folder / name, tiny_disk / name) for name in ("large.png", "a.png")])
    assert "No space left on device" in found["large.png"].error
    assert found["a.png"].state == "written"
    assert [path.name for path in tiny_disk.iterdir()] == ["a.png"]


def test_a_target_that_cannot_be_written_is_one_sentence(folder):
    (folder / "file").write_bytes(b"")
    found = outcomes([Job(folder / "a.png", folder / "file" / "r.png")])["a.png"]
    assert f"Cannot write {folder}/file/r.png" in found.error
    if os.geteuid() != 0:
        (folder / "locked").mkdir(mode=0o500)
        assert "Permission denied" in outcomes([Job(folder / "a.png", folder / "locked/r.png")])["a.png"].error


def test_at_most_three_photographs_are_in_memory(folder, photograph, monkeypatch):
    alive, most = set(), []
    for k in range(8):
        photograph(folder / f"{k}.png", seed=k)

    def reading(path):
        alive.add(path.name)
        most.append(len(alive))
        return replace(read_photograph(path), dpi=None)

    original = batch._write

    def writing(job, given):
        told = original(job, given)
        alive.discard(job.source.name)
        return told

    monkeypatch.setattr(batch, "read_photograph", reading)
    monkeypatch.setattr(batch, "_write", writing)
    assert len(outcomes([Job(folder / f"{k}.png", folder / "out" / f"{k}.png") for k in range(8)])) == 8
    assert max(most) <= 3  # one is written, one enhanced, one read


def test_a_pipe_keeps_the_format_or_takes_another(folder):
    data = (folder / "a.png").read_bytes()
    result, notes = through(data, halve)
    assert notes == ()
    assert np.array_equal(read_photograph(result).pixels, read_photograph(data).pixels // 2)
    assert read_photograph(through(data, halve, suffix=".tif")[0]).format == "TIFF"
    compared = partial(brightened, pixels=read_photograph(data).upright(), compare=True)
    both = read_photograph(through(data, compared)[0])
    assert (both.format, both.pixels.shape[1]) == ("PNG", 2 * read_photograph(data).pixels.shape[1])
    with pytest.raises(BenchError, match="standard input"):
        through(data[:50], halve)


def test_shapes_at_the_limits_go_through(workplace):
    for name, shape in (("dot.png", (1, 1)), ("line.png", (3, 20000)), ("black.png", (20, 20))):
        Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(name)
    found = outcomes([Job(Path(name), Path("out") / name) for name in ("dot.png", "line.png", "black.png")])
    assert {outcome.state for outcome in found.values()} == {"written"}
    assert read_photograph(Path("out/line.png")).pixels.shape == (3, 20000, 3)
