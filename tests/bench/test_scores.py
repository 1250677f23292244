import math

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.scores import COLUMNS, read_scores, score_table, write_csv

ROW = {
    "method": "clahe", "checkpoint": "", "dataset": "lime", "image": "a.png", "metric": "niqe", "value": 3.5,
    "seconds": 0.25, "metric_digest": "v1", "error": "",
}  # fmt: skip


def test_a_table_has_exactly_the_columns_in_order():
    frame = score_table([{**ROW, "surplus": 1}])
    assert tuple(frame.columns) == COLUMNS
    assert frame.loc[0, "value"] == 3.5
    assert tuple(score_table([]).columns) == COLUMNS


def test_missing_text_is_empty_and_missing_numbers_are_nan():
    frame = score_table([{"method": "clahe", "value": None}])
    assert frame.loc[0, "error"] == ""
    assert frame.loc[0, "image"] == ""
    assert math.isnan(frame.loc[0, "value"])
    assert frame["value"].dtype == frame["seconds"].dtype == np.float64


def test_csv_keeps_every_digit_and_every_name(tmp_path):
    rng = np.random.default_rng(0)
    names = [
        "a b.png",
        'say "cheese", then.png',
        "ночь/写真.jpg",
        "<script>.png",
        "NA",
        "null",
        "007",
        "line\nbreak.png",
    ]
    rows = [{**ROW, "image": n, "value": v, "seconds": v / 3e7} for n, v in zip(names, rng.normal(size=8), strict=True)]
    rows += [{**ROW, "image": "bad.png", "value": math.nan, "error": "Cannot read it, sorry"}]
    frame = score_table(rows)
    write_csv(frame, tmp_path / "new" / "scores.csv")
    pd.testing.assert_frame_equal(read_scores(tmp_path / "new" / "scores.csv"), frame, check_exact=True)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["scores.csv"]


def test_digests_that_look_like_numbers_stay_text(tmp_path):
    digests = ["0012345678901234", "1e10", "1234567890123456789012"]
    frame = score_table([{**ROW, "checkpoint": digest} for digest in digests])
    write_csv(frame, tmp_path / "s.csv")
    assert list(read_scores(tmp_path / "s.csv")["checkpoint"]) == digests


def test_an_empty_table_survives(tmp_path):
    write_csv(score_table([]), tmp_path / "s.csv")
    assert len(read_scores(tmp_path / "s.csv")) == 0


def test_surplus_columns_of_a_csv_are_left_out(tmp_path):
    score_table([ROW]).assign(extra=1).to_csv(tmp_path / "s.csv", index=False)
    assert tuple(read_scores(tmp_path / "s.csv").columns) == COLUMNS


def test_missing_columns_are_named(tmp_path):
    path = tmp_path / "s.csv"
    score_table([ROW]).drop(columns=["value", "error"]).to_csv(path, index=False)
    with pytest.raises(BenchError, match=f"{path} is not a score table: it has no column value, error"):
        read_scores(path)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00\x81", b'a,b\n"1'])
def test_what_is_no_table_is_an_error_that_names_the_file(tmp_path, content):
    path = tmp_path / "scores.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BenchError, match=str(path)):
        read_scores(path)


def test_text_in_a_number_column_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "scores.csv"
    score_table([ROW]).astype(object).assign(value="high").to_csv(path, index=False)
    with pytest.raises(BenchError, match=str(path)):
        read_scores(path)
