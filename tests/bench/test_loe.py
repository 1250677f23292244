import numpy as np
import pytest

from bench.images import read_rgb
from bench.loe import lightness_order_error

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (70, 130, 3), dtype=np.uint8)
PUBLISHED = {
    ("lime/2.bmp", "lime_2"): {"bimef": 251.011, "crm": 642.229, "dong": 1062.08, "msrcr": 1742.62},
    ("dicm/05.jpg", "dicm_05"): {"bimef": 227.461, "crm": 451.814, "dong": 460.414, "msrcr": 1197.4},
}


def by_definition(result, source):
    samples = []
    for picture in (source, result):
        lightness = picture.max(axis=2)
        rows, columns = (np.floor(np.linspace(1, n, 100) + 0.5).astype(int) - 1 for n in lightness.shape)
        samples.append(lightness[np.ix_(rows, columns)].ravel())
    first, second = samples
    return np.mean([np.sum((first >= first[i]) ^ (second >= second[i])) for i in range(len(first))])


def test_it_is_the_mean_count_of_reversed_orders():
    other = RNG.integers(0, 256, PICTURE.shape, dtype=np.uint8)
    assert lightness_order_error(other, PICTURE) == pytest.approx(by_definition(other, PICTURE), rel=1e-12)


def test_a_curve_that_keeps_order_has_no_error_and_a_negative_much():
    assert lightness_order_error(PICTURE, PICTURE) == 0
    darker = PICTURE // 2 * 2  # merges levels
    assert 0 < lightness_order_error(darker, PICTURE) < 200
    assert lightness_order_error(255 - PICTURE.max(axis=2, keepdims=True).repeat(3, 2), PICTURE) > 9000


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (120, 99)], ids=str)
def test_any_size(size):
    picture = RNG.integers(0, 256, (*size, 3), dtype=np.uint8)
    assert lightness_order_error(picture, picture) == 0


@pytest.mark.parametrize(("image", "oracle"), PUBLISHED)
def test_it_equals_the_published_code(shared, image, oracle):
    """On the outputs of four published methods; they are stored as float16, which alone moves it by up to 0.5 %."""
    outputs = np.load(shared / f"oracles/classical/{oracle}.npz")
    source = read_rgb(shared / "data" / image)
    for name, expected in PUBLISHED[image, oracle].items():
        result = np.floor(np.clip(outputs[name].astype(float), 0, 1) * 255 + 0.5).astype(np.uint8)
        assert lightness_order_error(result, source) == pytest.approx(expected, rel=0.01)
