import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.images import write_rgb
from bench.tracking import open_suite
from study.exchange import design_digest, orders
from study.store import Store

HOSTILE = "<script>alert('x')</script> \"名前\" $x$"
IMAGES = ("one", "two", "three", "four", "five", "six")
QUICK = ("--resamples", "50")
AT = "2026-03-01T10:00:00Z"


@pytest.fixture
def results(workplace):
    """Results of methods under `workplace`/METHOD; the words that `bench study new` takes for them."""

    def write(methods=("alpha", "beta", "gamma"), names=("one", "two", "three")):
        random = np.random.default_rng(0)
        words = []
        for number, method in enumerate(methods):
            for name in names:
                pixels = np.full((24, 32, 3), random.integers(60, 220, 3), dtype=np.uint8)
                write_rgb(pixels, workplace / f"m{number}" / f"{name}.png")
            words += ["--outputs", f"{method}=m{number}"]
        return words

    return write


@pytest.fixture
def judged(bench, results, workplace):
    """A study whose observers prefer methods in their order; the last one always presses one side."""

    def make(name="study", methods=("alpha", "beta", "gamma"), observers=7, careless=1):
        code, _, err = bench("study", "new", name, *results(methods, IMAGES))
        assert code == 0, err
        with Store(workplace / "runs/studies" / name) as store:
            for number in range(observers):
                observer = store.observer(store.join())
                while pair := store.state(observer)["trial"]:
                    left, right = (store.pictures[pair[side]] for side in ("left", "right"))
                    ranks = [9 if p["kind"] == "degraded" else p["method"] for p in (left, right)]
                    choice = "left" if ranks[0] < ranks[1] else "right"
                    store.vote(observer, pair["token"], "left" if number >= observers - careless else choice, 800)
        return workplace / "runs/studies" / name

    return make


def test_a_study_is_made_and_told(bench, results, workplace):
    words = results()
    code, out, err = bench("study", "new", "first", *words, "--images", "2", "--seed", "4")
    assert code == 0, err
    assert "3 methods on 2 images, 15 pairs an observer." in out  # 6 pairs, 1 repeat, 8 catch trials
    assert {p.name for p in (workplace / "runs/studies/first").iterdir()} == {"study.db", "pictures"}
    assert [p.name for p in (workplace / "runs/studies").iterdir()] == ["first"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "<script>", "naïve", "a b", "x" * 65, "-x"])
def test_names_that_are_no_folders_are_refused(fails, results, workplace, name):
    words = results()
    told = fails("study", "new", *words, "--", name)
    assert told.startswith("A study's name is made of letters")
    assert not (workplace / "runs/studies").exists()


def test_what_can_be_wrong_with_new_is_one_sentence(bench, fails, results, workplace):
    words = results()
    assert "takes NAME=DIR" in fails("study", "new", "s", "--outputs", "m0", "--outputs", "b=m1")
    assert "names alpha twice" in fails("study", "new", "s", *words, "--outputs", "alpha=m1")
    assert "two methods at least" in fails("study", "new", "s", *words[:2])
    assert "cannot be called image" in fails("study", "new", "s", *words, "--outputs", "image=m1")
    assert "There is no folder absent" in fails("study", "new", "s", *words, "--outputs", "delta=absent")
    assert "--images must lie between 1 and 3" in fails("study", "new", "s", *words, "--images", "9")
    assert "--longest" in fails("study", "new", "s", *words, "--longest", "1")
    assert "There is no dataset or folder" in fails("study", "new", "s", *words, "--dataset", "nowhere")
    (workplace / "m1/one.png").unlink()
    assert "beta lacks 1 (one)" in fails("study", "new", "s", *words)
    assert not (workplace / "runs/studies/s").exists()
    code, out, _ = bench("study", "new", "s", *words, "--common")
    assert code == 0
    assert "Left out: beta lacks 1 (one)." in out
    assert "There is a study s already" in fails("study", "new", "s", *words, "--common")


@pytest.mark.parametrize("words", [("serve", "absent"), ("rank", "absent"), ("import", "absent", "x.json")])
def test_an_absent_study_is_named(fails, workplace, words):
    assert fails("study", *words).startswith("There is no study absent in runs/studies")


def test_what_can_be_wrong_with_serve_is_one_sentence(bench, fails, results, workplace):
    import socket

    bench("study", "new", "s", *results())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Cannot listen on 127.0.0.1, port {port}" in fails("study", "serve", "s", "--port", port)
    assert "Cannot listen on nowhere.invalid" in fails("study", "serve", "s", "--host", "nowhere.invalid")
    assert "--token takes" in fails("study", "serve", "s", "--token", "abcdefgh123")
    assert "--token takes" in fails("study", "serve", "s", "--host", "0.0.0.0", "--token", "a b")
    (workplace / "file").touch()
    assert "file is there already" in fails("study", "serve", "s", "--static", "file")
    assert "Cannot write the study" in fails("study", "serve", "s", "--static", "file/below")


def test_the_ranking_says_who_is_preferred_and_who_is_left_out(bench, judged, store):
    folder = judged()
    code, out, err = bench("study", "rank", "study", *QUICK)
    assert code == 0, err
    assert "study: 6 observers, 6 images, 108 votes." in out
    assert "observer 7 is left out: failed" in out
    assert "People prefer alpha." in out
    strengths = pd.read_csv(folder / "ranking/strengths.csv")
    assert strengths["method"].tolist() == ["alpha", "beta", "gamma"]
    assert strengths["wins"].tolist() == [1.0, 0.5, 0.0]
    assert pd.read_csv(folder / "ranking/ranks.csv").set_index("method").to_numpy().tolist() == [
        [6, 0, 0], [0, 6, 0], [0, 0, 6]]  # fmt: skip
    names = {path.name for path in (folder / "ranking").iterdir()}
    assert {"study.json", "ranks.png", "ranks.pdf", "strengths.png", "wins.csv", "observers.csv"} <= names
    facts = json.loads((folder / "ranking/study.json").read_text())
    assert (facts["observers"], facts["excluded"], facts["votes"]) == (6, 1, 108)


def test_nobody_is_left_out_when_asked(bench, judged, store):
    judged()
    code, out, err = bench("study", "rank", "study", "--keep-all", *QUICK)
    assert code == 0, err
    assert "study: 7 observers, 6 images, 126 votes." in out
    assert "observer 7 would be left out: failed" in out
    assert "counted; failed" in " ".join(out.split())


def test_metrics_are_compared_with_people(bench, fails, judged, store, workplace, monkeypatch):
    def unknown(name):
        raise BenchError(f"There is no metric {name}.")

    monkeypatch.setattr("bench.metrics.get_metric", unknown)  # the real one asks pyiqa, which takes long to load
    folder = judged()
    rows = [(m, "", f"{image}.png", "sharpness", value) for value, m in enumerate(("gamma", "beta", "alpha"))
            for image in IMAGES]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["method", "dataset", "image", "metric", "value"])
    frame.to_csv("scores.csv", index=False)
    words = ("study", "rank", "study", "--scores", "scores.csv", *QUICK)
    assert "--lower-is-better sharpness" in fails(*words)
    assert "both lower and higher" in fails(*words, "--lower-is-better", "x", "--higher-is-better", "x")
    code, out, err = bench(*words, "--higher-is-better", "sharpness")
    assert code == 0, err
    assert "sharpness" in out
    row = pd.read_csv(folder / "ranking/agreement.csv").iloc[0]
    assert (row["spearman"], row["kendall"], row["share"]) == (1, 1, 1)
    assert bench("study", "rank", "study", *QUICK)[0] == 0
    assert not (folder / "ranking/agreement.csv").exists(), "no scores, no agreement beside the new tables"


def test_a_study_without_votes_has_no_ranking(bench, fails, results, store):
    bench("study", "new", "empty", *results())
    assert fails("study", "rank", "empty").startswith("The study empty has no vote yet")


def test_when_everybody_is_left_out_it_is_said(fails, judged, store):
    judged(observers=1, careless=1)
    told = fails("study", "rank", "study")
    assert told.startswith("No vote is left to rank by: observer 1 is left out")
    assert "--keep-all" in told


def test_the_report_has_the_newest_ranking_and_escapes_names(bench, judged, store, workplace):
    folder = judged("people", methods=(HOSTILE, "plain", "NA"))
    for _ in range(2):
        assert bench("study", "rank", "people", *QUICK)[0] == 0
    (run, _) = open_suite().search(kind="study")
    assert run.data.tags["study"] == "people"
    assert run.data.metrics["votes"] == 108
    assert "strength/plain" in run.data.metrics
    table = "method,checkpoint,dataset,image,metric,value,seconds,metric_digest,error\n"
    (workplace / "s.csv").write_text(table + "gamma,,d,a.png,entropy,1,1,x,\nclahe,,d,a.png,entropy,2,1,x,\n")
    code, _, err = bench("report", "--csv", "s.csv", "--out", "page")
    assert code == 0, err
    page = (workplace / "page/index.html").read_text(encoding="utf-8")
    assert page.count("people: People prefer") == 1
    assert "6 observers judged 3 methods pairwise on 6 images: 108 votes." in page
    observers = pd.read_csv(folder / "ranking/observers.csv")
    shown = int(observers.loc[observers["excluded"].isna(), "repeats"].sum())
    assert 0 < shown < observers["repeats"].sum() and f"of {shown} pairs were judged alike" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert pd.read_csv(folder / "ranking/strengths.csv", keep_default_na=False)["method"].tolist()[-1] == "NA"
    assert {p.name for p in (workplace / "page/figures").glob("study*")} == {
        f"study--people--{kind}.{suffix}" for kind in ("ranks", "strengths") for suffix in ("png", "pdf")
    }


def votes_file(folder, path, observer, count=None, **changes):
    with Store(folder) as store:
        total = len(orders(store)[0])
        votes = [{"position": k, "choice": "left", "milliseconds": 1, "at": AT} for k in range(count or total)]
        found = {"format": "bench study votes", "version": 1, "study": store.id, "design": design_digest(store),
                 "observer": observer * 32, "order": 0, "votes": votes}  # fmt: skip
    path.write_text(json.dumps(found | changes))
    return path


def test_good_files_are_taken_and_bad_ones_told_at_the_end(bench, fails, results, workplace):
    bench("study", "new", "s", *results())
    folder = workplace / "runs/studies/s"
    one, two = (votes_file(folder, workplace / f"{name}.json", name, count=4) for name in "ab")
    foreign = votes_file(folder, workplace / "c.json", "c", study="0" * 16)
    code, out, err = bench("study", "import", "s", one, foreign, two, one)
    assert code == 1
    assert "4 votes as file aaaaaaaaaaaa." in out
    assert "4 votes as file bbbbbbbbbbbb." in out
    assert err.startswith("Error: 2 of 4 files were refused: ")
    assert "c.json belongs to another study" in err
    assert "a.json are here already" in err
    assert err.count("\n") == 1
    with closing(sqlite3.connect(folder / "study.db")) as database:
        assert database.execute("SELECT count(*) FROM votes").fetchone()[0] == 8
    assert "belongs to another study" in fails("study", "import", "s", foreign)
    assert bench("study", "import", "s", one, "--replace")[0] == 0


def test_simulated_panels_recover_the_strengths_and_the_paper(bench, workplace):
    code, out, err = bench("study", "simulate", "--simulations", "2", "--resamples", "50")
    assert code == 0, err
    assert "2 panels of 9 observers and 23 images" in out
    assert "The published rank histogram is reproduced." in out
    assert "with the published NIQE over all sets: 0.50." in out
    assert list(workplace.iterdir()) == []
    assert "(standard error -)" in bench("study", "simulate", "--simulations", "1", "--resamples", "50")[1]


def test_names_with_brackets_are_names(bench, judged, store):
    judged(methods=("alpha[/x]", "beta", "gamma[red]"))
    code, out, err = bench("study", "rank", "study", *QUICK)
    assert code == 0, err
    assert "alpha[/x]" in out and "gamma[red]" in out


def test_a_copied_study_goes_on(bench, judged, store, workplace):
    """A study is its folder: it can be moved to another machine."""
    folder = judged()
    shutil.move(folder, folder.with_name("moved"))
    code, out, err = bench("study", "rank", "moved", *QUICK)
    assert code == 0, err
    assert "108 votes" in out
