import subprocess
import sys

import torch

from bench.errors import BenchError
from bench.tracking import open_suite
from bench.trainings import newest_weights
from bench.weights import find_weights
from commands.ablations import ablation_scores, trained_cells
from enlightengan import train
from enlightengan.step import Model
from reports.ablations import effects


def runs():
    return open_suite().search(kind="train")


def test_a_cell_of_a_grid_never_takes_the_place_of_others(bench, store, brief, sides, monkeypatch, workplace):
    words = (*sides, "--preset", "fast")
    for order in (("enlightengan",), ("ablations", "--without", "perceptual")):
        assert bench("train", order[0], *words, *order[1:])[0] == 0
    of_its_own = next(run for run in runs() if "cell" not in run.data.tags)
    assert of_its_own.info.run_id[:8] in newest_weights("enlightengan")[1]
    assert newest_weights("enlightengan_no_perceptual") is not None  # a cell, where there is nothing else
    assert "run " in find_weights("enlightengan_no_perceptual")[1]
    monkeypatch.setattr("bench.weights.shipped_weights", lambda variant: workplace / "shipped")
    assert find_weights("enlightengan_no_perceptual") == (workplace / "shipped", "shipped with the project")
    assert find_weights("enlightengan")[1].endswith("which goes before the shipped ones")


def test_the_factorial_is_trained_once_scored_and_told(bench, fails, store, brief, sides, workplace, photograph):
    photograph(workplace / "night/a.png", seed=9, size=(40, 40), high=60)
    photograph(workplace / "night/b.png", seed=8, size=(40, 40), high=60)
    words = ("train", "ablations", *sides, "--preset", "smoke", "--without", "attention", "--features", "random")
    code, out, err = bench(*words, "--max-steps", 1)
    assert code == 0, err
    assert [run.data.tags["variant"] for run in runs()][::-1] == ["enlightengan", "enlightengan_no_attention"]
    (parent,) = open_suite().search(kind="ablations")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs()} == {parent.info.run_id}
    assert "Not all cells of this grid have scores" in out
    code, out, err = bench(*words, "--max-steps", 1, "--dataset", "night", "--metric", "entropy")
    assert code == 0, err
    assert out.count("finished already") == 2 and len(runs()) == 2 and len(open_suite().search(kind="ablations")) == 1
    assert "What each part changes" in out and "one seed: none" in out
    (first,) = trained_effects()
    code, out, _ = bench(*words, "--max-steps", 2)
    assert code == 0 and "What each part changes" not in out and "Not all cells of this grid have scores" in out
    assert trained_effects() == [first], "the newer grid has no scores yet"
    assert bench(*words, "--max-steps", 2, "--dataset", "night", "--metric", "entropy")[0] == 0
    (second,) = trained_effects()
    assert second.difference.mean != first.difference.mean and second.difference.count == 1
    code, _, err = bench("report", "--out", "page")
    assert code == 0, err
    page = (workplace / "page/index.html").read_text(encoding="utf-8")
    assert "What each part is worth" in page and "What training cost" in page
    assert (workplace / "page/tables/ablations.csv").exists()
    two_seeds = (*words, "--max-steps", 2, "--seeds", 2)
    assert "Not everything could be done" in fails(*two_seeds, "--dataset", "night", "--metric", "halo")  # no lamp
    assert len(open_suite().search(kind="evaluate")) == 4, "the second seed was scored, too"


def trained_effects():
    return effects(ablation_scores(open_suite()), trained_cells(open_suite()))


def test_a_grid_without_data_says_loudly_that_it_takes_the_demo(bench, store, brief):
    words = ("train", "ablations", "--without", "perceptual", "--max-steps", "1")
    code, out, err = bench(*words)
    assert code == 0, err
    assert "NO TRAINING DATA" in out and "Left out, not below data: bsds500" in out


def test_what_cannot_be_scored_is_said_before_anything_is_trained(fails, store, brief, sides):
    words = ("train", "ablations", *sides, "--preset", "smoke", "--max-steps", "1")
    assert fails(*words, "--dataset", "nowhere").startswith("There is no dataset or folder named 'nowhere'")
    assert "no metric named 'niqq'" in fails(*words, "--dataset", "demo/test", "--metric", "niqq")
    assert runs() == []


def test_a_training_that_does_not_fit_into_memory_is_a_sentence(fails, store, brief, sides, monkeypatch):
    def greedy(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")

    monkeypatch.setattr(Model, "step", greedy)
    told = fails("train", "ablations", *sides, "--preset", "smoke", "--without", "perceptual", "--max-steps", "1")
    assert "The training does not fit into memory: a smaller --crop or --batch-size does." in told


def test_a_run_that_another_process_trains_is_left_alone(fails, store, brief, sides, workplace, monkeypatch):
    words = ("train", "ablations", *sides, "--preset", "smoke", "--without", "perceptual", "--max-steps", "1")
    with monkeypatch.context() as torn:
        torn.setattr(train, "save_weights", lambda *_: (_ for _ in ()).throw(BenchError("full")))
        assert "Not everything could be done" in fails(*words)
    before = {run.info.run_id: run.info.status for run in runs()}
    assert set(before.values()) == {"FAILED"} and len(before) == 2
    held, free = sorted(before)
    command = [sys.executable, "-c", HOLDS, workplace / "runs/training" / held / "lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        assert fails("train", "enlightengan", "--resume", held) == f"Run {held} is being trained by another process."
        assert fails(*words).endswith(f"Run {held} is being trained by another process.")
        other.stdin.close()
    assert {run.info.run_id: run.info.status for run in runs()} == {held: "FAILED", free: "FINISHED"}
    assert not any(name.startswith("state-") for name in open_suite().artifacts(free)), "a continued cell keeps no more"
    assert not (workplace / "runs/training" / free / "states").exists()


HOLDS = """
import fcntl, sys
with open(sys.argv[1], "w") as stream:
    fcntl.flock(stream, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""
