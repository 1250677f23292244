"""The methods that minimise something: that they do, and that their parts are what the papers say."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from bench.colour import value
from bench.errors import BenchError
from bench.lime import exact, sped_up, texture_weights
from bench.smoothing import differences
from methods import METHODS
from methods import dual as dual_module
from methods import jed as jed_module
from methods import lime as lime_module
from methods import srie as srie_module

Y, X = np.mgrid[0:60, 0:90] / 60
SCENE = np.clip(np.stack([0.2 + 0.15 * (X > 0.7), 0.15 + 0.1 * np.sin(4 * Y), 0.1 + 0.1 * X * Y], axis=2), 0, 1)
SCENE = np.clip(SCENE + np.random.default_rng(0).normal(0, 0.01, SCENE.shape), 0, 1)
LIGHT = value(SCENE)


def transposed(across, down):
    """Dx' a + Dy' d, the adjoint of the forward differences with reflecting borders."""
    total = np.zeros_like(across)
    total[:, :-1] -= across[:, :-1]
    total[:, 1:] += across[:, :-1]
    total[:-1] -= down[:-1]
    total[1:] += down[:-1]
    return total


def test_limes_map_solves_its_linear_system():
    """Eq. 19: (I + sum_d D' diag(alpha W / (|d t| + eps)) D) x = t."""
    x = sped_up(LIGHT, alpha=0.15, sigma=2.0)
    weights = texture_weights(LIGHT, 2.0)
    pulls = [
        0.15 * w / (np.abs(dt) + 1e-3) * dx
        for w, dt, dx in zip(weights, differences(LIGHT), differences(x), strict=True)
    ]
    assert np.linalg.norm(x + transposed(*pulls) - LIGHT) <= 1.01e-3 * np.linalg.norm(LIGHT)


def test_limes_weights_are_small_at_edges_and_large_in_texture():
    step = np.zeros((30, 40))
    step[:, 20:] = 0.5
    step += np.random.default_rng(1).normal(0, 0.01, step.shape)  # texture without a direction
    across, _ = texture_weights(step, 2.0)
    assert np.median(across[:, 19]) < 0.1 * np.median(across)


def test_limes_exact_solver_finds_the_minimum_of_its_objective():
    """Eq. 15. No other map scores better: not the input, not the sped-up one, not a perturbed or scaled one."""
    weights = texture_weights(LIGHT, 2.0, periodic=True)

    def objective(x):
        texture = sum((w * np.abs(d)).sum() for w, d in zip(weights, differences(x, periodic=True), strict=True))
        return ((x - LIGHT) ** 2).sum() + 0.15 * texture

    x = exact(LIGHT, alpha=0.15, sigma=2.0)
    best = objective(x)
    rng = np.random.default_rng(2)
    others = [LIGHT, sped_up(LIGHT, alpha=0.15, sigma=2.0), 1.01 * x, x + 0.001]
    others += [x + rng.normal(0, size, x.shape) for size in (1e-4, 1e-3, 1e-2)]
    assert all(objective(other) > best * (1 - 1e-3) for other in others)
    assert best < 0.5 * objective(LIGHT)


def test_lime_divides_by_its_map_to_the_power_of_gamma():
    expected = SCENE / (sped_up(LIGHT, alpha=0.15, sigma=2.0) ** 0.8)[..., None]
    assert lime_module.enhance(SCENE, solver="sped-up") == pytest.approx(expected, rel=1e-6)
    both = [lime_module.enhance(SCENE, solver=name) for name in lime_module.SOLVERS]
    assert np.abs(both[0] - both[1]).max() > 0.01  # the two solvers are not one


@pytest.fixture
def one_opencv_thread():
    """Several threads add the weights up in an order that changes from call to call."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


def test_dual_fuses_the_picture_with_both_corrections(one_opencv_thread):
    dark, bright = dual_module.relit(SCENE), 1 - dual_module.relit(1 - SCENE)
    assert dark.mean() > SCENE.mean() > bright.mean()
    pictures = [np.ascontiguousarray(p * 255, np.float32) for p in (SCENE, dark, bright)]
    assert np.array_equal(dual_module.correct(SCENE), cv2.createMergeMertens().process(pictures).astype(float))


def test_sries_objective_falls_and_its_parts_stay_in_bounds():
    s = np.log(LIGHT * 255 + 1)
    iterates = list(srie_module.iterations(s))
    values = [srie_module.objective(s, r, light) for r, light in iterates[1:]]  # the first guess has no reflectance yet
    assert all(after < before for before, after in pairwise(values))
    assert values[-1] < 0.1 * values[0]
    r, light = srie_module.decompose(s)
    assert (r <= 0).all()
    assert (light >= s).all()
    assert np.abs(r + light - s).mean() < 0.05


def test_jeds_illumination_lowers_its_objective_with_every_iteration():
    values = [jed_module.illumination_objective(LIGHT, jed_module.illumination(LIGHT, n)) for n in range(6)]
    assert all(after <= before * (1 + 1e-4) for before, after in pairwise(values))
    assert values[-1] < 0.95 * values[0]


def test_jeds_reflectance_solves_its_linear_system():
    """The gradient of Eq. 6 vanishes: R - S / L + D' (beta W^2 D R + omega (D R - G)) = 0."""
    light = np.clip(jed_module.illumination(LIGHT), 1e-3, 1)
    r = jed_module.reflectance(LIGHT, light)
    noise = [
        1 / (np.abs(a) * np.abs(b) + jed_module.FLOOR)
        for a, b in zip(differences(LIGHT), differences(light), strict=True)
    ]
    pulls = [
        jed_module.BETA * (w / w.max()) ** 2 * dr + jed_module.OMEGA * (dr - g)
        for w, dr, g in zip(noise, differences(r), jed_module.wanted_gradients(LIGHT), strict=True)
    ]
    assert np.linalg.norm(r - LIGHT / light + transposed(*pulls)) < 2e-4 * np.linalg.norm(LIGHT / light)


def test_jeds_reflectance_drops_noise_and_amplifies_edges():
    noise = 0.15 + np.random.default_rng(3).normal(0, 0.01, (60, 80))
    assert jed_module.reflectance(noise, np.full((60, 80), 0.15)).std() < 0.95 * (noise / 0.15).std()
    edge = np.where(np.arange(80) < 40, 0.15, 0.25)[None].repeat(60, axis=0)
    light = np.full((60, 80), 0.25)
    step = np.diff(jed_module.reflectance(edge, light)[30])[39]
    assert step > 0.1 / 0.25 * 0.95
    wanted = jed_module.wanted_gradients(edge)[0][30, 39]
    assert wanted == pytest.approx(0.1 * (1 + 6 * np.exp(-0.1 * 255 / 10)))
    assert (jed_module.wanted_gradients(np.full((5, 5), 0.2) + 0.01 * np.eye(5))[0] == 0).all()


def test_an_unknown_solver_is_refused():
    with pytest.raises(BenchError, match=r"no solver named 'magic': there are: exact, sped-up"):
        METHODS["lime"](solver="magic")
