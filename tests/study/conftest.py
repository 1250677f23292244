import numpy as np
import pytest

from bench.images import write_rgb
from study.design import Plan
from study.prepare import make_study, match
from study.store import Store


@pytest.fixture
def results_of(tmp_path):
    """Writes pictures `tmp_path`/METHOD/NAME.png, each of its own colour, and gives {method: folder}."""

    def write(methods=("alpha", "beta", "gamma"), names=("one", "two"), size=(48, 32)):
        random = np.random.default_rng(0)
        for method in methods:
            for name in names:
                pixels = np.full((size[1], size[0], 3), random.integers(60, 220, 3), dtype=np.uint8)
                write_rgb(pixels, tmp_path / "results" / method / f"{name}.png")
        return {method: tmp_path / "results" / method for method in methods}

    return write


@pytest.fixture
def study(tmp_path, results_of):
    """Makes a study below `tmp_path`/runs/studies and gives its folder."""

    def make(name="tiny", *, methods=("alpha", "beta", "gamma"), names=("one", "two"), seed=0, repeats=0.0, catches=0,
             low=False):  # fmt: skip
        folders = results_of(methods, names)
        inputs = None
        if low:
            (dark,) = results_of(("dark",), names).values()
            inputs = {n: (f"{n}.png", dark / f"{n}.png") for n in names}
        scenes, _ = match(folders, inputs)
        folder = tmp_path / "runs/studies" / name
        plan = Plan(len(methods), len(names), seed, repeats, catches)
        make_study(folder, scenes, plan, methods=list(methods), dataset="dark" if low else "")
        return folder

    return make


@pytest.fixture
def opened(study):
    """Like `study`, but gives the open store."""
    stores = []

    def make(*words, **options):
        stores.append(Store(study(*words, **options)))
        return stores[-1]

    yield make
    for store in stores:
        store.close()
