import re
import shutil

import numpy as np
import pytest

from bench.errors import BenchError
from bench.images import read_image, read_rgb, to_pixels
from bench.jobs import enhance
from bench.metrics import get_metric
from bench.run import Run
from bench.scores import read_scores, score_table, write_csv
from bench.tracking import open_suite
from bench.weights import write_sum
from commands.kept import general, newest, that_count
from commands.report import Choice, material, within
from commands.report_pictures import Pictures
from enlightengan.checkpoint import save_weights
from enlightengan.dce_net import DceNet
from methods import contestant, make


@pytest.fixture
def evaluated(bench, store, workplace, photograph):
    for seed, name in enumerate("abc"):
        photograph(workplace / f"night/{name}.png", seed=seed, high=60)
    words = ("evaluate", "--images", "night", "--metric", "entropy", "--method", "gamma", "--method", "msr")
    code, _, err = bench(*words, "--csv", "scores.csv")
    assert code == 0, err
    return workplace


def rows(value, *, checkpoint="w1", digest="d1", images=("a", "b")):
    common = {"method": "m", "dataset": "d", "metric": "niqe", "seconds": 1.0}
    return score_table(
        [{**common, "checkpoint": checkpoint, "metric_digest": digest, "image": i, "value": value} for i in images]
    )


@pytest.mark.parametrize("words", [("--csv", "scores.csv"), ()], ids=["csv", "store"])
def test_a_report_has_the_measured_numbers(bench, evaluated, words):
    code, out, err = bench("report", *words, "--out", "page")
    assert code == 0, err
    page = (evaluated / "page/index.html").read_text(encoding="utf-8")
    scores = read_scores(evaluated / "scores.csv")
    for method in ("gamma", "msr"):
        assert f"{scores[scores['method'] == method]['value'].mean():.3f}" in page
    assert "Multi-scale Retinex" in page
    assert get_metric("entropy").digest in page
    assert "page/index.html" in out
    assert ("night is not pinned" in page) or words
    document = (evaluated / "page/results.md").read_text(encoding="utf-8")
    made = r"\*Made by `bench evaluate` \(1 run, (less than a|\d+) minutes?\)\.\*"
    assert bool(re.search(made, document)) == (not words)
    assert str(evaluated) not in document


def test_the_tables_lie_beside_the_page(bench, evaluated):
    bench("report", "--out", "page")
    kinds = {file.suffix for file in (evaluated / "page/tables").rglob("*.*")}
    assert {".csv", ".md", ".tex"} <= kinds
    assert list((evaluated / "page/figures").rglob("*.pdf"))


def test_after_the_demo_alone_the_way_to_its_report_is_told(bench, fails, store, workplace):
    code, out, err = bench("evaluate", "--dataset", "demo/test", "--metric", "entropy", "--method", "gamma")
    assert code == 0, err
    assert "bench report --demo makes the page" in out
    for words in (("report",), ("compare", "--against", "gamma")):
        assert fails(*words).startswith("Only the demo's photographs have been evaluated: give --demo")
    assert bench("report", "--demo")[0] == 0


def test_pictures_are_made_from_a_folder_elsewhere_and_what_cannot_be_made_is_noted(
    bench, fails, store, workplace, photograph, monkeypatch
):
    for k, name in enumerate(("0", "1", "2 [1]", *map(str, range(3, 9)))):
        photograph(workplace / f"big set/{name}.png", seed=k, high=60)
        photograph(workplace / f"theirs/{name}.png", seed=k, low=100)
    (workplace / "big set/broken.png").write_bytes(b"no picture")
    photograph(workplace / "theirs/broken.png")
    (workplace / "project").mkdir()
    monkeypatch.chdir(workplace / "project")
    words = ("--images", "../big set", "--method", "gamma", "--outputs", "somebody=../theirs", "--metric", "entropy")
    assert bench("evaluate", *words)[0] == 1  # one is broken
    photograph(workplace / "project/big set/0.png", seed=77)  # of the same name, and not what was scored
    for patterns, count in ((["2*"], 1), (["big set/*"], 9), (["2 [1].png", "big set/2*", "2 [1]"], 1)):
        photographs = "photograph" if count == 1 else "photographs"
        code, _, err = bench("report", *(f"--image={pattern}" for pattern in patterns), "--out", "page")
        assert code == 0, err
        document = (workplace / "project/page/results.md").read_text(encoding="utf-8")
        assert "is not shown" not in document
        page = (workplace / "project/page/index.html").read_text(encoding="utf-8")
        assert f"{count} of {count} {photographs} shown" in page
    (workplace / "theirs").rename(workplace / "moved")
    code, _, err = bench("report", "--image", "big set/*", "--out", "page")
    assert code == 0, err
    document = (workplace / "project/page/results.md").read_text(encoding="utf-8")
    assert document.count("somebody is not shown on ") == 1  # of nine, those that the evaluation did not keep
    assert fails("report", "--image", "broken").startswith("big set/broken.png cannot be shown: nothing has a score")


def test_only_the_demos_runs_are_in_the_demos_report(fails, evaluated):
    assert fails("report", "--demo").startswith("Nothing has been evaluated yet")


def test_a_database_that_is_not_there_is_not_made_to_be_read(fails, workplace):
    for words in (("report",), ("compare", "--against", "gamma"), ("publish", "first"), ("ui",)):
        told = fails(*words, "--tracking-uri", "sqlite:///typo/x.db")
        assert told == f"There is no MLflow database {workplace}/typo/x.db."
    assert not (workplace / "typo").exists()


def test_unfinished_evaluations_are_left_out(fails, store, workplace):
    write_csv(rows(1.0), workplace / "scores.csv")
    with pytest.raises(RuntimeError), open_suite().run("evaluate", kind="evaluate", tags={"demo": "no"}) as run:
        run.artifact(workplace / "scores.csv")
        raise RuntimeError
    assert fails("report").startswith("Nothing has been evaluated yet")


def test_a_table_that_is_none_is_named(fails, store, workplace):
    assert "Cannot read the score table absent.csv" in fails("report", "--csv", "absent.csv")
    (workplace / "other.csv").write_text("name,age\n")
    assert "other.csv is not a score table: it has no column method" in fails("report", "--csv", "other.csv")


@pytest.mark.parametrize("change", [{"checkpoint": "w0"}, {"digest": "d0"}])
def test_only_the_newest_weights_and_variants_are_compared(change):
    import pandas as pd

    scores, notes = newest(pd.concat([rows(1.0), rows(9.0, images=("a", "b", "c"), **change)], ignore_index=True))
    assert scores["value"].tolist() == [1.0, 1.0]
    assert len(notes) == 1
    what = "of older weights" if "checkpoint" in change else "of another variant"
    assert notes[0].startswith(f"Scores {what} are left out: ")


def test_of_equal_cells_the_newest_counts():
    import pandas as pd

    scores, notes = newest(pd.concat([rows(1.0), rows(2.0, images=("b", "c"))], ignore_index=True))
    assert dict(zip(scores["image"], scores["value"], strict=True)) == {"a": 1.0, "b": 1.0, "c": 2.0}
    assert notes == []


def test_runs_and_minutes_are_counted_once_and_by_the_trainings_own_clocks(store, workplace):
    from commands.report_made import made

    suite = open_suite()
    with suite.run("ablations", kind="ablations") as parent:
        for seed, seconds in enumerate((60.0, 120.0)):
            tags = {"cell": "c", "grid": "g", "weights_digest": f"cell {seed}"}
            with suite.run("train", kind="train", tags=tags, parent=parent) as run:
                run.metrics({"cost/seconds": seconds})
    with suite.run("train", kind="train", tags={"adapted": "from scratch", "weights_digest": "night"}):
        pass
    with suite.run("train", kind="train", tags={"cell": "c", "grid": "older", "weights_digest": "older"}):
        pass
    for command, told, tags in (
        ("speed", {"wall_seconds": 900.0}, {}),
        ("reproduce", {}, {}),
        ("reproduce", {"wall_seconds": 60.0}, {"partial": "yes"}),
        ("speed", {"wall_seconds": 600.0}, {}),
    ):
        with suite.run(command, kind=command, tags=tags) as run:
            run.metrics(told)
    with pytest.raises(RuntimeError), suite.run("speed", kind="speed"):
        raise RuntimeError
    with suite.run("x", kind="train", tags={"imported": "yes", "weights_digest": "elsewhere"}):
        pass
    seeds = {"cell 0", "elsewhere"}
    found = made(suite, [], weights={"", "cell 1"}, seeds=seeds, timed={run.id}, grids={"g"})
    assert {kind: one.counts for kind, one in found.items()} == {
        "ablations": "2 trainings, 3 minutes in all", "adapt": "1 training, less than a minute",
        "train": "1 training, 2 minutes", "seeds": "2 trainings", "speed": "1 run, 10 minutes", "reproduce": "1 run",
    }  # fmt: skip


def test_a_csv_is_reported_without_any_run(bench, store, workplace):
    common = {"dataset": "d", "metric": "entropy", "seconds": 0.1, "metric_digest": "d"}
    frames = [
        {**common, "method": method, "image": f"{k}.png", "value": value + k / 100}
        for method, value in (("gamma", 5.0), ("clahe", 6.456))
        for k in range(5)
    ]
    write_csv(score_table(frames), workplace / "s.csv")
    code, _, err = bench("report", "--csv", "s.csv", "--out", "page")
    assert code == 0, err
    assert "6.476" in (workplace / "page/index.html").read_text(encoding="utf-8")


def test_failures_are_made_again_from_the_photographs_and_shown(bench, store, workplace, photograph):
    for seed in range(8):
        photograph(workplace / f"night/{seed}.png", seed=seed, high=60 + 8 * seed)
    words = ("--metric", "entropy", "--metric", "loe", "--method", "identity", "--method", "gamma", "--method", "clahe")
    assert bench("evaluate", "--images", "night", *words)[0] == 0
    code, _, err = bench("report", "--out", "page")
    assert code == 0, err
    page = (workplace / "page/index.html").read_text(encoding="utf-8")
    assert "Most wrong order of light and dark (worst LOE)" in page
    assert "Its loe is" in page
    assert "Not shown" not in page
    assert "identity is the input itself and takes no place" in page
    (workplace / "night/0.png").unlink()
    for folder in (workplace / "runs/samples").iterdir():
        shutil.rmtree(folder)
    assert bench("report", "--out", "page")[0] == 0  # what evaluations kept is still there


def test_what_cannot_be_made_again_is_said(bench, store, workplace):
    frames = [
        {"method": method, "dataset": "gone", "metric": "loe", "image": f"{k}.png", "value": value + k, "seconds": 0.1,
         "metric_digest": "d"}
        for method, value in (("gamma", 5.0), ("somebody", 6.0)) for k in range(6)
    ]  # fmt: skip
    write_csv(score_table(frames), workplace / "s.csv")
    code, _, err = bench("report", "--csv", "s.csv", "--out", "page")
    assert code == 0, err
    page = (workplace / "page/index.html").read_text(encoding="utf-8")
    assert "somebody on gone/5.png. Its loe is 11; the median over all results is 8. Not shown:" in page


def test_a_part_can_be_chosen_and_compared_with_a_method_of_choice(bench, fails, evaluated, photograph):
    words = ("--against", "msr", "--image", "*b.png", "--full-size", "--no-intervals")
    code, _, err = bench("report", "--out", "page", *words)
    assert code == 0, err
    page = (evaluated / "page/index.html").read_text(encoding="utf-8")
    assert "entropy: against msr" in page
    assert "1 of 1 photograph shown" in page
    assert {file.stem for file in (evaluated / "page/pictures").rglob("*.png")} >= {"gamma", "msr"}
    assert "scriptsize" not in (evaluated / "page/tables/leaderboard--entropy.tex").read_text(encoding="utf-8")
    assert bench("report", "--out", "one", "--method", "gamma")[0] == 0
    assert "Only gamma was scored" in (evaluated / "one/index.html").read_text(encoding="utf-8")
    assert bench("report", "--out", "two", "--method", "gamma", "--against", "msr")[0] == 0
    assert "entropy: against msr" in (evaluated / "two/index.html").read_text(encoding="utf-8")
    photograph(evaluated / "dusk/a.png", seed=5)
    assert bench("evaluate", "--images", "dusk", "--method", "gamma", "--metric", "entropy")[0] == 0
    assert bench("report", "--out", "night", "--dataset", "night")[0] == 0
    document = (evaluated / "night/results.md").read_text(encoding="utf-8")
    assert "night is not pinned" in document and "dusk" not in document
    for option, name in (("--method", "gama"), ("--dataset", "nigt"), ("--metric", "entropie"), ("--against", "mrs")):
        assert "did you mean" in fails("report", option, name).lower()
    assert fails("report", "--image", "nobody").startswith("No scored photograph is called nobody")


def test_all_photographs_that_a_pattern_names_are_shown(bench, store, workplace, photograph):
    for seed in range(13):
        photograph(workplace / f"many/{seed}.png", seed=seed, size=(24, 24), high=60)
    words = ("--method", "gamma", "--metric", "entropy")
    assert bench("evaluate", "--images", "many", *words)[0] == 0
    for choice, told in ((("--image", "many/*"), "13 of 13 photographs shown"), ((), "6 of 6 photographs shown")):
        assert bench("report", "--out", "page", *choice)[0] == 0
        assert told in (workplace / "page/index.html").read_text(encoding="utf-8")


def test_what_was_not_asked_for_has_no_part_in_any_section():
    import pandas as pd

    held_out = "0" * 32
    scored = [rows(1.0).assign(dataset=name, metric=metric)
              for name, metric in (("d", "niqe"), ("d", "psnr"), ("e", "niqe"), (held_out, "niqe"))]  # fmt: skip
    every = pd.concat(scored, ignore_index=True)

    def left(**choice):
        kept, notes = within(every, Choice(**choice))
        assert notes == []
        parts = kept.groupby(["dataset", "metric"]).size()
        return set(parts.index) if (parts == 2).all() else None

    assert left() == {("d", "niqe"), ("d", "psnr"), ("e", "niqe"), (held_out, "niqe")}
    assert left(datasets=("d",)) == {("d", "niqe"), ("d", "psnr"), (held_out, "niqe")}
    assert left(metrics=("psnr",)) == {("d", "psnr")}
    assert left(datasets=("d",), metrics=("niqe",)) == {("d", "niqe"), (held_out, "niqe")}
    older = pd.concat([every, rows(9.0, digest="d0").assign(metric="psnr")], ignore_index=True)
    kept, notes = within(older, Choice())
    assert kept.equals(every) and notes == ["Scores of another variant are left out: psnr."]


def test_the_choice_reaches_every_section_that_it_narrows(bench, evaluated, photograph, monkeypatch):
    photograph(evaluated / "dusk/a.png", seed=5)
    assert bench("evaluate", "--images", "dusk", "--method", "gamma", "--metric", "entropy")[0] == 0
    seen = {}

    def look(name, given):
        return lambda suite, scores: seen.update({name: set(scores["dataset"])}) or given

    monkeypatch.setattr("commands.report_runs.seeds", look("seeds", None))
    monkeypatch.setattr("commands.report_runs.adaptations", look("adaptations", []))
    monkeypatch.setattr("commands.ablations.ablation_scores", look("ablations", score_table([])))
    monkeypatch.setattr("commands.report_printed.published", lambda *_, **chosen: seen.update(chosen) or [])
    material(open_suite(), Choice(datasets=("dusk",), metrics=("entropy",)))
    assert seen == {"seeds": {"dusk"}, "adaptations": {"dusk"}, "ablations": {"dusk"},
                    "datasets": ("dusk",), "metrics": ("entropy",)}  # fmt: skip
    material(open_suite(), Choice())
    assert seen["seeds"] == {"dusk", "night"}


def test_adapted_weights_do_not_take_the_place_of_the_general_ones(store, workplace):
    import pandas as pd

    from commands import report_runs

    tags = {"adapted": "from scratch", "rule": "Mean below 45.", "weights_digest": "night", "low_data": "amos"}
    with open_suite().run("adapted fast", kind="train", tags={**tags, "variant": "m", "seed": "0"}) as run:
        pass
    held_out = pd.concat([rows(1.0, checkpoint="night"), rows(2.0, checkpoint="w1")]).assign(dataset=run.id)
    every = pd.concat([held_out, rows(3.0)], ignore_index=True)
    assert that_count(open_suite(), every)[0]["value"].tolist() == [3.0, 3.0]
    (found,) = report_runs.adaptations(open_suite(), every)
    assert (found.name, found.rule, found.origin) == ("adapted fast", "Mean below 45.", "from scratch")
    assert sorted(found.scores["value"]) == [1.0, 1.0, 2.0, 2.0]
    notes = [f"{run.id} is not pinned: its files cannot be checked.", "d: older."]
    assert that_count(open_suite(), every, notes)[1] == ["d: older."]
    assert general(open_suite(), held_out).empty
    open_suite().client.delete_run(run.id)
    assert that_count(open_suite(), every)[0]["value"].tolist() == [3.0, 3.0], "removed, it is adapted all the same"
    open_suite().client.restore_run(run.id)
    assert set(that_count(open_suite(), held_out)[0]["value"]) == {1.0, 2.0}


def test_cells_of_a_grid_have_no_place_beside_a_training_of_its_own(store, workplace):
    import pandas as pd

    def trained(variant, digest, **more):
        tags = {"variant": variant, "weights_digest": digest, "seed": "0", **more}
        with open_suite().run(variant, kind="train", tags=tags):
            pass

    trained("m", "short", cell="1", without="")
    trained("m_no_attention", "shorter", cell="2", without="attention")
    trained("other", "long")
    parts = {"m": "short", "m_no_attention": "shorter", "other": "long", "gamma": ""}
    every = pd.concat([rows(1.0, checkpoint=digest).assign(method=name) for name, digest in parts.items()])
    same, notes = that_count(open_suite(), every)
    assert same.equals(every) and notes == [], "nothing else stands for m"
    trained("m", "longest")
    every = pd.concat([every, rows(1.0, checkpoint="longest").assign(method="m")], ignore_index=True)
    left, (note,) = that_count(open_suite(), every)
    assert left.groupby("method")["checkpoint"].unique().str.join("").to_dict() == {
        "m": "longest", "other": "long", "gamma": "",
    }  # fmt: skip
    assert note.endswith(": m, m_no_attention.")
    for run in [run for run in open_suite().search(kind="train") if "cell" in run.data.tags]:
        open_suite().client.delete_run(run.info.run_id)
    assert that_count(open_suite(), every)[0].equals(left), "removed, they are cells all the same"
    left, _ = that_count(open_suite(), every, named=["m", "m_no_attention"])
    assert left.groupby("method")["checkpoint"].unique().str.join("").to_dict() == {
        "m": "longest", "m_no_attention": "shorter", "other": "long", "gamma": "",
    }, "of what was named only that which was trained in no other way"  # fmt: skip
    write_csv(every, workplace / "scores.csv")
    for choice, kept in ((Choice(), False), (Choice(against="m_no_attention"), True)):
        told = material(open_suite(), choice, csv=[workplace / "scores.csv"])
        assert ("m_no_attention" in set(told.scores["method"])) == kept, "what others are compared with is named"


def test_pictures_are_made_by_the_weights_that_were_scored_also_where_those_come_with_the_project(
    store, workplace, photograph, monkeypatch
):
    shipped = workplace / "shipped/zero_dce.safetensors"
    shipped.parent.mkdir()
    save_weights(shipped, DceNet().state_dict(), {})
    write_sum(shipped)
    monkeypatch.setattr("bench.weights.SHIPPED", shipped.parent)
    photograph(workplace / "night/a.png", seed=0)
    scored = contestant("zero_dce")[0].checkpoint
    tags = {"variant": "zero_dce", "preset": "fast", "trusted": "yes", "weights_digest": "newer"}
    with open_suite().run("newer", kind="train", tags=tags) as run:
        save_weights(workplace / "weights.safetensors", DceNet().state_dict(), {})
        run.artifact(workplace / "weights.safetensors")

    pictures = Pictures(open_suite(), [], {"zero_dce": scored}, root=workplace)
    low, result = pictures.of("zero_dce", "night", "a.png")
    assert low.samefile(workplace / "night/a.png")
    expected = to_pixels(enhance(make("zero_dce", shipped), read_image(low))[0])
    assert np.array_equal(read_rgb(result), expected)
    with pytest.raises(BenchError, match=r"The weights of zero_dce that were scored \(gone\) are not here"):
        Pictures(open_suite(), [], {"zero_dce": "gone"}, root=workplace).of("zero_dce", "night", "a.png")


def test_only_runs_that_differ_by_seed_alone_are_counted_as_seeds(store, workplace):
    import pandas as pd

    from commands import report_runs

    told = {"b": {"key": "False"}, "d": {"key": "True"}}  # an older run tells of none, and had none
    for seed, crop, digest in (("0", "64", "a"), ("1", "64", "b"), ("2", "320", "c"), ("3", "64", "d")):
        tags = {"variant": "m", "seed": seed, "weights_digest": digest}
        with open_suite().run("train", kind="train", tags=tags) as run:
            run.parameters({"seed": seed, "crop": crop, "snapshots": str(digest == "a"), **told.get(digest, {})})
            if digest == "b":
                run.tags({"published_digest": "on its way", "published_step": "7"})
            if digest == "a":
                run.metrics({"learning_rate": 1e-4}, 80)
    every = pd.concat([rows(float(place), checkpoint=name) for place, name in enumerate("abcd")], ignore_index=True)
    found = report_runs.seeds(open_suite(), every)
    assert set(found["checkpoint"]) == {"a", "b"}
    assert dict(zip(found["checkpoint"], found["steps"], strict=True)) == {"a": 80, "b": 0}
    assert report_runs.seeds(open_suite(), every[every["checkpoint"] != "a"]) is None
    early = every.replace({"checkpoint": {"b": "on its way"}})
    assert report_runs.seeds(open_suite(), early) is None, "weights of a step are not those of the training"
    for run in open_suite().search(kind="train"):
        Run(open_suite().client, run.info.run_id).tags({"method": "refine"})
    assert report_runs.seeds(open_suite(), every) is None, "refinements of one generator"


def test_times_come_from_the_newest_runs(store, workplace):
    from commands import report_beside

    header = "method,width,height,seconds,fastest,repeats,macs,parameters,peak_mib,device"
    runs = []
    for method, seconds in (("m", 9.0), ("m", 1.5), ("another", 2.0)):
        (workplace / "speed.csv").write_text(
            f"{header}\n{method},6,4,{seconds},1,5,,0,3,cpu\nother,6,4,1,1,5,,0,3,cpu\n"
        )
        with open_suite().run("speed", kind="speed") as run:
            run.artifact(workplace / "speed.csv")
        runs.append(run.id)
    (found,) = report_beside.speeds(open_suite(), ["m"]).items()
    assert found[0] == runs[1] and found[1][["method", "seconds"]].to_numpy().tolist() == [["m", 1.5]]
    both = report_beside.speeds(open_suite(), ["m", "another"])
    assert {run: frame["method"].tolist() for run, frame in both.items()} == {runs[1]: ["m"], runs[2]: ["another"]}
