import hashlib
import shutil
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from bench.scores import score_table
from bench.tracking import open_suite
from bench.trainings import Publication, find_training, publications
from bench.weights import find_weights, sums
from commands.beginnings import generator_in, terms_of, with_terms
from commands.publish import _halves
from commands.publish_card import scores_of, sources
from enlightengan import config, networks, train
from enlightengan.beginning import begun_from
from enlightengan.checkpoint import read_weights, save_weights, weights_digest
from enlightengan.probe import Probe
from methods import make
from reports.card import ModelCard, observed_in, scores_table

CARD = ModelCard("M", "-", "m.safetensors", "w", "terms", (), {}, (), "", score_table([]), {"niqe": True})


@pytest.fixture
def trained(bench, store, monkeypatch, narrow, workplace, photograph):
    """Trains two steps with this preset on generated folders; gives the run's ID."""

    def run(preset, *more):
        tiny = replace(config.PRESETS[preset], minutes=None, max_steps=2, crop=48, batch_size=2, features="random")
        monkeypatch.setitem(config.PRESETS, preset, tiny)
        monkeypatch.setattr(train, "Probe", partial(Probe, size=(32, 48), count=1))
        monkeypatch.setattr("commands.training._probe_niqe", lambda: lambda pictures: {"niqe": 1.0})
        photograph(workplace / "dark/1.png", seed=1, size=(60, 64), high=50)
        photograph(workplace / "bright/1.png", seed=2, size=(60, 64), low=100)
        code, _, err = bench(
            "train", "enlightengan", "--low", "dark", "--normal", "bright", "--preset", preset, "--seed", "4", *more
        )
        assert code == 0, err
        return open_suite().search(kind="train")[0].info.run_id

    return run


def test_weights_of_a_step_are_published_and_averaged(bench, fails, trained, workplace):
    run_id = trained("fast", "--snapshots")
    suite = open_suite()
    kept = [name for name in suite.artifacts(run_id) if name.startswith("weights")]
    assert kept == ["weights-00000001.safetensors", "weights.safetensors"]
    states = {name: read_weights(suite.artifact(run_id, name)) for name in kept}
    assert [metadata["steps"] for _, metadata in states.values()] == ["1", "2"]
    assert [metadata["samples"] for _, metadata in states.values()] == ["1", "2"]  # one photograph a side
    assert len({weights_digest(state) for state, _ in states.values()}) == 2
    code, out, err = bench("publish", f"{run_id}@1", "--mean-with", run_id, "--out", "mean")
    assert code == 0, err
    assert "NO COMMON BEGINNING" not in out
    published = workplace / "mean/enlightengan.safetensors"
    assert published.stat().st_mode & 0o777 == 0o644  # others may read it
    state, metadata = read_weights(published)
    key = "conv1_1.bias"
    expected = (states[kept[0]][0][key] + states[kept[1]][0][key]) / 2
    assert torch.equal(state[key], expected) and metadata["steps"] == "1"
    card = (workplace / "mean/enlightengan.md").read_text()
    assert "the mean of 2 generators of 1 training," in card and "### " not in card.partition("## Scores")[0]
    assert "after 1 steps" in card and "after 2 steps" in card and card.count("- seed: ") == 1
    assert "- optimiser steps: 2\n" in card and "for the whole run" not in card
    mean = str(make("enlightengan", published).checkpoint)
    assert publications(suite.client.get_run(run_id)) == {mean: Publication("", metadata["mean_of"])}
    assert f"@1 ({run_id[:8]}, preset fast), " in " ".join(out.split())
    assert bench("publish", f"{run_id}@1", "--out", "early")[0] == 0
    assert "for the whole run" in (workplace / "early/enlightengan.md").read_text()
    assert bench("publish", run_id, "--guided", "--out", "late")[0] == 0
    early, late = (str(make("enlightengan", workplace / file).checkpoint)
                   for file in ("early/enlightengan.safetensors", "late/enlightengan_guided.safetensors"))  # fmt: skip
    told = publications(suite.client.get_run(run_id))
    assert set(told) == {mean, early, late} and told[mean].mean_of, "what came later makes nothing forgotten"
    assert (told[early], told[late]) == (Publication("1"), Publication())
    suite.client.set_tag(run_id, "mlflow.runName", "rate@1")
    assert bench("publish", "rate@1", "--out", "named")[0] == 0
    assert read_weights(workplace / "named/enlightengan.safetensors")[1]["steps"] == "2", "a name may have an @"
    told = fails("publish", f"{run_id}@7")
    assert told == f"Run {run_id} kept no weights after step 7; it has 1."
    assert fails("publish", f"{run_id}@1", "--mean-with", f"{run_id}@1") == "A mean needs each training once."
    assert "it has none: train with --snapshots." in fails("publish", f"{trained('fast')}@1")


def test_published_weights_are_half_as_large_checked_on_loading_and_carry_a_card(
    bench, trained, workplace, monkeypatch, photograph
):
    run_id = trained("fast")
    (workplace / "seen.md").write_text("A brown rim around lamps.\n")
    code, _, err = bench("publish", run_id, "--out", "shipped", "--observed", "seen.md")
    assert code == 0, err
    file = workplace / "shipped/enlightengan.safetensors"
    state, metadata = read_weights(file)
    assert {value.dtype for value in state.values() if value.ndim > 1} == {torch.float16}
    assert {value.dtype for value in state.values() if value.ndim < 2} == {torch.float32, torch.int64}
    assert metadata["run"] == run_id and metadata["licence"] == "not stated" and metadata["steps"] == "2"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (workplace / "shipped/SHA256SUMS").read_text() == f"{digest}  enlightengan.safetensors\n"
    monkeypatch.setattr("bench.weights.SHIPPED", file.parent)
    monkeypatch.setattr("bench.weights.newest_weights", lambda *_, **__: None)
    assert find_weights("enlightengan") == (file, "shipped with the project")
    exact = open_suite().artifact(run_id, "weights.safetensors")
    picture = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    assert (make("enlightengan", file)(picture) - make("enlightengan", exact)(picture)).abs().max() < 1 / 255

    card = (workplace / "shipped/enlightengan.md").read_text()
    checkpoint = make("enlightengan", file).checkpoint
    for told in (checkpoint, "seed: 4", "optimiser steps: 2", "crop is 48, theirs 320.", "A brown rim around lamps.",
                 "1 low-light photographs, 1 normal-light photographs", "Not evaluated yet."):  # fmt: skip
        assert told.replace("_", r"\_") in card
    assert str(workplace) not in card

    photograph(workplace / "test/1.png", seed=3, size=(100, 120), high=80)
    words = ("evaluate", "--images", "test", "--metric", "entropy", "--method", "identity")
    assert bench(*words, "--checkpoint", f"enlightengan={file}")[0] == 0
    assert bench("publish", run_id, "--out", "shipped")[0] == 0
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest  # the same is not written again
    scores = open_suite().search(kind="evaluate")[0]
    table = open_suite().artifact(scores.info.run_id, "scores.csv").read_text().splitlines()
    assert make("enlightengan", file).checkpoint == checkpoint  # written again, the same
    own, untouched = (f"{float(line.split(',')[5]):.3f}" for line in (
        next(line for line in table if line.startswith(name)) for name in ("enlightengan", "identity")))  # fmt: skip
    assert bench("report", "--out", "page")[0] == 0  # it knows the training of weights that were published
    told = (workplace / "page/results.md").read_text()
    assert "(enlightengan), 48 pixels, batch 2" in told and f"({run_id[:8]})" in told
    row = next(line for line in (workplace / "shipped/enlightengan.md").read_text().splitlines() if "entropy" in line)
    assert own in row and untouched in row and row.endswith("| 1 |")
    assert (workplace / "shipped/enlightengan.md").read_text().endswith("\nA brown rim around lamps.\n")


def test_a_published_file_gets_the_scores_of_now_without_its_training(
    bench, fails, trained, workplace, photograph, monkeypatch
):
    run_id = trained("fast")
    (workplace / "seen.md").write_text("A brown rim around lamps.\n")
    assert bench("publish", run_id, "--out", "shipped", "--observed", "seen.md")[0] == 0
    file, card = (workplace / "shipped" / f"enlightengan.{kind}" for kind in ("safetensors", "md"))
    weights, before = file.read_bytes(), card.read_text()
    elsewhere = ("--tracking-uri", "sqlite:///elsewhere.db")
    photograph(workplace / "test/1.png", seed=3, size=(100, 120), high=80)
    words = ("evaluate", "--images", "test", "--metric", "entropy", "--checkpoint", f"enlightengan={file}")
    assert bench(*words, "--method", "identity", *elsewhere)[0] == 0
    assert fails("publish", file).startswith(f"Nothing was scored with {file}")
    code, out, err = bench("publish", file, *elsewhere)
    assert code == 0, err
    assert "enlightengan.md has the scores of test." in " ".join(out.split())
    after = card.read_text()
    (row,) = [line for line in after.splitlines() if "entropy" in line]
    start, end = before.split("Not evaluated yet.")
    assert after.startswith(start) and after.endswith(end) and row.endswith("| 1 |")
    assert end == "\n\n## What a person sees\n\nA brown rim around lamps.\n"
    assert bench("publish", file, *elsewhere)[0] == 0
    assert (card.read_text(), file.read_bytes()) == (after, weights)
    for more in (("--force",), ("--out", "other"), ("--mean-with", run_id), ("--observed", "seen.md")):
        assert "only the scores in its card change" in fails("publish", file, *more, *elsewhere)
    card.write_text(after.replace(make("enlightengan", file).checkpoint, "0" * 16))
    assert fails("publish", file, *elsewhere).startswith("This is no model card of the weights")


def test_a_card_has_the_scores_of_every_method_with_its_weights(bench, trained, workplace, photograph):
    run_id, names = trained("fast"), ("enlightengan", "enlightengan_guided")
    assert bench("publish", run_id, "--out", "shipped")[0] == 0
    photograph(workplace / "test/1.png", seed=3, size=(100, 120), high=80)
    files = [f"{name}=shipped/enlightengan.safetensors" for name in names]
    words = ("evaluate", "--images", "test", "--metric", "entropy", "--method", "identity")
    assert bench(*words, "--checkpoint", files[0], "--checkpoint", files[1])[0] == 0
    scores = open_suite().search(kind="evaluate")[0]
    table = open_suite().artifact(scores.info.run_id, "scores.csv").read_text().splitlines()
    values = {line.split(",")[0]: f"{float(line.split(',')[5]):.3f}" for line in table[1:]}
    assert len(set(values.values())) == 3
    assert bench("publish", run_id, "--out", "shipped")[0] == 0
    card = (workplace / "shipped/enlightengan.md").read_text()
    rows = [line.split(" | ") for line in card.splitlines() if "entropy" in line]
    assert [row[0].strip("| ").replace("\\", "") for row in rows] == list(names)
    for name, row in zip(names, rows, strict=True):
        assert row[3].startswith(values[name]) and row[4].startswith(values["identity"])


def test_a_training_that_began_from_another_says_so_and_the_newest_is_published(bench, fails, trained, workplace):
    first = trained("fast")
    (workplace / "seen.md").write_text("A brown rim around lamps.\n")
    assert bench("publish", first, "--out", "shipped", "--observed", "seen.md")[0] == 0
    file = workplace / "shipped/enlightengan.safetensors"
    checkpoint = make("enlightengan", file).checkpoint
    continued = trained("fast", "--init-from", file)
    assert open_suite().search(kind="train")[0].info.run_id == continued
    kept = file.read_bytes()
    assert fails("publish", "enlightengan", "--out", "shipped") == (
        "shipped/enlightengan.safetensors holds other weights: --force replaces them, --out names another folder."
    )
    assert file.read_bytes() == kept
    assert bench("publish", "enlightengan", "--out", "shipped", "--force")[0] == 0
    told = f"generator {checkpoint} after 2 steps, 2 pairs (run {first[:8]})"
    assert read_weights(file)[1]["begun_from"] == told
    card = (workplace / "shipped/enlightengan.md").read_text()
    assert f"- begun from: {told}\n" in card
    assert "A brown rim" not in card, "that was seen of other weights"


def test_the_mean_of_a_chain_of_trainings_is_published_and_each_is_told(bench, fails, trained, workplace):
    first = trained("fast", "--name", "the author's first")
    second = trained("fast", "--init-from", "the author's first", "--learning-rate", "5e-4", "--name", "continued")
    exact = [read_weights(open_suite().artifact(run_id, "weights.safetensors"))[0] for run_id in (second, first)]
    code, out, _ = bench("publish", "continued", "--mean-with", first, "--out", "shipped")
    assert code == 0 and "NO COMMON BEGINNING" not in out
    file = workplace / "shipped/enlightengan.safetensors"
    state, metadata = read_weights(file)
    for key, kept in (("conv1_1.weight", torch.float16), ("bn1_1.running_var", torch.float32)):
        assert not torch.equal(exact[0][key], exact[1][key])
        assert torch.equal(state[key], ((exact[0][key] + exact[1][key]) / 2).to(kept))
        assert state[key].dtype == kept
    alone = [f"generator {weights_digest(weights)} after 2 steps, 2 pairs" for weights in exact]
    generators = [f"{told} (run {run_id[:8]})" for told, run_id in zip(alone, (second, first), strict=True)]
    assert metadata["mean_of"] == "; ".join(generators)
    assert metadata["begun_from"] == f"all networks of the training that gave {alone[1]}"
    card = (workplace / "shipped/enlightengan.md").read_text()
    assert "the mean of 2 generators of 2 trainings" in card
    for place, generator in enumerate(generators, 1):
        assert f"### Training {place}\n\n- {generator.capitalize()}\n" in card
    assert card.count("learning\\_rate is 0.0005") == 1 and card.count("- seed: 4") == 2
    with torch.inference_mode():
        assert bench("evaluate", "--images", "dark", "--metric", "entropy", "--method", "identity",
                     "--checkpoint", f"enlightengan={file}")[0] == 0  # fmt: skip
    assert bench("report", "--out", "page")[0] == 0
    told = (workplace / "page/results.md").read_text()
    assert f"| the mean of {metadata['mean_of']}, the first begun from {metadata['begun_from']} |" in told
    assert "*Made by `bench train METHOD` (2 trainings" in told
    apart = trained("fast", "--learning-rate", "1e-3")
    code, out, _ = bench("publish", second, "--mean-with", apart, "--out", "doubtful")
    assert code == 0 and "NO COMMON BEGINNING" in out and f"continued ({second[:8]}, preset" in " ".join(out.split())
    continued = trained("fast", "--init-from", file)
    whole = make("enlightengan", file).checkpoint
    assert find_training(open_suite(), continued, finished=True).data.tags["begun_from"] == (
        f"generator {whole}, the mean of {metadata['mean_of']}, the first begun from {metadata['begun_from']}"
    )
    assert bench("publish", second, "--out", "shipped", "--force")[0] == 0  # alone again
    assert "mean_of" not in read_weights(file)[1]
    told = publications(find_training(open_suite(), second, finished=True))
    assert told[whole].mean_of and told[str(make("enlightengan", file).checkpoint)] == Publication()

    assert fails("publish", second, "--mean-with", second) == "A mean needs each training once."
    open_suite().client.set_tag(first, "low_data", "amos_night/train")
    assert bench("publish", second, "--mean-with", first, "--out", "shipped", "--force")[0] == 0
    assert read_weights(file)[1]["licence"] == "not stated; research", "the terms of both"
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    assert all(f"| low | {name} |" in card for name in ("dark", r"amos\_night/train")) and card.count("| normal |") == 1


def test_weights_for_the_guided_forms_lie_beside_those_for_full_size(bench, fails, trained, workplace, monkeypatch):
    first, second = trained("fast"), trained("fast", "--learning-rate", "1e-3")
    assert bench("publish", first, "--out", "shipped")[0] == 0
    code, out, err = bench("publish", second, "--guided", "--out", "shipped")
    assert code == 0, err
    assert "shipped/enlightengan_guided.safetensors" in " ".join(out.split())
    folder = workplace / "shipped"
    assert sorted(sums(folder)) == ["enlightengan.safetensors", "enlightengan_guided.safetensors"]
    card = (folder / "enlightengan_guided.md").read_text(encoding="utf-8")
    monkeypatch.setattr("bench.weights.SHIPPED", folder)
    monkeypatch.setattr("bench.weights.newest_weights", lambda *_, **__: None)
    digests = {name: make(name).checkpoint for name in ("enlightengan", "enlightengan_guided", "enlightengan_natural")}
    assert digests["enlightengan_guided"] == digests["enlightengan_natural"] != digests["enlightengan"]
    assert digests["enlightengan_guided"] in card and "Not evaluated yet" in card
    guided = "shipped/enlightengan_guided.safetensors"
    told = fails("publish", guided)
    assert told.startswith(f"Nothing was scored with {guided} in ")
    assert f"bench evaluate --checkpoint enlightengan_guided={guided} does it." in told
    assert bench("evaluate", "--images", "dark", "--metric", "entropy", "--method", "identity", "--checkpoint",
                 f"enlightengan_natural={guided}")[0] == 0  # fmt: skip
    assert (
        bench("evaluate", "--images", "dark", "--metric", "entropy", "--checkpoint", f"enlightengan={guided}")[0] == 0
    )
    assert bench("publish", guided)[0] == 0
    card = (folder / "enlightengan_guided.md").read_text(encoding="utf-8")
    assert r"| enlightengan\_natural | dark | entropy ↑ |" in card and "| enlightengan | dark" not in card
    assert "Not evaluated yet" not in card, "and full size, by these weights, is no part of it"
    assert "Not evaluated yet" in (folder / "enlightengan.md").read_text(encoding="utf-8")
    assert "only the scores in its card change" in fails("publish", guided, "--guided")
    (folder / "enlightengan_guided.safetensors").unlink()
    assert make("enlightengan_natural").checkpoint == digests["enlightengan"], "one file serves all forms then"


def test_weights_are_under_the_terms_of_what_they_began_from(bench, trained, workplace, monkeypatch):
    def published(run_id, folder):
        assert bench("publish", run_id, "--out", folder)[0] == 0
        file = workplace / folder / "enlightengan.safetensors"
        terms = read_weights(file)[1]["licence"]
        assert f"purposes: {terms}." in file.with_suffix(".md").read_text(encoding="utf-8")
        return file, terms

    first, snapped = trained("fast"), trained("fast", "--snapshots")
    open_suite().client.set_tag(first, "low_data", "amos_night/train")
    file, terms = published(first, "first")
    assert terms == "research; not stated"
    with monkeypatch.context() as elsewhere:  # the file alone tells
        elsewhere.setattr("commands.beginnings.trainings_that_gave", lambda *_: [])
        heir = trained("fast", "--init-from", file)
    assert published(heir, "heir")[1] == "not stated; research"
    open_suite().client.set_tag(heir, "low_data", "sice")
    last = trained("fast", "--init-from", heir)  # a run: its states tell of no terms of its own
    assert published(last, "last")[1] == "not stated; CC BY-NC 4.0; research"
    of_last = open_suite().artifact(last, "weights.safetensors")
    assert [terms_of(one) for one in (file, of_last)] == [terms, "not stated; CC BY-NC 4.0; research"]
    with monkeypatch.context() as empty:
        empty.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workplace}/another.db")
        assert terms_of(of_last) == "not stated" and not (workplace / "another.db").exists()
        (workplace / "another.db").write_text("junk")
        assert terms_of(of_last) == "not stated"
    step = next(name for name in open_suite().artifacts(snapped) if name.startswith("weights-0"))
    for run_id in (snapped, first):
        open_suite().client.set_tag(run_id, "low_data", "sice")
        open_suite().client.set_tag(run_id, "normal_data", "sice")
    told = []
    copied = shutil.copy(open_suite().artifact(snapped, step), workplace / "copied.safetensors")
    for file in (copied, open_suite().artifact(first, "weights.safetensors"), open_suite().artifact(snapped, step)):
        child = trained("fast", "--init-from", file)
        told.append(open_suite().client.get_run(child).data.tags["begun_under"])
    assert told == ["not stated", "CC BY-NC 4.0", "CC BY-NC 4.0"], "of a step only where they lie tells"
    open_suite().client.set_tag(last, "low_data", "sice")
    stated = trained("fast")
    for side in ("low_data", "normal_data"):
        open_suite().client.set_tag(stated, side, "sice")
    assert bench("publish", stated, "--mean-with", last, "--out", "mean")[0] == 0
    child = trained("fast", "--init-from", workplace / "mean/enlightengan.safetensors")
    under = open_suite().client.get_run(child).data.tags["begun_under"]
    assert "not stated" in under.split("; "), "of one part of the mean, and known"
    child = trained("fast", "--init-from", f"{snapped}@1")
    assert open_suite().client.get_run(child).data.tags["begun_under"] == "CC BY-NC 4.0", "RUN@STEP does"


def test_what_proves_nothing_is_not_published(fails, trained, store, workplace):
    run_id = trained("smoke")
    assert fails("publish", run_id) == (
        f"Run {run_id} is not to be published: only fast or paper trainings are, and none on the demo."
    )
    assert fails("publish", "enlightengan").startswith("There is no finished fast or paper training of enlightengan")
    assert "no run" in fails("publish", "0" * 32)
    assert fails("publish", run_id, "--observed", "gone.md").startswith("Cannot read gone.md")
    cell = {"variant": "enlightengan", "preset": "fast", "trusted": "yes", "cell": "1", "low_data": "a"}
    adaptation = {"variant": "enlightengan", "preset": "fast", "trusted": "no", "adapted": "from scratch"}
    weights = open_suite().artifact(run_id, "weights.safetensors")
    with open_suite().run("adapted", kind="train", tags=adaptation) as run:
        pass
    assert fails("publish", run.id).endswith("is not to be published: it is an adaptation.")
    with open_suite().run("cell", kind="train", tags=cell) as run:
        run.artifact(weights)
    assert fails("publish", "enlightengan").startswith("enlightengan was trained as a cell of a grid alone")
    assert not (workplace / "weights").exists()


def test_what_was_seen_of_some_weights_is_not_told_of_those_that_they_began_from(tmp_path):
    card = tmp_path / "card.md"
    card.write_text(
        "Digest of the weights: `b`. Rounded.\n\n- begun from: generator a\n\n## What a person sees\n\nRims.\n"
    )
    assert observed_in(card, "b") == "Rims."
    assert observed_in(card, "a") == observed_in(tmp_path / "none.md", "b") == ""


def test_a_card_has_the_newest_variant_of_a_metric_and_the_input_on_the_same_photographs(store, workplace, monkeypatch):
    def scored(method, checkpoint, digest, value, images="ab"):
        common = {"dataset": "d", "metric": "niqe", "seconds": 1.0, "metric_digest": digest, "value": value}
        return [{**common, "method": method, "checkpoint": checkpoint, "image": image} for image in images]

    def row(*parts):
        table = score_table([one for part in parts for one in part])
        monkeypatch.setattr("commands.kept.tables_of", lambda suite, evaluations: (table, []))
        (found,) = scores_table(scores_of(open_suite(), "w"), "w", {"niqe": True}).rows
        return [cell.value for cell in found]

    own = [scored("m", "w", "new", 3.0), scored("m", "w", "old", 9.0)]
    assert row(*own, scored("identity", "", "new", 5.0, "abc"), scored("identity", "", "old", 9.0))[3:] == [
        "3.000 [3.000, 3.000]", "5.000 [5.000, 5.000]", 2.0,
    ]  # fmt: skip
    assert row(*own, scored("identity", "", "new", 5.0, "a"))[4] == "–"


def test_a_folder_whose_name_has_a_comma_is_one_source(store, workplace):
    tags = {"low_data": "night, 2020", "low_digest": "d", "normal_data": "a, b", "normal_digest": "1, 2"}
    with open_suite().run("train", kind="train", tags=tags) as run:
        pass
    found = sources([find_training(open_suite(), run.id, finished=True)])
    assert [(source.side, source.name, source.digest) for source in found] == [
        ("low", "night, 2020", "d"), ("normal", "a", "1"), ("normal", "b", "2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "halved"),
    [(torch.full((2, 2), 6e4), True), (torch.full((2, 2), 7e4), False), (torch.ones(3), False),
     (torch.ones((2, 2), dtype=torch.int64), False)],
)  # fmt: skip
def test_only_what_half_precision_holds_is_halved(value, halved):
    assert _halves(value) == halved


@pytest.mark.parametrize(
    ("licence", "terms"), [("CC0", "CC BY-NC 4.0; CC0"), ("not stated", "CC BY-NC 4.0; not stated")]
)
def test_a_teacher_that_mlflow_does_not_know_is_under_the_terms_that_its_file_tells(
    workplace, monkeypatch, narrow, licence, terms
):
    start, teacher = workplace / "start.safetensors", workplace / "teacher.safetensors"
    for file, told in ((start, {}), (teacher, {"licence": licence})):
        save_weights(file, networks.Generator().state_dict(), told)
    began = begun_from(start, teacher)
    known = SimpleNamespace(data=SimpleNamespace(tags={"low_data": "sice", "normal_data": "sice"}))
    gave = {generator_in(began): [known]}
    monkeypatch.setattr("commands.beginnings.trainings_that_gave", lambda _, digest: gave.get(digest, []))
    assert with_terms(None, began, start, teacher)["begun_under"] == terms
    assert "not stated" in with_terms(None, began)["begun_under"], "who has the files alone can say which of both it is"


def test_weights_that_see_the_key_are_published_and_averaged_with_their_like_alone(bench, fails, trained, workplace):
    plain, sees = trained("fast"), trained("fast", "--key")
    told = fails("publish", plain, "--mean-with", sees, "--out", "mean")
    assert "must all see the key, or none" in told
    assert bench("publish", sees, "--out", "sees")[0] == 0
    assert make("enlightengan", workplace / "sees/enlightengan.safetensors").generator.key
    assert "- key is True, theirs False.\n" in (workplace / "sees/enlightengan.md").read_text(encoding="utf-8")
