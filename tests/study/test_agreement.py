import gzip

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from study.agreement import agreement_table, read_scores, scores_of_study
from study.ranking import Wins


def panel(preferred, observers=4, images=6):
    """Every observer prefers the methods in the order of `preferred` (lower index better) on every image."""
    count = len(preferred)
    wins = np.array([[float(preferred[a] < preferred[b]) for b in range(count)] for a in range(count)])
    counts = np.broadcast_to(wins, (observers, images, count, count)).copy()
    names = tuple(f"i{k}" for k in range(images))
    return Wins(counts, counts, tuple(f"o{k}" for k in range(observers)), names, tuple("abcd"[:count]))


def scores(values, images=6, metric="niqe", dataset="d", suffix=".jpg"):
    return pd.DataFrame(
        [
            (method, dataset, f"i{k}{suffix}", metric, value + k)
            for method, value in values.items()
            for k in range(images)
        ],
        columns=["method", "dataset", "image", "metric", "value"],
    )


def agreement(wins, values, lower=True):
    (row,) = agreement_table(wins, {"m": np.array(values, dtype=float)}, {"m": lower}, resamples=50).itertuples()
    return row


def test_a_metric_that_says_the_same_agrees_fully_and_its_opposite_not_at_all():
    wins = panel([0, 1, 2, 3])
    same = agreement(wins, [[1, 2, 3, 4]] * 6)
    assert (same.spearman, same.kendall, same.share) == (1, 1, 1)
    assert (same.share_low, same.share_high) == (1, 1)
    turned = agreement(wins, [[1, 2, 3, 4]] * 6, lower=False)
    assert (turned.spearman, turned.kendall, turned.share) == (-1, -1, 0)


def test_the_numbers_are_spearmans_and_kendalls_and_the_share_of_votes():
    row = agreement(panel([0, 1, 2, 3]), [[1, 3, 2, 4]] * 6)
    assert row.spearman == pytest.approx(0.8)
    assert row.kendall == pytest.approx(4 / 6)
    assert row.share == pytest.approx(5 / 6)


def test_ties_of_people_are_left_out_and_ties_of_the_metric_are_chance():
    wins = panel([0, 1])
    half = Wins(wins.counts, wins.decided * 0.0, wins.observers, wins.images, wins.methods)
    assert np.isnan(agreement(half, [[1, 2]] * 6).share)
    flat = agreement(wins, [[2, 2]] * 6)
    assert flat.share == 0.5
    assert np.isnan(flat.spearman)


def test_images_pull_the_interval_apart():
    row = agreement(panel([0, 1], images=8), [[1, 2]] * 4 + [[2, 1]] * 4)
    assert row.share == 0.5
    assert row.share_low < 0.35
    assert row.share_high > 0.65


def test_scores_are_matched_by_dataset_and_image():
    wins = panel([0, 1])
    named = Wins(wins.counts, wins.decided, wins.observers, tuple(f"i{k}.jpg" for k in range(6)), wins.methods)
    table = pd.concat([scores({"a": 1, "b": 2, "z": 9}), scores({"a": 5, "b": 6}, dataset="other")])
    found, notes = scores_of_study(table, named, dataset="d")
    assert found["niqe"].tolist() == [[1 + k, 2 + k] for k in range(6)]
    assert notes == []
    found, _ = scores_of_study(scores({"a": 1, "b": 2}, suffix=".png"), wins, dataset="")
    assert found["niqe"].shape == (6, 2)


def test_images_without_all_values_are_left_out_and_told():
    table = scores({"a": 1, "b": 2}, suffix="")
    table.loc[3, "value"] = np.nan
    found, notes = scores_of_study(table, panel([0, 1]), dataset="")
    assert np.isfinite(found["niqe"]).all(axis=1).tolist() == [True, True, True, False, True, True]
    assert notes == ["niqe: compared on 5 of 6 images, those with a value for all."]


def test_doubles_and_foreign_tables_are_refused():
    wins = panel([0, 1])
    table = scores({"a": 1, "b": 2}, suffix="")
    with pytest.raises(BenchError, match="several values of niqe"):
        scores_of_study(pd.concat([table, table]), wins, dataset="")
    with pytest.raises(BenchError, match="no metric with a value"):
        scores_of_study(scores({"x": 1, "y": 2}, suffix=""), wins, dataset="")


def test_a_table_is_read_by_its_columns(tmp_path):
    scores({"a": 1}, images=1).to_csv(tmp_path / "s.csv")
    assert read_scores(tmp_path / "s.csv").iloc[0].tolist() == ["a", "d", "i0.jpg", "niqe", 1.0]
    (tmp_path / "t.csv").write_text("method,value\na,1\n")
    with pytest.raises(BenchError, match="no column dataset, image, metric"):
        read_scores(tmp_path / "t.csv")
    (tmp_path / "u.csv").write_text("method,dataset,image,metric,value\na,d,i,niqe,many\n")
    whole = gzip.compress((tmp_path / "s.csv").read_bytes())
    (tmp_path / "v.csv.gz").write_bytes(whole[:-12])
    for name in ("u.csv", "absent.csv", "v.csv.gz"):
        with pytest.raises(BenchError, match=f"Cannot read the score table .*{name}"):
            read_scores(tmp_path / name)
