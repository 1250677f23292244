import numpy as np
import pytest

from bench.errors import BenchError
from bench.halo import glow, halo, rings
from bench.images import to_tensor
from bench.metrics import get_metric

BACKGROUND = 20


def night(glow=0, size=200, radius=4, background=BACKGROUND):
    """A lamp of 255 in a dark field; within 4 pixels of its edge the field is brighter by `glow`."""
    y, x = np.mgrid[:size, :size] - size // 2
    away = np.hypot(x, y)
    picture = np.full((size, size), background, np.uint8)
    picture[away <= radius + 4] += np.uint8(glow)
    picture[away <= radius] = 255
    return np.repeat(picture[..., None], 3, 2)


def test_the_surround_that_rises_by_known_stops_is_measured():
    # 2 % of 200 pixels are 4: the surround is exactly the glow; (20 + 21 + 1) / (20 + 1) is one stop
    assert halo(night(21), night()) == pytest.approx(1, abs=0.02)
    assert glow(night(), night(21)) == pytest.approx(-1, abs=0.02)
    assert halo(night(63), night()) == pytest.approx(2, abs=0.02)


def test_a_dark_rim_is_as_bad_as_a_glow():
    assert halo(night(), night(21)) == pytest.approx(halo(night(21), night()))


def test_the_picture_itself_and_one_factor_on_everything_draw_no_halo():
    assert halo(night(30), night(30)) == 0
    brighter = np.minimum(night(30).astype(int) * 3, 255).astype(np.uint8)
    assert halo(brighter, night(30)) == pytest.approx(0, abs=0.06)


def test_rings_lie_where_they_are_said_to():
    near, far = rings(night()[..., 0] / 255)
    y, x = np.nonzero(near)
    away = np.hypot(x - 100, y - 100)
    assert away.min() > 4 and away.max() == 8
    assert near[100, 105:109].all() and not near[100, 109]
    y, x = np.nonzero(far)
    away = np.hypot(x - 100, y - 100)
    assert away.min() >= 4 + 12 - 1 and away.max() <= 4 + 24 + 0.1


@pytest.mark.parametrize(
    ("picture", "reason"),
    [(night(radius=40), "a small saturated region"), (night()[:20, :20], "a small saturated region"),
     (np.full((60, 60, 3), 255, np.uint8), "a small saturated region"), (night(size=10, radius=0), "a small")],
)  # fmt: skip
def test_without_a_lamp_there_is_no_halo_but_a_sentence(picture, reason):
    with pytest.raises(BenchError, match=reason):
        halo(picture, picture)


def test_it_is_a_metric_that_looks_at_the_input():
    metric = get_metric("halo")
    assert (metric.lower_is_better, metric.needs_reference, metric.needs_input) == (True, False, True)
    assert metric.load()(to_tensor(night(21)), to_tensor(night())) == pytest.approx(1, abs=0.02)
