"""Darkening by a physical camera model: what a photograph would have looked like with less light on the sensor.

sRGB is undone (IEC 61966-2-1), the linear light scaled, photons counted (Poisson), the amplifier's read noise added
(Gaussian), the raw value quantised and clipped, and sRGB applied again. Per channel; the Bayer mosaic is left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

MOST_ELECTRONS = 1e9  # ten thousand times what a pixel holds


@dataclass(frozen=True)
class Camera:
    """A sensor; the defaults lie between those of telephones and of system cameras."""

    full_well: float = 8000.0
    """Electrons at which a pixel saturates: sets the photon noise."""
    read_noise: float = 4.0
    """Standard deviation of the amplifier's noise, electrons."""
    bits: int = 12
    """Resolution of the raw converter."""

    def __post_init__(self) -> None:
        if not (
            0 < self.full_well <= MOST_ELECTRONS and 0 <= self.read_noise <= MOST_ELECTRONS and 1 <= self.bits <= 16
        ):
            most = f"at most {MOST_ELECTRONS:,.0f} electrons each"
            raise BenchError(
                f"A camera needs a full well above 0, a read noise of at least 0, {most}, and 1 to 16 bits."
            )


def to_linear(encoded: NDArray[np.floating]) -> NDArray[np.float64]:
    """sRGB-encoded values in [0, 1] as linear light in [0, 1]."""
    value = np.asarray(encoded, dtype=np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: NDArray[np.floating]) -> NDArray[np.float64]:
    """Linear light in [0, 1] sRGB-encoded, in [0, 1]."""
    value = np.clip(np.asarray(linear, dtype=np.float64), 0, 1)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


def check_exposure(exposure: float) -> None:
    """Raises BenchError for what is no share of the light."""
    if not 0 < exposure <= 1:
        raise BenchError(f"An exposure lies above 0 and is at most 1, not {exposure:g}.")


def darken(
    pixels: NDArray[np.uint8], *, exposure: float, camera: Camera = Camera(), rng: np.random.Generator
) -> NDArray[np.uint8]:
    """8-bit sRGB `pixels` (H, W, 3) as `camera` would record them with `exposure` (0 to 1) times the light."""
    check_exposure(exposure)
    electrons = to_linear(pixels / 255.0) * exposure * camera.full_well
    recorded = rng.poisson(electrons) + rng.normal(0.0, camera.read_noise, pixels.shape)
    levels = 2**camera.bits - 1
    raw = np.clip(np.rint(recorded / camera.full_well * levels), 0, levels) / levels
    return np.rint(to_srgb(raw) * 255).astype(np.uint8)
