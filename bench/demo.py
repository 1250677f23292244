"""The `demo` dataset: photographs that lie inside installed packages, darkened; nothing is downloaded.

The low-light side for training, the normal-light side and the test pictures are different photographs.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.darken import darken
from bench.images import read_rgb, write_rgb

Pixels = NDArray[np.uint8]
EXPOSURES = (0.04, 0.1, 0.25)
LOW = ("chelsea", "china", "rocket")
NORMAL = ("motorcycle_left", "motorcycle_right", "flower", "grace_hopper")
TEST = ("astronaut", "coffee")


def _skimage(name: str) -> Pixels:
    from skimage import data

    if name.startswith("motorcycle"):
        return np.asarray(data.stereo_motorcycle()[int(name == "motorcycle_right")])
    return np.asarray(getattr(data, name)())


def _sklearn(name: str) -> Pixels:
    from sklearn.datasets import load_sample_image

    return np.asarray(load_sample_image(f"{name}.jpg"))


def _matplotlib(name: str) -> Pixels:
    from matplotlib import get_data_path

    return read_rgb(Path(get_data_path()) / "sample_data" / f"{name}.jpg")


SOURCES: dict[str, Callable[[str], Pixels]] = {
    **dict.fromkeys(("astronaut", "chelsea", "coffee", "motorcycle_left", "motorcycle_right", "rocket"), _skimage),
    **dict.fromkeys(("china", "flower"), _sklearn),
    "grace_hopper": _matplotlib,
}


def write_demo(folder: Path) -> None:
    """Write low/, normal/, test/low/ and test/reference/ below `folder` unless they are there. Deterministic."""
    if (folder / "complete").exists():
        return
    for name in NORMAL:
        write_rgb(SOURCES[name](name), folder / "normal" / f"{name}.png")
    for names, low in ((LOW, folder / "low"), (TEST, folder / "test" / "low")):
        for seed, name in enumerate(names):
            bright = SOURCES[name](name)
            for exposure in EXPOSURES:
                file = f"{name}_{round(exposure * 100):02d}.png"
                write_rgb(darken(bright, exposure=exposure, rng=np.random.default_rng(seed)), low / file)
                if names is TEST:
                    write_rgb(bright, folder / "test" / "reference" / file)
    (folder / "complete").touch()
