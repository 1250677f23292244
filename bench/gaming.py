"""What moves a metric without making a better picture: blur, noise, sharpening, contrast stretch, at stated strengths.

A probe is a method like any other, put after a method (or after the input itself), so that its scores are kept and
compared like all others. A metric that calls a probe better by more than it tells two methods apart is being gamed.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from torch import nn

from bench.comparison import differences
from bench.enhancer import PerPicture, Picture
from bench.errors import BenchError
from bench.jobs import Contestant
from bench.metrics import Metric

UNTOUCHED = "untouched"
COLUMNS = ("metric", "probe", "difference", "low", "high", "images", "p_holm", "better")


def blur(picture: Picture, sigma: float) -> Picture:
    """Gaussian, `sigma` in pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def noise(picture: Picture, levels: float) -> Picture:
    """White Gaussian noise of `levels` of 0 to 255, the same on a picture of the same size."""
    return picture + np.random.default_rng(0).normal(0, levels / 255, picture.shape).astype(picture.dtype)


def sharpen(picture: Picture, amount: float) -> Picture:
    """Unsharp mask with a Gaussian of 1 pixel."""
    return picture + amount * (picture - blur(picture, 1.0))


def stretch(picture: Picture, percent: float) -> Picture:
    """All channels alike, so that `percent` of the values become black and as many white."""
    low, high = np.percentile(picture, [percent, 100 - percent])
    return np.asarray((picture - low) / max(float(high - low), 1 / 255), dtype=picture.dtype)


PROBES: Mapping[str, Callable[[Picture], Picture]] = {
    "blur 0.7 px": partial(blur, sigma=0.7),
    "blur 1.5 px": partial(blur, sigma=1.5),
    "noise 2 levels": partial(noise, levels=2),
    "noise 8 levels": partial(noise, levels=8),
    "sharpen 0.5": partial(sharpen, amount=0.5),
    "sharpen 1.5": partial(sharpen, amount=1.5),
    "stretch 0.5 %": partial(stretch, percent=0.5),
    "stretch 2 %": partial(stretch, percent=2.0),
}


def contestants(base: Contestant) -> list[Contestant]:
    """`base` untouched, and with each probe after it."""
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    touched = [Contestant(name, f"{base.digest}-{source}-{name}", partial(_probed, name, base.load), base.checkpoint)
               for name in PROBES]  # fmt: skip
    return [Contestant(UNTOUCHED, base.digest, base.load, base.checkpoint), *touched]


def _probed(name: str, load: Callable[[], nn.Module]) -> nn.Module:
    return nn.Sequential(load(), PerPicture(PROBES[name]))


def directions_of(metrics: Iterable[Metric]) -> dict[str, bool | None]:
    """By name whether lower is better; None for a diagnostic."""
    return {metric.name: None if metric.diagnostic else metric.lower_is_better for metric in metrics}


def effects(scores: pd.DataFrame, lower_is_better: Mapping[str, bool | None]) -> pd.DataFrame:
    """What each probe does to each metric, `COLUMNS`: the paired difference with interval, over images all have.

    `better` says that the metric prefers the probe and that this is no accident; a diagnostic, whose direction is None,
    prefers none. A metric that no image has with and without every probe has no rows. Raises BenchError where that is
    so of all.
    """
    rows = []
    for metric, lower in lower_is_better.items():
        part = scores[scores["metric"] == metric]
        wide = part.pivot(index=["dataset", "image"], columns="method", values="value").dropna()
        if wide.empty:
            continue
        ordered: Sequence[str] = [name for name in (UNTOUCHED, *PROBES) if name in wide]
        for found in differences(wide[list(ordered)], UNTOUCHED):
            gap = found.interval
            better = lower is not None and found.told_apart and (gap.mean < 0) == lower
            rows.append((metric, found.method, gap.mean, gap.low, gap.high, gap.count, found.corrected, better))
    if not rows:
        raise BenchError(f"No photograph has a value of {' or '.join(lower_is_better)} with and without every probe.")
    return pd.DataFrame(rows, columns=list(COLUMNS))
