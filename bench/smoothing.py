"""Edge-aware smoothing: the sparse linear system that LIME, BIMEF, CRM, SRIE and JED share.

minimise  sum mass (x - target)^2  +  sum across (x[i, j+1] - x[i, j])^2  +  sum down (x[i+1, j] - x[i, j])^2

that is (M + Dx' diag(across) Dx + Dy' diag(down) Dy) x = M target, one unknown a pixel. The weights span six orders
of magnitude, so Jacobi stalls and a direct factorisation fills up: solved by conjugate gradients, preconditioned by one
multigrid V-cycle in float32 (aggregates of 2 x 2 pixels, Galerkin coarse grids, Chebyshev-Jacobi smoothing).
`benchmarks/smoothing.py` compares with a sparse LU and with Jacobi's preconditioner in the same run.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

Plane = NDArray[np.floating[Any]]
TOLERANCE = 1e-4
"""Of the residual's norm, relative to the right side's. On photographs the solution is then within 2e-5 of the exact
one, and with ten times the tolerance within 3e-4, a tenth of an 8-bit level.
"""
LIMIT = 500  # iterations; photographs take 20 to 100
SMOOTHING = 3  # Chebyshev steps before and after each coarse correction
DAMPED = 16.0  # the smoother damps the eigenvalues from lambda_max / 16 up to lambda_max
COARSEST = 64  # unknowns that are solved directly


def differences(plane: Plane, *, periodic: bool = False) -> tuple[Plane, Plane]:
    """Forward differences (across, down) of (H, W), both (H, W); beyond the border 0, or the other side if periodic."""
    if periodic:
        return np.roll(plane, -1, axis=1) - plane, np.roll(plane, -1, axis=0) - plane
    return np.diff(plane, axis=1, append=plane[:, -1:]), np.diff(plane, axis=0, append=plane[-1:])


def smooth(
    target: Plane,
    across: Plane,
    down: Plane,
    *,
    mass: Plane | None = None,
    periodic: bool = False,
    start: Plane | None = None,
    tolerance: float = TOLERANCE,
) -> NDArray[np.float64]:
    """The minimiser x, (H, W); all arguments are (H, W), the weights at least 0, `mass` above 0 (1 unless given).

    The last column of `across` and the last row of `down` join the picture's opposite sides if `periodic`; otherwise
    the border reflects and they count for nothing. `start` is a first guess. Raises BenchError when it does not
    converge to a residual of `tolerance`.
    """
    if not periodic:
        across, down = across.copy(), down.copy()
        across[:, -1], down[-1] = 0, 0
    weights = np.ones(target.shape) if mass is None else np.asarray(mass, dtype=np.float64)
    levels = _hierarchy(weights, np.asarray(across, np.float64), np.asarray(down, np.float64))
    exact = _Level(weights, across, down, np.float64)
    right = weights * target
    x = np.array(target if start is None else start, dtype=np.float64)
    residual = right - exact.apply(x)
    enough = tolerance * float(np.linalg.norm(right))
    direction, scratch, rho = np.zeros_like(x), np.empty_like(x), 1.0
    for _ in range(LIMIT):
        if np.linalg.norm(residual) <= enough:
            return x
        better = _cycle(levels, residual.astype(np.float32)).astype(np.float64)
        previous, rho = rho, float(np.vdot(residual, better))
        direction *= rho / previous
        direction += better
        image = exact.apply(direction, scratch)
        step = rho / float(np.vdot(direction, image))
        image *= step
        residual -= image
        np.multiply(direction, step, out=scratch)
        x += scratch
    raise BenchError(f"The smoothing of {target.shape[1]} x {target.shape[0]} pixels did not converge.")


class _Level:
    """One grid: its operator in flux form, which keeps the small mass beside huge weights exact."""

    def __init__(self, mass: Plane, across: Plane, down: Plane, kind: type[np.floating[Any]]) -> None:
        across = np.zeros_like(across) if mass.shape[1] == 1 else across
        down = np.zeros_like(down) if mass.shape[0] == 1 else down
        diagonal = mass + across + np.roll(across, 1, axis=1) + down + np.roll(down, 1, axis=0)
        self.mass, self.across, self.down = (np.ascontiguousarray(a, dtype=kind) for a in (mass, across, down))
        self.inverse_diagonal = (1 / diagonal).astype(kind)
        self.wraps = (bool(np.any(across[:, -1])), bool(np.any(down[-1])))
        self.inverse: Plane | None = None
        self._flux = np.empty(mass.shape, dtype=kind)

    def apply(self, x: Plane, out: Plane | None = None) -> Plane:
        """The operator times x, (H, W)."""
        y = np.multiply(self.mass, x, out=out)
        flux = self._flux
        np.subtract(x[:, 1:], x[:, :-1], out=flux[:, :-1])
        flux[:, :-1] *= self.across[:, :-1]
        y[:, :-1] -= flux[:, :-1]
        y[:, 1:] += flux[:, :-1]
        if self.wraps[0]:
            side = self.across[:, -1] * (x[:, 0] - x[:, -1])
            y[:, -1] -= side
            y[:, 0] += side
        np.subtract(x[1:], x[:-1], out=flux[:-1])
        flux[:-1] *= self.down[:-1]
        y[:-1] -= flux[:-1]
        y[1:] += flux[:-1]
        if self.wraps[1]:
            side = self.down[-1] * (x[0] - x[-1])
            y[-1] -= side
            y[0] += side
        return y

    def relax(self, x: Plane | None, right: Plane) -> Plane:
        """`SMOOTHING` steps of Chebyshev-accelerated Jacobi towards operator x = right, from x or from zero."""
        middle, half = 1 + 1 / DAMPED, 1 - 1 / DAMPED  # of the damped interval [2 / DAMPED, 2]
        ratio = middle / half
        rho = 1 / ratio
        scaled = np.empty_like(right)
        np.multiply(right if x is None else right - self.apply(x, scaled), self.inverse_diagonal, out=scaled)
        step = scaled / right.dtype.type(middle)
        x = step.copy() if x is None else np.add(x, step, out=x)
        for _ in range(SMOOTHING - 1):
            np.subtract(right, self.apply(x, scaled), out=scaled)
            scaled *= self.inverse_diagonal
            following = 1 / (2 * ratio - rho)
            step *= right.dtype.type(following * rho)
            scaled *= right.dtype.type(2 * following / half)
            step += scaled
            x += step
            rho = following
        return x


def _hierarchy(mass: Plane, across: Plane, down: Plane) -> list[_Level]:
    levels = [_Level(mass, across, down, np.float32)]
    while mass.size > COARSEST:
        mass, across, down = _pairs(_pairs(mass).T).T, _crossing(across), _crossing(down.T).T
        levels.append(_Level(mass, across, down, np.float32))
    exact = _Level(mass, across, down, np.float64)
    columns = [exact.apply(unit.reshape(mass.shape)).ravel() for unit in np.eye(mass.size)]
    levels[-1].inverse = np.linalg.inv(np.stack(columns, axis=1)).astype(np.float32)
    return levels


def _pairs(plane: Plane) -> Plane:
    """Sums of neighbouring columns; an odd last one stays alone. (H, W) to (H, ceil(W / 2))."""
    sums = plane[:, ::2].copy()
    sums[:, : plane.shape[1] // 2] += plane[:, 1::2]
    return sums


def _crossing(across: Plane) -> Plane:
    """Coarse weights across: those of the edges that leave an aggregate of 2 x 2, summed; the last column wraps."""
    leaving = np.concatenate([across[:, 1:-1:2], across[:, -1:]], axis=1) if across.shape[1] > 1 else across
    return _pairs(leaving.T).T


def _cycle(levels: list[_Level], right: Plane) -> Plane:
    level, coarser = levels[0], levels[1:]
    if level.inverse is not None:
        return np.asarray((level.inverse @ right.ravel()).reshape(right.shape))
    x = level.relax(None, right)
    residual = np.subtract(right, level.apply(x))
    correction = _cycle(coarser, _pairs(_pairs(residual).T).T)
    height, width = right.shape
    x += np.repeat(np.repeat(correction, 2, axis=0), 2, axis=1)[:height, :width]
    return level.relax(x, right)
