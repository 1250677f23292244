import pytest

from bench.metrics import get_metric
from bench.scores import read_scores, score_table, write_csv
from bench.tracking import open_suite
from commands.kept import newest


@pytest.fixture
def evaluated(bench, store, workplace, photograph):
    for seed, name in enumerate("abc"):
        photograph(workplace / f"night/{name}.png", seed=seed, high=60)
    words = ("evaluate", "--images", "night", "--metric", "entropy", "--method", "gamma", "--method", "msr")
    code, _, err = bench(*words, "--csv", "scores.csv")
    assert code == 0, err
    return workplace


def rows(value, *, checkpoint="w1", digest="d1", images=("a", "b")):
    common = {"method": "m", "dataset": "d", "metric": "niqe", "seconds": 1.0}
    return score_table(
        [{**common, "checkpoint": checkpoint, "metric_digest": digest, "image": i, "value": value} for i in images]
    )


@pytest.mark.parametrize("words", [("--csv", "scores.csv"), ()], ids=["csv", "store"])
def test_a_report_has_the_measured_numbers(bench, evaluated, words):
    code, out, err = bench("report", *words, "--out", "page")
    assert code == 0, err
    page = (evaluated / "page/index.html").read_text(encoding="utf-8")
    scores = read_scores(evaluated / "scores.csv")
    for method in ("gamma", "msr"):
        assert f"{scores[scores['method'] == method]['value'].mean():.3f}" in page
    assert "Multi-scale Retinex" in page
    assert get_metric("entropy").digest in page
    assert "page/index.html" in out
    assert ("night is not pinned" in page) or words


def test_the_tables_lie_beside_the_page(bench, evaluated):
    bench("report", "--out", "page")
    kinds = {file.suffix for file in (evaluated / "page/tables").rglob("*.*")}
    assert {".csv", ".md", ".tex"} <= kinds
    assert list((evaluated / "page/figures").rglob("*.pdf"))


def test_only_the_demos_runs_are_in_the_demos_report(fails, evaluated):
    assert fails("report", "--demo").startswith("Nothing has been evaluated yet")


def test_unfinished_evaluations_are_left_out(fails, store, workplace):
    write_csv(rows(1.0), workplace / "scores.csv")
    with pytest.raises(RuntimeError), open_suite().run("evaluate", kind="evaluate", tags={"demo": "no"}) as run:
        run.artifact(workplace / "scores.csv")
        raise RuntimeError
    assert fails("report").startswith("Nothing has been evaluated yet")


def test_a_table_that_is_none_is_named(fails, store, workplace):
    assert "Cannot read the score table absent.csv" in fails("report", "--csv", "absent.csv")
    (workplace / "other.csv").write_text("name,age\n")
    assert "other.csv is not a score table: it has no column method" in fails("report", "--csv", "other.csv")


@pytest.mark.parametrize("change", [{"checkpoint": "w0"}, {"digest": "d0"}])
def test_only_the_newest_weights_and_variants_are_compared(change):
    import pandas as pd

    scores, notes = newest(pd.concat([rows(1.0), rows(9.0, images=("a", "b", "c"), **change)], ignore_index=True))
    assert scores["value"].tolist() == [1.0, 1.0]
    assert len(notes) == 1
    assert "of an older" in notes[0]


def test_of_equal_cells_the_newest_counts():
    import pandas as pd

    scores, notes = newest(pd.concat([rows(1.0), rows(2.0, images=("b", "c"))], ignore_index=True))
    assert dict(zip(scores["image"], scores["value"], strict=True)) == {"a": 1.0, "b": 1.0, "c": 2.0}
    assert notes == []


def test_a_csv_is_reported_without_any_run(bench, store, workplace):
    common = {"dataset": "d", "metric": "entropy", "seconds": 0.1, "metric_digest": "d"}
    frames = [
        {**common, "method": method, "image": f"{k}.png", "value": value + k / 100}
        for method, value in (("gamma", 5.0), ("clahe", 6.456))
        for k in range(5)
    ]
    write_csv(score_table(frames), workplace / "s.csv")
    code, _, err = bench("report", "--csv", "s.csv", "--out", "page")
    assert code == 0, err
    assert "6.476" in (workplace / "page/index.html").read_text(encoding="utf-8")
