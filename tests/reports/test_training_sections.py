"""Seeds, diagnostics and adaptation."""

import pandas as pd
import pytest

from reports.adaptation import adaptation_section, changes
from reports.diagnostics import diagnostics_section
from reports.material import Adaptation, Material
from reports.seeds import seeds_section


@pytest.fixture
def plain(table):
    return table({("b", "d", "niqe"): [1.0, 2.0], ("a", "d", "niqe"): [3.0, 4.0]})


def test_the_spread_between_seeds_is_that_of_their_means(table, plain):
    runs = [table({("gan", "d", "niqe"): [1.0 + k, 3.0 + k]}, checkpoint=f"w{k}") for k in range(3)]
    section = seeds_section(Material(plain, {"niqe": True}, seeds=pd.concat(runs, ignore_index=True)))
    (found,) = section.tables.values()
    assert [cell.value for cell in found.rows[0]] == ["gan", "d", 3.0, 2.0, 3.0, 1.0, 2.0]
    assert found.notes == () and "spread says nothing" not in section.lede
    assert seeds_section(Material(plain, {"niqe": True}, seeds=runs[0])) is None
    assert seeds_section(Material(plain, {"niqe": True})) is None


def test_two_seeds_are_said_to_be_few_and_short_trainings_to_be_short(table, plain):
    runs = [table({("gan", "d", "niqe"): [1.0 + k, 3.0 + k]}, checkpoint=f"w{k}").assign(steps=80) for k in range(2)]
    seeds = pd.concat(runs, ignore_index=True)
    section = seeds_section(Material(plain, {"niqe": True}, seeds=seeds, training_costs={"x": {"steps": 2000.0}}))
    (found,) = section.tables.values()
    assert [cell.value for cell in found.rows[0]] == ["gan, 80 steps", "d", 2.0, 2.0, 2.5, pytest.approx(0.5**0.5)]
    assert len(found.columns) == 6 and "Two seeds hardly give a spread" in found.notes[0]
    assert section.lede.startswith("The same training with other seeds, 80 steps each. A lead over another learned")
    assert section.lede.endswith("says nothing. Those under “What training cost” are others, of 2,000 steps or more.")
    mixed = seeds_section(Material(plain, {"niqe": True}, seeds=seeds.assign(steps=[80, 80, 120, 120])))
    assert ", 80 to 120 steps each." in mixed.lede and "What training cost" not in mixed.lede


def test_diagnostics_are_means_in_the_order_of_the_leaderboard_and_shares_in_percent(table, plain):
    seen = table({("a", "d", "clipped_dark"): [0.1, 0.3], ("b", "d", "clipped_dark"): [0.0, 0.01]})
    (found,) = diagnostics_section(Material(plain, {"niqe": True}, diagnostics=seen)).tables.values()
    assert found.columns[1].name == "clipped_dark, %"
    assert [[row[0].value, row[1].value] for row in found.rows] == [["b", pytest.approx(0.5)], ["a", pytest.approx(20)]]
    assert {cell.mark for row in found.rows for cell in row} == {""}
    assert diagnostics_section(Material(plain, {"niqe": True})) is None


def test_an_adapted_training_has_its_rule_and_its_held_out_scores(table, plain):
    held_out = table({("gan", "held out", "niqe"): [1.0] * 8, ("clahe", "held out", "niqe"): [2.0] * 8})
    one = Adaptation("night", "Mean below 45.", "from scratch", "Dark photographs of amos", held_out, {"niqe": True})
    unscored = Adaptation("dusk", "Mean below 60.", "from a checkpoint", "Dark photographs of x", held_out.iloc[:0], {})
    first, second = adaptation_section(Material(plain, {"niqe": True}, adaptations=[one, unscored])).blocks
    assert first.text == "Dark photographs of amos, trained from scratch. Mean below 45."
    assert "By niqe: gan leads." in first.notes[0]
    assert [row[0].value for row in next(iter(first.tables.values())).rows] == ["gan", "clahe"]
    assert "Nothing that was held out has been scored" in second.text
    assert adaptation_section(Material(plain, {"niqe": True})) is None


def test_what_the_adaptation_changed_is_said_first_by_each_metric(table, plain):
    means = {"gan_adapted": 4, "gan": 5, "identity": 3}
    values = {(name, "held out", "niqe"): [mean + k / 10 for k in range(8)] for name, mean in means.items()}
    values |= {("gan_adapted", "held out", "psnr"): [1.0] * 8, ("gan", "held out", "psnr"): [1.0] * 7 + [float("nan")]}
    rule = "8 are held out, photograph by photograph, since no folder is a scene; 9 are trained on."
    one = Adaptation("night", rule, "from scratch", "Dark photographs of amos", table(values),
                     {"niqe": True, "psnr": False})  # fmt: skip
    (block,) = adaptation_section(Material(plain, {"niqe": True}, adaptations=[one], baseline="identity")).blocks
    assert block.text == (
        "By niqe (lower is better) adaptation changed gan's mean by -1.000 [-1.000, -1.000] on 8 images: better on "
        "these photographs. By psnr (higher is better) adaptation changed gan's mean by +0.000 [+0.000, +0.000] on 7 "
        f"images: no difference can be shown. Dark photographs of amos, trained from scratch. {rule} So pictures of "
        "one camera may be on both sides."
    )
    assert "The untouched input (identity) has 3.350, better than every method" in block.notes[0]
    (found,) = block.tables.values()
    assert [column.name for column in found.columns] == ["Method", "niqe", "psnr"] and found.notes == ()
    assert {len(row) for row in found.rows} == {3}


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ([1.0], "+1.000 on 1 image: no difference can be shown; it takes at least six images."),
        ([0.5, 1.0, 1.5], "on 3 images: no difference can be shown; it takes at least six images."),
        ([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], "on 7 images: worse on these photographs."),
        ([-0.5, 1.0, -1.5, 2.0, -2.5, 3.0, -3.5], "on 7 images: no difference can be shown."),
        ([-0.1, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7, 9.0, 9.0, 9.0, 9.0],
         "no difference can be shown, for the ranks of the differences do not say the same."),
    ],
)  # fmt: skip
def test_a_change_is_one_where_interval_and_ranks_agree_on_six_images(table, gaps, said):
    before, after = ("gan", "held out", "niqe"), ("gan_adapted", "held out", "niqe")
    scores = table({before: [3.0] * len(gaps), after: [3.0 + gap for gap in gaps]})
    (told,) = changes(Adaptation("night", "", "from scratch", "", scores, {"niqe": True}))
    assert told.endswith(said)
