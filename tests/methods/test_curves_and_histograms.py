"""Curves, histograms and fusions: each against the formula or the library it names."""

import cv2
import numpy as np
import pytest
from skimage.exposure import adjust_log, adjust_sigmoid, rescale_intensity

from bench.camera_response import expose
from bench.colour import luma, value, with_luma, with_value
from bench.images import to_pixels, to_tensor
from methods import METHODS
from methods import agcwd as agcwd_module
from methods import bpdhe as bpdhe_module
from methods import exposure_fusion as fusion_module
from methods import histogram_equalization_64 as bins_module
from methods import mf as mf_module
from methods import npe as npe_module

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 120, (64, 90, 3), dtype=np.uint8)
PICTURE = PIXELS / 255.0
OCTAVE_HISTEQ = [[1 / 8, 3 / 8, 3 / 8, 4 / 8], [7 / 8, 7 / 8, 7 / 8, 1]]


def result(name, pixels=PIXELS, **options):
    return METHODS[name](**options)(to_tensor(pixels))[0].permute(1, 2, 0).numpy()


def test_the_logarithm_is_that_of_scikit_image():
    assert np.abs(result("logarithm") - adjust_log(PICTURE)).max() < 1e-6
    assert np.abs(result("logarithm", gain=1.2) - np.clip(adjust_log(PICTURE, 1.2), 0, 1)).max() < 1e-6


@pytest.mark.parametrize(("cutoff", "gain"), [(0.25, 10), (0.5, 4)])
def test_the_sigmoid_is_that_of_scikit_image(cutoff, gain):
    expected = adjust_sigmoid(PICTURE, cutoff=cutoff, gain=gain)
    assert np.abs(result("sigmoid", cutoff=cutoff, gain=gain) - expected).max() < 1e-6
    assert np.array_equal(result("sigmoid"), result("sigmoid", cutoff=0.25, gain=10))


def test_automatic_levels_stretch_between_the_thousandths():
    for channel in range(3):
        ends = tuple(np.quantile(PICTURE[..., channel], (0.001, 0.999)))
        expected = rescale_intensity(PICTURE[..., channel], in_range=ends, out_range=(0, 1))
        assert np.abs(result("autolevels")[..., channel] - expected).max() < 1e-5


def test_agcwd_gives_each_level_a_gamma_of_its_own():
    levels = np.array([[0, 51, 51, 51], [51, 102, 102, 255]], np.uint8)  # counts 1, 4, 2, 1
    weighted = np.array([1, 4, 2, 1]) / 8
    weighted = 0.5 * (weighted / 0.5) ** 0.5  # Eq. 5 with a smallest share of 0
    gamma = 1 - np.cumsum(weighted) / weighted.sum()
    curve = agcwd_module.curve(levels, 0.5)
    assert curve[[51, 102, 255]] == pytest.approx([0.2 ** gamma[1], 0.4 ** gamma[2], 1.0])
    assert (np.diff(curve) >= 0).all()


def test_agcwd_of_a_flat_histogram_counts_all_levels_alike():
    ramp = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(agcwd_module.curve(ramp, 0.5), (ramp / 255) ** (1 - (ramp + 1) / 256), atol=1e-12)


def test_agcwd_keeps_hue_and_saturation():
    relit = result("agcwd").astype(float)
    bright = PIXELS.max(axis=2) > 20
    before, after = (p / p.max(axis=2, keepdims=True) for p in (PICTURE[bright][:, None], relit[bright][:, None]))
    assert np.abs(before - after).max() < 1e-4


def test_bpdhe_keeps_the_mean_brightness_and_the_chroma():
    relit = result("bpdhe").astype(float)
    assert luma(relit).mean() == pytest.approx(luma(PICTURE).mean(), rel=0.02)  # clipping at black adds a little
    inside = (relit > 0).all(axis=2) & (relit < 1).all(axis=2)
    assert inside.mean() > 0.5
    chroma = [p[..., 0] - p[..., 2] for p in (PICTURE, relit)]
    assert np.abs(chroma[0] - chroma[1])[inside].max() < 1e-5


def test_bpdhe_cuts_the_histogram_at_its_maxima():
    histogram = bpdhe_module.smoothed(np.exp(-0.5 * ((np.arange(256)[:, None] - [60, 180]) / 12) ** 2).sum(axis=1))
    assert bpdhe_module.maxima(histogram) == [60, 180]
    assert bpdhe_module.maxima(np.arange(256.0)) == []


def test_bpdhes_curve_rises_from_0_to_255():
    levels = np.concatenate([RNG.normal(60, 12, 4000), RNG.normal(150, 20, 4000)]).clip(0, 255).astype(np.uint8)
    curve = bpdhe_module.mapping(levels[None])
    present = np.unique(levels)
    assert (np.diff(curve[present]) >= 0).all()
    assert curve[present[-1]] == pytest.approx(255)


def test_64_bins_equal_octaves_histeq():
    """GNU Octave 7.3, image package 2.14: histeq(uint8([10 20 20 40; 60 61 62 200]))."""
    plane = np.array([[10, 20, 20, 40], [60, 61, 62, 200]]) / 255
    assert bins_module.equalize(plane) == pytest.approx(np.array(OCTAVE_HISTEQ), abs=1e-9)


def test_equalized_value_keeps_the_colours_and_equalized_luma_is_opencvs():
    relit = result("histogram_equalization_value")
    expected = cv2.equalizeHist(PIXELS.max(axis=2)) / 255
    assert np.abs(relit.max(axis=2) - expected).max() < 1e-6
    planes = cv2.cvtColor(PIXELS, cv2.COLOR_RGB2YCrCb)
    planes[..., 0] = cv2.equalizeHist(planes[..., 0].copy())
    assert np.array_equal(
        to_pixels(METHODS["histogram_equalization_luma"]()(to_tensor(PIXELS))),
        cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB),
    )


def test_msrcp_keeps_the_chromaticity_and_never_clips():
    relit = result("msrcp").astype(float)
    assert relit.max() <= 1
    share = [p / np.maximum(p.sum(axis=2, keepdims=True), 1e-9) for p in (PICTURE, relit)]
    lit = (relit.sum(axis=2) > 0.02) & (PICTURE.sum(axis=2) > 0.02)
    assert np.abs(share[0] - share[1])[lit].max() < 1e-4


def test_exposures_follow_the_camera_model():
    assert expose(PICTURE, 1.0) == pytest.approx(PICTURE)
    k = 3.0
    gamma, beta = k**-0.3293, np.exp(1.1258 * (1 - k**-0.3293))
    assert expose(PICTURE, k) == pytest.approx(beta * PICTURE**gamma)


def test_exposure_fusion_is_opencvs_merge_of_four_exposures():
    picture = to_tensor(PIXELS)[0].permute(1, 2, 0).double().numpy()
    shots = [(np.clip(expose(picture, ratio), 0, 1) * 255).astype(np.float32) for ratio in (1, 2, 4, 8)]
    expected = np.clip(cv2.createMergeMertens().process(shots), 0, 1)
    assert np.abs(result("exposure_fusion") - expected).max() < 1e-5
    assert fusion_module.fuse([PICTURE, PICTURE]) == pytest.approx(PICTURE, abs=1e-5)


def test_mf_fuses_equal_versions_into_themselves_and_follows_the_weights():
    plane = RNG.random((50, 71))
    ones = np.ones_like(plane)
    assert mf_module.fuse([plane, plane], [ones, 3 * ones]) == pytest.approx(plane, abs=1e-9)
    assert mf_module.fuse([plane, 1 - plane], [ones, 1e-12 * ones]) == pytest.approx(plane, abs=1e-6)


def test_mfs_illumination_covers_the_picture():
    light = mf_module.illumination(PICTURE.astype(np.float32))
    assert (light >= value(PICTURE) - 1e-6).all()
    middle = float(light.mean())
    assert mf_module.versions(light)[1] == pytest.approx(2 / np.pi * np.arctan((10 + (1 - middle) / middle) * light))


def naive_bright_pass(levels):
    """Eq. 5 pixel by pixel."""
    frequency = npe_module.neighbour_frequency(levels)
    padded = np.pad(levels, npe_module.REACH, mode="symmetric")
    light = np.zeros(levels.shape)
    for i in range(levels.shape[0]):
        for j in range(levels.shape[1]):
            window = padded[i : i + 15, j : j + 15].ravel()
            brighter = window[window >= levels[i, j]]
            shares = frequency[levels[i, j], brighter] + 1e-12
            light[i, j] = (shares * brighter).sum() / shares.sum()
    return light


def test_npes_bright_pass_filter_weighs_brighter_neighbours():
    levels = (RNG.random((24, 31)) * 40 + 60 * (np.arange(31) > 15)).astype(np.uint8)
    light = npe_module.bright_pass(levels)
    assert light == pytest.approx(naive_bright_pass(levels), rel=1e-4)
    assert (light >= levels - 1e-3).all()


def test_npes_frequencies_count_neighbours():
    frequency = npe_module.neighbour_frequency(np.array([[10, 10, 200]], np.uint8))
    assert frequency[200, 10] == pytest.approx(1 / 5)  # its one neighbour, pooled over five levels
    assert frequency[10, 10] == pytest.approx(2 / 3 / 5)
    assert frequency[200, 20] == 0


def test_npes_curve_rises_and_brightens_the_dark():
    light = RNG.gamma(2, 15, (60, 70)).clip(0, 255)
    mapped = npe_module.bi_log(light)
    order = light.ravel().argsort()
    assert (np.diff(mapped.ravel()[order]) >= -1e-9).all()
    assert mapped.mean() > light.mean()


def test_swapping_brightness_keeps_the_rest():
    assert with_luma(PICTURE, luma(PICTURE)) == pytest.approx(PICTURE)
    assert with_value(PICTURE, value(PICTURE)) == pytest.approx(PICTURE)
    assert luma(with_luma(PICTURE, luma(PICTURE) + 0.1)) == pytest.approx(luma(PICTURE) + 0.1)
    black = np.zeros((2, 2, 3))
    assert (with_value(black, np.full((2, 2), 0.4)) == 0.4).all()
