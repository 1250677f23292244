from dataclasses import replace

import numpy as np
import pytest
import torch

from enlightengan import guided, looks
from enlightengan.config import REFINE_PRESETS, preset
from enlightengan.data import UnpairedBatches
from enlightengan.guided import GuidedEnhancer
from enlightengan.run_config import choose_preset

CPU = torch.device("cpu")


def scene(size=48):
    """Left half dark, right half bright, with some structure, (size, size, 3)."""
    ramp = np.linspace(0, 30, size)[:, None, None]
    halves = np.where(np.arange(size) < size // 2, 60.0, 190.0)[None, :, None]
    return (ramp + halves + np.array([0, 8, 16])).astype(np.uint8)


def drawn(count, pixels=None, seed=0):
    rng, pixels = np.random.default_rng(seed), scene() if pixels is None else pixels
    return [looks.copy_in_less_light(pixels, rng) for _ in range(count)]


def plain(monkeypatch, **changes):
    """No cast, curve, colour, black, noise, highlights or light of its own but what `changes` ask for."""
    none = {"AS_BRIGHT": 0, "UNEVEN": 0, "BACKLIT": 0, "SHARE_CAST": 0, "SHARE_CURVE": 0, "SHARE_COLOUR": 0}
    for name, value in (none | {"SHARE_BLACK": 0, "NOISE": 0, "HIGHLIGHTS": (1, 1)} | changes).items():
        monkeypatch.setattr(looks, name, value)


def test_all_but_the_darkest_eighth_is_taken_for_well_exposed(tmp_path):
    greys = (10, 200, 120, 90, 95, 13, 180, 40, 60)
    pictures = [(tmp_path / f"{grey}.png", np.full((4, 4, 3), grey, np.uint8)) for grey in greys]
    assert [int(path.stem) for path in looks.well_exposed(pictures)] == [*greys[1:]]
    assert looks.well_exposed(pictures[:1]) == [pictures[0][0]]


def test_most_of_a_photograph_is_shown_either_way_round():
    wide = np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (100, 1, 3))
    rng = np.random.default_rng(0)
    seen = [looks.shown(wide, 32, rng).astype(float) for _ in range(60)]
    assert all(one.shape == (32, 32, 3) for one in seen)
    spans = np.array([one[0, -1, 0] - one[0, 0, 0] for one in seen])
    assert (np.abs(spans) > 70 * 31 / 32).all() and (np.abs(spans) < 101).all()
    assert 15 < (spans > 0).sum() < 45
    assert min(one.min() for one in seen) < 15 and max(one.max() for one in seen) > 185


def test_light_is_lost_as_an_exposure_takes_it(monkeypatch):
    plain(monkeypatch, EXPOSURES=(0.2, 0.2000001))
    (dark,) = drawn(1)
    # sRGB: (190 + 8) / 255 is 0.5647 of the light; a fifth of it is 0.1129, encoded 94.4.
    assert dark[0, -1].tolist() == pytest.approx([90, 94, 98], abs=1)


def test_what_is_white_had_more_light_than_it_tells(monkeypatch):
    ramp = np.broadcast_to(np.linspace(0, 255, 52).round().astype(np.uint8)[None, :, None], (48, 52, 3))
    plain(monkeypatch, EXPOSURES=(0.1, 0.1000001), HIGHLIGHTS=(8.0, 8.0000001))
    (dark,) = drawn(1, ramp)
    # White had eight times the light, of which a tenth is left; 200 of 255, 0.5776 of white's light, 1 + 7 * 0.5776^4.
    assert dark[0, -1] == pytest.approx(255 * (1.055 * 0.8 ** (1 / 2.4) - 0.055), abs=1)
    assert dark[0, 40] == pytest.approx(255 * (1.055 * (0.1 * 0.5776 * 1.779) ** (1 / 2.4) - 0.055), abs=1)
    monkeypatch.setattr(looks, "AS_BRIGHT", 1)
    assert np.array_equal(drawn(1, ramp)[0], ramp), "what keeps its light is what the photograph tells"


def test_what_is_dark_loses_more_before_a_bright_sky(monkeypatch):
    plain(monkeypatch, BACKLIT=1, BACKLIT_EXPOSURES=(1.0, 1.0000001), FALLS=(1.0, 1.0000001))
    (dark,) = drawn(1)
    before, after = (side.mean((0, 2)) for side in (scene().astype(float), dark.astype(float)))
    assert after[-1] == pytest.approx(before[-1], rel=0.08)
    assert after[0] < 0.65 * before[0]


def test_a_quarter_has_noise_and_the_others_none(monkeypatch):
    flat = np.full((16, 16, 3), 180, np.uint8)
    plain(monkeypatch, EXPOSURES=(0.5, 0.5000001), NOISE=20)
    spread = np.array([one.std(axis=(0, 1)).mean() for one in drawn(600, flat)])
    assert (spread > 0).mean() == pytest.approx(0.25, abs=0.05)
    assert spread[spread > 0].mean() == pytest.approx(10, abs=1.5) and spread.max() < 22
    rng = np.random.default_rng(0)
    assert max(looks.crop_in_less_light(flat, rng).std(axis=(0, 1)).max() for _ in range(40)) == 0


def test_a_surround_is_as_much_of_a_large_picture_as_of_a_small_one(monkeypatch):
    plain(monkeypatch, BACKLIT=1, BACKLIT_EXPOSURES=(1.0, 1.0000001), FALLS=(1.0, 1.0000001), SURROUND=(6, 7))
    side = looks.LARGEST_SHOWN
    small, large = (drawn(1, scene(size))[0].astype(float).mean(axis=(0, 2)) for size in (side, 3 * side))
    assert large.reshape(side, 3).mean(axis=1) == pytest.approx(small, abs=3)


def test_an_uneven_light_is_smooth(monkeypatch):
    flat = np.full((48, 48, 3), 180, np.uint8)
    plain(monkeypatch, UNEVEN=1, EXPOSURES=(0.5, 0.5000001))
    dark = [one.astype(float) for one in drawn(8, flat)]
    assert max(one.max() - one.min() for one in dark) > 40
    assert max(np.abs(np.diff(one, axis=axis)).max() for one in dark for axis in (0, 1)) < 25


def test_some_keep_their_light_and_the_others_spread_over_the_exposures(monkeypatch):
    flat = np.full((16, 16, 3), 180, np.uint8)
    assert all(np.array_equal(*pair) for pair in zip(drawn(5), drawn(5), strict=True))
    monkeypatch.setattr(looks, "UNEVEN", 0)
    monkeypatch.setattr(looks, "HIGHLIGHTS", (1, 1))
    means = np.array([one.mean() for one in drawn(1500, flat)])
    # 180 of 255 is 0.456 of white's light, 140 is 0.262: an exposure of 0.574.
    above = [np.log(most / 0.574) / np.log(most / least) for least, most in (looks.BACKLIT_EXPOSURES, looks.EXPOSURES)]
    darkened = looks.BACKLIT * above[0] + (1 - looks.BACKLIT) * above[1]
    assert (means > 140).mean() == pytest.approx(looks.AS_BRIGHT + (1 - looks.AS_BRIGHT) * darkened, abs=0.03)
    assert (means < 60).mean() > 0.25 and means.max() < 215
    rng = np.random.default_rng(0)
    monkeypatch.setattr(looks, "CROPS_AS_BRIGHT", 0.7)
    crops = np.array([looks.crop_in_less_light(flat, rng).mean() for _ in range(1500)])
    assert (crops > 140).mean() == pytest.approx(0.7 + 0.3 * darkened, abs=0.03)


def test_it_is_what_the_guided_form_makes_of_a_small_copy():
    class Lamp(torch.nn.Module):
        checkpoint = "0123456789abcdef"

        def forward(self, image):
            return (3 * image / (1 + 2 * image)).clamp(0, 1)

    small = torch.from_numpy(scene()).permute(2, 0, 1)[None].float() / 255  # without noise
    pair = torch.cat([small, small.flip(2) ** 2])
    copies = guided.to_look_at(pair)
    expected = GuidedEnhancer(Lamp(), source="a test", texture=0.0)(pair)
    torch.testing.assert_close(looks.as_guided(pair, copies, Lamp()(copies)), expected, atol=2e-3, rtol=0)


def test_every_look_that_counts_is_taught():
    small = torch.from_numpy(scene()).permute(2, 0, 1)[None].double() / 2550
    copies = guided.to_look_at(small)
    results = (copies ** torch.tensor([0.8, 0.3, 0.6])[:, None, None, None].double()).requires_grad_()
    made = looks.as_guided(small, copies, results)
    (gradient,) = torch.autograd.grad(((made - small) ** 2).sum(), results)
    assert (gradient.abs().amax((1, 2, 3)) > 0).tolist() == [True] * 3
    step = 1e-5 * torch.randn(results.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ends = [((looks.as_guided(small, copies, results + sign * step) - small) ** 2).sum() for sign in (1, -1)]
    assert (ends[0] - ends[1]).item() / 2 == pytest.approx((gradient * step).sum().item(), rel=1e-3)


def test_batches_have_small_copies_where_a_refinement_asks_for_them(photographs):
    config = choose_preset(REFINE_PRESETS, "smoke", {"crop": 48, "batch_size": 2})
    made = UnpairedBatches(config, low=photographs[0], normal=photographs[1])
    batch, again = made[1], UnpairedBatches(config, low=photographs[0], normal=photographs[1])[1]
    assert batch.whole.shape == batch.whole_seen.shape == (2, 3, 48, 48)
    assert torch.equal(batch.whole, again.whole) and torch.equal(batch.whole_seen, again.whole_seen)
    assert batch.whole.mean() > batch.whole_seen.mean() and batch.whole_seen.min() >= -1
    assert [len(part.whole) for part in batch.parts(2)] == [1, 1]
    without = UnpairedBatches(replace(config, looks=0.0), low=photographs[0], normal=photographs[1])
    assert without[1].whole is None and torch.equal(without[1].seen, batch.seen), "the crops are the same either way"
    assert UnpairedBatches(preset("smoke", crop=48), low=photographs[0], normal=photographs[1])[0].whole is None


def test_copies_to_keep_are_of_both_sides_as_the_looks_show_them(photographs):
    dark, lit = (np.full((64, 48, 3), level, np.uint8) for level in (40, 200))
    rng = np.random.default_rng(0)
    found = np.array([looks.to_keep(dark, lit, 32, rng) for _ in range(400)])
    assert found.shape == (400, 32, 32, 3) and (found == found[:, :1, :1]).all()
    means, caps = found[:, 0, 0, 0], [round(255 * cap) for cap in guided.CAPS]
    assert ((means <= 40) | ((means >= 200 / 2.5 - 1) & (means <= 200)) | (means == caps[1])).all()
    told = [(means == value).mean() for value in (caps[0], 40, caps[1])]
    # A third of all at the lower cap; of the dark half the other two thirds stay; of the other a third is at the cap.
    assert told == pytest.approx([1 / 3, 1 / 3, 1 / 6], abs=0.07)
    config = choose_preset(REFINE_PRESETS, "smoke", {"crop": 48, "batch_size": 2, "keeps": 1.0})
    made = UnpairedBatches(config, low=photographs[0], normal=photographs[1])
    assert made[1].kept.shape == (2, 3, 48, 48) and [len(part.kept) for part in made[1].parts(2)] == [1, 1]
    without = UnpairedBatches(replace(config, keeps=0.0), low=photographs[0], normal=photographs[1])[1]
    assert without.kept is None and torch.equal(without.whole, made[1].whole)
