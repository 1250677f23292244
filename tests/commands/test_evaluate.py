import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import data, evaluation, scores
from bench.errors import BenchError
from bench.folders import photographs_in
from bench.images import list_images, read_image, read_rgb, to_pixels, to_tensor
from bench.metrics import get_metric
from bench.scores import read_scores
from bench.tracking import open_suite
from enlightengan.checkpoint import save_weights
from methods import METHODS

NAMES = ("a.png", "it's ok/b c.jpg", "ночь.png")
WORDS = ("evaluate", "--images", "night", "--metric", "entropy", "--csv", "scores.csv")
METHOD_WORDS = ("--method", "gamma", "--method", "clahe")


@pytest.fixture
def night(store, workplace, photograph):
    """A folder of three small dark pictures, in a directory with a real store."""
    for seed, name in enumerate(NAMES):
        photograph(workplace / "night" / name, seed=seed, high=60)
    return workplace / "night"


@pytest.fixture
def jobs(monkeypatch):
    """The jobs that were really run, as (method, image, metrics)."""
    done, run_job = [], evaluation.run_job

    def counted(job):
        done.append((job.contestant.name, job.image, job.metrics))
        return run_job(job)

    monkeypatch.setattr(evaluation, "run_job", counted)
    return done


def newest(kind):
    return open_suite().search(kind=kind)


def test_the_csv_holds_the_scores_of_the_enhanced_pictures(bench, night):
    code, out, err = bench(*WORDS, *METHOD_WORDS)
    assert code == 0, err
    frame = read_scores(night.parent / "scores.csv")
    assert frame[["method", "image"]].values.tolist() == [[m, name] for m in ("gamma", "clahe") for name in NAMES]
    assert set(frame["dataset"]) == {"night"}
    assert set(frame["metric_digest"]) == {get_metric("entropy").digest}
    assert (frame["error"] == "").all()
    enhanced = to_tensor(to_pixels(METHODS["clahe"]()(read_image(night / "a.png"))))
    expected = get_metric("entropy").load()(enhanced, None)
    assert frame.query("method == 'clahe' and image == 'a.png'")["value"].item() == expected
    assert "entropy: mean [95 % interval] images, higher is better, * best" in out
    assert f"{frame[frame['method'] == 'gamma']['value'].mean():.3f}" in out


def test_mlflow_has_one_parent_and_one_child_for_each_method(bench, night):
    bench(*WORDS, *METHOD_WORDS)
    suite = open_suite()
    (parent,) = suite.search(kind="evaluate")
    children = suite.children(parent.info.run_id)
    assert parent.info.status == "FINISHED"
    assert [child.info.run_name for child in children] == ["gamma on night", "clahe on night"]
    frame = read_scores(suite.artifact(parent.info.run_id, "scores.csv"))
    for child in children:
        part = frame[frame["method"] == child.data.tags["method"]]
        assert child.info.status == "FINISHED"
        assert child.data.metrics["night/entropy"] == pytest.approx(part["value"].mean(), rel=1e-12)
        assert child.data.metrics["errors"] == 0
        assert child.data.params["images"] == "3"
        assert child.data.tags["pinned"] == "no"
        assert len(read_scores(suite.artifact(child.info.run_id, "scores.csv"))) == 3
        assert len(list(suite.artifact(child.info.run_id, "samples").iterdir())) == 3
    assert "night is not pinned" in parent.data.tags["mlflow.note.content"]
    assert len(list(suite.artifact(parent.info.run_id, "low/night").iterdir())) == 3


def test_a_second_run_reuses_every_cell_and_force_none(bench, night, jobs):
    bench(*WORDS, *METHOD_WORDS)
    first = (night.parent / "scores.csv").read_bytes()
    assert len(jobs) == 6
    bench(*WORDS, *METHOD_WORDS)
    assert len(jobs) == 6
    assert (night.parent / "scores.csv").read_bytes() == first
    bench(*WORDS, *METHOD_WORDS, "--force")
    assert len(jobs) == 12
    assert len(newest("evaluate")) == 3


def test_scores_that_come_with_the_project_are_taken_and_told(bench, night, jobs, photograph, monkeypatch):
    assert bench(*WORDS[:-1], "shipped.csv.gz", *METHOD_WORDS)[0] == 0
    made = read_scores(night.parent / "shipped.csv.gz")
    (night.parent / "runs/cells.db").unlink()
    monkeypatch.setattr("bench.cells.SHIPPED", night.parent / "shipped.csv.gz")
    photograph(night / "d.png", seed=9, high=60)
    told, done = "6 of 8 scores come with the project", len(jobs)
    assert (made["seconds"] > 0).all()
    code, out, err = bench(*WORDS, *METHOD_WORDS)
    assert code == 0 and told in out, err
    assert {(method, image) for method, image, metrics in jobs[done:] if metrics} == {
        ("gamma", "d.png"),
        ("clahe", "d.png"),
    }
    found = read_scores(night.parent / "scores.csv")
    known = found["image"] != "d.png"
    assert found[known].reset_index(drop=True).equals(made.assign(seconds=np.nan))
    assert (found.loc[~known, "seconds"] > 0).all()
    assert bench("report", "--out", "page")[0] == 0
    assert told in (night.parent / "page/results.md").read_text()
    code, out, _ = bench(*WORDS, *METHOD_WORDS, "--force")
    assert code == 0 and "come with the project" not in out
    assert bench("report", "--out", "page")[0] == 0
    assert "come with the project" not in (night.parent / "page/results.md").read_text()
    (night.parent / "shipped.csv.gz").write_bytes(b"torn")
    assert bench(*WORDS, *METHOD_WORDS)[0] == 1 and bench(*WORDS, *METHOD_WORDS, "--force")[0] == 0


def test_a_new_picture_is_the_only_one_scored(bench, night, jobs, photograph):
    bench(*WORDS, "--method", "gamma")
    photograph(night / "new.png", seed=9, high=60)
    bench(*WORDS, "--method", "gamma")
    assert [job for job in jobs[3:] if job[2]] == [("gamma", "new.png", ("entropy",))]


PAIRS = """
title = "Pairs"
paper = "-"
licence = "CC0"
homepage = "-"
get = "-"
role = "paired-test"
low.globs = ["low/*"]
reference.globs = ["high/*"]
"""


@pytest.fixture
def pairs(store, workplace, photograph, monkeypatch):
    """The dataset `pairs`: three small pictures with references."""
    for seed, name in enumerate("abc"):
        photograph(workplace / f"data/pairs/low/{name}.png", seed=seed, high=60)
        photograph(workplace / f"data/pairs/high/{name}.png", seed=seed)
    (workplace / "specs").mkdir()
    (workplace / "specs/pairs.toml").write_text(PAIRS)
    monkeypatch.setattr(data, "SPECS", workplace / "specs")
    data.specs.cache_clear()
    yield workplace
    data.specs.cache_clear()


def test_two_workers_give_the_table_of_one(bench, pairs):
    """With a metric that does without pyiqa, which every worker would have to import."""
    words = (
        "evaluate",
        "--dataset",
        "pairs",
        "--metric",
        "ssim_rgb",
        "--method",
        "gamma",
        "--method",
        "msr",
        "--force",
    )
    for workers in (1, 2):
        assert bench(*words, "--workers", workers, "--csv", f"{workers}.csv")[0] == 0
    one, two = (read_scores(pairs / f"{workers}.csv").drop(columns="seconds") for workers in (1, 2))
    assert len(one) == 6
    assert one.drop(columns="value").equals(two.drop(columns="value"))
    assert np.abs(one["value"] - two["value"]).max() < 1e-6


def test_every_test_set_that_is_here_is_the_default(bench, pairs):
    code, _, err = bench("evaluate", "--metric", "psnr", "--method", "identity", "--csv", "scores.csv")
    assert code == 0, err
    frame = read_scores(pairs / "scores.csv")
    assert frame["dataset"].tolist() == ["pairs"] * 3
    low, high = (read_rgb(pairs / f"data/pairs/{side}/a.png").astype(float) for side in ("low", "high"))
    assert frame["value"][0] == pytest.approx(10 * np.log10(255**2 / np.mean((low - high) ** 2)), abs=1e-3)


def test_a_metric_without_references_is_left_out_where_there_are_none(bench, pairs, photograph):
    photograph(pairs / "night/a.png", high=60)
    words = ("evaluate", "--dataset", "pairs", "--images", "night", "--method", "gamma")
    code, out, err = bench(*words, "--metric", "psnr", "--metric", "entropy", "--csv", "scores.csv")
    assert code == 0, err
    counts = read_scores(pairs / "scores.csv").groupby(["dataset", "metric"]).size().to_dict()
    assert counts == {("night", "entropy"): 1, ("pairs", "entropy"): 3, ("pairs", "psnr"): 3}
    assert "psnr needs references, so it is not computed on night." in out


def test_results_are_saved_below_the_folder_given(bench, night):
    bench(*WORDS, *METHOD_WORDS, "--save-images", "out")
    out = night.parent / "out/gamma/night"
    assert sorted(p.relative_to(out).as_posix() for p in list_images(out)) == ["a.png", "it's ok/b c.png", "ночь.png"]
    expected = to_pixels(METHODS["gamma"]()(read_image(night / "a.png")))
    assert np.array_equal(read_rgb(out / "a.png"), expected)


def test_no_result_is_saved_over_what_is_read(bench, fails, night, photograph, jobs):
    shutil.copytree(night, night.parent / "out/gamma/night")
    before = {path: path.read_bytes() for path in (night.parent / "out").rglob("*.png")}
    words = ("evaluate", "--metric", "entropy", "--method", "gamma", "--save-images", "out")
    told = fails(*words, "--images", "out/gamma/night")
    assert "--save-images would write over out/gamma/night/" in told and jobs == []
    assert "would write over" in fails(*words, "--images", "night", "--outputs", "theirs=out/gamma/night")
    assert before == {path: path.read_bytes() for path in before}


def test_results_and_references_below_the_photographs_are_none_and_results_are_shown(bench, fails, night, photograph):
    for file in photographs_in(night):
        for folder in ("theirs", "twins"):
            photograph(night / folder / file.relative_to(night), size=(24, 32), seed=5)
    words = ("evaluate", "--images", "night", "--references", "night/twins", "--outputs", "theirs=night/theirs")
    code, _, err = bench(*words, "--method", "gamma", "--metric", "psnr", "--metric", "entropy", "--csv", "scores.csv")
    assert code == 0, err
    assert read_scores(Path("scores.csv")).groupby(["method", "metric"]).size().tolist() == [3, 3, 3, 3]
    _forget_samples(night.parent)
    code, _, err = bench("report", "--image", "a.png", "--method", "gamma", "--method", "theirs", "--full-size")
    assert code == 0, err  # both folders are read again as they were read then
    (shown,) = Path("runs/report/pictures").glob("*/theirs.png")
    assert (read_rgb(shown) == read_rgb(night / "theirs/a.png")).all()
    photograph(night / "theirs/a.png", size=(24, 32), seed=6)
    assert "are not those that were scored" in fails("report", "--image", "a.png", "--method", "theirs")


@pytest.mark.parametrize("source", [("--images", "."), ("--dataset", ".")])
def test_results_of_before_are_no_photographs(bench, night, monkeypatch, source):
    monkeypatch.chdir(night)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    words = ("evaluate", *source, "--metric", "entropy", "--method", "gamma", "--save-images", "results")
    for _ in range(2):
        code, _, err = bench(*words)
        assert code == 0, err
        assert Path("runs/samples").is_dir() and len(list_images(night / "results")) == 3
        (last, *_) = open_suite().search(kind="evaluate")
        assert len(read_scores(open_suite().artifact(last.info.run_id, "scores.csv"))) == 3
    assert len(photographs_in(night)) == 6, "no folder for results was named"
    assert len(photographs_in(night / "results")) == 3 and photographs_in(Path("runs").resolve()), "what is named is"
    shutil.rmtree("runs")
    photographs = Path("runs/marathon")
    photographs.mkdir(parents=True)
    shutil.copy("a.png", photographs)
    assert len(photographs_in(night)) == 7, "a folder of runs that somebody photographed"


@pytest.mark.parametrize("source", ["--images", "--dataset"])
def test_what_is_not_read_is_said(bench, fails, night, workplace, source):
    for name in ("a.HEIC", "b.cr2", ".hidden.heic", "saved/c.heic"):
        (workplace / "night" / name).parent.mkdir(exist_ok=True)
        (workplace / "night" / name).touch()
    words = ("evaluate", source, "night", "--method", "gamma", "--metric", "entropy", "--save-images", "night/saved")
    code, out, err = bench(*words)
    assert code == 0, err
    assert "night: Left out, of no format that is taken: 2 (.cr2, .heic)." in " ".join((out + err).split())
    (workplace / "raw").mkdir()
    (workplace / "night/a.HEIC").rename(workplace / "raw/a.HEIC")
    told = fails("evaluate", source, "raw", "--method", "gamma", "--metric", "entropy")
    assert told.startswith("There is no photograph in raw. 1 of other formats is there: convert them first")


def test_saved_results_keep_pictures_apart_that_differ_in_suffix(bench, night, photograph):
    photograph(night / "a.jpg", seed=7, high=60)
    code, _, _ = bench(*WORDS, "--method", "gamma", "--save-images", "out")
    assert code == 1 or len(list_images(night.parent / "out")) == 4


def test_all_methods_that_have_weights_are_the_default(bench, night, monkeypatch):
    monkeypatch.setattr("bench.weights.SHIPPED", night)
    code, out, _ = bench(*WORDS)
    assert code == 0
    classical = [name for name in METHODS if not METHODS.card(name).learned]
    assert list(read_scores(night.parent / "scores.csv")["method"].unique()) == classical
    assert "Left out: There are no weights for enlightengan:" in out


def generator_file(path):
    from enlightengan.networks import Generator, initialise

    generator = Generator()
    initialise(generator, torch.Generator().manual_seed(0))
    save_weights(path, generator.state_dict(), {"align_corners": "True"})


def test_weights_can_be_given(bench, night):
    generator_file(night.parent / "g.safetensors")
    code, out, err = bench(*WORDS, "--method", "gamma", "--checkpoint", "enlightengan=g.safetensors")
    assert code == 0, err
    frame = read_scores(night.parent / "scores.csv")
    assert frame["method"].unique().tolist() == ["gamma", "enlightengan"]
    (digest,) = frame[frame["method"] == "enlightengan"]["checkpoint"].unique()
    assert f"enlightengan: weights {digest}, g.safetensors" in out
    assert len(digest) == 16


def test_several_weights_of_one_method_stand_side_by_side_by_names_and_are_shown(bench, night):
    from enlightengan.dce_net import DceNet

    for seed in range(2):
        torch.manual_seed(seed)
        save_weights(night.parent / f"{seed}.safetensors", DceNet().state_dict(), {})
    given = [f"--checkpoint={name}=zero_dce:{seed}.safetensors" for seed, name in enumerate(("early", "late"))]
    code, out, err = bench(*WORDS, "--method", "gamma", *given, "--checkpoint", "zero_dce=1.safetensors")
    assert code == 0, err
    frame = read_scores(night.parent / "scores.csv").set_index(["method", "image"])["value"]
    assert list(dict.fromkeys(frame.index.get_level_values(0))) == ["gamma", "early", "late", "zero_dce"]
    assert frame["late"].equals(frame["zero_dce"])
    assert not frame["early"].equals(frame["late"])
    assert ", 0.safetensors, as weights of zero_dce" in out
    assert bench(*WORDS, *given)[0] == 0
    assert set(read_scores(night.parent / "scores.csv")["method"]) == {"early", "late"}, "nothing else was named"
    _forget_samples(night.parent)
    code, out, err = bench("report", "--image", "a.png")
    assert code == 0, err
    page = (night.parent / "runs/report/results.md").read_text(encoding="utf-8")
    assert "not shown" not in page
    assert "early: weights of zero\\_dce." in page and "late: weights of zero\\_dce." in page
    assert "- early: Zero-DCE; " in page, "its card, under the name that it has here"
    (night.parent / "0.safetensors").unlink()
    _forget_samples(night.parent)
    assert bench("report", "--image", "a.png")[0] == 0
    page = (night.parent / "runs/report/results.md").read_text(encoding="utf-8")
    assert "The weights of early that were scored" in page


def _forget_samples(folder):
    """Delete every picture that an evaluation kept."""
    for kept in [*folder.rglob("samples"), *folder.rglob("mlartifacts")]:
        for file in list_images(kept) if kept.is_dir() and list(kept.rglob("*.png")) else ():
            file.unlink()


def test_a_folder_of_references_pairs_with_the_photographs_by_name(bench, fails, night, photograph):
    for seed, name in enumerate(("a.jpg", "it's ok/b c.png", "ночь.png")):
        photograph(night.parent / "day" / name, seed=seed, high=60)
    words = ("evaluate", "--images", "night", "--references", "day", "--method", "identity", "--csv", "scores.csv")
    code, out, err = bench(*words, "--metric", "entropy")
    assert code == 0 and "No metric that was asked for looks at references" in out, err
    code, out, err = bench(*words, "--metric", "psnr")
    assert code == 0 and "looks at references" not in out, err
    values = read_scores(night.parent / "scores.csv").set_index("image")["value"]
    assert values["ночь.png"] > 60 > values["a.png"]
    photograph(night.parent / "day/ночь.png", seed=9)
    bench(*words, "--metric", "psnr")
    assert read_scores(night.parent / "scores.csv").set_index("image")["value"]["ночь.png"] < 60
    (night.parent / "day/a.jpg").unlink()
    assert fails(*words, "--metric", "psnr") == (
        "1 of 3 photographs have no twin in day: night/a.png. Name them alike, or name the pairs (datasets/README.md)."
    )
    assert fails("evaluate", "--references", "day") == "--references are those of --images: give both."


def test_references_of_another_size_are_an_error_before_any_work(fails, night, photograph, jobs):
    for file in photographs_in(night):
        photograph(night.parent / "twins" / file.relative_to(night), size=(20, 30))
    words = ("evaluate", "--images", "night", "--references", "twins", "--method", "gamma", "--metric", "psnr")
    assert fails(*words) == ("twins/a.png is 30 x 20, its photograph 32 x 24: they are compared pixel by pixel.")
    assert jobs == []


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", ".."])
def test_results_are_saved_below_their_folder_whatever_the_method_is_called(
    bench, fails, night, photograph, jobs, name
):
    for file in photographs_in(night):
        photograph(night.parent / "theirs" / file.relative_to(night), size=(24, 32))
    words = ("evaluate", "--images", "night", "--outputs", f"{name}=theirs", "--metric", "entropy")
    told = fails(*words, "--save-images", "out")
    assert told == f"--save-images makes a folder for each method, and {name} cannot be one: name it otherwise."
    assert jobs == [] and bench(*words)[0] == 0, "as a name it may stand"


@pytest.mark.parametrize("name", [" gamma", "gamma ", ""])
def test_results_and_weights_have_names_that_can_be_told_apart(fails, night, name):
    told = fails("evaluate", "--images", "night", "--outputs", f"{name}=theirs")
    assert told.startswith("--outputs takes NAME=DIR, not ")
    told = fails("evaluate", "--images", "night", "--checkpoint", f"{name}=zero_dce:g.safetensors")
    assert told.startswith("--checkpoint takes METHOD=FILE or NAME=METHOD:FILE")


def test_weights_are_found_in_the_store_that_is_named(bench, night, store, monkeypatch):
    monkeypatch.setattr("bench.weights.SHIPPED", night)
    generator_file(night.parent / "weights.safetensors")
    tags = {"variant": "enlightengan", "preset": "fast", "trusted": "yes"}
    with open_suite().run("r", kind="train", tags=tags) as run:
        run.artifact(night.parent / "weights.safetensors")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(night)
    words = ("evaluate", "--images", ".", "--metric", "entropy", "--method", "enlightengan")
    code, out, err = bench(*words, "--tracking-uri", store)
    assert code == 0, err
    assert "preset fast" in out


def test_somebodys_results_are_scored_as_one_more_method(bench, night, photograph):
    results = night.parent / "theirs"
    mine = photograph(results / "a.png", seed=5)
    photograph(results / "it's ok/b c.png", seed=6)
    photograph(results / "more.png", seed=7)
    words = (*WORDS, "--outputs", "theirs=theirs")
    code, out, err = bench(*words, "--method", "gamma")
    assert (code, "theirs on ночь.png for one: There is no result in theirs." in err) == (1, True)
    frame = read_scores(night.parent / "scores.csv").set_index(["method", "image"])
    assert len(frame) == 6
    assert frame.loc[("theirs", "a.png"), "value"] == get_metric("entropy").load()(to_tensor(mine), None)
    assert frame["seconds"].isna().sum() == 3
    assert "theirs has 1 file that is of no picture of night:\n  more.png" in out
    children = [run.data.tags["method"] for run in open_suite().children(newest("evaluate")[0].info.run_id)]
    assert children == ["gamma", "theirs"]


def test_results_are_read_again_only_when_they_change(bench, night, photograph, jobs):
    for name in NAMES:
        photograph(night.parent / "theirs" / name, seed=5)
    words = (*WORDS, "--outputs", "theirs=theirs")
    assert bench(*words)[0] == 0
    first = read_scores(night.parent / "scores.csv")
    assert bench(*words)[0] == 0
    assert len(jobs) == 3
    assert read_scores(night.parent / "scores.csv").equals(first)
    photograph(night.parent / "theirs/a.png", seed=8)
    assert bench(*words)[0] == 0
    assert [job for job in jobs[3:] if job[2]] == [("theirs", "a.png", ("entropy",))]


def test_two_methods_of_one_name_are_refused(fails, night, photograph):
    photograph(night.parent / "theirs/a.png", seed=5)
    generator_file(night.parent / "weights.safetensors")
    words = ("--outputs", "foo=theirs", "--checkpoint", "foo=enlightengan:weights.safetensors")
    told = fails("evaluate", "--images", "night", "--metric", "entropy", *words)
    assert told == "Two methods are called foo, by --outputs and by --checkpoint: give one another name."


def test_results_on_what_no_metric_can_score_are_an_error(fails, night, photograph):
    for folder in ("day", "lit"):
        photograph(night.parent / f"{folder}/x.png", seed=5)
    shutil.copytree(night, night.parent / "theirs")
    words = ("--images", "day", "--references", "lit", "--dataset", "night", "--outputs", "theirs=theirs")
    assert fails("evaluate", "--metric", "psnr", *words) == "theirs has results on no dataset that psnr could score."


def test_a_csv_that_cannot_be_written_is_told_before_any_work(fails, night, jobs):
    words = ("evaluate", "--images", "night", "--metric", "entropy", "--method", "gamma", "--csv")
    (night.parent / "file").touch()
    assert fails(*words, "file/x.csv").startswith("Cannot write file/x.csv: ")
    assert fails(*words, "night") == "Cannot write night: it is a folder."
    assert jobs == []


def break_one(night):
    (night / "broken.png").write_bytes((night / "a.png").read_bytes()[:60])


def test_a_broken_picture_is_reported_and_the_rest_is_done(bench, night):
    break_one(night)
    code, _, err = bench(*WORDS, *METHOD_WORDS)
    frame = read_scores(night.parent / "scores.csv")
    assert len(frame) == 8
    assert frame[frame["error"] != ""]["image"].tolist() == ["broken.png"] * 2
    assert frame["value"].notna().sum() == 6
    assert "2 of 8 scores are missing, gamma on broken.png for one: " in err
    assert newest("evaluate")[0].info.status == "FINISHED"
    assert code == 1


def test_a_broken_picture_beyond_the_samples_shows_in_the_exit_status(bench, night, monkeypatch):
    monkeypatch.setattr("commands.recording.SAMPLE_COUNT", 1)  # a.png
    break_one(night)
    code, _, err = bench(*WORDS, *METHOD_WORDS)
    assert "2 of 8 scores are missing, gamma on broken.png for one: " in err
    assert len(read_scores(night.parent / "scores.csv")) == 8
    assert code == 1


def test_two_folders_of_the_same_name_are_refused_before_any_work(fails, night, photograph, jobs):
    photograph(night.parent / "other/night/a.png", seed=50)
    assert "night" in fails(*WORDS, "--method", "gamma", "--dataset", "other/night")
    assert jobs == []


def test_a_folder_may_be_called_like_a_dataset(bench, night):
    night.rename(night.parent / "lime")
    code, _, err = bench("evaluate", "--images", "lime", "--metric", "entropy", "--method", "gamma")
    assert code == 0, err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--method", "clahee"), "no method named 'clahee': did you mean clahe"),
        (("--dataset", "dicn"), "no dataset or folder named 'dicn': did you mean dicm"),
        (("--dataset", "dicm"), "The dataset dicm is not below data"),
        (("--metric", "nique"), "no metric named 'nique': did you mean"),
        (("--metric", "psnr"), "psnr needs reference photographs, and night has none"),
        (("--images", "absent"), "There is no folder absent"),
        (("--checkpoint", "clahe=x"), "--checkpoint takes METHOD=FILE or NAME=METHOD:FILE with a learned method"),
        (("--checkpoint", "mine=x"), "--checkpoint takes METHOD=FILE or NAME=METHOD:FILE"),
        (("--checkpoint", "mine=clahe:x"), "--checkpoint takes METHOD=FILE or NAME=METHOD:FILE"),
        (("--checkpoint", "mine=zero_dcee:x"), "no method named 'zero_dcee': did you mean zero_dce"),
        (("--checkpoint", "mine=zero_dce:"), "--checkpoint takes METHOD=FILE or NAME=METHOD:FILE"),
        (("--checkpoint", "enlightengan"), "--checkpoint takes METHOD=FILE"),
        (
            ("--checkpoint", "zero_dce=a", "--checkpoint", "zero_dce=b"),
            "two files for zero_dce: give one a name, NAME=zero_dce:FILE",
        ),
        (("--metric", "fid"), "fid compares whole sets of pictures"),
        (("--checkpoint", "enlightengan=absent.pth"), "There is no weights file absent.pth"),
        (("--outputs", "gamma=night"), "gamma is a method of this project; give the results another name"),
        (("--outputs", "theirs"), "--outputs takes NAME=DIR, not 'theirs'"),
        (("--outputs", "theirs=absent"), "There is no folder absent"),
        (("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "give one of them"),
        (("--workers", "0"), "--workers must be at least 1, not 0"),
        (("--device", "abacus"), "The device abacus cannot be used"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_status_1(fails, night, words, sentence):
    given = ("evaluate", "--images", "night") if words[0] != "--images" else ("evaluate",)
    metric = () if words[0] == "--metric" else ("--metric", "entropy")
    assert sentence in fails(*given, *metric, "--method", "gamma", *words)


def test_a_learned_method_without_weights_that_was_asked_for_is_an_error(fails, night, monkeypatch):
    monkeypatch.setattr("bench.weights.SHIPPED", night)
    sentence = fails("evaluate", "--images", "night", "--method", "enlightengan")
    assert sentence.startswith("There are no weights for enlightengan: train it")


def test_a_file_of_another_kind_is_not_taken_for_weights(fails, night):
    (night.parent / "notes.pth").write_bytes(b"print('not weights')")
    told = fails("evaluate", "--images", "night", "--metric", "entropy", "--checkpoint", "enlightengan=notes.pth")
    assert told == "notes.pth is not a file of network weights (.safetensors or .pth), or is damaged."


def test_a_black_photograph_has_a_reason_that_can_be_read(fails, store, workplace):
    (workplace / "dark").mkdir()
    Image.fromarray(np.zeros((120, 120, 3), np.uint8)).save(workplace / "dark/black.png")
    told = fails("evaluate", "--images", "dark", "--method", "clahe", "--metric", "niqe")
    assert "NIQE has no value for it: there is no texture in it to look at." in told


def test_one_photograph_has_a_mean_without_an_interval_and_a_black_one_has_none(bench, store, workplace):
    for folder, pixels in (("black", 0), ("noise", np.random.default_rng(0).integers(0, 256, (120, 120, 3)))):
        (workplace / folder).mkdir()
        Image.fromarray(np.zeros((120, 120, 3), np.uint8) + np.uint8(pixels)).save(workplace / folder / "one.png")
    _, out, _ = bench("evaluate", "--images", "black", "--images", "noise", "--method", "clahe", "--metric", "niqe")
    row = next(line.split() for line in out.splitlines() if line.strip().startswith("clahe"))
    assert row[2:4] == ["[-]", "1"] and float(row[1]) > 0
    assert "nan" not in out


def test_a_database_that_cannot_be_written_is_a_sentence(fails, night, store):
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as database, database:
        database.execute("CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no writing'); END")
    told = fails("evaluate", "--images", "night", "--metric", "entropy", "--method", "gamma")
    assert told.startswith(f"No run can be written to {store}: ")


def test_a_csv_that_cannot_be_written_costs_no_score(bench, night, monkeypatch):
    write = scores.write_csv

    def full(frame, path):
        if path.name == "late.csv":
            raise BenchError("Cannot write late.csv: No space left on device.")
        write(frame, path)

    monkeypatch.setattr(scores, "write_csv", full)
    words = ("evaluate", "--images", "night", "--metric", "entropy", "--method", "gamma", "--csv", "late.csv")
    code, out, err = bench(*words)
    assert code == 1 and "gamma" in out and err == "Error: Cannot write late.csv: No space left on device.\n"
    break_one(night)
    code, out, err = bench(*words)
    assert code == 1 and "Cannot write late.csv" in out and "1 of 4 scores are missing" in err
    assert [run.info.status for run in open_suite().search(kind="evaluate")] == ["FINISHED"] * 2


def test_an_empty_folder_is_an_error(fails, store, workplace):
    (workplace / "empty").mkdir()
    assert fails("evaluate", "--images", "empty", "--method", "gamma") == "There is no photograph in empty."
