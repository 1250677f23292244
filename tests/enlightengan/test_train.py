import itertools
import json
import pickle
from types import SimpleNamespace

import pytest
import torch

from bench.errors import BenchError
from enlightengan import health
from enlightengan import train as training
from enlightengan.average import Ema
from enlightengan.batch import Batch
from enlightengan.beginning import begun_from
from enlightengan.build import build
from enlightengan.checkpoint import load_generator, read_state, read_weights, weights_digest
from enlightengan.config import preset
from enlightengan.cost import WARM_UP, Cost
from enlightengan.log import JsonLinesLog, read_parameters, replay
from enlightengan.networks import Generator
from enlightengan.perceptual import load_features
from enlightengan.probe import Probe
from enlightengan.step import Model
from enlightengan.train import train

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("brief")


def run(photographs, out, *, log=None, resume=False, on_step=None, features=None, init_from=None, **changes):
    settings = {"max_steps": 20, "crop": 48, "batch_size": 2, "precision": "float32"} | changes
    return train(
        build(preset("smoke", **settings), device=CPU, features=features, init_from=init_from, continued=resume),
        low=photographs[0],
        normal=photographs[1],
        out=out,
        log=log or JsonLinesLog(out),
        resume=resume,
        on_step=on_step,
        keep_optimisers=False,
    )


def interrupt(report):
    raise KeyboardInterrupt


def records(out, kind):
    lines = (out / "run.jsonl").read_text().splitlines()
    return [record for line in lines if (record := json.loads(line))["kind"] == kind]


def test_interrupted_and_resumed_ends_bit_identical(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "LOG_EVERY", 4)  # it is torn when the learning rate already falls
    settings = {"without": ("perceptual",), "ema": 0.9, "max_steps": 5}
    whole, _ = read_weights(run(photographs, tmp_path / "whole", **settings))

    with monkeypatch.context() as patched:
        patched.setattr(training, "STATE_EVERY", 0.0)
        with pytest.raises(KeyboardInterrupt):
            run(photographs, tmp_path / "torn", on_step=interrupt, **settings)
    assert not (tmp_path / "torn" / "weights.safetensors").exists()
    torn, _ = read_weights(run(photographs, tmp_path / "torn", resume=True, **settings))
    assert all(torch.equal(whole[key], torn[key]) for key in whole)
    fresh, _ = read_weights(run(photographs, tmp_path / "seed", seed=1, **settings))
    assert not torch.equal(whole["conv1_1.weight"], fresh["conv1_1.weight"])


def test_images_a_second_are_those_that_were_shown(photographs, tmp_path, monkeypatch):
    seconds, told = itertools.count(), []
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: next(seconds)))  # each step takes one
    run(photographs, tmp_path / "run", on_step=told.append, without=("perceptual",), batch_size=32, max_steps=4)
    assert told[-1].step == 4 and told[-1].images_per_second == 5, "an epoch of five pictures is one short batch"


def stopped_in(step):
    """A step of the model that is an interrupt in this one."""
    steps, whole = iter(range(1, step)), Model.step

    def stop(*given, **options):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return whole(*given, **options)

    return stop


def whole_and_torn(photographs, folder, monkeypatch, *, step, **settings):
    """A run in `folder`/whole, and the same in `folder`/torn, interrupted in a step and resumed; a state a step."""
    run(photographs, folder / "whole", **settings)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "STATE_EVERY", 0.0)
        patched.setattr(Model, "step", stopped_in(step))
        run(photographs, folder / "torn", **settings)
    run(photographs, folder / "torn", resume=True, **settings)


def test_an_interrupted_run_has_told_the_losses_of_every_step_before_its_state(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "LOG_EVERY", 4)
    settings = {"without": ("perceptual",), "max_steps": 6}
    whole_and_torn(photographs, tmp_path, monkeypatch, step=4, **settings)
    whole, torn = (
        {
            r["step"]: r["values"]
            for r in records(tmp_path / name, "metrics")
            if "loss/global_discriminator" in r["values"]
        }
        for name in ("whole", "torn")
    )
    assert list(torn) == [1, 2, 3, 4, 5, 6] and torn == whole


def test_a_resumed_run_looks_at_its_probe_when_it_would_have_done_so(photographs, tmp_path, monkeypatch):
    settings = {"without": ("perceptual",), "max_steps": 7, "probes": 3, "snapshots": True}
    whole_and_torn(photographs, tmp_path, monkeypatch, step=5, **settings)
    kept = sorted(path.name for path in (tmp_path / "whole").glob("weights-*"))
    assert kept == ["weights-00000003.safetensors", "weights-00000006.safetensors"]
    assert sorted(path.name for path in (tmp_path / "torn").glob("weights-*")) == kept
    looks = [[r["step"] for r in records(tmp_path / name, "image")] for name in ("whole", "torn")]
    assert looks[0] == looks[1] == [0, 3, 6, 7]


def test_a_run_keeps_the_precision_that_it_began_with(photographs, tmp_path, monkeypatch):
    used, step = set(), Model.step
    monkeypatch.setattr(Model, "step", lambda *given, precision: used.add(precision) or step(*given))
    monkeypatch.setattr(training, "STATE_EVERY", 0.0)
    monkeypatch.setattr(training, "fast_precision", lambda: torch.bfloat16)
    settings = {"without": ("perceptual",), "precision": "auto", "max_steps": 20}
    with pytest.raises(KeyboardInterrupt):
        run(photographs, tmp_path, on_step=interrupt, **settings)
    monkeypatch.setattr(training, "fast_precision", lambda: torch.float32)
    run(photographs, tmp_path, resume=True, **settings)
    assert used == {"bfloat16"}


def test_auto_is_what_is_faster(monkeypatch):
    for faster in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(training, "fast_precision", lambda faster=faster: faster)
        assert training.choose_precision("auto", CPU) == str(faster).removeprefix("torch.")
        assert training.choose_precision("float32", CPU) == "float32"


def test_a_run_that_was_stopped_after_its_last_step_learns_nothing_more(photographs, tmp_path, monkeypatch):
    settings = {"without": ("perceptual",), "max_steps": 3}

    def full(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(training, "save_weights", full)
        with pytest.raises(OSError, match="full"):
            run(photographs, tmp_path, **settings)
    kept = read_state(tmp_path / "states/state-00000003.pt")
    weights, told = read_weights(run(photographs, tmp_path, resume=True, **settings))
    assert told["steps"] == "3" and all(torch.equal(weights[key], kept["ema"][key]) for key in weights)


def test_a_run_that_was_stopped_before_its_first_step_tells_its_parameters_when_it_is_continued(photographs, tmp_path):
    with pytest.raises(BenchError, match="no low-light photograph"):
        run(([], photographs[1]), tmp_path, without=("perceptual",), max_steps=1)
    run(photographs, tmp_path, without=("perceptual",), max_steps=1, resume=True)
    assert read_parameters(tmp_path)["low_images"] == "5"


def test_seconds_a_step_are_those_of_steps(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("enlightengan.cost.time.monotonic", lambda: clock[0])
    model = build(preset("smoke", crop=48, without=("perceptual",)), device=CPU)

    def step(batch, *, precision):
        clock[0] += 2
        return {}

    monkeypatch.setattr(model, "step", step)
    cost, told = Cost(model), {}
    batch = Batch(*[torch.zeros(1, 3, 48, 48)] * 3, [])
    for _ in range(WARM_UP + 4):
        with cost.aside():
            clock[0] += 100
        cost.step(batch, precision="float32")
    monkeypatch.setattr(JsonLinesLog, "metrics", lambda self, values, step: told.update(values))
    cost.tell(JsonLinesLog.__new__(JsonLinesLog), 7)
    assert told["cost/seconds_per_step"] == pytest.approx(2)


def test_a_run_without_a_state_begins_anew_and_says_so(photographs, tmp_path, capsys):
    settings = {"without": ("perceptual", "local-discriminator"), "max_steps": 1}
    whole, _ = read_weights(run(photographs, tmp_path / "whole", **settings))
    again, _ = read_weights(run(photographs, tmp_path / "again", resume=True, **settings))
    assert all(torch.equal(whole[key], again[key]) for key in whole)
    assert "interrupted before its first training state: it begins anew" in capsys.readouterr().out


def test_everything_is_told_and_can_be_replayed(photographs, tmp_path):
    out = tmp_path / "run"
    run(photographs, out, without=("perceptual",), max_steps=4)
    steps = [r["step"] for r in records(out, "metrics") if "loss/global_discriminator" in r["values"]]
    assert steps == [1, 2, 3, 4]
    assert read_parameters(out)["variant"] == "enlightengan_no_perceptual"
    assert records(out, "artifact")[-1]["file"] == "weights.safetensors"
    shown = [r["values"]["probe/brightness"] for r in records(out, "metrics") if "probe/brightness" in r["values"]]
    assert len(shown) == len(records(out, "image")) >= 2 and all(0 < b < 1 for b in shown)
    told = Collected()
    replay(out, told)
    assert told.losses == [r["values"] for r in records(out, "metrics")]
    assert told.pictures[0].shape == (2 * 32, 4 * 48, 3) and told.files == [out / "weights.safetensors"]


class Collected:
    """A log that keeps what it is told."""

    def __init__(self):
        self.losses, self.pictures, self.files = [], [], []

    def parameters(self, values):
        pass

    def metrics(self, values, step):
        self.losses.append(values)

    def image(self, name, picture, step):
        self.pictures.append(picture)

    def artifact(self, path):
        self.files.append(path)

    def note(self, sentence):
        pass

    def flush(self):
        pass


def test_metadata_tells_the_run_and_the_weights_load(photographs, tmp_path):
    path = run(photographs, tmp_path, without=("attention", "perceptual"), max_steps=2)
    generator, metadata = load_generator(path)
    assert not generator.attention
    assert (metadata["variant"], metadata["steps"], metadata["samples"]) == (
        "enlightengan_no_attention_no_perceptual",
        "2",
        "4",
    )
    assert json.loads(metadata["config"])["crop"] == 48


@pytest.mark.parametrize(
    ("without", "absent"),
    [(("local-discriminator",), "local_discriminator"), (("perceptual",), "self_feature_preserving")],
)
def test_a_part_left_out_has_no_loss(photographs, tmp_path, without, absent):
    run(photographs, tmp_path, without=without, features=load_features("random"), max_steps=1)
    names = set(records(tmp_path, "metrics")[1]["values"])
    assert f"loss/{absent}" not in names and "loss/generator_adversarial" in names


def test_without_darkening_the_generator_sees_the_picture_itself(photographs, tmp_path, monkeypatch):
    seen = []
    original = Model.step

    def spy(self, batch, **options):
        seen.append(torch.equal(batch.low, batch.seen))
        return original(self, batch, **options)

    monkeypatch.setattr(Model, "step", spy)
    run(photographs, tmp_path, without=("darkening", "perceptual"), max_steps=4)
    assert seen == [True] * 4


def test_training_that_diverges_ends_in_a_sentence(photographs, tmp_path):
    with pytest.raises(BenchError, match=r"diverged: .* at step 2\."):
        run(photographs, tmp_path, without=("perceptual",), learning_rate=1e12)


def test_a_discriminator_that_has_won_ends_the_run(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "COLLAPSED", 100.0)
    monkeypatch.setattr(health, "COLLAPSE_WINDOW", 4)
    with pytest.raises(BenchError, match=r"global discriminator has won.*step 4,"):
        run(photographs, tmp_path, without=("perceptual",), max_steps=8)


def test_pictures_below_the_crop_are_left_out_loudly(photographs, tmp_path, capsys):
    from PIL import Image

    Image.new("RGB", (20, 20)).save(tmp_path / "tiny.png")
    low = [*photographs[0], tmp_path / "tiny.png"]
    run((low, photographs[1]), tmp_path, without=("perceptual",), max_steps=1)
    told = capsys.readouterr().out
    assert "1 of 6 low-light photographs are left out" in told and "tiny.png is smaller than the 48 pixel crop" in told
    assert read_parameters(tmp_path)["low_images"] == "5"


def test_init_from_starts_there_and_refuses_another_variant(photographs, tmp_path):
    first = run(photographs, tmp_path / "a", without=("perceptual",), max_steps=2)
    second = run(
        photographs, tmp_path / "b", without=("perceptual",), max_steps=1, learning_rate=1e-30, init_from=first
    )
    before, after = read_weights(first)[0], read_weights(second)[0]
    torch.testing.assert_close(after["conv5_2.weight"], before["conv5_2.weight"])
    with pytest.raises(BenchError, match="with attention"):
        run(photographs, tmp_path / "c", without=("attention", "perceptual"), max_steps=1, init_from=first)


def test_a_training_state_gives_all_networks_and_optimisers_and_what_came_before(photographs, tmp_path):
    settings = {"without": ("perceptual",), "max_steps": 2}
    first = run(photographs, tmp_path / "a", **settings)
    state = tmp_path / "a/states/state-00000002.pt"
    kept = read_state(state)
    model = build(preset("smoke", crop=48, without=("perceptual",)), device=CPU, init_from=state)
    for name, network in model.networks().items():
        assert all(torch.equal(value, kept["networks"][name][key]) for key, value in network.state_dict().items())
        moments = model.optimisers[name].state_dict()["state"]
        assert torch.equal(moments[0]["exp_avg"], kept["optimisers"][name]["state"][0]["exp_avg"])
    second = run(photographs, tmp_path / "b", init_from=state, **settings)
    digest = weights_digest(read_weights(first)[0])
    before = f"all networks of the training that gave generator {digest} after 2 steps, 4 pairs"
    assert read_weights(second)[1]["begun_from"] == before
    third = begun_from(tmp_path / "b/states/state-00000002.pt")["begun_from"]
    assert third.endswith(f"after 2 steps, 4 pairs, itself begun from {before}")
    assert begun_from(second)["begun_from"].endswith(f"itself begun from {before}")


def test_what_is_no_fitting_training_state_is_refused(photographs, tmp_path):
    run(photographs, tmp_path / "a", without=("perceptual",), max_steps=1)
    state = tmp_path / "a/states/state-00000001.pt"
    with pytest.raises(BenchError, match="not a training state of enlightengan_no_attention"):
        run(photographs, tmp_path / "b", without=("attention", "perceptual"), max_steps=1, init_from=state)
    torch.save({"step": 1}, tmp_path / "other.pt")
    with pytest.raises(BenchError, match=r"other\.pt is not a training state"):
        read_state(tmp_path / "other.pt")
    for damaged in (state.read_bytes()[:5000], b"", b"a text", pickle.dumps(["of another kind"])[:9]):
        state.write_bytes(damaged)
        with pytest.raises(BenchError, match="is not a training state, or is damaged"):
            read_state(state)
    with pytest.raises(BenchError, match="There is no training state"):
        read_state(tmp_path / "absent.pt")


def test_average_follows_its_decay():
    network = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(0.0)
        ema = Ema(network, 0.5)
        network.weight.fill_(8.0)
        ema.update(network, 100)
        assert ema.state["weight"].item() == pytest.approx(4.0)
        ema = Ema(network, 0.0)
        network.weight.fill_(3.0)
        ema.update(network, 100)
    assert ema.state["weight"].item() == 3.0


def test_probe_grid_shows_low_above_enhanced(photographs, tmp_path):
    generator = Generator()
    torch.nn.init.zeros_(generator.conv10.weight)
    torch.nn.init.constant_(generator.conv10.bias, 0.25)  # the residual is a quarter of the attention
    probe, log = Probe(photographs[0], count=2, size=(32, 48)), Collected()
    probe.show(generator, generator.state_dict(), log=log, step=3)
    grid = log.pictures[0].astype(int)
    low = (probe.low * 255).round().int().numpy()
    assert grid.shape == (2 * 32, 2 * 48, 3)
    assert (grid[:32, 48:].transpose(2, 0, 1) == low[1]).all()
    luma = 0.299 * low[1][0] + 0.587 * low[1][1] + 0.114 * low[1][2]
    expected = low[1][0] + (255 - luma) / 8  # [-1, 1] to [0, 255] halves it once more
    assert abs(grid[32:, 48:, 0] - expected).max() <= 1
    assert log.losses[0]["probe/brightness"] == pytest.approx(grid[32:].mean() / 255, abs=2e-3)


@pytest.mark.parametrize("many", [1, 2, 3])
def test_a_few_photographs_are_each_looked_at_once(photographs, many):
    low = Probe(photographs[0][:many], size=(24, 32)).low
    assert len(low) == many and len({picture.numpy().tobytes() for picture in low}) == many


def statistics(state):
    return {key: value for key, value in state.items() if ".running_" in key}


def test_frozen_statistics_stay_those_of_the_averaged_generator_through_training(photographs, tmp_path, monkeypatch):
    settings = {"without": ("perceptual",), "ema": 0.9, "max_steps": 3}
    run(photographs, tmp_path / "a", **settings)
    state = tmp_path / "a/states/state-00000003.pt"
    average, last = (
        statistics(found) for found in (read_state(state)["ema"], read_state(state)["networks"]["generator"])
    )
    assert all(not torch.equal(average[key], last[key]) for key in average)
    trained, _ = read_weights(run(photographs, tmp_path / "b", init_from=state, batch_norm="frozen", **settings))
    assert len(average) == 34
    for key, value in average.items():
        torch.testing.assert_close(trained[key], value, rtol=1e-6, atol=0)
    before = read_state(state)["networks"]["generator"]
    assert not torch.equal(trained["bn5_1.weight"], before["bn5_1.weight"])
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patched:
        patched.setattr(training, "STATE_EVERY", 0.0)
        torn = {"init_from": state, "batch_norm": "frozen", "on_step": interrupt}
        run(photographs, tmp_path / "c", **torn, **settings)
    again, _ = read_weights(run(photographs, tmp_path / "c", resume=True, batch_norm="frozen", **settings))
    assert all(torch.equal(again[key], trained[key]) for key in trained)


def test_with_frozen_statistics_a_picture_is_enhanced_as_in_use_whatever_lies_beside_it(photographs, tmp_path):
    weights = run(photographs, tmp_path, without=("perceptual",), max_steps=2)
    pictures = torch.rand((2, 3, 48, 48), generator=torch.Generator().manual_seed(0)) * 2 - 1
    used = load_generator(weights)[0](pictures[:1])[0]
    for batch_norm, alike in (("frozen", True), ("synchronised", False)):
        settings = {"without": ("perceptual",), "crop": 48, "batch_norm": batch_norm}
        model = build(preset("smoke", **settings), device=CPU, init_from=weights)
        trained = model.generator(pictures)[0][:1]
        assert torch.allclose(trained, used, atol=1e-5) is alike


def test_there_are_no_statistics_to_freeze_without_a_generator_to_begin_from():
    with pytest.raises(BenchError, match="Without --init-from"):
        build(preset("smoke", without=("perceptual",), batch_norm="frozen"), device=CPU)
