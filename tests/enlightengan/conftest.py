from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def brief(monkeypatch, narrow):
    """Probe pictures of 32 x 48 pixels and a look at the losses every second step: tests train for moments."""
    from enlightengan import health, train
    from enlightengan.probe import Probe

    monkeypatch.setattr(train, "Probe", partial(Probe, size=(32, 48)))
    monkeypatch.setattr(health, "LOG_EVERY", 2)


@pytest.fixture
def photographs(tmp_path):
    """(low, normal): five dark and three bright pictures of 80 x 72 pixels with some structure."""
    rng = np.random.default_rng(0)

    def write(name: str, scale: float) -> Path:
        waves = (
            np.sin(np.linspace(0, rng.uniform(5, 20), 80))[None, :, None] * np.cos(np.linspace(0, 9, 72))[:, None, None]
        )
        pixels = (waves + 1) / 2 * rng.uniform(0.4, 1, 3) * scale + rng.normal(0, 2, (72, 80, 3))
        path = tmp_path / f"{name}.png"
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
        return path

    return [write(f"low{k}", 50) for k in range(5)], [write(f"normal{k}", 230) for k in range(3)]
