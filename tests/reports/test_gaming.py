import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from reports.gaming import gaming_section
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
    section = gaming_section(EFFECTS, directions=DIRECTIONS)
    assert [column.name for column in section.table.columns] == ["Probe", "niqe", "loe"]
    assert [row[0].value for row in section.table.rows] == ["blur 1 px", "noise <b>"]
    assert section.table.rows[1][1].value.mean == -0.25
    assert section.table.rows[0][2].value.high == 11.0
    assert section.notes == ("niqe takes for better: noise <b>.",)


def test_nothing_without_data_and_a_sentence_without_columns():
    assert gaming_section(None, directions={}) is None
    assert gaming_section(EFFECTS.iloc[:0], directions={}) is None
    with pytest.raises(BenchError, match="no column low: run bench probe again"):
        gaming_section(EFFECTS.drop(columns="low"), directions=DIRECTIONS)


@pytest.mark.parametrize("gaming", [None, (EFFECTS, DIRECTIONS)])
def test_the_page_has_the_section_only_with_data(tmp_path, table, gaming):
    scores = table({("a", "d", "niqe"): np.arange(6.0), ("b", "d", "niqe"): np.arange(6.0) + 1})
    rest = {"cards": {}, "gallery": [], "curves": None, "provenance": {}}
    page = write_report(tmp_path, scores=scores, directions={"niqe": True}, gaming=gaming, **rest).read_text("utf-8")
    assert ("What moves the scores" in page) == (gaming is not None)
    assert ('href="#probes"' in page) == (gaming is not None)
    assert "<b>" not in page
    assert ("noise &lt;b&gt;" in page) == (gaming is not None)
    assert (tmp_path / "tables/probes.csv").exists() == (gaming is not None)
