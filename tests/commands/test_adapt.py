import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.data import from_folder
from bench.tracking import open_suite
from commands.adapt import keep_held_out
from commands.sides import Sides
from enlightengan import health, networks
from enlightengan.checkpoint import save_weights

GENERAL = ("enlightengan", "enlightengan_guided")
ADAPTED = tuple(f"{name}_adapted" for name in GENERAL)


def runs():
    return open_suite().search(kind="train")


def test_adapting_chooses_by_the_rule_and_scores_those_kept_apart(
    bench, fails, store, brief, sides, workplace, photograph, monkeypatch
):
    for number in range(3, 6):
        photograph(workplace / f"dark/{number}.png", seed=number, size=(60, 64), high=200)  # not dark enough
    words = ("adapt", *sides, "--preset", "smoke", "--hold-out", "0.34", "--metric", "entropy", "--metric", "halo")
    assert fails(*words, "--metric", "psnr").startswith("psnr needs reference photographs")
    assert "is a training state: adapt begins from a generator" in fails(*words, "--init-from", "state-00000002.pt")
    assert runs() == [], "before any training"
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    code, out, err = bench(*words, "--features", "random")
    assert code == 0, err
    (run,) = runs()
    assert "no general weights to compare with" in out
    assert "scores are missing" in out, "the photograph held out has no lamp"
    assert f"held out (run {run.info.run_id[:8]})" in out and "not pinned" not in out
    assert "3 of 6 photographs qualify" in out and "1 are held out, photograph by photograph" in out
    assert (run.data.tags["adapted"], run.data.tags["trusted"], run.data.tags["qualifying"]) == (
        "from scratch",
        "no",
        "3",
    )
    assert run.data.params["low_images"] == "2"
    (held,) = (workplace / "runs/held_out" / run.info.run_id).iterdir()
    assert held.is_symlink()
    code, _, err = bench(*words, "--features", "random", "--init-from", run.info.run_id)
    assert code == 0, err
    evaluation = open_suite().search(kind="evaluate")[0]
    scored = pd.read_csv(open_suite().artifact(evaluation.info.run_id, "scores.csv"))
    assert set(scored["method"]) == {*GENERAL, *ADAPTED, "identity", "clahe"}
    again = runs()[0]
    assert (run.data.params["batch_norm"], again.data.params["batch_norm"]) == ("synchronised", "frozen")
    assert set(scored["dataset"]) == {again.info.run_id} and scored.query("metric == 'entropy'")["value"].notna().all()
    by_method = scored.drop_duplicates("method").set_index("method")["checkpoint"]
    assert bench("evaluate", "--images", "bright", "--metric", "loe", "--method", "clahe")[0] == 0
    code, _, err = bench("report", "--out", "page")  # of a metric that only the held-out photographs were scored with
    assert code == 0, err
    assert "enlightengan\\_adapted" in (workplace / "page/results.md").read_text()
    assert {by_method[name] for name in ADAPTED} == {again.data.tags["weights_digest"]}
    assert {by_method[name] for name in GENERAL} == {run.data.tags["weights_digest"]}
    assert by_method[ADAPTED[0]] != by_method[GENERAL[0]]
    assert (
        bench("evaluate", "--images", "bright", "--metric", "entropy", "--method", "clahe", "--method", "gamma")[0] == 0
    )
    code, out, err = bench("compare", "--against", "gamma", "--metric", "entropy")
    assert (code, "enlightengan" in out) == (0, False), err
    assert "none is left to train on" in fails(*words, "--threshold", "3")


def test_what_could_not_be_scored_afterwards_is_no_beginning(fails, store, brief, sides, workplace):
    words, part = ("adapt", *sides, "--preset", "smoke", "--features", "random"), workplace / "part.safetensors"
    save_weights(part, networks.Generator().state_dict(), {"variant": "enlightengan_no_perceptual"})
    assert "part.safetensors holds enlightengan_no_perceptual: adapt begins" in fails(*words, "--init-from", part)
    assert runs() == [], "before any training"


def test_adapting_to_a_test_set_is_said_loudly_before_it_begins(bench, brief, sides, workplace, monkeypatch):
    tested = replace(from_folder(workplace / "dark"), name="dicm", title="DICM")
    monkeypatch.setattr("bench.data.resolve", lambda name, root: tested if name == "dicm" else from_folder(Path(name)))
    code, out, err = bench("adapt", "--low", "dicm", *sides[2:], "--threshold", "3")
    assert code == 1 and "none is left to train on" in err
    assert "dicm IS A TEST SET" in " ".join(out.split())


def test_a_photograph_that_is_named_twice_counts_once_and_a_long_name_is_kept_apart(workplace, photograph):
    for number in range(4):
        photograph(workplace / f"dark/{number}{'n' * 200}.png", seed=number, size=(60, 64), high=60)
    sides = Sides((from_folder(workplace / "dark"), from_folder(workplace / "dark")), ())
    assert len(sides.files["low"]) == 4
    folder = keep_held_out(tuple(sides.files["low"]), workplace / "held")
    links = sorted(folder.iterdir())
    assert [link.resolve() for link in links] == [file.resolve() for file in sides.files["low"]]
    assert all(len(link.name) < 100 and link.suffix == ".png" for link in links)


def test_a_torn_adaptation_is_scored_when_it_is_continued(bench, store, brief, sides, workplace, monkeypatch):
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    words = ("adapt", *sides, "--preset", "smoke", "--hold-out", "0.34", "--metric", "entropy", "--features", "random")
    with monkeypatch.context() as torn:
        torn.setattr(health.Health, "_check", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert bench(*words)[0] == 130
    assert open_suite().search(kind="evaluate") == []
    code, _, err = bench("train", "enlightengan", "--resume", runs()[0].info.run_id)
    assert code == 0, err
    (evaluation,) = open_suite().search(kind="evaluate")
    scored = pd.read_csv(open_suite().artifact(evaluation.info.run_id, "scores.csv"))
    assert set(scored["method"]) == {*ADAPTED, "identity", "clahe"}


def test_an_adaptation_torn_while_it_is_scored_gets_its_scores_once(bench, fails, brief, sides, workplace, monkeypatch):
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    words = ("adapt", *sides, "--preset", "smoke", "--hold-out", "0.34", "--metric", "entropy", "--features", "random")
    with monkeypatch.context() as torn:
        torn.setattr("commands.scoring.run_evaluation", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert bench(*words)[0] == 130
    (run,) = [run for run in runs() if run.data.tags.get("adapted")]
    assert run.info.status == "FINISHED" and open_suite().search(kind="evaluate") == []
    plan = workplace / "runs/training" / run.info.run_id / "plan.json"
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"init_from": str(workplace / "gone.safetensors")}))
    code, out, err = bench("train", "enlightengan", "--resume", run.info.run_id)
    assert code == 0, err
    assert "gone.safetensors, from which it began, is not here any more" in " ".join(out.split())
    assert len(open_suite().search(kind="evaluate")) == 1
    assert "is finished" in fails("train", "enlightengan", "--resume", run.info.run_id)
