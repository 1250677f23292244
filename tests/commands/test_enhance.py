import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.images import read_image, read_rgb, to_pixels
from enlightengan.checkpoint import save_weights
from enlightengan.networks import Generator, initialise
from methods import METHODS

BENCH = Path(sys.executable).with_name("bench")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    generator = Generator()
    initialise(generator, torch.Generator().manual_seed(0))
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_weights(path, generator.state_dict(), {"align_corners": "True"})
    return path


def test_the_result_is_what_the_method_makes(bench, workplace, photograph):
    photograph(workplace / "a.png")
    code, out, _ = bench("enhance", "a.png", "--method", "clahe")
    assert code == 0
    assert "1 written, to a_clahe.png." in out
    assert np.array_equal(read_rgb(Path("a_clahe.png")), to_pixels(METHODS["clahe"]()(read_image(Path("a.png")))))


def test_enlightengan_with_weights_in_tiles_and_whole(bench, workplace, photograph, weights):
    photograph(workplace / "a.png", size=(33, 50))
    code, out, _ = bench("enhance", "a.png", "--weights", weights, "--out", "whole.png")
    assert code == 0
    assert re.search(rf"weights [0-9a-f]{{16}}, {re.escape(str(weights))}", out.replace("\n", ""))
    assert bench("enhance", "a.png", "--weights", weights, "--out", "tiled.png", "--tile", 32)[0] == 0
    whole, tiled = (read_rgb(Path(f"{name}.png")).astype(int) for name in ("whole", "tiled"))
    assert np.abs(whole - tiled).max() <= 1
    assert np.abs(whole - read_rgb(Path("a.png"))).max() > 0


def test_texture_is_set_where_a_method_has_some(bench, fails, workplace, photograph, weights):
    photograph(workplace / "a.png")
    for share in ("0", "0.5", "1"):
        words = ("enhance", "a.png", "--weights", weights, "--texture", share, "--out", f"{share}.png")
        assert bench(*words)[0] == 0
    none, half, whole = (read_rgb(workplace / f"{share}.png").astype(int) for share in ("0", "0.5", "1"))
    assert 0 < np.abs(half - none).mean() < np.abs(whole - none).mean()
    for method, share in (("enlightengan_natural", "0"), ("enlightengan_guided", "1")):
        words = ("enhance", "a.png", "--weights", weights, "--method", method, "--out", "named.png", "--force")
        assert bench(*words)[0] == 0
        assert np.array_equal(read_rgb(workplace / "named.png"), read_rgb(workplace / f"{share}.png"))
    told = fails("enhance", "a.png", "--method", "gamma", "--texture", "0.5")
    assert told == "--texture is for methods that end in _natural or _guided, which gamma does not."


def test_weights_that_come_with_the_project_are_said_to(bench, workplace, photograph):
    photograph(workplace / "a.png")
    code, out, err = bench("enhance", "a.png", "--method", "zero_dce")
    assert code == 0, err
    assert re.match(r"zero_dce: weights [0-9a-f]{16}, shipped with the project\n", out)


def test_without_weights_the_sentence_says_what_to_do(fails, workplace, photograph, monkeypatch):
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    photograph(workplace / "a.png")
    told = fails("enhance", "a.png")
    assert "--weights FILE" in told and "--method clahe" in told


def test_strength_bits_and_comparison(bench, workplace, photograph):
    before = photograph(workplace / "a.png", high=90)
    assert bench("enhance", "a.png", "--method", "gamma", "--strength", 0, "--bits", 16)[0] == 0
    from bench.photograph import read_photograph

    found = read_photograph(Path("a_gamma.png"))
    assert np.array_equal(found.pixels, before.astype(np.uint16) * 257)
    assert bench("enhance", "a.png", "--method", "gamma", "--compare")[0] == 0
    both = read_rgb(Path("a_gamma_compare.png"))
    assert np.array_equal(both[:, :32], before)
    assert both[:, 32:].mean() > before.mean() + 20


def test_a_folder_with_bad_files_is_counted(bench, workplace, photograph):
    photograph(workplace / "night/a.png")
    photograph(workplace / "night/b/c.png")
    (workplace / "night/cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    code, out, err = bench("enhance", "night", "--method", "gamma", "--out", "day")
    assert code == 1
    assert "2 written" in out and "Failed: " in out and "night/cut.jpg" in out
    assert err == "Error: 1 of 3 photographs failed, as said above. The others are done.\n"
    code, out, _ = bench("enhance", "night/a.png", "--method", "gamma", "--out", "day")
    assert (code, "Kept, whatever made them: 1 that were there already" in out) == (0, True)


def test_where_all_failed_there_are_no_others(fails, workplace):
    for name in ("a.png", "b.png"):
        (workplace / name).write_bytes(b"no picture")
    told = "2 of 2 photographs failed, as said above."
    assert fails("enhance", "a.png", "b.png", "--method", "gamma") == told


def test_what_a_folder_holds_and_is_not_enhanced_is_said(bench, fails, workplace, photograph):
    photograph(workplace / "night/a.png")
    assert bench("enhance", "night/a.png", "--method", "gamma")[0] == 0
    for name in ("b.HEIC", "c.cr2", "sub/d.cr2", ".e.cr2", "notes.txt"):
        (workplace / "night" / name).parent.mkdir(exist_ok=True)
        (workplace / "night" / name).write_bytes(b"no picture")
    code, out, err = bench("enhance", "night", "--method", "gamma")
    assert code == 0, err
    assert (
        "Left out, as results of an earlier run: 1, night/a_gamma.png for one. Name one alone if it is none.\n" in out
    )
    assert "Left out, of no format that is taken: 3 (.cr2, .heic).\n" in out
    assert [path.name for path in (workplace / "night_gamma").iterdir()] == ["a.png"]
    told = "night/b.HEIC is of no format that is taken: .bmp, .jpeg, .jpg, .pgm, .png, .ppm, .tif, .tiff, .webp are."
    assert fails("enhance", "night/b.HEIC", "--method", "gamma") == told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--method", "clahe", "--tile", 64), "looks at the whole picture"),
        (("--method", "clahe", "--bits", 12), "--bits is 8 or 16"),
        (("--method", "clahe", "--weights", "w.safetensors"), "has no weights"),
        (("--method", "clahee"), "did you mean clahe"),
        (("--method", "clahe", "--out", "a.png"), "would overwrite a.png itself"),
        (("-", "--method", "clahe"), "name no other path"),
    ],
)
def test_wrong_options_are_one_sentence(fails, workplace, photograph, options, told):
    photograph(workplace / "a.png")
    assert told in fails("enhance", "a.png", *options)
    assert [path.name for path in workplace.iterdir()] == ["a.png"]


def test_a_photograph_that_is_not_there_is_one_sentence(fails, workplace):
    assert fails("enhance", "gone.png", "--method", "clahe") == "Cannot read gone.png: No such file or directory"


def test_what_is_not_kept_is_said(bench, workplace, photograph):
    pixels = photograph(workplace / "a.png")
    Image.fromarray(pixels).convert("P").save("a.png")
    assert "a.png: its palette becomes full colour." in bench("enhance", "a.png", "--method", "gamma")[1]


def test_a_pipe_carries_nothing_but_the_photograph(workplace, photograph):
    photograph(workplace / "a.png")
    data = Path("a.png").read_bytes()
    command = [BENCH, "enhance", "-", "--method", "gamma"]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert Image.open(io.BytesIO(done.stdout)).format == "PNG"
    assert done.stderr == b""
    failed = subprocess.run(command, input=data[:60], capture_output=True, check=False)
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert failed.stderr.startswith(b"Error: Cannot read standard input")


def test_a_pipe_keeps_what_is_there_unless_forced(bench, fails, workplace, photograph, monkeypatch):
    photograph(workplace / "a.png")
    given = io.BytesIO(Path("a.png").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
    Path("b.png").write_bytes(b"old")
    words = ("enhance", "-", "--method", "gamma", "--out", "b.png")
    assert fails(*words) == "b.png is there already: --force makes it anew."
    assert (given.tell(), Path("b.png").read_bytes()) == (0, b"old")
    assert bench(*words, "--force")[0] == 0
    assert read_rgb(Path("b.png")).mean() > read_rgb(Path("a.png")).mean()


def test_an_exported_file_stays_unless_forced(bench, fails, workplace, weights, monkeypatch):
    asked = []
    monkeypatch.setattr("enlightengan.export.export", lambda enhancer, path, told: asked.append(path) or 2e-6)
    Path("m.onnx").write_bytes(b"old")
    words = ("export", "enlightengan", "m.onnx", "--weights", weights)
    assert fails(*words) == "m.onnx is there already: --force writes it anew."
    assert not asked
    assert bench(*words, "--force")[0] == 0 and asked == [Path("m.onnx")]


def test_export_writes_or_says_why_not(bench, fails, workplace, weights, monkeypatch):
    assert fails("export", "enlightengan", "m.pt") == "The file is an ONNX model: call it m.onnx."
    assert fails("export", "enlightengan", ".") == "The file is an ONNX model: call it NAME.onnx."
    assert fails("export", "gamma", "m.onnx") == (
        "ONNX is written of what has a network of enlightengan.enhancer.TrainedEnhancer: this method has none."
    )
    asked = []
    monkeypatch.setattr("enlightengan.export.export", lambda enhancer, *given: asked.append(given) or 2e-6)
    for method in ("enlightengan", "enlightengan_guided"):
        code, out, _ = bench("export", method, "m.onnx", "--weights", weights)
        assert code == 0 and "The weights' terms, which the file tells: not stated" in out
        assert "at most 2.0e-06" in out
        assert re.search(rf"{method}: weights [0-9a-f]{{16}}, {re.escape(str(weights))}", out.replace("\n", ""))
        assert asked.pop() == (Path("m.onnx"), {"method": method, "licence": "not stated"})
