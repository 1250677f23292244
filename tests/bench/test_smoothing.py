import numpy as np
import pytest
from scipy.sparse import diags
from scipy.sparse.linalg import spsolve

from bench.smoothing import differences, smooth


def operator(mass, across, down):
    """The same system written as a dense matrix, edge by edge."""
    height, width = mass.shape
    matrix, place = np.diag(mass.ravel()), np.arange(mass.size).reshape(mass.shape)
    for i in range(height):
        for j in range(width):
            for other, weight in (
                (place[i, (j + 1) % width], across[i, j]),
                (place[(i + 1) % height, j], down[i, j]),
            ):
                me = place[i, j]
                matrix[me, me] += weight
                matrix[other, other] += weight
                matrix[me, other] -= weight
                matrix[other, me] -= weight
    return matrix


def inside(across, down):
    across[:, -1], down[-1] = 0, 0
    return across, down


def system(size, *, seed=0, decades=(-3, 4)):
    rng = np.random.default_rng(seed)
    across, down = 10 ** rng.uniform(*decades, (2, *size))
    return rng.random(size), across, down, rng.uniform(0.5, 2, size)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (3, 5), (16, 9), (17, 21), (24, 24)], ids=str)
def test_the_solution_is_that_of_the_dense_system(size, periodic):
    target, across, down, mass = system(size)
    solution = smooth(target, across, down, mass=mass, periodic=periodic)
    joined = (across, down) if periodic else inside(across.copy(), down.copy())
    expected = np.linalg.solve(operator(mass, *joined), (mass * target).ravel()).reshape(size)
    assert np.abs(solution - expected).max() < 1e-4


def test_a_tighter_tolerance_comes_closer():
    target, across, down, mass = system((24, 24))
    across, down = inside(across, down)
    expected = np.linalg.solve(operator(mass, across, down), (mass * target).ravel()).reshape(24, 24)
    loose, tight = (np.abs(smooth(target, across, down, mass=mass, tolerance=t) - expected).max() for t in (1e-2, 1e-9))
    assert tight < 1e-8 < loose


def test_photograph_sized_systems_with_weights_over_seven_decades_agree_with_a_direct_solver():
    size = (150, 210)
    target, across, down, _ = system(size, decades=(-2, 5))
    across, down = inside(across, down)
    side, below = across.ravel()[:-1], down.ravel()[: -size[1]]
    diagonal = 1 + across + down
    diagonal[:, 1:] += across[:, :-1]
    diagonal[1:] += down[:-1]
    matrix = diags([diagonal.ravel(), -side, -side, -below, -below], [0, 1, -1, size[1], -size[1]], format="csc")
    assert np.abs(smooth(target, across, down).ravel() - spsolve(matrix, target.ravel())).max() < 1e-3


def test_the_exact_solution_as_a_start_is_kept():
    target, across, down, mass = system((16, 12))
    solution = smooth(target, across, down, mass=mass, tolerance=1e-10)
    assert np.array_equal(smooth(target, across, down, mass=mass, start=solution), solution)


def test_no_weights_leave_the_target_and_a_constant_stays():
    target = np.random.default_rng(1).random((13, 8))
    nothing = np.zeros((13, 8))
    assert smooth(target, nothing, nothing) == pytest.approx(target, abs=1e-6)
    across, down = system((13, 8))[1:3]
    assert smooth(np.full((13, 8), 0.3), across, down) == pytest.approx(np.full((13, 8), 0.3), abs=1e-9)


def test_huge_weights_give_the_mean():
    target = np.random.default_rng(2).random((9, 11))
    stiff = np.full((9, 11), 1e6)
    assert smooth(target, stiff, stiff, tolerance=1e-9) == pytest.approx(np.full((9, 11), target.mean()), abs=1e-5)


def test_differences_end_at_the_border_or_wrap():
    plane = np.array([[1.0, 4.0], [9.0, 16.0]])
    across, down = differences(plane)
    assert across.tolist() == [[3, 0], [7, 0]]
    assert down.tolist() == [[8, 12], [0, 0]]
    across, down = differences(plane, periodic=True)
    assert across.tolist() == [[3, -3], [7, -7]]
    assert down.tolist() == [[8, 12], [-8, -12]]
