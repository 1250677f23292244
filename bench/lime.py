"""The illumination map of LIME, which DUAL takes over with other constants.

Guo, Li and Ling, "LIME: Low-light image enhancement via illumination map estimation", IEEE TIP 26(2), 2017.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2
from scipy.ndimage import gaussian_filter

from bench.errors import BenchError
from bench.smoothing import differences, smooth

Floats = NDArray[np.floating[Any]]
EPSILON = 1e-3
TOLERANCE = 1e-3
"""Of the sparse system: the illumination is within 3e-4 of the exact solution."""
PENALTY, GROWTH, ENOUGH, LIMIT = 1.0, 1.25, 1e-5, 200
"""Of the exact solver: the first penalty, its factor after each iteration, the residual that ends it, and the number
of iterations after which it gives up.
"""


def texture_weights(light: Floats, sigma: float, *, periodic: bool = False) -> tuple[Floats, Floats]:
    """Strategy III (Eq. 21): small where gradients of one sign add up under a Gaussian of `sigma` pixels."""
    mode = "wrap" if periodic else "reflect"
    across, down = (
        1 / (np.abs(gaussian_filter(step, sigma, mode=mode, truncate=3)) + EPSILON)
        for step in differences(light, periodic=periodic)
    )
    return across, down


def sped_up(light: Floats, *, alpha: float, sigma: float) -> NDArray[np.float64]:
    """The minimiser of |x - light|^2 + alpha sum W (dx)^2 / (|d light| + eps), Eq. 17 to 19: one linear system."""
    weights = texture_weights(light, sigma)
    steps = differences(light)
    across, down = (alpha * w / (np.abs(step) + EPSILON) for w, step in zip(weights, steps, strict=True))
    return smooth(light, across, down, tolerance=TOLERANCE)


def relight(picture: Floats, light: Floats, gamma: float) -> NDArray[np.float64]:
    """The picture (H, W, 3) divided by its illumination (H, W) to the power of gamma; may exceed 1."""
    return np.asarray(picture / (np.clip(light, EPSILON, 1) ** gamma)[..., None])


def exact(light: Floats, *, alpha: float, sigma: float) -> NDArray[np.float64]:
    """The minimiser of |x - light|^2 + alpha |W dx|_1, Algorithm 1: augmented Lagrangian, periodic borders, by FFT."""
    weights = texture_weights(light, sigma, periodic=True)
    height, width = light.shape
    spectrum = 2 - 2 * np.cos(2 * np.pi * np.arange(height) / height)[:, None]
    spectrum = spectrum + 2 - 2 * np.cos(2 * np.pi * np.arange(width // 2 + 1) / width)
    transformed = rfft2(light)
    splits, multipliers = [np.zeros_like(light)] * 2, [np.zeros_like(light)] * 2
    penalty, bound = PENALTY, ENOUGH * max(float(np.linalg.norm(light)), 1e-12)
    for _ in range(LIMIT):
        goals = [s - m / penalty for s, m in zip(splits, multipliers, strict=True)]
        divergence = np.roll(goals[0], 1, axis=1) - goals[0] + np.roll(goals[1], 1, axis=0) - goals[1]
        x = irfft2((2 * transformed + penalty * rfft2(divergence)) / (2 + penalty * spectrum), s=light.shape)
        steps = differences(x, periodic=True)
        moved = [step + m / penalty for step, m in zip(steps, multipliers, strict=True)]
        splits = [
            np.sign(v) * np.maximum(np.abs(v) - alpha * w / penalty, 0) for v, w in zip(moved, weights, strict=True)
        ]
        gaps = [step - s for step, s in zip(steps, splits, strict=True)]
        if float(np.sqrt(sum(np.vdot(gap, gap) for gap in gaps))) <= bound:
            return np.asarray(x)
        multipliers = [m + penalty * gap for m, gap in zip(multipliers, gaps, strict=True)]
        penalty *= GROWTH
    raise BenchError(f"LIME's exact solver did not converge on {width} x {height} pixels; take the sped-up one.")
