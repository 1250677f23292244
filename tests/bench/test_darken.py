import numpy as np
import pytest

from bench.darken import Camera, darken, to_linear, to_srgb
from bench.errors import BenchError

FINE = Camera(full_well=1e7, read_noise=0.0, bits=16)
"""A camera that hardly adds noise."""


def patch(value, size=200):
    return np.full((size, size, 3), value, np.uint8)


def test_srgb_and_linear_undo_each_other():
    values = np.linspace(0, 1, 1001)
    assert np.abs(to_srgb(to_linear(values)) - values).max() < 1e-6
    assert np.abs(to_linear(to_srgb(values)) - values).max() < 1e-6


@pytest.mark.parametrize(("encoded", "linear"), [(0.0, 0.0), (0.02, 0.02 / 12.92), (0.5, 0.21404114), (1.0, 1.0)])
def test_the_curve_is_that_of_the_standard(encoded, linear):
    assert to_linear(np.array(encoded)) == pytest.approx(linear, abs=1e-8)


def test_encoding_clips_what_lies_outside():
    assert to_srgb(np.array([-0.5, 1.5])).tolist() == [0.0, pytest.approx(1.0)]


def test_full_exposure_without_noise_changes_nothing():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    result = darken(pixels, exposure=1.0, camera=FINE, rng=np.random.default_rng(1))
    assert result.dtype == np.uint8
    assert np.abs(result.astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("exposure", [0.5, 0.2, 0.05])
def test_linear_light_scales_with_the_exposure(exposure):
    camera = Camera(full_well=50_000, read_noise=0.0, bits=16)
    result = darken(patch(200), exposure=exposure, camera=camera, rng=np.random.default_rng(2))
    expected = to_linear(np.array(200 / 255)) * exposure
    assert to_linear(result / 255).mean() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("full_well", "read_noise"), [(500, 0.0), (500, 10.0), (2000, 20.0)])
def test_noise_is_that_of_photons_and_amplifier(full_well, read_noise):
    camera = Camera(full_well=full_well, read_noise=read_noise, bits=16)
    result = darken(patch(255, 300), exposure=0.3, camera=camera, rng=np.random.default_rng(3))
    variance = (to_linear(result / 255) * full_well).var()
    assert variance == pytest.approx(0.3 * full_well + read_noise**2, rel=0.03)


def test_a_coarse_converter_leaves_few_levels():
    camera = Camera(full_well=1e6, read_noise=0.0, bits=2)
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    result = darken(ramp, exposure=1.0, camera=camera, rng=np.random.default_rng(0))
    assert np.unique(result).tolist() == [round(float(to_srgb(np.array(k / 3))) * 255) for k in range(4)]


def test_black_stays_black_without_read_noise():
    assert darken(patch(0), exposure=0.5, camera=FINE, rng=np.random.default_rng(0)).max() == 0


def test_a_seed_decides_the_noise_and_the_input_is_left_alone():
    pixels = patch(120)
    first, again, other = (darken(pixels, exposure=0.2, rng=np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(pixels, patch(120))


@pytest.mark.parametrize("exposure", [0.0, -0.1, 1.01, float("nan")])
def test_an_exposure_outside_its_range_is_an_error(exposure):
    with pytest.raises(BenchError, match="exposure lies above 0 and is at most 1"):
        darken(patch(9), exposure=exposure, rng=np.random.default_rng(0))


@pytest.mark.parametrize("wrong", [{"full_well": 0}, {"read_noise": -1}, {"bits": 0}, {"bits": 17}])
def test_an_impossible_camera_is_an_error(wrong):
    with pytest.raises(BenchError, match="full well above 0"):
        Camera(**wrong)
