"""The low side of another domain: photographs chosen by a rule, some of them held out, scene by scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.images import read_rgb


@dataclass(frozen=True)
class Selection:
    """What the rule chose of `considered` photographs: those to train on, those held out, and how they were split."""

    train: tuple[Path, ...]
    held_out: tuple[Path, ...]
    considered: int
    unreadable: int
    by_scene: bool


def choose_dark(paths: Sequence[Path], *, threshold: float, hold_out: float, seed: int) -> Selection:
    """The photographs whose mean intensity, 0 to 255 over all channels, lies below `threshold`, split in two.

    About the share `hold_out` (0 to 1) is held out: whole scenes where the photographs lie in one folder a scene, drawn
    by `seed`, without those that would lead away from the share; single photographs where that reaches not half of it
    or all lie in one folder. Raises BenchError on impossible numbers, and when nothing is left to train on.
    """
    if not 0 <= hold_out < 1 or not 0 < threshold <= 256:
        raise BenchError("The held-out share must lie in [0, 1) and the threshold between 0 and 256.")
    dark, unreadable = [], 0
    for path in sorted(paths):
        try:
            if read_rgb(path).mean() < threshold:
                dark.append(path)
        except BenchError:
            unreadable += 1
    wanted = round(hold_out * len(dark))
    scenes: dict[Path, list[Path]] = {}
    for path in dark:
        scenes.setdefault(path.parent, []).append(path)
    held = _drawn(list(scenes.values()), wanted, seed) if len(scenes) > 1 else []
    by_scene = 0 < wanted <= 2 * len(held)
    if not by_scene:
        held = _drawn([[path] for path in dark], wanted, seed)
    kept = tuple(path for path in dark if path not in set(held))
    if not kept:
        raise BenchError(
            f"Of {len(paths)} photographs {len(dark)} have a mean intensity below {threshold:g}, and none is left to "
            "train on: raise --threshold or lower --hold-out."
        )
    return Selection(kept, tuple(sorted(held)), len(paths), unreadable, by_scene)


def _drawn(groups: Sequence[list[Path]], wanted: int, seed: int) -> list[Path]:
    """The paths of groups drawn by `seed`, as near to `wanted` as each of them leads."""
    found: list[Path] = []
    for place in np.random.default_rng(seed).permutation(len(groups)):
        if abs(len(found) + len(groups[place]) - wanted) < abs(len(found) - wanted):
            found += groups[place]
    return found
