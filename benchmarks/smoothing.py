"""The edge-aware smoothing of LIME: our multigrid conjugate gradients beside what SciPy offers, in the same run.

python benchmarks/smoothing.py [--size 600x400]... [--skip-direct]

Prints JSON: for each size seconds, and the largest deviation from the direct solution where that was computed (sparse
LU with a symmetric ordering; minutes and gigabytes above a megapixel: --skip-direct). One thread. Jacobi's
preconditioner is stopped after 500 iterations.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import cg, splu
from skimage import data

from bench.environment import provenance
from bench.lime import EPSILON, texture_weights
from bench.smoothing import Plane, differences, smooth


def system(size: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    """LIME's system for a photograph of scikit-image at a quarter of its light; `size` is width x height."""
    light = cv2.resize(data.astronaut(), size, interpolation=cv2.INTER_CUBIC).max(axis=2) // 4 / 255
    pairs = zip(texture_weights(light, 2.0), differences(light), strict=True)
    across, down = (0.15 * weight / (np.abs(step) + EPSILON) for weight, step in pairs)
    across[:, -1], down[-1] = 0, 0  # the sparse matrix has no joined sides
    return light, across, down


def matrix(across: Plane, down: Plane) -> csr_matrix:
    """The same system as a sparse matrix."""
    diagonal = 1 + across + np.roll(across, 1, axis=1) + down + np.roll(down, 1, axis=0)
    side, below, width = across.ravel()[:-1], down.ravel()[: -across.shape[1]], across.shape[1]
    return diags([diagonal.ravel(), -side, -side, -below, -below], [0, 1, -1, width, -width], format="csr")


def direct(operator: csr_matrix, target: Plane) -> Plane:
    """Sparse LU, told that the matrix is symmetric."""
    factors = splu(operator.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})
    return np.asarray(factors.solve(target.ravel()).reshape(target.shape))


def jacobi(operator: csr_matrix, target: Plane) -> Plane:
    """Conjugate gradients with the diagonal as preconditioner."""
    solution, _ = cg(operator, target.ravel(), rtol=1e-4, maxiter=500, M=diags(1 / operator.diagonal()))
    return np.asarray(solution.reshape(target.shape))


def timed(solve: Callable[[], Plane]) -> tuple[Plane, float]:
    """The solution and its seconds."""
    started = time.perf_counter()
    solution = solve()
    return solution, time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", action="append", help="width x height; 600x400 unless given")
    parser.add_argument("--skip-direct", action="store_true")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for text in arguments.size or ["600x400"]:
        width, height = (int(side) for side in text.split("x"))
        target, across, down = system((width, height))
        operator = matrix(across, down)
        solvers: dict[str, Callable[[], Plane]] = {
            "multigrid": partial(smooth, target, across, down),
            "jacobi": partial(jacobi, operator, target),
        }
        if not arguments.skip_direct:
            solvers["sparse LU"] = partial(direct, operator, target)
        found = {name: timed(solve) for name, solve in solvers.items()}
        exact = found.get("sparse LU", (None, 0.0))[0]
        results[text] = {
            name: {"seconds": seconds} | ({} if exact is None else {"deviation": float(np.abs(x - exact).max())})
            for name, (x, seconds) in found.items()
        }
    print(json.dumps({"environment": provenance(), "sizes": results}, indent=2))


if __name__ == "__main__":
    main()
