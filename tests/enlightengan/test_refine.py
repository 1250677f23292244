import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.images import to_pixels, to_tensor
from enlightengan import camera_noise, refine
from enlightengan import train as training
from enlightengan.batch import Batch, Crops
from enlightengan.beginning import begun_from
from enlightengan.build import build, with_key_of
from enlightengan.checkpoint import describe, read_state, read_weights, save_weights, weights_digest
from enlightengan.config import REFINE_PRESETS, SMALLEST_CROP, SMALLEST_WITH_STATISTICS, preset
from enlightengan.denoise import without_noise
from enlightengan.gain import DARK
from enlightengan.log import JsonLinesLog
from enlightengan.networks import Generator, initialise
from enlightengan.run_config import choose_preset
from enlightengan.scene_statistics import PATCH, unlike
from enlightengan.train import train
from methods import make

CPU = torch.device("cpu")


def rand(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def settings(**changes):
    return choose_preset(REFINE_PRESETS, "smoke", {"crop": 48, "batch_size": 2, "max_steps": 2, **changes})


@pytest.fixture
def start(tmp_path, brief):
    """The weights of a small generator that brightens what is dark."""
    generator = Generator()
    initialise(generator, torch.Generator().manual_seed(0))
    torch.nn.init.constant_(generator.conv10.bias, 0.6)
    save_weights(tmp_path / "start.safetensors", generator.state_dict(), describe({"align_corners": True}))
    return tmp_path / "start.safetensors"


def test_a_gain_is_kept_and_a_texture_of_the_generator_is_not():
    photograph = 0.05 + 0.2 * rand(1, 3, 64, 64)
    brighter = 3 * photograph + 3 * DARK - DARK  # a gain of three above the darkness offset
    torch.testing.assert_close(refine.detail_preserved(photograph, brighter), brighter, atol=1e-5, rtol=0)
    weave = 0.06 * (-1.0) ** (torch.arange(64)[:, None] + torch.arange(64))
    left = refine.detail_preserved(photograph, (brighter + weave).clamp(0, 1)) - brighter
    assert left.abs().mean() < 0.1 * weave.abs().mean()


def test_results_stay_within_black_and_white_and_black_stays_finite():
    black = torch.zeros(1, 3, 32, 32)
    assert refine.detail_preserved(black, torch.full_like(black, 0.3)).isfinite().all()
    result = refine.detail_preserved(rand(1, 3, 32, 32), torch.ones(1, 3, 32, 32))
    assert result.min() >= 0 and result.max() <= 1


def test_the_structure_term_minds_contrast_and_not_brightness():
    picture = rand(2, 3, 40, 40)
    assert refine.structure(picture, picture).item() == pytest.approx(0, abs=1e-5)
    assert refine.structure(picture + 0.2, picture).item() == pytest.approx(0, abs=1e-4)
    # Half the contrast: 1 - 2 * 0.5 / (1 + 0.25), but for the constant.
    assert refine.structure(picture / 2, picture).item() == pytest.approx(0.2, abs=0.005)
    assert refine.structure(1 - picture, picture).item() == pytest.approx(2, abs=0.02)


def test_the_statistics_of_texture_are_asked_for_by_their_weight(start):
    low = rand(2, 3, 64, 64) * 0.6 - 1
    batch = Batch(low, low, low, [], target=(low + 1) * 1.5 - 1)
    plain, asked = (build(settings(crop=64, statistics=weight), device=CPU, init_from=start) for weight in (0.0, 0.5))
    assert "statistics" not in plain.gradients(batch)
    told = asked.gradients(batch)["statistics"]
    alone = build(settings(crop=64), device=CPU, init_from=start).generator
    found = unlike((alone(low)[0] + 1) / 2, (batch.target + 1) / 2)
    assert told.item() == pytest.approx(0.5 * found.item(), rel=1e-4)
    found.backward()
    name = "conv9_2.weight"
    before, after, own = (
        dict(network.named_parameters())[name].grad for network in (plain.generator, asked.generator, alone)
    )
    assert own.abs().max() > 1e-3
    torch.testing.assert_close(after - before, 0.5 * own, rtol=1e-3, atol=1e-5)


def test_noise_is_of_those_items_that_have_some_in_whole_levels_and_follows_its_seed():
    pixels = np.full((2, 96, 96, 3), 120, np.uint8)
    crops = Crops(pixels, pixels[:0], [1.0, 2.0], [], [0.0, 3.0], seed=5)
    batch = crops.on(CPU)
    assert torch.equal(batch.seen[0], batch.low[0])
    levels = (batch.seen[1] + 1) * 127.5
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)
    assert levels.mean().item() == pytest.approx(60, abs=0.3)
    assert levels.std().item() == pytest.approx(3.0 * camera_noise.MOST, abs=0.3)
    assert torch.equal(batch.seen, crops.on(CPU).seen)


def test_the_target_is_of_the_untouched_photograph_and_of_the_beginning(start):
    model = build(settings(learning_rate=1e-2), device=CPU, init_from=start)
    low = rand(2, 3, 48, 48) * 0.6 - 1
    batch = Batch(low, (low + 1) / 4 - 1, low, [])
    before = model.target(low)
    assert model.gradients(batch)["distance"] > 0
    for _ in range(3):
        model.step(batch)
    assert torch.equal(model.target(low), before)
    changed, _ = model.generator(low)
    assert not torch.equal(changed, model.teacher(low)[0])


def test_the_teacher_of_whole_photographs_is_the_guided_form_of_the_beginning(start):
    model = build(settings(learning_rate=1e-2), device=CPU, init_from=start)
    photograph = (255 * rand(150, 200, 3)).byte().numpy()
    before = model.wanted.dark(photograph)
    expected = make("enlightengan_guided", start)(without_noise(to_tensor(photograph)))
    assert np.abs(before.astype(int) - to_pixels(expected)).max() <= 1
    low = rand(2, 3, 48, 48) * 0.6 - 1
    model.step(Batch(low, low, low, []))
    assert np.array_equal(model.wanted.dark(photograph), before)
    assert build(settings(teacher_sees="crop"), device=CPU, init_from=start).wanted is None


def test_of_a_well_exposed_photograph_the_faint_texture_alone_is_wanted_stronger():
    steps = np.repeat(np.where(np.arange(96) < 48, 70, 200)[None], 96, axis=0)
    plain = np.repeat(steps[..., None], 3, axis=2).astype(np.uint8)
    assert np.abs(refine.crisp(plain).astype(int) - plain).max() <= 3, "an edge of 130 is no texture"
    weave = 3 * (-1.0) ** np.add.outer(np.arange(96), np.arange(96) // 2) * (np.arange(96) < 64)[:, None]
    made = refine.crisp((plain + weave[..., None]).astype(np.uint8))  # what is flat tells that it is no noise
    left, right = (made[8:56, side] for side in (slice(8, 36), slice(60, 88)))
    assert left.std() > 1.5 * 3 and right.std() > 1.5 * 3
    assert abs(left.mean() - 70) < 1 and -3 < right.mean() - 200 < 0, "what is bright rises less"


def test_what_is_wanted_of_a_crop_goes_before_what_the_teacher_makes_of_it(start):
    model = build(settings(), device=CPU, init_from=start)
    low = rand(2, 3, 48, 48) * 0.6 - 1
    reached = model.generator(low)[0].detach()
    losses = model.gradients(Batch(low, low, low, [], target=reached))
    assert losses["distance"] == 0 and losses["structure"] < 1e-5
    assert model.gradients(Batch(low, low, low, []))["distance"] > 0.01


def test_what_is_unsure_comes_out_at_its_mean_by_squares_and_at_its_median_without(start):
    slopes = {}
    for huber in (0.0, 0.25):
        model = build(settings(huber=huber, structure=0.0, batch_size=3), device=CPU, init_from=start)
        low = (rand(1, 3, 48, 48) * 0.6 - 1).expand(3, 3, 48, 48).contiguous()
        reached = model.generator(low)[0].detach()
        apart = torch.tensor([-0.2, -0.2, 0.4]).view(3, 1, 1, 1)  # of 2, their mean is zero
        losses = model.gradients(Batch(low, low, low, [], target=reached + apart))
        slopes[huber] = model.generator.conv10.bias.grad.norm().item()
        expected = (0.1 + 0.1 + 0.2) / 3 if not huber else (0.01 + 0.01 + 0.04) / 2 / 0.25 / 3
        assert losses["distance"].item() == pytest.approx(expected, rel=1e-4)
    assert slopes[0.0] > 0.05 and slopes[0.25] < 1e-4 * slopes[0.0]


def test_it_learns_its_target(start):
    # By the batch's statistics: through frozen ones that were never learned hardly a signal comes.
    model = build(settings(learning_rate=5e-3, batch_norm="synchronised"), device=CPU, init_from=start)
    low = (0.3 * torch.sin(torch.arange(48.0) / 5) - 0.6).expand(2, 3, 48, 48)
    batch = Batch(low, (low + 1) / 3 - 1, low, [])  # as bright from a third of the light as from all of it
    first = model.step(batch)["distance"]
    for _ in range(20):
        last = model.step(batch)["distance"]
    assert last < 0.3 * first


def test_a_continued_refinement_keeps_its_teacher_and_its_weights_tell_what_they_are(photographs, tmp_path, start):
    low, normal = photographs
    model = build(settings(), device=CPU, init_from=start)
    out = tmp_path / "refined"
    weights = train(model, low=low, normal=normal, out=out, log=JsonLinesLog(out))
    state = read_state(next((out / "states").glob("state-*.pt")))
    again = build(settings(), device=CPU, continued=True)
    again.restore(state)
    kept, begun = again.teacher.state_dict(), read_weights(start)[0]
    assert all(torch.equal(kept[key], begun[key]) for key in kept)
    metadata = read_weights(weights)[1]
    assert (metadata["variant"], metadata["method"]) == ("enlightengan", "refine")
    assert metadata["begun_from"].startswith("generator ")


@pytest.fixture
def darker(tmp_path):
    """The weights of another such generator, which brightens less, and tells of its training."""
    generator = Generator()
    initialise(generator, torch.Generator().manual_seed(1))
    torch.nn.init.constant_(generator.conv10.bias, 0.2)
    told = {**describe({"align_corners": True}), "steps": "7", "samples": "14", "licence": "CC0"}
    save_weights(tmp_path / "darker.safetensors", generator.state_dict(), told)
    return tmp_path / "darker.safetensors"


def test_another_generator_may_teach(photographs, tmp_path, start, darker):
    low, normal = photographs
    model = build(settings(), device=CPU, init_from=start, teacher=darker)
    picture = rand(1, 3, 48, 48) * 0.6 - 1
    own, other = (make("enlightengan", file)((picture + 1) / 2) for file in (start, darker))
    torch.testing.assert_close(((model.generator.eval()(picture)[0] + 1) / 2).clamp(0, 1), own, atol=1e-5, rtol=0)
    torch.testing.assert_close(((model.teacher(picture)[0] + 1) / 2).clamp(0, 1), other, atol=1e-5, rtol=0)
    photograph = (255 * rand(150, 200, 3)).byte().numpy()
    expected = make("enlightengan_guided", darker)(without_noise(to_tensor(photograph)))
    assert np.abs(model.wanted.dark(photograph).astype(int) - to_pixels(expected)).max() <= 1
    out = tmp_path / "taught"
    weights = train(model, low=low, normal=normal, out=out, log=JsonLinesLog(out))
    digest = weights_digest(read_weights(darker)[0])
    metadata = read_weights(weights)[1]
    assert metadata["taught_by"] == f"generator {digest} after 7 steps, 14 pairs"
    assert metadata["begun_under"] == "not stated; CC0", "of what it began from nothing is known"
    again = build(settings(), device=CPU, continued=True)
    again.restore(read_state(next((out / "states").glob("state-*.pt"))))
    assert weights_digest(again.teacher.state_dict()) == digest
    story = begun_from(weights)["begun_from"]
    assert story.endswith(f", itself taught by {metadata['taught_by']}, and begun from {metadata['begun_from']}")
    assert begun_from(start, weights)["taught_by"] == story
    own, _, _ = story.partition(", itself")
    assert begun_from(weights, weights)["taught_by"] == own, "the rest is told already"


def test_interrupted_and_resumed_ends_bit_identical(photographs, tmp_path, start, monkeypatch):
    low, normal = photographs
    config = settings(max_steps=4, precision="float32")

    def run(out, *, resume=False, **more):
        model = build(config, device=CPU, init_from=start, continued=resume)
        log = JsonLinesLog(out)
        return read_weights(train(model, low=low, normal=normal, out=out, log=log, resume=resume, **more))[0]

    def interrupt(report):
        raise KeyboardInterrupt

    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(training, "STATE_EVERY", 0.0)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "torn", on_step=interrupt)
    torn = run(tmp_path / "torn", resume=True)
    assert all(torch.equal(whole[key], torn[key]) for key in whole)


def test_it_learns_how_much_light_a_scene_asks_for(start):
    model = build(settings(learning_rate=5e-3, batch_norm="synchronised"), device=CPU, init_from=start)
    low = (0.3 * torch.sin(torch.arange(48.0) / 5) - 0.6).expand(2, 3, 48, 48)
    batch = Batch(low, low, low, [], None, low + 0.5, (low + 1) / 4 - 1)
    first = model.step(batch)["look"]
    for _ in range(20):
        last = model.step(batch)["look"]
    assert last < 0.4 * first
    assert "look" not in model.step(Batch(low, low, low, []))


@pytest.mark.parametrize("key", [False, True])
def test_by_the_key_crops_that_look_alike_may_come_out_unlike(start, key):
    model = build(settings(key=key, learning_rate=5e-3, structure=0.0), device=CPU, init_from=start)
    low = (0.3 * torch.sin(torch.arange(48.0) / 5) - 0.6).expand(2, 3, 48, 48)
    wanted = torch.stack([low[0] + 0.2, low[1] + 0.8])
    batch = Batch(low, low, low, [], target=wanted, key=torch.tensor([0.3, 0.8])[:, None, None, None])
    for _ in range(60):
        apart = model.step(batch)["distance"].item()
    # One answer for both is 0.15 off, half of what they differ by in [0, 1].
    assert apart < 0.06 if key else apart > 0.145


def test_a_key_that_is_not_heeded_yet_changes_neither_result_nor_teacher(start):
    model = build(settings(key=True), device=CPU, init_from=start)
    low = rand(1, 3, 320, 320) * 0.6 - 1
    assert model.generator.key and not model.teacher.key
    with torch.no_grad():
        found, before = model.generator.eval()(low)[0], model.teacher(low)[0]
    torch.testing.assert_close(found[..., 140:180, 140:180], before[..., 140:180, 140:180], atol=1e-5, rtol=0)


def test_who_sees_the_key_is_refined_with_it_and_teaches_by_whole_photographs(photographs, tmp_path, start):
    low, normal = photographs
    out = tmp_path / "key"
    changes = {"key": True, "max_steps": 4, "learning_rate": 1e-2}
    train(
        build(settings(**changes), device=CPU, init_from=start), low=low, normal=normal, out=out, log=JsonLinesLog(out)
    )
    weights = out / "weights.safetensors"
    assert make("enlightengan", weights).generator.key
    with pytest.raises(BenchError, match="it is refined with --teacher-sees whole"):
        build(settings(key=True, teacher_sees="crop"), device=CPU, init_from=weights)
    for other in (settings(), preset("smoke", crop=48)):
        with pytest.raises(BenchError, match="sees the key, this run does not"):
            build(other, device=CPU, init_from=weights)
        assert with_key_of(other, weights).key and not with_key_of(other, start).key
        assert with_key_of(other, next((out / "states").glob("state-*.pt"))).key
    told = build(settings(key=True), device=CPU, init_from=weights)
    assert told.generator.key and told.teacher.key
    assert told.generator.conv1_1.weight[:, 3].abs().max() > 0
    state = told.state()
    again = build(settings(key=True), device=CPU, continued=True)
    again.restore(state)
    assert again.teacher.key
    photograph = to_pixels(rand(1, 3, 60, 80) / 4)
    assert np.array_equal(again.guided(photograph), told.guided(photograph))


def test_what_it_makes_of_small_copies_stays_where_that_is_asked_for(start):
    low = (0.3 * torch.sin(torch.arange(48.0) / 5) - 0.6).expand(2, 3, 48, 48)
    moved = []
    for keeps in (0.0, 30.0):
        model = build(settings(keeps=keeps, learning_rate=5e-3, batch_norm="synchronised"), device=CPU, init_from=start)
        batch = Batch(low, low, low, [], target=low * 0, kept=low * 0.9 if keeps else None)
        for _ in range(10):
            losses = model.step(batch)
        assert ("kept" in losses) == bool(keeps)
        moved.append(model.moved(low * 0.9).item())
    assert moved[1] < 0.5 * moved[0]


def test_the_look_counts_by_its_weight(start):
    low = rand(2, 3, 48, 48) * 0.6 - 1
    batch = Batch(low, low, low, [], None, low + 0.4, low)
    looked = [build(settings(looks=w), device=CPU, init_from=start).gradients(batch)["look"].item() for w in (0.5, 2)]
    assert looked[1] == pytest.approx(4 * looked[0], rel=1e-4)


def test_a_batch_in_parts_has_the_gradients_of_the_whole(start):
    low = rand(4, 3, 48, 48) * 0.6 - 1
    batch = Batch(low, (low + 1) / 2 - 1, low, [], None, low + 0.4, low)
    found = []
    for accumulate in (1, 2):
        model = build(settings(accumulate=accumulate, clip=None, precision="float32"), device=CPU, init_from=start)
        losses = model.step(batch)
        found.append((losses, {name: p.grad for name, p in model.generator.named_parameters()}))
    (whole, gradients), (parts, summed) = found
    assert {k: v.item() for k, v in parts.items()} == pytest.approx({k: v.item() for k, v in whole.items()}, rel=1e-4)
    for name, gradient in gradients.items():
        torch.testing.assert_close(summed[name], gradient, atol=1e-6, rtol=1e-3)


def test_it_begins_from_a_whole_generator_alone(photographs, tmp_path, start):
    low, normal = photographs
    out = tmp_path / "gan"
    config = preset("smoke", crop=48, batch_size=2, max_steps=1, without=("perceptual",))
    weights = train(build(config, device=CPU), low=low, normal=normal, out=out, log=JsonLinesLog(out))
    state = next((out / "states").glob("state-*.pt"))
    for begin, told in (
        (None, "give it with --init-from"),
        (state, "is a training state: only a generator is refined"),
        (weights, "holds enlightengan_no_perceptual: only a generator of the whole enlightengan"),
    ):
        with pytest.raises(BenchError, match=told):
            build(settings(), device=CPU, init_from=begin)
    for teacher, told in ((state, "only a generator teaches"), (weights, "the whole enlightengan teaches")):
        with pytest.raises(BenchError, match=told):
            build(settings(), device=CPU, init_from=start, teacher=teacher)
    plain = tmp_path / "plain.safetensors"  # as of somebody else, who tells nothing
    save_weights(plain, Generator(attention=False).state_dict(), {})
    older = tmp_path / "older.safetensors"
    save_weights(older, Generator().state_dict(), {"align_corners": "False"})
    for file, lacking in ((plain, "attention"), (older, "align_corners")):
        with pytest.raises(BenchError, match=f"trained without {lacking}, which no generator is that is refined"):
            build(settings(), device=CPU, init_from=file)
        with pytest.raises(BenchError, match=f"trained without {lacking}, which no generator is that teaches"):
            build(settings(), device=CPU, init_from=start, teacher=file)
    with pytest.raises(BenchError, match="Only a refinement has a teacher"):
        build(config, device=CPU, init_from=start, teacher=start)


def test_nothing_else_begins_from_the_state_of_a_refinement(photographs, tmp_path, start):
    low, normal = photographs
    out = tmp_path / "refined"
    train(build(settings(), device=CPU, init_from=start), low=low, normal=normal, out=out, log=JsonLinesLog(out))
    with pytest.raises(BenchError, match="has no discriminators: give its weights file"):
        build(preset("smoke", crop=48), device=CPU, init_from=next((out / "states").glob("state-*.pt")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"noise": -1.0},
        {"structure": -0.1},
        {"huber": -0.1},
        {"huber": float("nan")},
        {"statistics": -0.1},
        {"statistics": 0.1, "crop": 63},
        {"statistics": 0.1, "crop": 64, "accumulate": 2},
        {"statistics": 0.1, "crop": 64, "devices": 2},
        {"looks": -1.0},
        {"bright_inputs": 1.0},
        {"crop": 16},
        {"teacher_sees": "half"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(BenchError):
        settings(**wrong)


def test_the_smallest_crop_holds_the_coarsest_window():
    assert refine.WINDOW * max(refine.SCALES) == SMALLEST_CROP and PATCH == SMALLEST_WITH_STATISTICS
    small = rand(1, 3, SMALLEST_CROP, SMALLEST_CROP)
    assert refine.structure(small, small).item() == pytest.approx(0, abs=1e-5)
    assert refine.detail_preserved(small, small).isfinite().all()
