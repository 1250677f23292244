import numpy as np
import pytest

from reports.comparison import comparison_section, comparison_table, letters
from reports.material import Material
from reports.tables import leaderboard

SCENE = np.random.default_rng(0).normal(4, 1, 24)
NOISE = np.random.default_rng(1).normal(0, 0.2, 24)
VALUES = {
    ("a", "d", "niqe"): SCENE[:16],
    ("b", "d", "niqe"): SCENE[:16] + NOISE[:16],
    ("c", "d", "niqe"): SCENE[:16] + 2 + NOISE[:16],
    ("a", "e", "niqe"): SCENE[16:],
    ("b", "e", "niqe"): SCENE[16:] + NOISE[16:],
    ("c", "e", "niqe"): SCENE[16:] + 2 + NOISE[16:],
}


@pytest.fixture
def found(table):
    return comparison_table(leaderboard(table(VALUES), directions={"niqe": True}, metric="niqe"), against="a")


def column(table, name):
    place = [one.name for one in table.columns].index(name)
    return {row[0].value: row[place].value for row in table.rows}


def test_differences_are_means_over_pairs_and_the_method_itself_has_none(found):
    minus = column(found, "Minus a")
    assert minus["c"].mean == pytest.approx(2 + NOISE.mean())
    assert minus["c"].low < 2 + NOISE.mean() < minus["c"].high
    assert np.isnan(minus["a"].mean)
    assert column(found, "Told apart") == {"a": "", "b": "no", "c": "yes"}
    assert column(found, "p, Holm")["c"] == pytest.approx(2 * column(found, "p")["c"])


def test_by_image_and_by_set_are_both_there(found):
    assert column(found, "Mean niqe")["a"] == pytest.approx(SCENE.mean())
    assert column(found, "Mean of the sets' means")["a"] == pytest.approx((SCENE[:16].mean() + SCENE[16:].mean()) / 2)


def test_groups_are_letters_and_tiny_p_values_are_bounded(found):
    assert column(found, "Groups") == {"a": "A", "b": "A", "c": "B"}
    p = next(one for one in found.columns if one.name == "p")
    cell = next(row for row in found.rows if row[0].value == "c")[[one.name for one in found.columns].index("p")]
    assert cell.text(p) == "< 0.001"
    assert letters("x", [["x", "y"], ["x"]]) == "A B"
    assert letters("x", [["y"]] * 27 + [["x"]]) == "B2"


def test_the_best_is_compared_with_unless_another_is_chosen_and_the_input_never_is(table):
    titles = [
        comparison_section(Material(table(VALUES), {"niqe": True}, **chosen)).blocks[0].title
        for chosen in ({}, {"against": "c"}, {"against": "nobody"}, {"baseline": column_best()})
    ]
    assert titles[1] == "niqe: against c"
    assert titles[0] == titles[2]
    assert titles[3] != titles[0]
    assert comparison_section(Material(table({("a", "d", "niqe"): [1.0]}), {"niqe": True})) is None


def column_best():
    return "b" if NOISE.mean() < 0 else "a"
