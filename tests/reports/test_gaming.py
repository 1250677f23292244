import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from reports.gaming import gaming_section, gaming_table
from reports.material import Material
from reports.page import write_report

EFFECTS = pd.DataFrame(
    {
        "metric": ["niqe", "niqe", "loe", "loe"], "probe": ["blur 1 px", "noise <b>", "blur 1 px", "noise <b>"],
        "difference": [0.5, -0.25, 10.0, 20.0], "low": [0.4, -0.3, 9.0, 19.0], "high": [0.6, -0.2, 11.0, 21.0],
        "images": [8] * 4, "better": [False, True, False, False],
    }
)  # fmt: skip
DIRECTIONS = {"niqe": True, "loe": True}


def test_each_metric_is_a_column_and_each_probe_a_row():
    found, notes = gaming_table(EFFECTS, directions=DIRECTIONS, probed="what clahe made of lime")
    assert [column.name for column in found.columns] == ["Probe", "niqe", "loe"]
    assert [row[0].value for row in found.rows] == ["blur 1 px", "noise <b>"]
    assert found.rows[1][1].value.mean == -0.25
    assert found.rows[0][2].value.high == 11.0
    assert notes == ("niqe takes for better: noise <b>.",)


def test_nothing_without_data_and_a_sentence_without_columns():
    assert gaming_section(Material(EFFECTS, {})) is None
    assert gaming_section(Material(EFFECTS, {}, gaming=(EFFECTS.iloc[:0], {}, "lime"))) is None
    with pytest.raises(BenchError, match="no column low: run bench probe again"):
        gaming_table(EFFECTS.drop(columns="low"), directions=DIRECTIONS, probed="lime")


@pytest.mark.parametrize("gaming", [None, (EFFECTS, DIRECTIONS, "what <b>it</b> made of lime")])
def test_the_page_has_the_section_only_with_data(tmp_path, table, gaming):
    scores = table({("a", "d", "niqe"): np.arange(6.0), ("b", "d", "niqe"): np.arange(6.0) + 1})
    page = write_report(tmp_path, Material(scores, {"niqe": True}, gaming=gaming)).read_text("utf-8")
    assert ("What moves the scores" in page) == (gaming is not None)
    assert ('href="#probes"' in page) == (gaming is not None)
    assert "<b>" not in page
    assert ("noise &lt;b&gt;" in page) == (gaming is not None)
    assert (tmp_path / "tables/probes.csv").exists() == (gaming is not None)
