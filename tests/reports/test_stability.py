import numpy as np
import pandas as pd
import pytest

from reports.material import Material
from reports.stability import rank_figure, rank_ranges, stability_section

SCENE = np.random.default_rng(0).normal(4, 1, 12)


def material(table, **more):
    values = {
        (method, dataset, metric): SCENE * sign + shift * sign
        for method, shift in (("a", 0.0), ("b", 1.0), ("c", 2.0))
        for dataset in ("d", "e")
        for metric, sign in (("niqe", 1), ("psnr", 1))
    }
    return Material(table(values | more.pop("values", {})), {"niqe": True, "psnr": False}, **more)


def test_the_range_holds_the_middle_of_the_chances():
    chances = pd.DataFrame(
        [[0.6, 0.38, 0.02], [0.4, 0.6, 0.0], [0.01, 0.01, 0.98]], index=list("abc"), columns=[1, 2, 3]
    )
    found = rank_ranges(chances)
    assert found.loc["a"].tolist() == [1, 1, 2, 0.6]
    assert found.loc["b"].tolist() == [2, 1, 2, 0.4]
    assert found.loc["c"].tolist() == [3, 3, 3, 0.01]
    axes = rank_figure(found, metric="niqe", images=9).axes[0]
    assert [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2] == [(1, 2), (1, 2), (3, 3)]


def test_a_constant_lead_is_first_in_every_draw_and_without_any_set(table):
    block = stability_section(material(table)).blocks[0]
    assert block.title == "niqe: a comes first in 100 % of the draws"
    found = block.tables["ranks--niqe"]
    assert [column.name for column in found.columns][4:] == ["Rank without d", "Rank without e"]
    assert [cell.value for cell in found.rows[2]] == ["c", 3.0, "3", 0.0, 3.0, 3.0]
    assert found.notes == ("Leaving any one set out moves no method.",)


def test_a_set_that_turns_the_order_is_named(table):
    turned = {("a", "e", "niqe"): SCENE + 9, ("b", "e", "niqe"): SCENE + 1, ("c", "e", "niqe"): SCENE + 2}
    (note,) = stability_section(material(table, values=turned)).blocks[0].tables["ranks--niqe"].notes
    assert note == "Leaving a set out moves b, c and a."


def test_metrics_that_contradict_each_other_are_named(table):
    agreement = stability_section(material(table)).blocks[-1]
    assert agreement.text == "niqe and psnr contradict each other: tau −1.00."
    rows = agreement.tables["metric-agreement"].rows
    assert [cell.value for cell in rows[0]] == ["niqe", 1.0, pytest.approx(-1.0)]


def test_a_metric_keeps_its_name(table):
    frame = material(table).frame.replace({"metric": {"psnr": "musiq-ava"}})
    agreement = stability_section(Material(frame, {"niqe": True, "musiq-ava": False})).blocks[-1]
    assert agreement.text == "niqe and musiq-ava contradict each other: tau −1.00."


def test_the_input_has_no_rank(table):
    found = stability_section(material(table, baseline="a")).blocks[0].tables["ranks--niqe"]
    assert [row[0].value for row in found.rows] == ["b", "c"]


def test_two_methods_and_the_input_tell_nothing_of_metrics(table):
    values = {(name, "d", metric): [1.0 * shift, 2.0 * shift] for shift, name in enumerate("abi", start=1)
              for metric in ("niqe", "psnr")}  # fmt: skip
    sections = [
        stability_section(Material(table(values), {"niqe": True, "psnr": False}, baseline=name)) for name in ("", "i")
    ]
    assert [any("metric-agreement" in block.tables for block in one.blocks) for one in sections] == [True, False]
