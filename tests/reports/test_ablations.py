from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.scores import score_table
from bench.statistics import seed_interval
from reports.ablations import Trained, cost_table, effects, effects_table

FACTORS = ("attention", "perceptual")
CELLS = (frozenset(), frozenset({"attention"}), frozenset({"perceptual"}), frozenset(FACTORS))


def grid(value, *, seeds=3, images=4):
    """Scores and cells of a full grid: `value(without, seed)` on every image."""
    rows, cells = [], []
    for seed in range(seeds):
        for number, without in enumerate(CELLS):
            cells.append(Trained(f"{seed}-{number}", seed, FACTORS, without))
            rows += [
                {"method": f"m{number}", "checkpoint": f"{seed}-{number}", "dataset": "dicm", "image": f"{k}.png",
                 "metric": "niqe", "value": value(without, seed) + k, "metric_digest": "v"}
                for k in range(images)
            ]  # fmt: skip
    return score_table(rows), cells


def test_known_effects_come_out_with_their_interval_over_seeds():
    # attention is worth -2 whatever else, and -3, -2, -1 by seed; perceptual +0.5 and the same for every seed
    scores, cells = grid(lambda w, s: 5 + (3 - s) * ("attention" in w) - 0.5 * ("perceptual" in w))
    first, second = effects(scores, cells)
    assert (first.factor, first.metric, first.dataset, first.difference.count) == ("attention", "niqe", "dicm", 3)
    assert first.difference.mean == pytest.approx(-2)
    half = 4.302652729911275 / np.sqrt(3)  # Student's 97.5 % point for 2 degrees of freedom; deviation 1
    assert (first.difference.low, first.difference.high) == pytest.approx((-2 - half, -2 + half))
    assert second.difference.mean == pytest.approx(0.5)
    assert second.difference.high - second.difference.low == pytest.approx(0, abs=1e-12)


def test_an_interaction_does_not_leak_into_a_main_effect():
    scores, cells = grid(lambda w, s: 1.0 * (len(w) == 1))
    assert [effect.difference.mean for effect in effects(scores, cells)] == pytest.approx([0, 0])


def test_scores_of_a_cells_weights_used_otherwise_are_none_of_the_grids():
    scores, cells = grid(lambda w, s: 5.0 + ("attention" in w))
    cells = [replace(cell, method=f"m{number % 4}") for number, cell in enumerate(cells)]
    guided = scores[scores["method"] == "m0"].assign(method="m0_guided", value=99.0)
    for frame in (scores, pd.concat([guided, scores], ignore_index=True)):
        assert effects(frame, cells)[0].difference.mean == pytest.approx(-1)
    assert effects(guided, cells) == []


def test_a_seed_without_all_its_cells_or_pictures_is_counted_not_averaged():
    scores, cells = grid(lambda w, s: 100.0 * (s == 1) * ("attention" in w) + ("attention" in w))
    lacking = scores[scores["checkpoint"] != "1-2"]
    (effect, _) = effects(lacking, cells)
    assert effect.difference.mean == pytest.approx(-1) and (effect.difference.count, effect.left_out) == (2, 1)
    scores.loc[(scores["checkpoint"] == "1-2") & (scores["image"] == "0.png"), "value"] = np.nan
    (effect, _) = effects(scores, cells)
    assert (effect.difference.count, effect.left_out) == (2, 1)
    assert "up to 1" in " ".join(effects_table(effects(scores, cells)).notes)


def test_grids_with_the_same_parts_are_not_mixed_and_the_first_named_counts():
    old, new = grid(lambda w, s: 1.0 * ("attention" not in w)), grid(lambda w, s: 5.0 * ("attention" in w), seeds=1)
    renamed = [replace(cell, checkpoint=f"new {cell.checkpoint}", grid="new", steps=800) for cell in new[1]]
    scores = pd.concat([new[0].assign(checkpoint="new " + new[0]["checkpoint"]), old[0]], ignore_index=True)
    found = effects(scores, [*renamed, *old[1]])
    assert [(e.factor, e.difference.mean, e.difference.count) for e in found] == [
        ("attention", -5, 1),
        ("perceptual", 0, 1),
    ]
    assert "Each was trained for 800 steps; parts" in " ".join(effects_table(found).notes)
    told = " ".join(effects_table(found, elsewhere=5000).notes)
    assert "Each was trained for 800 steps, those under “What training cost” for 5,000 or more; parts" in told
    assert "What training cost" not in " ".join(effects_table(found, elsewhere=800).notes)
    assert "800 steps or more; parts" in " ".join(effects_table([replace(e, most_steps=900) for e in found]).notes)
    assert effects(old[0], [*renamed, *old[1]])[0].difference.mean == 1, "of the newer none is scored"


def test_one_seed_has_no_interval_and_nothing_scored_no_effect():
    scores, cells = grid(lambda w, s: float(len(w)), seeds=1)
    assert np.isnan(effects(scores, cells)[0].difference.low)
    assert effects(scores[:0], cells) == [] == effects(scores, [])
    assert seed_interval([1.0, 3.0]).mean == 2


def test_the_direction_is_beside_the_metric_and_intervals_with_zero_say_nothing():
    scores, cells = grid(lambda w, s: (s - 1.0) * ("attention" in w))
    found = effects(scores, cells)
    table = effects_table(found, {"niqe": True})
    assert [cell.text(column) for cell, column in zip(table.rows[0], table.columns, strict=True)][:4] == [
        "attention", "niqe", "lower", "dicm"]  # fmt: skip
    assert table.notes[0] == "Every interval includes zero: nothing can be said of any part yet."
    assert effects_table(found, {"psnr": False}).rows[0][2].value == "–"
    shown = effects(*grid(lambda w, s: 5.0 * ("attention" in w)))
    assert "includes zero" not in " ".join(effects_table(shown).notes)
    alone = effects(*grid(lambda w, s: 1.0, seeds=1))
    assert "includes zero" not in " ".join(effects_table(alone).notes), "one seed has no interval"


def test_the_cost_of_runs_is_a_table_with_a_dash_where_it_was_not_measured():
    table = cost_table({"cyclegan, 112 pixels": {"cost/parameters": 22.8e6, "cost/gmac_per_sample": 40.123}})
    row = [cell.text(column) for cell, column in zip(table.rows[0], table.columns, strict=True)]
    assert row == ["cyclegan, 112 pixels", "–", "–", "–", "–", "22800000", "40.12"]
    assert [column.name for column in table.columns][-2:] == [
        "Parameters, discriminators included", "10⁹ multiply-accumulates a crop and step"]  # fmt: skip
