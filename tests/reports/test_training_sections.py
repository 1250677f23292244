"""Seeds, diagnostics and adaptation."""

import pandas as pd
import pytest

from reports.adaptation import adaptation_section
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
    assert seeds_section(Material(plain, {"niqe": True}, seeds=runs[0])) is None
    assert seeds_section(Material(plain, {"niqe": True})) is None


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
