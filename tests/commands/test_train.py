import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mlflow.tracking import MlflowClient

from bench.data import from_folder
from bench.run import Run
from bench.tracking import open_suite
from bench.trainings import find_training, last_state, newest_weights
from bench.weights import find_weights, write_sum
from commands import training_bar
from commands.beginnings import generator_in, terms_of
from commands.publish_card import sources
from commands.report_runs import chain
from commands.sides import tell_sides
from commands.training import _probe_niqe as probe_niqe
from enlightengan import config, discriminators, health, networks, rivals, train
from enlightengan.beginning import begun_from
from enlightengan.build import build
from enlightengan.checkpoint import describe, read_weights, save_weights, weights_digest
from enlightengan.dce_net import DceNet
from enlightengan.log import JsonLinesLog

WHOLE = (networks, "WIDTHS"), (discriminators, "FIRST"), (discriminators, "WIDEST")
WHOLE = tuple((module, name, getattr(module, name)) for module, name in WHOLE)  # before `narrow`


def runs():
    return open_suite().search(kind="train")


def test_a_probe_picture_without_texture_has_no_niqe_and_does_not_end_the_training():
    grain = torch.rand(1, 3, 200, 200, generator=torch.Generator().manual_seed(0))
    assess = probe_niqe()
    assert assess([grain])["niqe"] > 0
    assert math.isnan(assess([grain, torch.zeros(1, 3, 200, 200)])["niqe"])


def test_a_run_leaves_its_losses_pictures_weights_and_provenance_in_mlflow(bench, store, brief, sides):
    Path("bright/raw.NEF").touch()
    code, out, err = bench("train", "enlightengan", *sides, "--preset", "smoke", "--without", "attention")
    assert code == 0, err
    assert "bright: Left out, of no format that is taken: 1 (.nef)." in " ".join(out.split())
    (run,) = runs()
    tags, told = run.data.tags, run.data
    assert run.info.status == "FINISHED" and tags["variant"] == "enlightengan_no_attention"
    assert (tags["preset"], tags["trusted"], tags["low_data"], tags["not_pinned"]) == (
        "smoke",
        "no",
        "dark",
        "bright, dark",
    )
    assert "random weights" in tags["features_used"]
    assert told.params["without"] == "('attention',)" and told.params["low_images"] == "3"
    history = open_suite().client.get_metric_history(run.info.run_id, "loss/local_discriminator")
    assert [point.step for point in history] == [1, 2]
    assert told.metrics["probe/niqe"] == 2.0 and 0 < told.metrics["probe/brightness"] < 1
    files = {file.path for file in open_suite().client.list_artifacts(run.info.run_id)}
    assert {"weights.safetensors", "config.json", "images", "state-00000002.pt"} <= files
    weights = open_suite().artifact(run.info.run_id, "weights.safetensors")
    assert read_weights(weights)[1]["variant"] == "enlightengan_no_attention"
    assert "--resume" in out


def test_where_there_is_no_terminal_a_line_tells_now_and_then_how_far_the_training_is(capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(training_bar.time, "monotonic", lambda: clock[0])
    with training_bar.TrainingBar(config.preset("smoke")) as bar:
        for step in range(1, 8):
            clock[0] += training_bar.EVERY / 3
            bar.show(train.Report(step / 7, step, 1, {"global_discriminator": 0.5}, 2.0))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["43%", "86%", "100%"]
    assert lines[-1] == "100%  epoch 1 step 7  D 0.50  2.0 images/s"


def test_a_trained_variant_is_found_by_its_name_unless_it_was_smoke(bench, store, brief, sides):
    bench("train", "enlightengan", *sides, "--preset", "smoke", "--without", "perceptual")
    assert newest_weights("enlightengan_no_perceptual") is None
    code, _, err = bench("train", "enlightengan", *sides, "--preset", "fast", "--without", "perceptual")
    assert code == 0, err
    path, source = find_weights("enlightengan_no_perceptual")
    assert path.name == "weights.safetensors" and "preset fast" in source


def test_without_data_the_demo_is_trained_and_that_is_said_loudly(bench, store, brief):
    code, out, err = bench("train", "enlightengan")
    assert code == 0, err
    assert "NO TRAINING DATA" in out and "Left out, not below data: bsds500" in out
    assert runs()[0].data.tags["preset"] == "smoke" and runs()[0].data.tags["low_data"] == "demo"


def test_training_on_a_test_set_is_said_loudly(workplace, photograph, capsys, monkeypatch):
    photograph(workplace / "mine/a.png")
    folder = from_folder(workplace / "mine")
    known = {
        "dicm": replace(folder, name="dicm", title="DICM"),
        "amos": replace(folder, name="amos_night/train", title="AMOS", role="adaptation"),
        "x/lime": replace(folder, name="lime"),
    }
    monkeypatch.setattr("bench.data.resolve", lambda name, root: known.get(name, folder))
    sides, _ = tell_sides(["dicm", "amos"], ["mine", "x/lime"], workplace)  # what a folder holds is not known
    assert sides.tags()["normal_data"] == "mine, folder lime" and sides.tags()["low_data"] == "dicm, amos_night/train"
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("dicm IS A TEST SET") and said.count("TEST SET") == 1


def test_demo_photographs_never_make_trusted_weights(bench, store, brief):
    code, _, err = bench("train", "enlightengan", "--low", "demo", "--normal", "demo", "--preset", "fast")
    assert code == 0, err
    assert newest_weights("enlightengan") is None


def test_an_interrupted_run_is_continued_in_the_same_mlflow_run(bench, store, brief, sides, monkeypatch):
    words = ("train", "enlightengan", *sides, "--preset", "smoke", "--without", "perceptual")

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as torn:
        torn.setattr(train, "STATE_EVERY", 0.0)
        torn.setattr(health, "LOG_EVERY", 2)
        torn.setattr(health.Health, "_check", stop)  # the look at step 2 comes before the state of step 2
        code, _, err = bench(*words)
    assert code == 130 and "Interrupted" in err
    (run,) = runs()
    assert run.info.status == "KILLED"
    code, _, err = bench("train", "enlightengan", "--resume", run.info.run_id, "--minutes", "1")
    assert code == 1 and "give --resume alone" in err
    code, _, err = bench("train", "enlightengan", "--resume", run.info.run_id)
    assert code == 0, err
    (again,) = runs()
    assert again.info.run_id == run.info.run_id and again.info.status == "FINISHED"
    assert open_suite().artifact(run.info.run_id, "weights.safetensors") is not None
    code, _, err = bench("train", "enlightengan", "--resume", run.info.run_id)
    assert code == 1 and "is finished" in err
    assert runs()[0].info.status == "FINISHED"


@pytest.mark.parametrize("torn_in", ["set_terminated", "log_artifact"])
def test_a_run_that_was_stopped_after_its_training_is_ended_and_not_trained_again(
    bench, store, brief, sides, monkeypatch, torn_in
):
    def stop(self, run_id, *given, **options):
        if torn_in == "set_terminated" or str(given[0]).endswith("weights.safetensors"):
            raise KeyboardInterrupt
        return whole(self, run_id, *given, **options)

    whole = getattr(MlflowClient, torn_in)
    with monkeypatch.context() as torn:
        torn.setattr(MlflowClient, torn_in, stop)
        assert bench("train", "enlightengan", *sides, "--preset", "smoke", "--without", "perceptual")[0] == 130
    (run,) = runs()
    folder = Path("runs/training") / run.info.run_id
    trained = (folder / "weights.safetensors").read_bytes()
    assert run.info.status != "FINISHED" and (folder / "states").is_dir()
    with monkeypatch.context() as watched:
        watched.setattr(train, "UnpairedBatches", None)  # nothing may be trained
        code, out, err = bench("train", "enlightengan", "--resume", run.info.run_id)
    assert code == 0, err
    assert "is trained" in out and "begins anew" not in out
    (run,) = runs()
    assert run.info.status == "FINISHED" and run.data.tags["weights_digest"]
    assert not (folder / "states").exists()
    assert open_suite().artifact(run.info.run_id, "weights.safetensors").read_bytes() == trained
    assert "state-00000002.pt" in open_suite().artifacts(run.info.run_id)


def test_a_run_torn_before_its_parameters_has_them_when_it_is_continued(bench, store, brief, sides, monkeypatch):
    with monkeypatch.context() as torn:
        torn.setattr(train, "usable", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert bench("train", "enlightengan", *sides, "--preset", "smoke", "--without", "perceptual")[0] == 130
    assert runs()[0].data.params == {}
    code, _, err = bench("train", "enlightengan", "--resume", runs()[0].info.run_id)
    assert code == 0, err
    assert (runs()[0].data.params["crop"], runs()[0].data.params["low_images"]) == ("48", "3")


def test_a_generator_is_refined_and_its_weights_say_so(bench, fails, store, brief, sides, monkeypatch):
    tiny = replace(config.REFINE_PRESETS["fast"], minutes=None, max_steps=2, crop=48, batch_size=2)
    monkeypatch.setitem(config.REFINE_PRESETS, "fast", tiny)
    assert "give it with --init-from" in fails("train", "refine", *sides)
    save_weights(Path("dce.safetensors"), DceNet().state_dict(), {})
    assert "dce.safetensors" in fails("train", "enlightengan", *sides, "--init-from", "dce.safetensors")
    assert runs() == []
    for name, words in (("part", ("--without", "darkening")), ("smoke", ("--preset", "smoke")), ("first", ())):
        code, _, err = bench("train", "enlightengan", *sides, *words, "--name", name)
        assert code == 0, err
    told = fails("train", "refine", *sides, "--init-from", "part")
    assert "enlightengan_no_darkening: only a generator of the whole enlightengan is refined" in told
    assert bench("train", "refine", *sides, "--init-from", "smoke", "--name", "of smoke")[0] == 0
    assert find_training(open_suite(), "of smoke", finished=True).data.tags["trusted"] == "no"
    assert bench("train", "enlightengan", *sides, "--seed", "7", "--name", "astray")[0] == 0
    astray = find_training(open_suite(), "astray", finished=True).info.run_id
    Run(open_suite().client, astray).tags({"trusted": "no"})  # as of an adaptation: its weights do not tell
    file = open_suite().artifact(astray, "weights.safetensors")
    for name in ("of astray", "of astray, removed"):
        assert bench("train", "refine", *sides, "--init-from", file, "--name", name)[0] == 0
        assert find_training(open_suite(), name, finished=True).data.tags["trusted"] == "no"
        open_suite().client.delete_run(astray)
    first, range_of = find_training(open_suite(), "first", finished=True), ("--darkening", "1", "1.5")
    code, out, err = bench(
        "train", "refine", *sides, "--init-from", "first", "--noise", "1.5", *range_of, "--name", "second"
    )
    assert code == 0, err
    assert "Training enlightengan refined (fast) on 3 low-light and 3 normal-light photographs" in out
    second = find_training(open_suite(), "second", finished=True)
    tags = second.data.tags
    assert (tags["variant"], tags["method"], tags["trusted"]) == ("enlightengan", "refine", "yes")
    assert "all networks" not in tags["begun_from"]  # discriminators stay behind
    told = [second.data.params[name] for name in ("noise", "structure", "darkening")]
    assert told == ["1.5", "0.5", "(1.0, 1.5)"]
    assert first.data.tags["weights_digest"] in second.data.tags["begun_from"]
    assert find_weights("enlightengan")[0] == open_suite().artifact(second.info.run_id, "weights.safetensors")
    code, _, err = bench("publish", "second", "--out", "published")
    assert code == 0, err
    card = Path("published/enlightengan.md").read_text()
    assert "Refinement" in card and "noise is 1.5" in card and "crop is 48" in card
    assert "theirs" not in card
    begun = begun_from(Path("published/enlightengan.safetensors"))["begun_from"]
    assert begun.startswith("refined generator ") and first.data.tags["weights_digest"] in begun


def test_a_refinement_taught_by_another_generator_is_trusted_as_far_as_both_and_tells(
    bench, fails, store, brief, sides, monkeypatch
):
    tiny = replace(config.REFINE_PRESETS["fast"], minutes=None, max_steps=1, crop=48, batch_size=2)
    monkeypatch.setitem(config.REFINE_PRESETS, "fast", tiny)
    for name, words in (("smoke", ("--preset", "smoke")), ("first", ()), ("other", ("--seed", "5"))):
        assert bench("train", "enlightengan", *sides, *words, "--name", name)[0] == 0
    assert bench("train", "enlightengan", *sides, "--snapshots", "--seed", "6", "--name", "early")[0] == 0
    for teacher, trusted in (("other", "yes"), ("smoke", "no")):
        code, _, err = bench(
            "train", "refine", *sides, "--init-from", "first", "--teacher", teacher, "--name", f"by {teacher}"
        )
        assert code == 0, err
        tags = find_training(open_suite(), f"by {teacher}", finished=True).data.tags
        taught = find_training(open_suite(), teacher, finished=True).data.tags["weights_digest"]
        assert (tags["trusted"], generator_in(tags, "taught_by")) == (trusted, taught)
    taught = ("train", "refine", *sides, "--init-from", "first", "--teacher")
    assert bench(*taught, "early@1", "--name", "by an early one")[0] == 0
    tags = find_training(open_suite(), "by an early one", finished=True).data.tags
    early = find_training(open_suite(), "early", finished=True).info.run_id
    kept = read_weights(open_suite().artifact(early, "weights-00000001.safetensors"))[0]
    assert generator_in(tags, "taught_by") == weights_digest(kept)
    assert tags["begun_under"] == "not stated", "its training tells no other terms"
    assert tags["trusted"] == "yes"
    assert bench("train", "enlightengan", *sides, "--snapshots", "--seed", "8", "--name", "adapted")[0] == 0
    adapted = find_training(open_suite(), "adapted", finished=True).info.run_id
    Run(open_suite().client, adapted).tags({"trusted": "no"})  # as of an adaptation, whose snapshots do not tell
    for teacher in (open_suite().artifact(adapted, "weights-00000001.safetensors"), "adapted@1"):
        assert bench(*taught, teacher, "--name", "by an untrusted one")[0] == 0
        tags = find_training(open_suite(), "by an untrusted one", finished=True).data.tags
        assert (tags["trusted"], tags["begun_under"]) == ("no", "not stated")
    assert fails("publish", "by an untrusted one").endswith("holds for what it began from and was taught by.")
    untrusted = [run.info.run_id for run in runs() if run.info.run_name == "by an untrusted one"]
    file = open_suite().artifact(untrusted[0], "weights.safetensors")
    elsewhere = shutil.copy(file, "elsewhere.safetensors")  # a refinement of a bare machine: here nothing tells of it
    for run_id in untrusted:
        Run(open_suite().client, run_id).tags({"weights_digest": "another"})
    assert bench("train", "refine", *sides, "--init-from", elsewhere, "--name", "of a bare one")[0] == 0
    assert find_training(open_suite(), "of a bare one", finished=True).data.tags["trusted"] == "no"
    assert "kept no weights after step 9; it has 1" in fails(*taught, "early@9")
    assert "--teacher nobody is no file of weights" in fails(
        "train", "refine", *sides, "--init-from", "first", "--teacher", "nobody"
    )
    assert bench("publish", "by other", "--out", "published")[0] == 0
    taught = find_training(open_suite(), "other", finished=True).data.tags["weights_digest"]
    assert f"- taught by: generator {taught} after" in Path("published/enlightengan.md").read_text()
    told = begun_from(Path("published/enlightengan.safetensors"))["begun_from"]
    assert f"itself taught by generator {taught} after" in told
    assert taught in chain(told), "what the teacher was shown counts"


def test_a_run_torn_before_its_first_state_begins_anew_from_the_same_weights_alone(
    bench, fails, store, brief, sides, workplace, monkeypatch
):
    tiny = replace(config.REFINE_PRESETS["fast"], minutes=None, max_steps=1, crop=48, batch_size=2)
    monkeypatch.setitem(config.REFINE_PRESETS, "fast", tiny)
    files = {}
    for seed, role in enumerate(("--init-from", "--teacher")):
        torch.manual_seed(seed)
        files[role] = workplace / f"{seed}.safetensors"
        save_weights(files[role], networks.Generator().state_dict(), describe({"align_corners": True}))
    with monkeypatch.context() as torn:
        torn.setattr(train, "usable", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert bench("train", "refine", *sides, *(word for pair in files.items() for word in pair))[0] == 130
    (run,) = runs()
    for file in files.values():
        before = file.read_bytes()
        save_weights(file, networks.Generator().state_dict(), describe({"align_corners": True}))
        assert "holds other weights than when run" in fails("train", "refine", "--resume", run.info.run_id)
        file.write_bytes(before)
    code, _, err = bench("train", "refine", "--resume", run.info.run_id)
    assert code == 0, err
    assert "taught_by" in runs()[0].data.tags


def test_paper_says_where_it_departs(bench, store, brief, sides, monkeypatch):
    monkeypatch.setitem(config.PRESETS, "paper", replace(config.PRESETS["paper"], crop=48, batch_size=2, max_steps=1))
    words = ("--preset", "paper", "--features", "random", "--without", "perceptual")
    code, out, err = bench("train", "enlightengan", *sides, *words)
    assert code == 0, err
    assert "Departure from the authors' training: crop is 48, theirs 320." in out
    assert "chunks of 11" in runs()[0].data.tags["mlflow.note.content"]


def test_a_run_of_a_bare_machine_is_imported(bench, fails, store, brief, sides, workplace, photograph):
    photograph(workplace / "one/1.png", seed=1)
    settings = config.preset("fast", without=("perceptual",))
    files = [sorted((workplace / side).iterdir()) for side in ("dark", "bright")]
    out = workplace / "brought"
    train.train(
        build(settings, device=torch.device("cpu")), low=files[0], normal=files[1], out=out, log=JsonLinesLog(out),
        keep_optimisers=False,
    )  # fmt: skip
    code, _, err = bench("train", "import", out)
    assert code == 0, err
    (run,) = runs()
    assert run.data.tags["imported"] == "yes" and run.data.params["crop"] == "48"
    assert run.data.tags["machine"] == "unknown", "not the machine that imports"
    assert "does not tell what it was trained on" in fails("publish", run.info.run_id)
    assert terms_of(out / "weights.safetensors") == "not stated"
    assert "--low has 1" in fails("train", "import", out, "--low", workplace / "one", "--normal", "bright")
    assert "give the low-light one with --low, too" in fails("train", "import", out, "--normal", "bright")
    assert bench("train", "import", out, *sides)[0] == 0
    assert [source.name for source in sources(runs()[:1])] == ["dark", "bright"]
    lines = [json.loads(line) for line in (out / "run.jsonl").read_text().splitlines()]
    last = [r["values"] for r in lines if r["kind"] == "metrics" and "loss/global_discriminator" in r["values"]][-1]
    assert run.data.metrics["loss/global_discriminator"] == pytest.approx(last["loss/global_discriminator"])
    assert newest_weights("enlightengan_no_perceptual") is not None
    record = (out / "run.jsonl").read_text().splitlines(keepends=True)
    stopped = [line for line in record if '"weights.safetensors"' not in line]
    (out / "run.jsonl").write_text("".join(stopped) + '{"kind": "artif')  # just before it told of its weights
    assert bench("train", "import", out, *sides)[0] == 0
    assert open_suite().artifact(runs()[0].info.run_id, "weights.safetensors") is not None
    state = out / f"states/state-{int(read_weights(out / 'weights.safetensors')[1]['steps']):08d}.pt"
    state.parent.mkdir(exist_ok=True)
    state.write_bytes(b"not moved yet")
    assert bench("train", "import", out, *sides)[0] == 0
    assert last_state(open_suite(), runs()[0].info.run_id).read_bytes() == b"not moved yet"
    open_suite().client.delete_run(runs()[0].info.run_id)
    open_suite().client.delete_run(runs()[0].info.run_id)
    assert bench("train", "import", out, "--low", "demo", "--normal", "demo")[0] == 0
    assert [run.data.tags["trusted"] for run in runs()] == ["no", "yes", "yes"]
    (out / "weights.safetensors").unlink()
    code, _, err = bench("train", "import", out)
    assert code == 1 and "no finished training run" in err


def test_an_imported_refinement_is_trusted_as_far_as_what_it_began_from(
    bench, store, brief, sides, workplace, monkeypatch
):
    assert bench("train", "enlightengan", *sides, "--preset", "smoke", "--name", "first")[0] == 0
    first = find_training(open_suite(), "first", finished=True).info.run_id
    start = open_suite().artifact(first, "weights.safetensors")
    settings = replace(config.REFINE_PRESETS["fast"], minutes=None, max_steps=1, crop=48, batch_size=2)
    files, out = [sorted((workplace / side).iterdir()) for side in ("dark", "bright")], workplace / "brought"
    log = JsonLinesLog(out)
    log.facts(begun_from(start))
    model = build(settings, device=torch.device("cpu"), init_from=start)
    train.train(model, low=files[0], normal=files[1], out=out, log=log, keep_optimisers=False)

    def trusted():
        code, _, err = bench("train", "import", out)
        assert code == 0, err
        return runs()[0].data.tags["trusted"]

    assert trusted() == "no"
    Run(open_suite().client, first).tags({"trusted": "yes"})
    assert trusted() == "yes"
    open_suite().client.delete_run(first)
    assert trusted() == "yes", "removed, it is no other"
    open_suite().client.restore_run(first)
    Run(open_suite().client, first).tags({"weights_digest": "another"})  # now nothing tells
    assert trusted() == "no"
    shipped = workplace / "shipped"
    shipped.mkdir()
    monkeypatch.setattr("bench.weights.SHIPPED", shipped)
    other = networks.Generator().state_dict()
    save_weights(shipped / "enlightengan.safetensors", other, describe({"align_corners": True}))
    write_sum(shipped / "enlightengan.safetensors")
    assert trusted() == "no", "those are others"
    shutil.copy(start, shipped / "enlightengan_guided.safetensors")
    write_sum(shipped / "enlightengan_guided.safetensors")
    assert trusted() == "yes", "the project does, for its guided forms"
    shutil.copy(start, shipped / "enlightengan.safetensors")
    (shipped / "enlightengan_guided.safetensors").unlink()
    write_sum(shipped / "enlightengan.safetensors")
    assert trusted() == "yes"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--low", "dark"), "no normal-light photographs"),
        (("--low", "dark", "--normal", "nowhere"), "no dataset or folder named 'nowhere'"),
        (("--low", "dark", "--normal", "bright", "--preset", "quick"), "no preset named 'quick'"),
        (("--low", "dark", "--normal", "bright", "--without", "atention"), "did you mean attention"),
        (("--low", "dark", "--normal", "bright", "--crop", "400"), "no low-light photograph of at least 400 x 400"),
        (("--low", "dark", "--normal", "bright", "--init-from", "none.pth"), "no weights file none.pth"),
        (("--low", "dark", "--normal", "bright", "--init-from", "none"), "none is no file of weights, and no run"),
        (("--low", "dark", "--normal", "bright", "--features", "vgg19-distilled"), "--feature-weights FILE"),
        (
            ("--low", "dark", "--normal", "bright", "--without", "perceptual", "--feature-weights", "x"),
            "leave --feature-weights out",
        ),
        (("--low", "dark", "--normal", "bright", "--seed", "-1"), "seed must not be negative"),
        (("--resume", "0123"), "There is no run 0123"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(fails, store, brief, sides, words, sentence):
    assert sentence in fails("train", "enlightengan", *words)


def test_the_demo_runs_from_end_to_end(bench, store, brief, workplace, monkeypatch):
    from bench import demo as photographs

    monkeypatch.setattr(photographs, "EXPOSURES", (0.1,))  # a third of the pictures
    monkeypatch.setattr("bench.data.specs", _fewer_demo_pictures())
    monkeypatch.setattr("commands.demo.METRICS", ("psnr",))
    code, out, err = bench("demo", "--steps", "1", "--out", "page")
    assert code == 0, err
    page = (workplace / "page/index.html").read_text(encoding="utf-8")
    assert "enlightengan_no_local_discriminator" in page and "msrcr" in page
    assert [run.data.tags["variant"] for run in runs()][::-1] == [
        "enlightengan", "enlightengan_no_attention", "enlightengan_no_local_discriminator",
    ]  # fmt: skip
    assert "bench ui" in out


def _fewer_demo_pictures():
    from bench.data import specs

    found = dict(specs())
    demo = found["demo"]
    test = demo.splits["test"]
    sides = {side: getattr(test, side).model_copy(update={"count": 2}) for side in ("low", "reference")}
    few = demo.model_copy(
        update={"low": demo.low.model_copy(update={"count": 3}), "splits": {"test": test.model_copy(update=sides)}}
    )
    return lambda: found | {"demo": few}


@pytest.fixture
def brief_rivals(brief, monkeypatch):
    for presets in (rivals.ZERO_DCE_PRESETS, rivals.CYCLEGAN_PRESETS):
        for name in ("fast", "smoke"):
            tiny = replace(presets[name], minutes=None, max_steps=2, crop=32, batch_size=2, precision="float32")
            monkeypatch.setitem(presets, name, tiny)


def test_zero_dce_trains_on_dark_photographs_alone_and_is_found(bench, store, brief_rivals, sides):
    code, out, err = bench("train", "zero_dce", "--low", "dark", "--seed", "3")
    assert code == 0, err
    (run,) = runs()
    assert (run.data.tags["variant"], run.data.tags["trusted"], run.data.tags["normal_data"]) == ("zero_dce", "yes", "")
    assert run.data.params["normal_images"] == "0" and run.data.params["spatial"] == "1.0"
    assert run.data.metrics["cost/parameters"] == 79_416
    # seven convolutions of 3 x 3: 79,200 weights, at every pixel; forward, and backward to inputs and weights
    forward = 79_200 * 32 * 32 / 1e9
    first = 3 * 32 * 9 * 32 * 32 / 1e9  # nothing flows back into the picture
    assert run.data.metrics["cost/gmac_per_sample"] == pytest.approx(3 * forward - first, rel=1e-6)
    assert {"health/brightness", "health/saturated", "loss/exposure_control"} <= run.data.metrics.keys()
    path, _ = find_weights("zero_dce")
    assert read_weights(path)[1]["variant"] == "zero_dce"
    assert "low-light photographs, on cpu" in out and "bench train zero_dce --resume" in out


def test_cyclegan_leaves_its_cost_beside_its_losses_and_resumes_under_its_own_name(
    bench, fails, store, brief_rivals, sides, monkeypatch
):
    for module, name, whole in WHOLE:
        monkeypatch.setattr(module, name, whole)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as torn:
        torn.setattr(train, "STATE_EVERY", 0.0)
        torn.setattr(health, "LOG_EVERY", 2)
        torn.setattr(health.Health, "_check", stop)
        assert bench("train", "cyclegan", *sides, "--preset", "smoke")[0] == 130
    (run,) = runs()
    assert "trains cyclegan: bench train cyclegan --resume" in fails("train", "zero_dce", "--resume", run.info.run_id)
    code, _, err = bench("train", "cyclegan", "--resume", run.info.run_id)
    assert code == 0, err
    (run,) = runs()
    assert run.data.metrics["cost/parameters"] == 2 * 8_636_387 + 2 * 2_764_737
    assert {"health/normal_accuracy", "health/low_real", "loss/cycle"} <= run.data.metrics.keys()
    assert run.info.status == "FINISHED" and run.data.tags["weights_digest"]


def test_two_devices_train_what_one_does(bench, store, brief_rivals, sides):
    for devices in (1, 2):
        code, _, err = bench(
            "train", "zero_dce", "--low", "dark", "--seed", "1", "--devices", devices, "--batch-size", 3
        )
        assert code == 0, err
    shared, alone = runs()
    assert shared.data.params["devices"] == "2" and shared.info.status == "FINISHED"
    for name in ("exposure_control", "spatial_consistency", "illumination_smoothness", "colour_constancy"):
        both = [run.data.metrics[f"loss/{name}"] for run in (shared, alone)]  # of the second step, after an update
        assert both[0] == pytest.approx(both[1], rel=1e-4)
    first, second = (open_suite().artifact(run.info.run_id, "weights.safetensors") for run in (shared, alone))
    means = [read_weights(path)[0]["e_conv7.bias"].mean().item() for path in (first, second)]
    assert means[0] == pytest.approx(means[1], rel=1e-3)
