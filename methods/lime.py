"""LIME: low-light image enhancement via illumination map estimation (Guo, Li and Ling, IEEE TIP 26(2), 2017).

No runnable original exists. The optimality of the linear system and of the exact solver is tested instead; a widespread
Python port solves with an asymmetric matrix and is not the truth. The BM3D step that denoises the result is left out.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.colour import value
from bench.enhancer import Card, PerPicture, Picture
from bench.errors import unknown_name
from bench.lime import exact, relight, sped_up
from methods import METHODS

CARD = Card(
    title="LIME",
    year=2017,
    family="classical",
    paper="Guo, Li and Ling, LIME: Low-light image enhancement via illumination map estimation, IEEE TIP 2017",
    trust="from the paper: sped-up solver, weights III, alpha 0.15, gamma 0.8; no denoising",
)
ALPHA, SIGMA, GAMMA = 0.15, 2.0, 0.8
SOLVERS = {"sped-up": sped_up, "exact": exact}


def enhance(picture: Picture, *, solver: str) -> NDArray[np.float64]:
    """(H, W, 3) in [0, 1]; the result may exceed 1."""
    light = SOLVERS[solver](value(picture), alpha=ALPHA, sigma=SIGMA)
    return relight(picture, light, GAMMA)


@METHODS.register("lime", CARD)
def lime(*, solver: str = "sped-up") -> nn.Module:
    """`solver`: sped-up (Eq. 19, one linear system) or exact (Algorithm 1, augmented Lagrangian)."""
    if solver not in SOLVERS:
        raise unknown_name("solver", solver, SOLVERS)
    return PerPicture(partial(enhance, solver=solver))
