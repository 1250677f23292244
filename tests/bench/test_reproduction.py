import numpy as np
import pytest

from bench.data import specs
from bench.metrics import get_metric
from bench.reproduction import ALL, Cell, cells, judge, published_tables
from bench.scores import score_table


def cell(dataset="x", published=5.0, tolerance=0.1, images=None, method="m"):
    return Cell("T", "niqe", "M", method, dataset, published, tolerance, images or {"x": 3})


def scores(values, method="m", metric="niqe"):
    common = {"checkpoint": "", "seconds": 1.0, "metric_digest": "v", "error": "", "method": method, "metric": metric}
    return score_table(
        [{**common, "dataset": d, "image": str(i), "value": v} for d, row in values.items() for i, v in enumerate(row)]
    )


VERDICTS = [(5.0, "agrees"), (5.1, "agrees"), (4.9, "agrees"), (5.12, "differs")]


@pytest.mark.parametrize(("published", "verdict"), VERDICTS)
def test_a_cell_agrees_within_its_tolerance(published, verdict):
    outcome = judge(cell(published=published, tolerance=0.1 + 1e-12), scores({"x": [4.0, 5.0, 6.0]}))
    assert (outcome.measured.mean, outcome.measured.count) == (5.0, 3)
    assert outcome.said == verdict


@pytest.mark.parametrize("values", [[4.0, 6.0], [4.0, 6.0, 5.0, 5.0], [4.0, 6.0, np.nan]])
def test_another_number_of_images_is_not_comparable(values):
    outcome = judge(cell(), scores({"x": values}))
    assert outcome.said == "not comparable: it stands for 3 images"
    assert outcome.measured.mean == 5.0


def test_all_is_a_mean_over_images_of_every_set():
    both = cell(ALL, images={"x": 1, "y": 3})
    outcome = judge(both, scores({"x": [1.0], "y": [5.0, 5.0, 5.0]}))
    assert outcome.measured.mean == 4.0
    away = judge(both, scores({"x": [1.0]}), absent={"y": "y is not here."})
    assert (away.measured, away.said) == (None, "not comparable: y is not here")


def test_why_a_cell_cannot_be_compared():
    table = scores({"x": [5.0, 5.0, 5.0]})
    assert judge(cell(method=""), table).said == "not comparable: there is no such method here"
    assert judge(cell(method="absent"), table).said == "not comparable: it was not evaluated"
    retrained = judge(cell(), table, other={"m": "retrained weights (run 1)"})
    assert (retrained.said, retrained.measured.mean) == ("not comparable: retrained weights (run 1)", 5.0)
    assert judge(cell(), scores({"x": [5.0] * 3}, metric="niqe_y")).measured is None


def test_the_published_tables_are_those_of_the_paper():
    first, second = published_tables()
    assert [row.label for row in first.rows][:1] == ["Input"]
    assert [row.label for row in second.rows][:1] == ["Input"]
    table = {(c.label, c.dataset): c for c in cells(first)}
    assert len(table) == 8 * 6
    assert table["EnlightenGAN", "all"].published == 3.385
    assert table["Input", "all"].images == {"mef": 17, "lime": 10, "npe": 8, "vv": 24, "dicm": 64}
    measured = {(c.label, c.dataset): c for c in cells(second)}
    assert measured["EnlightenGAN, published weights", "lime"].images == {"lime": 9}


def test_a_row_has_its_tables_tolerance_or_its_own():
    found = {(c.table, c.label): c.tolerance for table in published_tables() for c in cells(table)}
    assert found["Table 1", "SRIE"] == 0.01 and found["Table 1", "EnlightenGAN"] == 0.05
    assert found["Original NIQE", "BIMEF"] == 0.001
    assert found["Original NIQE", "EnlightenGAN, published weights"] == 0.01


def test_the_published_all_is_the_mean_over_images():
    """With 69 pictures of DICM; within 0.009 as rounding and the authors' counting allow."""
    weights = {"mef": 17, "lime": 10, "npe": 8, "vv": 24, "dicm": 69}
    for row in published_tables()[0].rows:
        mean = sum(weights[name] * row.values[name] for name in weights) / sum(weights.values())
        assert mean == pytest.approx(row.values["all"], abs=0.0095), row.label


def test_every_published_name_is_one_of_ours():
    from methods import METHODS

    for table in published_tables():
        assert get_metric(table.metric).name == table.metric
        assert {name for row in table.rows for name in row.values} - {ALL} <= specs().keys()
        assert {row.method for row in table.rows} - {""} <= set(METHODS)
