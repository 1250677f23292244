"""Which of the scores and trainings in MLflow a report takes, and what it says of them."""

import math
import shutil
import time
from pathlib import Path

import pandas
import pytest

from bench import metrics as bench_metrics
from bench.errors import BenchError, UnknownNameError
from bench.images import read_rgb
from bench.registry import Registry
from bench.run import Run
from bench.scores import read_scores, score_table, write_csv
from bench.tracking import open_suite
from bench.trainings import Publication, mark
from bench.weights import shipped_weights
from commands.ablations import ablation_scores
from commands.beginnings import generator_in
from commands.kept import NothingEvaluatedError, evaluations_of, in_place, newest, same_photographs, tables_of
from commands.publish_card import scores_of
from commands.ranking import _directions
from commands.recording import artifact_name
from commands.report_beside import probes
from commands.report_made import contributing
from commands.report_origin import brief, shipped_told
from commands.report_pictures import Pictures
from commands.report_runs import budgets, chain, costs, curves, seeds
from enlightengan.beginning import begun_from, together
from methods import make
from reports.material import Budget


@pytest.fixture
def night(store, workplace, photograph):
    for seed, name in enumerate("ab"):
        photograph(workplace / f"night/{name}.png", seed=seed, size=(40, 40), high=60)
    return ("evaluate", "--images", "night", "--method", "gamma", "--metric")


def test_a_method_whose_code_has_changed_between_evaluations_is_told_of(bench, night, monkeypatch):
    assert bench(*night, "entropy")[0] == 0
    suite = open_suite()
    assert tables_of(suite, evaluations_of(suite))[1] == [
        "night is not pinned: its files cannot be checked against the published set."
    ]
    monkeypatch.setattr(Registry, "source_digest", lambda self, name: "0" * 16)
    assert bench(*night, "colourfulness")[0] == 0
    every, notes = tables_of(suite, evaluations_of(suite))
    assert "gamma: its code or its libraries changed between evaluations." in notes
    others = every.assign(method="msr")
    assert not any(note.startswith("gamma") for note in in_place(notes, every, others))
    same = others.assign(dataset="gamma")  # a set may be called so, too, and notes do not tell which they are on
    assert any(note.startswith("gamma") for note in in_place(notes, every, same))


def test_of_several_files_the_first_counts_and_sets_of_other_photographs_stay_apart(store, workplace):
    common = {"method": "gamma", "metric": "entropy", "metric_digest": "v"}
    for file, digest, value in (("new", "a", 3.0), ("paired", "a", 3.0), ("other", "b", 9.0), ("untold", "", 5.0)):
        rows = [
            {**common, "dataset": "night", "image": f"{k}.png", "value": value, "picture_digest": (digest * 64)[:64]}
            for k in range(2)
        ]
        if file == "paired":
            rows = [{**row, "metric": "psnr", "picture_digest": "a" * 64 + "c" * 64} for row in rows]
        write_csv(score_table(rows), workplace / f"{file}.csv")
    files = [workplace / f"{name}.csv" for name in ("new", "paired", "other", "untold")]
    every, notes = tables_of(open_suite(), [], files)
    assert sorted(every["value"].unique()) == [3.0, 5.0] and set(every["metric"]) == {"entropy", "psnr"}
    assert notes.count("night: scores on other photographs of that name are left out.") == 1
    assert set(newest(every)[0]["value"]) == {3.0}
    row = {**common, "metric": "psnr", "dataset": "night", "image": "0.png", "value": 8.0}
    rows = [{**row, "picture_digest": "a" * 64 + "e" * 64}, {**row, "metric": "loe", "picture_digest": "a" * 64}]
    write_csv(score_table(rows), workplace / "another.csv")
    every, notes = tables_of(open_suite(), [], [*files, workplace / "another.csv"])
    assert set(every.loc[every["value"] == 8.0, "metric"]) == {"loe"}
    assert notes[-1] == "night: scores against other references are left out."
    rows = [
        {**common, "dataset": "night", "image": f"{name}.png", "value": 7.0, "picture_digest": "a" * 64}
        for name in "xy"
    ]
    write_csv(score_table(rows), workplace / "else.csv")  # of other names: another folder that is called so, too
    every, notes = tables_of(open_suite(), [], [files[0], workplace / "else.csv"])
    assert set(every["value"]) == {3.0} and notes[-1] == "night: scores on other photographs of that name are left out."
    write_csv(score_table(rows[:1]), workplace / "part.csv")
    every, notes = tables_of(open_suite(), [], [workplace / "else.csv", workplace / "part.csv"])
    assert len(every) == 3 and not any("left out" in note for note in notes), "a part of the same"


def test_scores_of_older_results_are_left_out_where_newer_are_there(bench, night, workplace, photograph):
    for seed, name in enumerate(("a.png", "b.png")):
        photograph(workplace / "theirs" / name, seed=seed + 5, size=(40, 40))
    words = ("evaluate", "--images", "night", "--outputs", "theirs=theirs", "--metric")
    assert bench(*words, "entropy", "--method", "gamma")[0] == 0
    assert bench(*words, "colourfulness", "--method", "gamma")[0] == 0
    suite = open_suite()
    every, _ = tables_of(suite, evaluations_of(suite))
    assert newest(every)[1] == [] and len(newest(every)[0]) == len(every) == 8
    photograph(workplace / "theirs/a.png", seed=8, size=(40, 40))
    assert bench(*words, "entropy")[0] == 0
    every, _ = tables_of(suite, evaluations_of(suite))
    scores, notes = newest(every)
    assert notes == ["Scores of older results are left out: theirs."]
    assert set(scores.groupby(["method", "metric"]).size().items()) == {
        (("gamma", "entropy"), 2), (("gamma", "colourfulness"), 2), (("theirs", "entropy"), 2),
    }  # fmt: skip
    new = read_scores(suite.artifact(evaluations_of(suite)[0].info.run_id, "scores.csv")).set_index("image")["value"]
    assert scores[scores["method"] == "theirs"].set_index("image")["value"].equals(new)
    out = " ".join(bench("compare", "--against", "gamma", "--metric", "entropy")[1].split())
    assert "Scores of older results are left out: theirs." in out and "night is not pinned" in out


def test_pictures_and_evaluations_are_those_of_the_results_that_count(bench, night, workplace, photograph):
    for name in ("a.png", "b.png"):
        photograph(workplace / "theirs" / name, seed=5, size=(40, 40))
    words = ("evaluate", "--images", "night", "--outputs", "theirs=theirs", "--metric")
    assert bench(*words, "entropy", "--method", "gamma")[0] == 0
    photograph(workplace / "theirs/b.png", seed=6, size=(40, 40))
    (workplace / "theirs/a.png").unlink()
    assert bench(*words, "entropy")[0] == 1
    suite = open_suite()
    pictures = Pictures(suite, evaluations_of(suite), dict.fromkeys(("gamma", "theirs"), ""), root=workplace)
    shown = {key[1]: set(found) for key, found in pictures.results.items()}
    assert shown == {"a.png.png": {"gamma"}, "b.png.png": {"gamma", "theirs"}}
    assert (read_rgb(pictures.results["night", "b.png.png"]["theirs"]) == read_rgb(workplace / "theirs/b.png")).all()
    (workplace / "more").mkdir()
    shutil.copy(workplace / "night/a.png", workplace / "more/c.png")
    photograph(workplace / "theirs/c.png", seed=7, size=(40, 40))
    assert bench("evaluate", "--images", "more", "--outputs", "theirs=theirs", "--metric", "entropy")[0] == 0
    told = tables_of(suite, evaluations_of(suite))[1]
    assert "theirs: its results on night are those of an earlier evaluation." in told
    photograph(workplace / "night/d.png", seed=8, size=(40, 40))  # other photographs of that name
    assert bench("evaluate", "--images", "night", "--method", "gamma", "--metric", "entropy")[0] == 0
    every = evaluations_of(suite)
    scores = newest(tables_of(suite, every)[0])[0]
    assert len(every) == 4 and contributing(suite, every, scores) == every[:2], (
        "those on the photographs before are none"
    )


def test_what_one_method_lacks_costs_no_other_its_pictures(bench, night, workplace, photograph):
    for folder in ("theirs", "others"):
        for name in ("a.png", "b.png"):
            photograph(workplace / folder / name, seed=5, size=(40, 40))
    (workplace / "others/a.png").unlink()
    words = ("--outputs", "theirs=theirs", "--outputs", "others=others", "--method", "gamma")
    assert bench("evaluate", "--images", "night", "--metric", "entropy", *words)[0] == 1
    suite = open_suite()
    pictures = Pictures(suite, evaluations_of(suite), dict.fromkeys(("gamma", "theirs", "others"), ""), root=workplace)
    assert {key[1]: set(found) for key, found in pictures.results.items()} == {
        "a.png.png": {"gamma", "theirs"},
        "b.png.png": {"gamma", "theirs", "others"},
    }


def test_other_references_leave_the_scores_that_need_none(bench, night, workplace, photograph):
    for seed, name in enumerate(("a.png", "b.png")):
        photograph(workplace / "day" / name, seed=seed, size=(40, 40), high=60)
        photograph(workplace / "noon" / name, seed=seed, size=(40, 40), high=90)
    words = ("evaluate", "--images", "night", "--method", "identity", "--metric", "entropy", "--metric")
    assert bench(*words, "psnr", "--references", "day")[0] == 0
    assert bench(*words, "colourfulness")[0] == 0
    suite = open_suite()
    every, notes = tables_of(suite, evaluations_of(suite))
    assert set(every["metric"]) == {"entropy", "psnr", "colourfulness"}
    assert not any("left out" in note for note in notes)
    assert bench(*words, "ssim", "--references", "noon")[0] == 0
    every, notes = tables_of(suite, evaluations_of(suite))
    assert set(every["metric"]) == {"entropy", "ssim", "colourfulness"}
    assert "night: scores against other references are left out." in notes
    photograph(workplace / "night/new.png", seed=9, size=(40, 40))
    assert bench(*words, "colourfulness")[0] == 0
    every, notes = tables_of(suite, evaluations_of(suite))
    assert set(every["metric"]) == {"entropy", "colourfulness"} and len(every) == 6
    assert "night: scores on other photographs of that name are left out." in notes
    shown = Pictures(suite, evaluations_of(suite), {"identity": ""}, root=workplace).results
    assert len(shown) == 3


def test_a_removed_part_of_an_evaluation_takes_its_scores_along_and_no_others(bench, night, workplace, photograph):
    for seed, name in enumerate("ab"):
        photograph(workplace / f"day/{name}.png", seed=seed, size=(40, 40))
    assert bench(*night, "psnr", "--method", "clahe", "--references", "day")[0] == 0
    suite = open_suite()
    first, second = suite.children(evaluations_of(suite)[0].info.run_id)
    for part, left in ((first, ["clahe"]), (second, [])):
        assert part.data.tags["method"] == {1: "gamma", 0: "clahe"}[len(left)]
        assert bench("runs", "remove", part.info.run_id)[0] == 0
        if left:
            assert tables_of(suite, evaluations_of(suite))[0]["method"].unique().tolist() == left
    with pytest.raises(NothingEvaluatedError):
        tables_of(suite, evaluations_of(suite))
    assert bench("runs", "restore", first.info.run_id)[0] == 0
    assert tables_of(suite, evaluations_of(suite))[0]["method"].unique().tolist() == ["gamma"]


def test_a_photograph_deep_in_folders_is_kept_by_a_name_that_fits(bench, store, workplace, photograph):
    deep = f"{'名' * 60}/{'前' * 60}"  # 361 bytes
    for seed, name in enumerate("ab"):
        photograph(workplace / f"night/{deep}/{name}.png", seed=seed, size=(40, 40), high=60)
    code, _, err = bench("evaluate", "--images", "night", "--method", "gamma", "--metric", "entropy")
    assert code == 0, err
    suite = open_suite()
    pictures = Pictures(suite, evaluations_of(suite), {"gamma": ""}, root=workplace)
    assert len(pictures.results) == 2
    low, result = pictures.of("gamma", "night", f"{deep}/a.png")
    assert low == pictures.low["night", artifact_name(f"{deep}/a.png")]
    assert read_rgb(low).mean() < read_rgb(result).mean()


def test_photographs_whose_names_differ_by_a_folder_are_told_apart(bench, store, workplace, photograph):
    names = ("a/b", "a__b", "a_/b", "a/_b")
    for seed, name in enumerate(names):
        photograph(workplace / f"night/{name}.png", seed=seed, size=(40, 40), high=30 + 60 * seed)
    assert bench("evaluate", "--images", "night", "--method", "identity", "--metric", "entropy")[0] == 0
    suite = open_suite()
    pictures = Pictures(suite, evaluations_of(suite), {"identity": ""}, root=workplace)
    for name in names:
        for file in pictures.of("identity", "night", f"{name}.png"):
            assert (read_rgb(file) == read_rgb(workplace / f"night/{name}.png")).all()


def test_a_metric_that_is_no_more_takes_its_scores_along_and_no_others(bench, night, monkeypatch):
    assert bench(*night, "entropy", "--metric", "loe")[0] == 0
    suite, get = open_suite(), bench_metrics.get_metric
    checkpoint = ""

    def gone(name):
        if name == "loe":
            raise UnknownNameError("There is no metric named 'loe'.")
        return get(name)

    monkeypatch.setattr(bench_metrics, "get_metric", gone)
    every, notes = tables_of(suite, evaluations_of(suite))
    assert set(every["metric"]) == {"entropy"}
    assert "loe: there is no such metric here; its scores are left out." in notes
    assert set(scores_of(suite, checkpoint)["metric"]) == {"entropy"}, "a card has the rest"
    path = suite.artifact(evaluations_of(suite)[0].info.run_id, "scores.csv")
    path.write_text("not,a,table\n")
    with pytest.raises(BenchError, match="scores"):
        scores_of(suite, checkpoint)


def test_probes_of_a_metric_that_is_no_more_are_left_out(bench, night, monkeypatch):
    assert bench("probe", *night[1:3], "--metric", "entropy", "--metric", "loe")[0] == 0
    get = bench_metrics.get_metric

    def gone(*names):
        def known(name):
            if name in names:
                raise UnknownNameError(f"There is no metric named '{name}'.")
            return get(name)

        monkeypatch.setattr(bench_metrics, "get_metric", known)
        return probes(open_suite())

    found, directions, what = gone("loe")
    assert set(found["metric"]) == set(directions) == {"entropy"} and what == "night"
    assert gone("loe", "entropy") is None


def test_probes_by_another_variant_of_a_metric_and_of_names_with_commas(bench, night):
    night_folder = Path("night").rename("walks, 2021")
    words = ("--images", night_folder, "--metric", "entropy", "--metric", "loe")
    assert bench("probe", *words)[0] == 0
    assert set(probes(open_suite(), datasets=["walks, 2021"])[0]["metric"]) == {"entropy", "loe"}
    (run,) = open_suite().search(kind="gaming")
    Run(open_suite().client, run.info.run_id).tags({"digest loe": "older"})
    found, _, what = probes(open_suite())
    assert set(found["metric"]) == {"entropy"} and what == "walks, 2021 (loe by another variant then, and left out)"


def test_probes_are_of_the_chosen_datasets_and_metrics_and_never_the_demo_s(bench, night):
    assert bench("probe", *night[1:3], "--metric", "entropy", "--metric", "loe", "--method", "gamma")[0] == 0
    assert bench("probe", "--dataset", "demo/test", "--metric", "entropy")[0] == 0
    found, _, what = probes(open_suite(), metrics=["loe"])
    assert set(found["metric"]) == {"loe"} and what == "what gamma made of night"
    assert probes(open_suite(), datasets=["other"]) is None


def test_photographs_are_the_same_by_their_own_digest_or_by_all_of_the_set():
    def tags(digest, low=None):
        return {"dataset_digest": digest} | ({"low_digest": low} if low else {})

    assert same_photographs(tags("a"), tags("a")) and same_photographs(tags("a"), tags("a", "l"))
    assert same_photographs(tags("a", "l"), tags("b", "l"))
    assert not same_photographs(tags("a"), tags("b")) and not same_photographs(tags("a", "l"), tags("b"))
    assert not same_photographs(tags("a", "l"), tags("b", "m"))


def test_what_has_no_better_direction_is_no_contest(bench, fails, night, workplace):
    assert bench(*night, "clipped_bright", "--csv", "scores.csv")[0] == 0
    assert fails("report").startswith("Neither direction of clipped_bright is better, so nothing can be compared")
    assert bench(*night, "entropy")[0] == 0
    assert bench("report", "--out", "page")[0] == 0
    assert "clipped" not in (workplace / "page/results.md").read_text().partition("## Leaderboard")[0]
    table = read_scores(workplace / "scores.csv")
    assert _directions(table, [], []) == {} and _directions(table, ["clipped_bright"], []) == {"clipped_bright": True}


def test_steps_and_minutes_of_trainings_are_those_of_all_whose_weights_were_scored(store):
    suite = open_suite()
    settings = {"crop": 112, "batch_size": 4, "precision_used": "float32", "device": "cpu", "low_images": 3}
    settings |= {"normal_images": 6}  # an epoch is a batch of four and one of two
    for name, variant, method, digest, steps in (
        ("one", "m", "m", "w", 100),
        ("two", "m", "m", "w", 50),
        ("x", "n", "refine", "v", 8),
        ("y", "n", "refine", "u", 9),
    ):
        tags = {"variant": variant, "method": method, "published_in": digest}
        with suite.run(name, kind="train", tags=tags) as run:
            run.parameters(settings)
            run.metrics({"cost/seconds": 60.0 * steps}, steps)
    assert budgets(suite, {"m": "w", "n": "v"}) == {
        "m": Budget(450, 150.0, begun=False), "n": Budget(24, 8.0, begun=False)
    }  # fmt: skip
    found = costs(suite, {"w", "v"})
    assert {label: (told["steps"], told["minutes"]) for label, told in found.items()} == {
        "x (n, refined), 112 pixels, batch 4, float32, cpu": (8, 8),
        "two (m), 112 pixels, batch 4, float32, cpu": (50, 50),
        "one (m), 112 pixels, batch 4, float32, cpu": (100, 100),
    }  # fmt: skip


def test_what_a_training_began_from_counts_too(store):
    suite = open_suite()
    first, second, elsewhere = "1" * 16, "2" * 16, "e" * 16
    told = f"all networks of the training that gave generator {first} after 100 steps, 300 pairs"
    stages = [
        ("first", first, None),
        ("second", second, told),
        ("third", "3" * 16, f"{told}, itself begun from generator {elsewhere} after 9 steps, 36 pairs"),
        ("published", "4" * 16, "generator 5555555555555555"),
    ]
    for name, digest, begun in stages:
        tags = {"variant": "m", "weights_digest": digest} | ({"begun_from": begun} if begun else {})
        with suite.run(name, kind="train", tags=tags) as run:
            run.parameters({"batch_size": 4, "low_images": 6, "normal_images": 0})
            run.metrics({"cost/seconds": 6000.0}, 100)
    assert budgets(suite, {"m": second}) == {"m": Budget(600, 200.0, begun=False)}
    assert budgets(suite, {"m": "4" * 16}) == {"m": Budget(300, 100.0, begun=True)}
    assert budgets(suite, {"n": second}) == budgets(suite, {"m": "f" * 16}) == {}
    longest = budgets(suite, {"m": "3" * 16})["m"]
    assert (longest.crops, longest.begun) == (636, False) and math.isnan(longest.minutes)  # not of a stage elsewhere


def test_of_a_training_that_stories_tell_of_twice_the_end_counts(store):
    suite, a, b = open_suite(), "a" * 16, "b" * 16
    with suite.run("first", kind="train", tags={"variant": "m", "method": "m", "weights_digest": b}) as first:
        mark(suite, first.id, a, Publication("1"))
    for number, (begun, taught) in enumerate((((a, 2), (b, 5)), ((b, 5), (a, 2)))):
        told = {role: f"generator {weights} after 1 steps, {pairs} pairs"
                for role, (weights, pairs) in (("begun_from", begun), ("taught_by", taught))}  # fmt: skip
        tags = {"variant": "m", "method": "refine", "weights_digest": f"w{number}", **told}
        with suite.run("refined", kind="train", tags=tags) as run:
            run.parameters({"batch_size": 1, "low_images": 3, "normal_images": 3})
            run.metrics({"cost/seconds": 60.0}, 7)
        assert budgets(suite, {"m": f"w{number}"})["m"].crops == 7 + 5


def test_a_mean_of_one_training_at_several_steps_counts_it_once():
    first, second, third, fourth = ("1" * 16, "2" * 16, "3" * 16, "4" * 16)
    story = (
        f"generator {'f' * 16}, the mean of generator {second} after 20 steps, 80 pairs (run abcdef01); "
        f"generator {first} after 30 steps, 120 pairs (run abcdef01); "
        f"generator {third} after 5 steps, 20 pairs (run 00000000), "
        f"the first begun from generator {third} after 5 steps, 20 pairs, "
        f"itself begun from generator {fourth} after 9 steps, 9 pairs"
    )
    assert chain(story) == {first: 120, third: 20, fourth: 9}
    assert chain("") == {}


def test_a_mean_tells_what_each_of_its_trainings_began_from_once():
    a, b, c, d, e = (digit * 16 for digit in "12345")
    first = f"refined generator {a} after 5 steps, 20 pairs, itself begun from generator {b} after 3 steps, 9 pairs"
    second = (
        f"refined generator {c}, the mean of generator {d} after 2 steps, 8 pairs; "
        f"generator {e} after 1 steps, 4 pairs, the first begun from generator {b} after 3 steps, 9 pairs"
    )
    told = together([first, second])
    assert told == f"{first}, training 2 begun from {second.partition(f'generator {b}')[0]}{b}, as told"
    assert chain(told) == {a: 20, b: 9, d: 8, e: 4}
    assert together([first]) == together([first, first]) == first
    assert together(["", "", first]) == f"training 3 begun from {first}" and together(["", ""]) == ""
    assert together(["", second], "taught by") == f"training 2 taught by {second}"
    assert generator_in({"begun_from": told}) == a


def test_weights_that_nobody_tells_the_training_of_are_said_however_far_back(store):
    suite = open_suite()
    tags = {"variant": "m", "weights_digest": "6" * 16, "published_digest": "7" * 16, "published_step": "50"}
    tags["begun_from"] = f"generator {'1' * 16} after 100 steps, 300 pairs, itself begun from generator {'8' * 16}"
    with suite.run("last", kind="train", tags=tags) as run:
        run.parameters({"batch_size": 4, "low_images": 6, "normal_images": 0})
        run.metrics({"cost/seconds": 6000.0}, 100)
    found = {digest: budgets(suite, {"m": digest})["m"] for digest in ("6" * 16, "7" * 16)}
    assert [budget.crops for budget in found.values()] == [600, 450], "those of a step saw as much as that step"
    assert all(budget.begun for budget in found.values())


@pytest.mark.parametrize(
    ("story", "shown"),
    [
        ("a, the first begun from b", "a, the first begun from b"),
        ("a, the first begun from b, the first begun from c", "a, the first begun from b"),
        ("a, the first begun from b, itself begun from c", "a, the first begun from b"),
        ("a, itself taught by b, and begun from c", "a"),
        ("a, begun from b; taught by c", "a, begun from b; taught by c"),
    ],
)
def test_a_report_tells_of_weights_and_what_these_began_from_and_no_whole_chain(story, shown):
    more = ", and more before that, which the weights' own file tells" if shown != story else ""
    assert brief(story) == shown + more


@pytest.mark.parametrize("form", ["enlightengan", "enlightengan_natural"])
def test_weights_that_come_with_the_project_tell_of_the_whole_chain_of_their_trainings(store, form):
    file = shipped_weights(form)
    digest = make("enlightengan", file).checkpoint
    stages = chain(begun_from(file)["begun_from"])
    found = budgets(open_suite(), {"enlightengan": digest, "gamma": ""})
    assert found["enlightengan"].crops == sum(stages.values()) and len(stages) > 1
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    assert all(f"{pairs} pairs" in card or f"pairs shown: {pairs}" in card for pairs in stages.values())
    assert math.isnan(found["enlightengan"].minutes) and set(found) == {"enlightengan"}
    told = shipped_told("enlightengan", digest)
    assert told.startswith(f"come with the project: refined generator {digest}") and "itself begun from" in told
    shown, _, rest = brief(told).partition(", and more before that")
    assert told.startswith(shown) and rest == ", which the weights' own file tells" and 60 < len(shown) < 500
    assert shipped_told("enlightengan_guided", digest) == told, "whatever form had been scored with them"
    assert shipped_told("enlightengan", "0" * 16) == shipped_told("gamma", digest) == "not here"
    assert shipped_told("x" * 300, digest) == shipped_told("../weights/enlightengan", digest) == "not here"


def test_seeds_and_ablations_are_compared_by_one_variant_of_a_metric(store):
    suite = open_suite()
    for seed, digest in enumerate(("w", "v")):
        with suite.run(digest, kind="train", tags={"variant": "m", "weights_digest": digest, "seed": str(seed)}):
            pass
    common = {"method": "m", "dataset": "d", "image": "a", "metric": "niqe"}
    rows = [{**common, "checkpoint": digest, "value": value, "metric_digest": variant}
            for digest, variant, value in (("w", "new", 3.0), ("v", "old", 5.0))]  # fmt: skip
    every = score_table(rows)
    assert seeds(suite, every) is None, "one is left, and one tells nothing of seeds"
    assert ablation_scores(suite, every)["value"].tolist() == [3.0]
    alike = every.assign(metric_digest="new")
    seen_small = alike[alike["checkpoint"] == "v"].assign(method="m_natural", value=9.0)
    both = pandas.concat([seen_small, alike])
    assert sorted(seeds(suite, both)["value"]) == [3.0, 5.0], "the natural form's score came last, and is none of these"
    assert len(seeds(suite, alike)) == len(ablation_scores(suite, alike)) == 2


def test_a_step_that_a_continued_run_went_twice_is_drawn_once(store):
    suite = open_suite()
    with suite.run("one", kind="train", tags={"variant": "m", "weights_digest": "w"}) as run:
        for step, loss in ((1, 4.0), (2, 9.0), (2, 3.0), (3, 2.0)):
            suite.client.log_metric(run.id, "loss", loss, step=step)
            time.sleep(0.002)  # MLflow keeps milliseconds
    assert curves(suite, {"w"})[["step", "value"]].to_numpy().tolist() == [[1, 4.0], [2, 3.0], [3, 2.0]]


def test_trainings_of_one_variant_have_a_curve_each(store):
    suite = open_suite()
    for name, method, loss in (("one", "m", 1.0), ("two", "m", 9.0), ("more", "refine", 5.0)):
        tags = {"variant": "m", "method": method, "weights_digest": name}
        with suite.run(name, kind="train", tags=tags) as run:
            run.metrics({"loss": loss}, 10)
    found = curves(suite, {"one", "two", "more"})
    assert sorted(found["value"]) == [1.0, 5.0, 9.0] and found["run"].nunique() == 3
    named = found.set_index("value")["run"]
    assert named[5.0] == "m, refined" and named[9.0] == "m" and named[1.0].startswith("m, run ")
