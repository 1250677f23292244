import numpy as np
import pytest
import torch

from bench.errors import BenchError, MissingWeightsError
from methods import METHODS, enhance

PICTURE = np.random.default_rng(0).integers(0, 60, (20, 30, 3), dtype=np.uint8)


def test_the_call_gives_what_the_method_gives():
    image = torch.from_numpy(PICTURE.copy()).permute(2, 0, 1).float() / 255
    expected = METHODS["gamma"]()(image[None])[0]
    assert (enhance(image, method="gamma") - expected).abs().max() < 1e-6
    array = enhance(PICTURE, method="gamma")
    assert np.abs(array / 255 - expected.permute(1, 2, 0).numpy()).max() < 0.003


def test_strength_0_gives_the_picture_back():
    assert np.array_equal(enhance(PICTURE, method="clahe", strength=0.0), PICTURE)


def test_weights_are_taken_from_the_file_and_loaded_once(random_weights):
    path = random_weights("enlightengan")
    first = enhance(PICTURE, weights=path)
    from methods import _made

    before = _made.cache_info().misses
    assert np.array_equal(enhance(PICTURE, weights=path), first)
    assert _made.cache_info().misses == before
    assert first.shape == PICTURE.shape


def test_missing_weights_and_weights_too_many_are_errors(workplace, monkeypatch, random_weights):
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    with pytest.raises(MissingWeightsError):
        enhance(PICTURE, method="enlightengan")
    with pytest.raises(BenchError, match="has no weights"):
        enhance(PICTURE, method="clahe", weights=random_weights("enlightengan"))
