"""What is the noise of real dark photographs like? The figures behind `enlightengan.camera_noise` and `denoise`.

python benchmarks/camera_noise.py [--data-root DIR]

Of the dark crops of EnlightenGAN's training set those are looked at that are noise wherever they are flat: of squares
of SIDE pixels, less their plane, the quietest tenth deviates nearly as much as half of them do, and the channels hardly
together, as texture would. Of these crops' quietest fifth of squares it prints JSON: medians and middle four fifths of
the deviation, of how far next pixels and channels correlate, of what `denoise.noise_deviations` tells beside it, and of
the deviation in darker and lighter squares beside that at LEVELS' middle.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import data_root, resolve
from bench.environment import provenance
from bench.images import read_rgb, to_tensor
from enlightengan.denoise import noise_deviations
from reports.document import public

SIDE = 16
BETWEEN = (2, 60)  # mean levels of squares that are looked at
AT_LEAST = 60  # such squares
NOISY, EVEN, APART = 0.7, 1.4, 0.5  # the least deviation, the most that half deviates more, the most correlation
LEVELS = ((2, 4), (4, 9), (9, 14), (14, 22), (22, 40))

Values = NDArray[np.float64]


def squares(pixels: NDArray[np.uint8]) -> tuple[Values, Values]:
    """The means (N, 3) of whole squares of a photograph, and what they have beside a plane, (N, SIDE, SIDE, 3)."""
    height, width = (side // SIDE for side in pixels.shape[:2])
    cut = pixels[: height * SIDE, : width * SIDE].astype(np.float64)
    cut = cut.reshape(height, SIDE, width, SIDE, 3).swapaxes(1, 2).reshape(-1, SIDE * SIDE, 3)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    plane = np.stack([np.ones(SIDE * SIDE), rows.ravel(), columns.ravel()], axis=1)
    beside = cut - plane @ (np.linalg.pinv(plane) @ cut)
    return cut.mean(1), beside.reshape(-1, SIDE, SIDE, 3)


def noise_of(pixels: NDArray[np.uint8]) -> dict[str, float] | None:
    """What the noise of a photograph is like; None where it is not noise that is seen."""
    means, beside = squares(pixels)
    deviations = beside.std((1, 2)).mean(1)
    dark = (means.mean(1) >= BETWEEN[0]) & (means.mean(1) < BETWEEN[1])
    if dark.sum() < AT_LEAST:
        return None
    quietest, half = np.quantile(deviations[dark], (0.1, 0.5))
    quiet = beside[dark & (deviations <= np.quantile(deviations[dark], 0.2))]
    power = (quiet**2).mean()
    channels = float(np.mean([np.corrcoef(quiet[..., a].ravel(), quiet[..., a - 1].ravel())[0, 1] for a in range(3)]))
    if quietest < NOISY or half > EVEN * quietest or channels > APART:
        return None
    found = {
        "deviation": float(np.sqrt(power)),
        "next_pixels": float((quiet[:, :, 1:] * quiet[:, :, :-1]).mean() / power),
        "second_pixels": float((quiet[:, :, 2:] * quiet[:, :, :-2]).mean() / power),
        "channels": channels,
        "told_by_colour": float(noise_deviations(to_tensor(pixels))) * 255 / float(np.sqrt(power)),
    }
    at = [(means[:, 1] >= least) & (means[:, 1] < most) for least, most in LEVELS]
    own = [float(np.quantile(beside[some, :, :, 1].std((1, 2)), 0.2)) if some.sum() >= 15 else np.nan for some in at]
    return found | {f"at {least} to {most}": one / own[1] for (least, most), one in zip(LEVELS, own, strict=True)}


def summary(found: list[dict[str, float]]) -> dict[str, Any]:
    """Medians and middle four fifths of each figure, and of how many photographs."""
    told = {}
    for name in found[0]:
        values = np.array([one[name] for one in found])
        values = values[np.isfinite(values)]
        low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
        told[name] = {"median": middle, "from": low, "to": high, "photographs": len(values)}
    return told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path)
    dark = resolve("enlightengan_crops", data_root(parser.parse_args().data_root)).low
    noisy = {path.name: one for path in dark if (one := noise_of(read_rgb(path))) is not None}
    print(json.dumps({"of": len(dark), "noisy": sorted(noisy), **summary(list(noisy.values())),
                      "provenance": public(provenance())}, indent=1))  # fmt: skip
