import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from bench.data import from_folder
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.gaming import COLUMNS, PROBES, UNTOUCHED, contestants, effects
from bench.metrics import get_metric
from bench.scores import score_table
from methods import contestant

PICTURE = np.random.default_rng(0).uniform(0.1, 0.6, (40, 50, 3)).astype(np.float32)


def test_blur_is_the_gaussian_of_scipy():
    expected = gaussian_filter(PICTURE, (1.5, 1.5, 0), mode="reflect", truncate=4)
    assert np.abs(PROBES["blur 1.5 px"](PICTURE) - expected)[8:-8, 8:-8].max() < 2e-3


def test_noise_has_the_strength_it_says():
    added = (PROBES["noise 8 levels"](PICTURE) - PICTURE) * 255
    assert added.std() == pytest.approx(8, rel=0.03)
    assert abs(added.mean()) < 0.5
    assert np.array_equal(PROBES["noise 8 levels"](PICTURE), PROBES["noise 8 levels"](PICTURE))


def test_sharpening_is_the_opposite_of_blur_and_leaves_flat_areas():
    flat = np.full((20, 20, 3), 0.4, np.float32)
    assert PROBES["sharpen 1.5"](flat) == pytest.approx(flat, abs=1e-6)
    assert PROBES["sharpen 1.5"](PICTURE).std() > PROBES["sharpen 0.5"](PICTURE).std() > PICTURE.std()


def test_a_stretch_clips_the_share_it_says():
    stretched = PROBES["stretch 2 %"](PICTURE)
    assert (stretched <= 0).mean() == pytest.approx(0.02, abs=0.002)
    assert (stretched >= 1).mean() == pytest.approx(0.02, abs=0.002)
    assert np.isfinite(PROBES["stretch 2 %"](np.zeros((4, 4, 3), np.float32))).all()


def test_every_probe_is_scored_on_the_same_photographs(tmp_path, photograph):
    for seed in range(2):
        photograph(tmp_path / f"night/{seed}.png", seed=seed, high=60)
    entries = contestants(contestant("identity")[0])
    assert [entry.name for entry in entries] == [UNTOUCHED, *PROBES]
    assert len({entry.digest for entry in entries}) == 1 + len(PROBES)
    scores = evaluate(entries, [from_folder(tmp_path / "night")], [get_metric("mean_brightness")])
    found = effects(scores, {"mean_brightness": False}).set_index("probe")
    assert found.index.tolist() == list(PROBES)
    assert found["images"].tolist() == [2] * len(PROBES)
    assert found.loc["blur 1.5 px", "difference"] == pytest.approx(0, abs=0.5)
    means = scores.groupby("method")["value"].mean()
    assert found.loc["stretch 2 %", "difference"] == pytest.approx(means["stretch 2 %"] - means[UNTOUCHED])


def table(shift):
    rng = np.random.default_rng(1)
    common = {"checkpoint": "", "dataset": "d", "metric": "niqe", "seconds": 1.0, "metric_digest": "v", "error": ""}
    values = {UNTOUCHED: rng.normal(5, 1, 30)}
    values["noise 8 levels"] = values[UNTOUCHED] + shift + rng.normal(0, 0.1, 30)
    return score_table(
        [{**common, "method": m, "image": str(i), "value": v} for m, r in values.items() for i, v in enumerate(r)]
    )


@pytest.mark.parametrize(
    ("shift", "lower", "better"), [(-1, True, True), (1, True, False), (1, False, True), (0, True, False)]
)
def test_a_metric_is_fooled_when_it_surely_prefers_the_probe(shift, lower, better):
    found = effects(table(shift), {"niqe": lower})
    assert tuple(found.columns) == COLUMNS
    assert found["better"].tolist() == [better]
    assert found["difference"].item() == pytest.approx(shift, abs=0.1)


def test_a_metric_without_shared_values_does_not_cost_the_others_theirs():
    lacking = table(1).assign(metric="halo", value=np.nan)
    found = effects(pd.concat([lacking, table(1)]), {"halo": True, "niqe": True})
    assert set(found["metric"]) == {"niqe"} and found.equals(effects(table(1), {"niqe": True}))
    with pytest.raises(BenchError, match="No photograph has a value of halo or loe with"):
        effects(pd.concat([lacking, lacking.assign(metric="loe")]), {"halo": True, "loe": True})


def test_without_shared_values_there_is_no_effect():
    with pytest.raises(BenchError, match="No photograph has a value of niqe"):
        effects(table(1).query("method == 'untouched'").assign(value=np.nan), {"niqe": True})
