import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from reports.cost import cost_section, front, trade_off
from reports.material import Material

SPEED = pd.DataFrame(
    {
        "method": ["a", "b", "c", "input"], "width": 600, "height": 400, "seconds": [0.1, 1.0, 2.0, 0.001],
        "macs": [np.nan, 2.5e9, np.nan, np.nan], "parameters": [0, 10, 0, 0], "peak_mib": 5.0, "device": "a card",
    }
)  # fmt: skip
VALUES = {(name, "d", "niqe"): np.arange(8.0) + shift for name, shift in (("a", 2), ("b", 1), ("c", 3), ("input", 0))}


def material(table, speed):
    return Material(table(VALUES), {"niqe": True}, speed=speed, baseline="input")


def test_the_front_has_what_nothing_beats_in_time_and_score():
    points = {"slow": (9.0, 1.0), "fast": (1.0, 5.0), "middle": (4.0, 3.0), "worse": (5.0, 4.0), "tie": (2.0, 5.0)}
    assert front(points, lower_is_better=True) == ["fast", "middle", "slow"]
    assert front(points, lower_is_better=False) == ["fast"]


def test_each_method_has_its_numbers_and_the_front_is_said(table):
    block = cost_section(material(table, SPEED)).blocks[0]
    assert (block.title, block.text) == ("600 × 400 pixels", "On a card.")
    (found,) = block.tables.values()
    texts = [[cell.text(column) for cell, column in zip(row, found.columns, strict=True)] for row in found.rows]
    assert [(column.name, column.arrow) for column in found.columns][2] == ("niqe", "↓")
    assert found.columns[-1].name == "Peak memory beyond rest, MiB"
    assert texts[0] == ["input", "0.0010", "3.500", "–", "0", "5"]
    assert texts[2] == ["b", "1.0000", "4.500", "2.50", "10", "5"]
    assert [row[2].mark for row in found.rows] == ["", "second", "best", ""]
    assert block.notes == (
        "By niqe, of the 3 methods timed, these are on the front of time and mean, fastest first (no other is both as "
        "fast and better): a and b.",
    )
    fewer = cost_section(material(table, SPEED.query("method != 'c'"))).blocks[0]
    assert fewer.notes[1:] == ("Not timed: c.",)
    assert "a 0.1 s and 5.5, b 1 s and 4.5, c 2 s and 6.5" in block.plots[0].alt
    assert "input" not in block.plots[0].alt


def test_the_best_is_that_of_the_methods_that_were_timed(table):
    (found,) = cost_section(material(table, SPEED[SPEED["method"] != "b"])).blocks[0].tables.values()
    assert [(row[0].value, row[2].mark) for row in found.rows] == [("input", ""), ("a", "best"), ("c", "second")]


def test_a_method_without_a_mean_has_a_dash_and_a_front_of_one_is_one(table):
    more = pd.concat([SPEED, SPEED.iloc[:1].assign(method="new")], ignore_index=True)
    (found,) = cost_section(material(table, more)).blocks[0].tables.values()
    assert {row[0].value: row[2].text(found.columns[2]) for row in found.rows}["new"] == "–"
    slower = SPEED.assign(seconds=[0.1, 0.01, 2.0, 0.001])
    told = cost_section(material(table, slower)).blocks[0].notes[0]
    assert "this one is on the front of time and mean (no other is" in told


@pytest.mark.parametrize("lower", [True, False])
def test_better_is_up_whatever_the_direction(table, lower):
    board = Material(table(VALUES), {"niqe": lower}).boards[0]
    low, high = trade_off({"a": (0.1, 5.0), "b": (1.0, 4.0)}, board, size="1 × 1").axes[0].get_ylim()
    assert (low > high) == lower


def test_nothing_without_times_and_a_sentence_for_another_table(table):
    assert cost_section(material(table, None)) is None
    assert cost_section(material(table, SPEED.iloc[:0])) is None
    with pytest.raises(BenchError, match="no column macs: run bench speed again"):
        cost_section(material(table, SPEED.drop(columns="macs")))


def test_two_sizes_are_two_blocks(table):
    both = pd.concat([SPEED, SPEED.assign(width=1200)], ignore_index=True)
    blocks = cost_section(material(table, both)).blocks
    assert [block.title for block in blocks] == ["600 × 400 pixels", "1200 × 400 pixels"]
    assert len({plot.stem for block in blocks for plot in block.plots}) == 2
