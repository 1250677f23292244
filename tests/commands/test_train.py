import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from bench.tracking import newest_weights, open_suite
from bench.weights import find_weights
from enlightengan import config, health, train
from enlightengan.build import build
from enlightengan.checkpoint import read_weights
from enlightengan.log import JsonLinesLog
from enlightengan.probe import Probe


@pytest.fixture
def brief(monkeypatch):
    """Presets of two steps on small crops, small probe pictures, a cheap stand-in for the probe's NIQE."""
    for name in ("fast", "smoke"):
        tiny = replace(config.PRESETS[name], minutes=None, max_steps=2, crop=48, batch_size=2, features="random")
        monkeypatch.setitem(config.PRESETS, name, tiny)
    monkeypatch.setattr(train, "Probe", partial(Probe, size=(32, 48), count=2))
    monkeypatch.setattr("commands.training._probe_niqe", lambda: lambda pictures: {"niqe": float(len(pictures))})


@pytest.fixture
def sides(workplace, photograph):
    for seed in range(3):
        photograph(workplace / f"dark/{seed}.png", seed=seed, size=(60, 64), high=50)
        photograph(workplace / f"bright/{seed}.png", seed=seed, size=(60, 64), low=100)
    return ("--low", "dark", "--normal", "bright")


def runs():
    return open_suite().search(kind="train")


def test_a_run_leaves_its_losses_pictures_weights_and_provenance_in_mlflow(bench, store, brief, sides):
    code, out, err = bench("train", "enlightengan", *sides, "--preset", "smoke", "--without", "attention")
    assert code == 0, err
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


def test_paper_says_where_it_departs(bench, store, brief, sides, monkeypatch):
    monkeypatch.setitem(config.PRESETS, "paper", replace(config.PRESETS["paper"], crop=48, batch_size=2, max_steps=1))
    words = ("--preset", "paper", "--features", "random", "--without", "perceptual")
    code, out, err = bench("train", "enlightengan", *sides, *words)
    assert code == 0, err
    assert "Departure from the authors' training: crop is 48, theirs 320." in out
    assert "chunks of 11" in runs()[0].data.tags["mlflow.note.content"]


def test_a_run_of_a_bare_machine_is_imported(bench, store, brief, sides, workplace):
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
    lines = [json.loads(line) for line in (out / "run.jsonl").read_text().splitlines()]
    last = [r["values"] for r in lines if r["kind"] == "metrics" and "loss/global_discriminator" in r["values"]][-1]
    assert run.data.metrics["loss/global_discriminator"] == pytest.approx(last["loss/global_discriminator"])
    assert newest_weights("enlightengan_no_perceptual") is not None
    (out / "weights.safetensors").unlink()
    code, _, err = bench("train", "import", out)
    assert code == 1 and "no finished training run" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--low", "dark"), "no normal-light photographs"),
        (("--low", "dark", "--normal", "nowhere"), "no dataset or folder named 'nowhere'"),
        (("--low", "dark", "--normal", "bright", "--preset", "quick"), "no preset named 'quick'"),
        (("--low", "dark", "--normal", "bright", "--without", "atention"), "did you mean attention"),
        (("--low", "dark", "--normal", "bright", "--crop", "400"), "no low-light photograph of at least 400 x 400"),
        (("--low", "dark", "--normal", "bright", "--init-from", "none.pth"), "no weights file none.pth"),
        (("--low", "dark", "--normal", "bright", "--features", "vgg19-distilled"), "--feature-weights FILE"),
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
