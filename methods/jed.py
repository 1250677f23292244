"""JED: joint enhancement and denoising by sequential decomposition (Ren, Li, Cheng and Liu, ISCAS 2018).

First a piecewise smooth illumination, then a reflectance whose gradients follow those of the picture: amplified where
they are faint, dropped where they are noise, smoothed where picture and illumination are flat. Values on V, in [0, 1].
"""

import numpy as np
from torch import nn

from bench.colour import value, with_value
from bench.enhancer import Card, PerPicture, Picture
from bench.smoothing import Plane, differences, smooth
from methods import METHODS

CARD = Card(
    title="JED",
    year=2018,
    family="classical",
    paper="Ren et al., Joint enhancement and denoising method via sequential decomposition, ISCAS 2018",
    trust="from the paper: alpha 0.001, beta 0.007, omega 0.016, lambda 6, sigma 10, gamma 2.2; reweighted",
)
ALPHA, BETA, OMEGA, LAMBDA, GAMMA = 0.001, 0.007, 0.016, 6.0, 2.2
NOISE, SIGMA = 10 / 255, 10 / 255
"""Gradients below the first are noise, the second is how fast the amplification falls with the gradient."""
FLOOR, ITERATIONS = 1e-3, 10  # of the reweighting of the illumination's L1 term


def illumination_objective(target: Plane, light: Plane) -> float:
    """|light - target|^2 + alpha |grad light|_1, Eq. 4."""
    return float(((light - target) ** 2).sum()) + ALPHA * sum(float(np.abs(s).sum()) for s in differences(light))


def illumination(target: Plane, iterations: int = ITERATIONS) -> Plane:
    """The piecewise smooth minimiser of `illumination_objective`, (H, W)."""
    light = target
    for _ in range(iterations):
        across, down = (ALPHA / np.maximum(2 * np.abs(step), FLOOR) for step in differences(light))
        light = smooth(target, across, down, start=light)
    return light


def wanted_gradients(picture: Plane) -> tuple[Plane, Plane]:
    """G of Eq. 7: the picture's gradients, faint ones amplified up to 1 + lambda times, noise dropped."""
    kept = [np.where(np.abs(step) < NOISE, 0, step) for step in differences(picture)]
    across, down = ((1 + LAMBDA * np.exp(-np.abs(step) / SIGMA)) * step for step in kept)
    return across, down


def reflectance(picture: Plane, light: Plane) -> Plane:
    """Minimiser of |R - S / L|^2 + beta |W grad R|^2 + omega |grad R - G|^2, Eq. 6: one linear system, (H, W)."""
    wanted = wanted_gradients(picture)
    noise = [
        1 / (np.abs(mine) * np.abs(its) + FLOOR)
        for mine, its in zip(differences(picture), differences(light), strict=True)
    ]
    across, down = (BETA * (w / max(float(w.max()), FLOOR)) ** 2 + OMEGA for w in noise)
    pulled = [OMEGA * g for g in wanted]
    divergence = np.zeros_like(picture)
    divergence[:, :-1] -= pulled[0][:, :-1]
    divergence[:, 1:] += pulled[0][:, :-1]
    divergence[:-1] -= pulled[1][:-1]
    divergence[1:] += pulled[1][:-1]
    return smooth(picture / light + divergence, across, down)


def enhance(picture: Picture) -> Plane:
    """(H, W, 3) in [0, 1]."""
    brightest = value(picture)
    light = np.clip(illumination(brightest), FLOOR, 1)
    return with_value(picture, np.clip(reflectance(brightest, light), 0, None) * light ** (1 / GAMMA))


@METHODS.register("jed", CARD)
def jed() -> nn.Module:
    """Constants as in the paper and in the authors' script."""
    return PerPicture(enhance)
