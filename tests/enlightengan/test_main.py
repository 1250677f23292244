"""The command line of a bare machine, in this process."""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from bench.errors import BenchError
from enlightengan import health
from enlightengan import train as training
from enlightengan.__main__ import _photographs, main
from enlightengan.checkpoint import describe, read_weights, save_weights, weights_digest
from enlightengan.continued import check_continued, kept_config
from enlightengan.log import JsonLinesLog, read_facts, read_parameters
from enlightengan.networks import Generator
from enlightengan.presets import PRESETS
from enlightengan.refine import Refinement
from enlightengan.step import Model
from enlightengan.zero_dce import ZeroDce

SETTINGS = ("--preset", "smoke", "--max-steps", 3, "--batch-size", 2, "--precision", "float32", "--device", "cpu")
GAN = (*SETTINGS, "--without", "perceptual", "--without", "darkening", "--crop", 40, "--seed", 7)


@pytest.fixture
def bare(brief, photographs, monkeypatch):
    """Trains with these words and gives the weights and what their file tells; `normal` gives that side, too."""

    def run(out, *words, normal=True):
        for side, files in zip(("low", "normal"), photographs, strict=True):
            folder = out.parent / side
            folder.mkdir(exist_ok=True)
            for file in files:
                shutil.copy(file, folder)
        sides = ["--low", out.parent / "low", *(["--normal", out.parent / "normal"] if normal else [])]
        monkeypatch.setattr(sys, "argv", ["enlightengan", *map(str, [*sides, "--out", out, *words])])
        main()
        return read_weights(out / "weights.safetensors")

    return run


@pytest.fixture
def torn_at(monkeypatch):
    """Trains as `bare` does, and is interrupted in this step of a `model`, with a state of the step before it."""

    def run(bare, out, *words, step, model=Model, normal=True):
        steps = iter(range(1, step))
        whole = model.step

        def stop(*given, **options):
            if next(steps, None) is None:
                raise KeyboardInterrupt
            return whole(*given, **options)

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(training, "STATE_EVERY", 0.0)
            patched.setattr(health, "LOG_EVERY", 10)
            patched.setattr(model, "step", stop)
            bare(out, *words, normal=normal)

    return run


def test_a_continued_run_keeps_its_own_settings(bare, torn_at, tmp_path):
    whole, expected = bare(tmp_path / "whole", *GAN)
    torn = tmp_path / "torn"
    torn_at(bare, torn, *GAN, step=3)
    with (torn / "run.jsonl").open("a") as stream:
        stream.write('{"kind": "metrics", "val')  # as a full disk leaves it
    found, told = bare(torn, "--resume", "--device", "cpu")
    assert told == expected and json.loads(told["config"])["crop"] == 40
    assert all(torch.equal(found[key], whole[key]) for key in whole)
    assert read_parameters(torn) == read_parameters(tmp_path / "whole")


@pytest.mark.parametrize("method", PRESETS)
def test_settings_are_kept_as_they_are(tmp_path, method):
    for name, config in PRESETS[method].items():
        JsonLinesLog(tmp_path / name).parameters({**asdict(config), "method": method, "features_used": "another file"})
        assert kept_config(tmp_path / name) == config
    JsonLinesLog(tmp_path / "none").parameters({"device": "cpu"})
    with pytest.raises(BenchError, match="does not tell its settings"):
        kept_config(tmp_path / "none")
    with pytest.raises(BenchError, match="began with features used another file, not "):
        check_continued(tmp_path / name, config, {"method": method}, began={}, weights=Path("caffe.pth"))


def test_a_finished_run_is_not_continued(bare, tmp_path):
    bare(tmp_path / "done", *GAN)
    before = (tmp_path / "done/run.jsonl").read_text()
    with pytest.raises(BenchError, match=r"is finished: its weights are .*weights\.safetensors"):
        bare(tmp_path / "done", "--resume")
    assert (tmp_path / "done/run.jsonl").read_text() == before


def test_a_run_is_continued_with_its_own_photographs_alone_and_tells_every_step_once(
    bare, torn_at, tmp_path, monkeypatch
):
    torn = tmp_path / "torn"
    torn_at(bare, torn, *GAN, step=3)
    with (torn / "run.jsonl").open("a") as stream:
        stream.write('{"kind": "metrics", "values": {"loss/of_a_lost_step": 1.0}, "step": 3}\n')
    words = ["--low", tmp_path / "low", "--normal", tmp_path / "normal", "--out", torn, "--resume", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["enlightengan", *map(str, words)])
    first = min((tmp_path / "low").iterdir())
    first.rename(tmp_path / "low/z.png")
    with pytest.raises(BenchError, match="began with other photographs, or in another order"):
        main()
    (tmp_path / "low/z.png").rename(first)
    main()
    told = [json.loads(line) for line in (torn / "run.jsonl").read_text().splitlines()]
    steps = [
        (name, one["step"]) for one in told if one["kind"] == "metrics" for name in one["values"] if "loss" in name
    ]
    assert len(steps) == len(set(steps)) and {step for _, step in steps} == {1, 2, 3}
    assert not any("lost" in name for name, _ in steps)


def test_a_list_with_a_byte_order_mark_names_its_first_photograph_and_a_missing_side_is_said(
    bare, photographs, tmp_path, monkeypatch
):
    listed = tmp_path / "low.txt"
    listed.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(map(str, photographs[0])).encode())
    assert _photographs([listed]) == photographs[0]
    monkeypatch.setattr(sys, "argv", ["enlightengan", "--low", str(listed), "--out", str(tmp_path / "run")])
    with pytest.raises(BenchError, match="give --normal"):
        main()
    assert not (tmp_path / "run").exists()


def test_what_is_no_list_of_photographs_is_refused_before_anything_is_written(bare, photographs, tmp_path, monkeypatch):
    words = ["--low", photographs[0][0], "--normal", photographs[1][0].parent, "--out", tmp_path / "run", *GAN]
    monkeypatch.setattr(sys, "argv", ["enlightengan", *map(str, words)])
    with pytest.raises(BenchError, match=r"low0\.png is no list of photographs"):
        main()
    assert not (tmp_path / "run").exists()


def test_a_record_that_a_full_disk_cut_short_costs_no_other(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    JsonLinesLog(tmp_path).parameters({"crop": 40})
    with (tmp_path / "run.jsonl").open("a") as stream:
        stream.write('{"kind": "fac')
    monkeypatch.setattr(Path, "write_bytes", full)
    JsonLinesLog(tmp_path).facts({"machine": "another"})
    assert read_parameters(tmp_path) == {"crop": "40"} and read_facts(tmp_path) == {"machine": "another"}


def test_settings_that_a_continued_run_did_not_begin_with_are_refused(bare, torn_at, tmp_path):
    torn_at(bare, tmp_path / "torn", *GAN, step=1)  # without a state
    bare(tmp_path / "first", *GAN[:-2], "--max-steps", 1)
    for words, sentence in (
        (("--crop", 64), "began with crop 40, not 64"),
        (("--seed", 0), "began with seed 7, not 0"),
        (("--without", "attention"), "began with without perceptual and darkening, not attention"),
        (("--method", "cyclegan"), "began with method enlightengan, not cyclegan"),
        (("--init-from", tmp_path / "first/weights.safetensors"), "began from no weights: leave --init-from out"),
    ):
        with pytest.raises(BenchError, match=sentence):
            bare(tmp_path / "torn", "--resume", *words)
    assert json.loads(bare(tmp_path / "torn", "--resume", *GAN)[1]["config"])["seed"] == 7  # given again: the same
    start = ("--init-from", tmp_path / "first/weights.safetensors")
    torn_at(bare, tmp_path / "second", *GAN, *start, step=1)
    with pytest.raises(BenchError, match="give its file with --init-from"):
        bare(tmp_path / "second", "--resume")
    assert "begun_from" in bare(tmp_path / "second", "--resume", *start)[1]
    with pytest.raises(BenchError, match="holds no training run"):
        bare(tmp_path / "nowhere", "--resume")


def test_pictures_that_are_not_read_are_said_and_a_folder_of_none_is_an_error(bare, tmp_path, capsys):
    (tmp_path / "low").mkdir()
    (tmp_path / "low/a.HEIC").touch()
    bare(tmp_path / "run", *GAN)
    assert f"{tmp_path / 'low'}: Left out, of no format that is taken: 1 (.heic).\n" in capsys.readouterr().out
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/b.nef").touch()
    with pytest.raises(BenchError, match=r"no photograph in .*raw\. 1 of other formats is there: convert them first"):
        _photographs([tmp_path / "raw"])


def test_the_range_of_darkening_is_told_and_kept(bare, torn_at, tmp_path):
    words = ("--darkening", 1, 1.5, "--crop", 40)
    torn_at(bare, tmp_path / "torn", *SETTINGS, "--without", "perceptual", *words, step=1)
    with pytest.raises(BenchError, match=r"began with darkening 1\.0 and 1\.5, not 2\.0 and 3\.0"):
        bare(tmp_path / "torn", "--resume", "--darkening", 2, 3)
    told = bare(tmp_path / "torn", "--resume", *words)[1]
    assert json.loads(told["config"])["darkening"] == [1.0, 1.5]
    with pytest.raises(BenchError, match="zero_dce takes no --darkening"):
        bare(tmp_path / "another", "--method", "zero_dce", "--darkening", 1, 2, normal=False)


def test_a_file_of_features_is_refused_where_no_loss_has_a_use_for_it(bare, tmp_path):
    with pytest.raises(BenchError, match="leave --feature-weights out"):
        bare(tmp_path / "run", *GAN, "--feature-weights", tmp_path / "gone.pth")
    assert not (tmp_path / "run").exists()


def test_a_continued_refinement_keeps_its_teacher(bare, torn_at, tmp_path):
    start, teacher = (("--init-from", tmp_path / "start.safetensors"), ("--teacher", tmp_path / "other.safetensors"))
    for _, file in (start, teacher):
        save_weights(file, Generator().state_dict(), describe({"align_corners": True}))
    words = ("--method", "refine", *SETTINGS, "--crop", 40, *start)
    with pytest.raises(BenchError, match="Only a refinement has a teacher"):
        bare(tmp_path / "gan", *GAN, *start, *teacher)
    torn_at(bare, tmp_path / "torn", *words, *teacher, step=1, model=Refinement)  # without a state
    with pytest.raises(BenchError, match=r"is taught by generator .* give its file with --teacher"):
        bare(tmp_path / "torn", "--resume", *start)
    taught = weights_digest(read_weights(teacher[1])[0])
    assert taught in bare(tmp_path / "torn", "--resume", *start, *teacher)[1]["taught_by"]
    torn_at(bare, tmp_path / "own", *words, step=1, model=Refinement)
    with pytest.raises(BenchError, match="--teacher stands beside --init-from"):
        bare(tmp_path / "own", "--resume", *teacher)
    with pytest.raises(BenchError, match="is taught by no weights: leave --teacher out"):
        bare(tmp_path / "own", "--resume", *start, *teacher)


def test_a_method_of_dark_photographs_alone_takes_no_normal_ones_and_is_continued_by_its_own_name(
    bare, torn_at, tmp_path
):
    words = ("--method", "zero_dce", *SETTINGS, "--crop", 16)
    with pytest.raises(BenchError, match=r"^zero_dce takes no --normal\.$"):
        bare(tmp_path / "both", *words)
    torn_at(bare, tmp_path / "torn", *words, step=2, model=ZeroDce, normal=False)
    assert bare(tmp_path / "torn", "--resume", normal=False)[1]["method"] == "zero_dce"
