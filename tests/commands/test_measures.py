"""`bench speed` and `bench probe` from the command line."""

import pandas as pd
import pytest

from bench import speed
from bench.gaming import PROBES
from bench.speed import measure
from bench.tracking import open_suite
from commands import report_beside


@pytest.fixture
def night(store, workplace, photograph):
    for seed in range(12):
        photograph(workplace / f"night/{seed}.png", seed=seed, high=60)
    return workplace


def test_speed_prints_and_keeps_what_it_measured(bench, store, workplace):
    words = ("--method", "gamma", "--method", "clahe", "--size", "60x40", "--size", "30x20")
    code, out, err = bench("speed", *words, "--repeats", 2, "--csv", "speed.csv", "--device", "cpu")
    assert code == 0, err
    frame = pd.read_csv(workplace / "speed.csv")
    assert sorted(zip(frame["method"], frame["width"], strict=True)) == [
        (m, w) for m in ("clahe", "gamma") for w in (30, 60)
    ]
    assert (frame["seconds"] > 0).all() and (frame["seconds"] >= frame["fastest"]).all()
    assert "threads; at most" in out
    assert "FLOP" not in out
    (run,) = open_suite().search(kind="speed")
    assert run.data.metrics["gamma/60x40/seconds"] == frame.query("method == 'gamma' and width == 60")["seconds"].item()
    assert pd.read_csv(open_suite().artifact(run.info.run_id, "speed.csv")).equals(frame)


def test_what_does_not_fit_into_memory_costs_no_other_its_times(bench, store, monkeypatch):
    def tight(name, module, size, **more):
        if (name, size) == ("clahe", (60, 40)):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return measure(name, module, size, **more)

    monkeypatch.setattr(speed, "measure", tight)
    words = ("--method", "clahe", "--method", "gamma", "--size", "60x40", "--size", "30x20", "--repeats", 1)
    code, out, err = bench("speed", *words)
    assert code == 1 and "Kept in MLflow" in out
    assert err == "Error: 1 of 4 could not be measured: clahe at 60x40: it does not fit into memory.\n"
    (run,) = open_suite().search(kind="speed")
    assert {"gamma/60x40/seconds", "gamma/30x20/seconds", "clahe/30x20/seconds"} <= set(run.data.metrics)


def test_a_method_that_fails_in_its_own_way_costs_no_other_its_times(bench, store, monkeypatch):
    def failing(name, module, size, **more):
        if size == (30, 20):
            raise ValueError("odd size\nand more")
        return measure(name, module, size, **more)

    monkeypatch.setattr(speed, "measure", failing)
    code, out, err = bench("speed", "--method", "gamma", "--size", "60x40", "--size", "30x20", "--repeats", 1)
    assert code == 1 and "Kept in MLflow" in out
    assert err == "Error: 1 of 2 could not be measured: gamma at 30x20: ValueError: odd size\n"


def test_what_measured_nothing_keeps_no_run_and_no_report_stumbles_over_an_older_one(
    bench, fails, store, monkeypatch, tmp_path
):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(speed, "measure", full)
    told = fails("speed", "--method", "gamma", "--size", "60x40")
    assert told == "Nothing could be measured: gamma at 60x40: it does not fit into memory."
    assert open_suite().search(kind="speed") == []
    (tmp_path / "speed.csv").write_text("\n")
    with open_suite().run("speed", kind="speed") as run:
        run.artifact(tmp_path / "speed.csv")
    assert report_beside.speeds(open_suite(), ["gamma"]) == {}
    (tmp_path / "there").mkdir()
    assert fails("speed", "--method", "gamma", "--csv", tmp_path / "there").endswith("it is a folder.")
    assert fails("probe", "--csv", tmp_path / "there").endswith("it is a folder.")


def test_an_impossible_time_is_a_warning(bench, store, monkeypatch):
    monkeypatch.setattr("bench.speed.peak_rate", lambda device: 1.0)
    monkeypatch.setattr("bench.speed.operations", lambda module, image: 10**12)
    code, out, _ = bench("speed", "--method", "gamma", "--size", "30x20", "--repeats", 1)
    assert code == 0
    assert "Warning: gamma at 30x20:" in out
    assert open_suite().search(kind="speed")[0].data.metrics["warnings"] == 1


def test_a_size_that_is_none_is_a_sentence(fails, store):
    assert fails("speed", "--size", "big").startswith("--size takes WIDTHxHEIGHT")


def test_a_score_that_a_probe_lacks_shows_in_the_exit_status(bench, night, photograph):
    photograph(night / "night/small.png", seed=9, size=(40, 50))
    photograph(night / "night/whole.png", seed=8, size=(100, 200))
    code, out, err = bench("probe", "--images", "night", "--metric", "niqe")
    assert code == 1 and "Kept in MLflow" in out
    assert "scores are missing, untouched on" in err and "NIQE needs at least 96 x 96 pixels." in err


def test_a_metric_that_no_photograph_has_a_value_of_costs_no_other_its_probes(bench, night):
    code, out, err = bench(
        "probe", "--images", "night", "--metric", "entropy", "--metric", "halo", "--csv", "probes.csv"
    )
    assert "halo: no photograph has a value with and without every probe." in out and "Kept in MLflow" in out
    assert code == 1 and "scores are missing" in err
    assert set(pd.read_csv(night / "probes.csv")["metric"]) == {"entropy"}


def test_probes_are_printed_kept_and_in_the_report(bench, night):
    words = ("--images", "night", "--metric", "entropy", "--metric", "mean_brightness")
    code, out, err = bench("probe", *words, "--csv", "probes.csv")
    assert code == 0, err
    frame = pd.read_csv(night / "probes.csv")
    assert frame.groupby("metric")["probe"].apply(list).to_dict() == {
        m: list(PROBES) for m in ("entropy", "mean_brightness")
    }
    noisy = frame.query("metric == 'entropy' and probe == 'noise 8 levels'").iloc[0]
    assert noisy["difference"] > 0 and noisy["better"], "noise spreads the histogram, which entropy takes for better"
    assert f"{noisy['difference']:+.3f} [" in out
    assert bench("evaluate", *words, "--method", "gamma")[0] == 0
    assert bench("report", "--out", "page")[0] == 0
    page = (night / "page/index.html").read_text(encoding="utf-8")
    assert "What moves the scores" in page
    assert "Neither direction is better" in page
    assert pd.read_csv(night / "page/tables/diagnostics.csv").columns.tolist() == ["Method", "mean_brightness"]
    assert [file.stem for file in night.glob("page/tables/leaderboard*.csv")] == ["leaderboard--entropy"]
