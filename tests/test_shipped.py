"""The weights that come with the project, and what is told of them."""

import numpy as np
import pytest
import torch

from bench.darken import darken
from bench.demo import SOURCES
from bench.images import to_tensor
from bench.weights import SHIPPED, check_sum, sums
from enlightengan.checkpoint import read_weights
from methods import make

FILES = sorted(SHIPPED.glob("*.safetensors"))
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_there_are_weights_for_who_has_trained_none():
    assert "enlightengan.safetensors" in sums(SHIPPED)
    assert {file.name for file in FILES} == set(sums(SHIPPED))


@every_file
def test_a_shipped_file_is_whole_small_and_has_its_card(file):
    check_sum(file)
    assert file.stat().st_size < 18e6
    state, metadata = read_weights(file)
    assert {value.dtype for value in state.values() if value.ndim > 1} == {torch.float16}
    assert {value.dtype for value in state.values() if value.ndim < 2} == {torch.float32, torch.int64}
    assert metadata["variant"] == file.stem and metadata["licence"]
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    assert make(file.stem, file).checkpoint in card and "Not evaluated yet" not in card
    assert f"optimiser steps: {metadata['steps']}" in card


@every_file
def test_a_shipped_model_brightens_and_keeps_what_is_there(file):
    bright = SOURCES["astronaut"]("astronaut")[64:320, 64:320]
    low = to_tensor(darken(bright, exposure=0.1, rng=np.random.default_rng(0)))
    with torch.inference_mode():
        result = make(file.stem, file)(low)
    assert result.mean() > 1.3 * low.mean()
    assert torch.corrcoef(torch.stack([result.mean(1).ravel(), low.mean(1).ravel()]))[0, 1] > 0.9
