import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.statistics import Interval
from reports.figures import distributions, forest, training_curves
from reports.style import PALETTE, save, svg

HOSTILE = "<script>alert('x')</script> $x_1$ 名前 -->"


def values(methods, images, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({method: rng.normal(4 + place, 0.3, images) for place, method in enumerate(methods)})


def labels(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_distributions_put_the_best_on_top_and_show_every_image():
    figure = distributions(values(["b", "a", "c"], 12), dataset="dicm", metric="psnr", lower_is_better=False)
    axes = figure.axes[0]
    assert labels(figure) == ["c", "a", "b"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # row 0 is on top
    assert sum(len(points.get_offsets()) for points in axes.collections) == 36
    assert figure.get_suptitle() == "psnr on dicm, 12 images"
    assert axes.get_xlabel() == "psnr (higher is better)"


def test_the_diamond_is_the_mean():
    frame = values(["a", "b"], 9)
    axes = distributions(frame, dataset="d", metric="niqe", lower_is_better=True).axes[0]
    diamonds = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == pytest.approx([frame["a"].mean(), frame["b"].mean()])


def test_one_image_and_twenty_methods_are_drawn_without_a_box_and_in_full():
    single = distributions(values(["a"], 1), dataset="d", metric="niqe", lower_is_better=True)
    assert len(single.axes[0].lines) == 1
    many = distributions(values([f"m{i}" for i in range(20)], 40), dataset="d", metric="niqe", lower_is_better=True)
    assert len(labels(many)) == 20
    assert many.get_figheight() > 6


def test_the_forest_draws_each_interval_and_none_for_one_image():
    intervals = {
        "b": Interval(4.0, 3.5, 4.5, 9),
        "a": Interval(3.0, 2.5, 3.25, 9),
        "c": Interval(5.0, np.nan, np.nan, 1),
    }
    figure = forest(intervals, dataset="d", metric="niqe", lower_is_better=True)
    bars = [tuple(line.get_xdata()) for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    assert (2.5, 3.25) in bars
    assert (3.5, 4.5) in bars
    assert labels(figure) == ["a", "b", "c"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["3.000", "4.000", "5.000"]


def test_curves_have_a_panel_a_loss_and_a_distinct_line_a_run():
    steps = np.arange(50)
    parts = [
        pd.DataFrame({"run": run, "step": steps, "name": name, "value": np.exp(-steps / 20)})
        for run in ("seed 0", "_seed 1")
        for name in ("generator", "local", "global")
    ]
    figure = training_curves(pd.concat(parts))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["generator", "local", "global"]
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in figure.axes[0].lines}
    assert len(looks) == 2
    assert len(figure.legends[0].get_texts()) == 2  # a leading underscore hides nothing


def test_long_runs_are_averaged_and_say_so_and_gaps_stay_gaps():
    steps = np.arange(0, 12_000)
    losses = np.where(steps < 6_000, 1.0, np.nan)
    figure = training_curves(pd.DataFrame({"run": "r", "step": steps, "name": "loss", "value": losses}))
    line = figure.axes[0].lines[0]
    assert len(line.get_xdata()) == 120
    assert np.nanmean(line.get_ydata()) == 1.0
    assert np.isnan(line.get_ydata()).sum() == 60
    assert figure.axes[0].get_xlabel() == "Step (means over 100 steps)"


def test_hostile_names_are_drawn_as_text(tmp_path):
    frame = values([HOSTILE, "_x", "$"], 6)
    drawn = svg(distributions(frame, dataset=HOSTILE, metric=HOSTILE, lower_is_better=True), prefix="p")
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn
    assert "<!--" not in drawn
    curves = pd.DataFrame({"run": HOSTILE, "step": [0, 1], "name": HOSTILE, "value": [1.0, 2.0]})
    png, _ = save(training_curves(curves), stem=tmp_path / "curves")
    assert png.stat().st_size > 2000


def test_inline_svg_takes_the_page_colours_and_keeps_its_ids_apart():
    figure = forest({"a": Interval(1.0, 0.9, 1.1, 9)}, dataset="d", metric="niqe", lower_is_better=True)
    drawn = svg(figure, prefix="p7")
    assert "var(--ink)" in drawn
    assert PALETTE[0] not in drawn  # the accent became the page's
    identifiers = [part.split('"')[0] for part in drawn.split(' id="')[1:]]
    assert identifiers
    assert all(identifier.startswith("p7-") for identifier in identifiers)
    assert drawn.startswith('<svg style="--natural: 374px"')


def test_files_are_the_same_bytes_each_time_and_150_dots_an_inch(tmp_path):
    def written(name):
        figure = distributions(values(["a", "b"], 8), dataset="d", metric="niqe", lower_is_better=True)
        return [path.read_bytes() for path in save(figure, stem=tmp_path / name)]

    assert written("one") == written("two")
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.size[0] == 780
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")
