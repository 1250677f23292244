import numpy as np
import pytest
import torch
from PIL import Image

from bench.errors import BenchError
from bench.images import read_rgb, to_tensor
from enlightengan import data
from enlightengan.batch import Crops
from enlightengan.camera_noise import camera_noise
from enlightengan.config import REFINE_PRESETS, preset
from enlightengan.data import UnpairedBatches, Wanted, shrunk
from enlightengan.image_cache import ImageCache, usable
from enlightengan.networks import key_of
from enlightengan.run_config import choose_preset


def small(**changes):
    return preset("smoke", crop=48, batch_size=2, **changes)


def batches(photographs, **changes):
    return UnpairedBatches(small(**changes), low=photographs[0], normal=photographs[1])


def test_shapes_ranges_and_windows(photographs):
    batch = batches(photographs)[0]
    assert batch.low.shape == batch.seen.shape == batch.normal.shape == (2, 3, 48, 48)
    assert batch.low.min() >= -1 and batch.normal.max() <= 1
    assert batch.low.mean() < -0.6 < batch.normal.mean()
    drawn = np.array([window for step in range(60) for window in batches(photographs)[step].windows])
    assert len(batch.windows) == 6 and drawn.min() == 0
    assert drawn.max() == 48 - 32 - 1  # the authors never draw the last offset


def test_a_step_is_the_same_whenever_it_is_made(photographs):
    first, again = batches(photographs), batches(photographs)
    again[3]
    for name in ("low", "seen", "normal"):
        assert torch.equal(getattr(first[1], name), getattr(again[1], name))
    assert not torch.equal(first[1].low, batches(photographs, seed=1)[1].low)


@pytest.mark.parametrize("cores", [1, 2, 9])
def test_threads_hand_on_the_batches_in_their_order(photographs, monkeypatch, cores):
    monkeypatch.setattr("enlightengan.data.os.cpu_count", lambda: cores)
    made = batches(photographs)
    for step, batch in zip(range(2, 14), made.stream(2, torch.device("cpu")), strict=False):
        assert torch.equal(batch.seen, made[step].seen) and torch.equal(batch.normal, made[step].normal)
        assert batch.windows == made[step].windows


def test_bytes_become_numbers_between_minus_one_and_one_and_darker_by_the_divisor():
    pixels = np.array([0, 51, 255], np.uint8).reshape(1, 1, 1, 3).repeat(2, axis=0)  # two pictures of one pixel
    batch = Crops(pixels, pixels[:1], [1.0, 2.5], [(0, 0)]).on(torch.device("cpu"))
    assert batch.low.shape == (2, 3, 1, 1) and batch.normal.shape == (1, 3, 1, 1)
    assert batch.low[0].flatten().tolist() == pytest.approx([-1, -0.6, 1])
    assert torch.equal(batch.seen[0], batch.low[0])
    assert batch.seen[1].flatten().tolist() == pytest.approx([-1, -0.84, -0.2])


def test_an_epoch_shows_every_picture_of_the_longer_side_once_and_ends_short(photographs):
    made = batches(photographs)
    assert made.steps_per_epoch == 3
    pairs = [pair for step in range(3) for pair in made._pairs(step)]
    assert sorted(low for low, _ in pairs) == sorted(photographs[0])
    assert len(made[2].low) == 1
    assert [made.epoch(step) for step in (0, 2, 3)] == [1, 1, 2]
    assert [made.samples(step) for step in (0, 2, 3, 4)] == [0, 4, 5, 7]


def test_fixed_pairing_never_changes_partners_and_random_does(photographs):
    def partners(pairing, epochs=6):
        made = batches(photographs, pairing=pairing)
        return {pair for step in range(3 * epochs) for pair in made._pairs(step)}

    low, normal = photographs
    assert partners("fixed") == {(low[k], normal[k % 3]) for k in range(5)}
    assert len(partners("random")) > 8


@pytest.mark.parametrize("least, most", [(2.0, 4.0), (1.2, 1.5)])
def test_darkening_divides_half_of_the_inputs_by_a_number_of_its_range(photographs, least, most):
    made = batches(photographs, darkening=(least, most))
    factors = []
    for step in range(40):
        batch = made[step]
        factors += (((batch.low + 1).sum((1, 2, 3))) / (batch.seen + 1).sum((1, 2, 3))).tolist()
    darkened = [f for f in factors if f > 1.001]
    assert 0.3 < len(darkened) / len(factors) < 0.7
    reach = (most - least) / 4
    assert least - 0.01 < min(darkened) < least + reach and most - reach < max(darkened) < most + 0.01
    plain = batches(photographs, without=("darkening",))[0]
    assert torch.equal(plain.low, plain.seen)


def test_some_inputs_are_normal_light_photographs(photographs):
    made, limit = batches(photographs, bright_inputs=0.25), 60 / 127.5 - 1  # dark values end at 58
    told = [bool(mean > limit) for step in range(200) for mean in made[step].low.mean((1, 2, 3))]
    assert np.mean(told) == pytest.approx(0.25, abs=0.06)
    assert all((made[step].seen <= made[step].low).all() for step in range(200)), "darkened like the others, or not"


def test_what_is_wanted_is_of_the_same_part_whatever_light_it_loses(photographs, monkeypatch):
    config = choose_preset(REFINE_PRESETS, "smoke", {"crop": 48, "batch_size": 2, "smallest_scale": 0.7})
    monkeypatch.setattr(data, "crop_in_less_light", lambda pixels, rng: pixels // 4)
    asked = []

    def negative(pixels):
        asked.append(pixels)
        return 255 - pixels

    made = UnpairedBatches(config, low=photographs[0], normal=photographs[1], wanted=Wanted(negative, np.copy))
    lit, noisy = [], []
    for step in range(200):
        batch, crops = made[step], made.crops(step)
        for low, target, divisor in zip(crops.low, crops.target, crops.divisors, strict=True):
            lit.append(bool(np.array_equal(low, target // 4)))
            assert lit[-1] or np.abs(low + target.astype(int) - 255).max() <= 2, "of the same part, but for rounding"
            assert not lit[-1] or (target.mean() > 60 and divisor == 1), "it is of the normal side, and darkened once"
        changed = [not torch.equal(*pair) for pair in zip(batch.seen, batch.low, strict=True)]
        assert [
            divisor != 1 or noise > 0 for divisor, noise in zip(crops.divisors, crops.noise, strict=True)
        ] == changed
        noisy += changed
    assert np.mean(lit) == pytest.approx(0.25, abs=0.06)
    shares = [np.mean([some for some, bright in zip(noisy, lit, strict=True) if bright == of]) for of in (True, False)]
    assert shares == pytest.approx([data.CROPS_NOISY, 0.5], abs=0.1)
    assert len(asked) == len(photographs[0]), "of each dark photograph once"
    assert [len(part.target) for part in made[0].parts(2)] == [1, 1]
    asked.clear()
    full = UnpairedBatches(
        config, low=photographs[0], normal=photographs[1], wanted=Wanted(negative, np.copy), read=ImageCache(budget=0)
    )
    for step in range(30):
        full.crops(step)
    assert len(asked) == len(photographs[0]), "also where the photographs left no memory"
    without = UnpairedBatches(config, low=photographs[0], normal=photographs[1])
    assert without[1].target is None and torch.equal(without[0].normal, made[0].normal)


def test_the_key_is_of_the_whole_photograph_as_dark_as_its_crop(photographs, tmp_path):
    rng = np.random.default_rng(0)
    levels = np.linspace(2, 120, 500)[:, None, None] * rng.uniform(0.7, 1, (500, 420, 3))
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "low.png")
    whole = to_tensor(read_rgb(tmp_path / "low.png"))
    changes = {"crop": 48, "batch_size": 2, "bright_inputs": 0.0, "noise": 3.0, "key": True}
    made = UnpairedBatches(
        choose_preset(REFINE_PRESETS, "smoke", changes), low=[tmp_path / "low.png"], normal=photographs[1],
        wanted=Wanted(np.copy, np.copy),
    )  # fmt: skip
    off = {"as it is": [], "darker": []}
    for step in range(40):
        crops = made.crops(step)
        for divisor, noise, key in zip(crops.divisors, crops.noise, crops.keys, strict=True):
            noisy = camera_noise(whole * 255 / divisor, torch.tensor([noise]), torch.Generator().manual_seed(step))
            off["darker" if divisor > 1 else "as it is"].append(key - key_of(noisy / 127.5 - 1).item())
        assert crops.on(torch.device("cpu")).key.flatten().tolist() == pytest.approx(crops.keys)
    assert min(map(len, off.values())) > 10
    assert all(np.abs(every).max() < 0.005 for every in off.values()), "though noise is in none of the keys"
    assert batches(photographs)[0].key is None


def test_a_whole_photograph_loses_the_light_that_its_crop_loses(photographs):
    changes = {"crop": 64, "batch_size": 2, "bright_inputs": 0.99, "noise": 0.0, "key": True}
    config = choose_preset(REFINE_PRESETS, "smoke", changes)
    made = UnpairedBatches(config, low=photographs[0], normal=photographs[1], wanted=Wanted(np.copy, np.copy))
    shown = [made[step] for step in range(60)]
    keys, own = (torch.cat(every).flatten() for every in zip(*((b.key, key_of(b.seen)) for b in shown), strict=True))
    assert own.std() > 0.15
    assert torch.corrcoef(torch.stack([keys, own]))[0, 1] > 0.95
    assert (keys - own).abs().mean() < 0.05


def test_crops_come_from_the_picture(photographs):
    config = small(without=("darkening",))
    made = UnpairedBatches(config, low=photographs[0][:1], normal=photographs[1][:1])
    whole = np.asarray(Image.open(photographs[0][0]))
    crop = ((made[0].low[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    turned = [crop, crop[:, ::-1], crop[::-1], crop[::-1, ::-1]]
    found = any(
        np.array_equal(whole[y : y + 48, x : x + 48], candidate)
        for candidate in turned
        for y in range(72 - 47)
        for x in range(80 - 47)
    )
    assert found


def test_photographs_are_shrunk_before_they_are_cropped_down_to_the_crop_and_no_further(photographs, tmp_path):
    ramp = np.arange(96)[:, None] + np.arange(96)[None, :]  # how steep a crop is tells by how much it was shrunk
    Image.fromarray(np.repeat(ramp[..., None], 3, 2).astype(np.uint8)).save(tmp_path / "ramp.png")
    ramps, normal = [tmp_path / "ramp.png"], photographs[1]

    def steepness(smallest, largest=1.0):
        config = small(without=("darkening",), smallest_scale=smallest, largest_scale=largest)
        made = UnpairedBatches(config, low=ramps, normal=normal)
        assert all(made[step].low.shape[-2:] == (48, 48) for step in range(60))
        return [float((made[step].low[0, 0].diff(dim=0) * 127.5).abs().mean()) for step in range(60)]

    assert steepness(1.0) == pytest.approx([1.0] * 60, abs=1e-5)
    for smallest, steepest in ((0.8, 1.25), (0.1, 2.0)):  # 96 pixels allow no more than half
        drawn = steepness(smallest)
        assert (
            1.0 <= min(drawn) < 1 + 0.2 * (steepest - 1) and steepest * 0.95 < max(drawn) <= steepest + 0.02
        )  # of 8 bits
        assert np.mean(np.log(drawn)) == pytest.approx(np.log(steepest) / 2, rel=0.25)
    drawn = steepness(0.1, 0.8)
    assert 1.22 < min(drawn) < 1.4 and 1.9 < max(drawn) <= 2.02
    assert steepness(0.1, 0.3) == pytest.approx([2.0] * 60, abs=0.05)  # the whole photograph


@pytest.mark.parametrize("side", [60, 72, 96, 137])
def test_shrinking_leaves_the_noise_even(side):
    noise = np.random.default_rng(side)
    made = np.stack([shrunk(noise.integers(0, 256, (side, side, 3), dtype=np.uint8), 48) for _ in range(20)])
    deviations = made.astype(float).std((0, 1, 3))[2:-2]  # of each column
    assert deviations.max() < 1.2 * deviations.min()
    assert np.array_equal(shrunk(made[0], 48), made[0])


def test_cache_stays_within_its_budget(photographs):
    one = 72 * 80 * 3
    cache = ImageCache(budget=2 * one)
    first = [cache(path) for path in photographs[0]]
    assert len(cache._kept) == 2
    assert all(np.array_equal(cache(path), pixels) for path, pixels in zip(photographs[0], first, strict=True))


def test_small_and_broken_pictures_are_told_apart_and_an_empty_side_is_an_error(photographs, tmp_path):
    Image.new("RGB", (30, 400)).save(tmp_path / "narrow.png")
    (tmp_path / "torn.png").write_bytes(photographs[0][0].read_bytes()[:500])
    given = [*photographs[0], tmp_path / "narrow.png", tmp_path / "torn.png"]
    good, bad = usable(given, 48, read=ImageCache())
    assert good == photographs[0] and list(bad) == given[-2:]
    assert "smaller than the 48 pixel crop" in bad[given[-2]] and "torn.png" in bad[given[-1]]
    with pytest.raises(BenchError, match="no normal-light photograph of at least 48"):
        UnpairedBatches(small(), low=photographs[0], normal=[])
