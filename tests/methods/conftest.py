import sys
from functools import cache

import pytest
import torch

from bench.weights import variant_of
from enlightengan.checkpoint import save_weights
from enlightengan.dce_net import DceNet
from enlightengan.networks import Generator, initialise
from methods import METHODS, make


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory):
    """Gives the path of seeded random weights that fit the learned method `name`."""
    folder = tmp_path_factory.mktemp("weights")

    def write(name):
        path = folder / f"{variant_of(name)}.safetensors"
        if not path.exists():
            module = sys.modules[METHODS[variant_of(name)].__module__]
            if hasattr(module, "random_state"):  # another network than these
                save_weights(path, module.random_state(), {})
                return path
            attention = name.startswith("enlightengan") and "no_attention" not in name
            generator = DceNet() if name == "zero_dce" else Generator(attention=attention)
            initialise(generator, torch.Generator().manual_seed(0))
            save_weights(path, generator.state_dict(), {"align_corners": "True"})
        return path

    return write


@pytest.fixture(scope="session")
def enhancer(random_weights):
    """Gives the method `name`, a learned one with random weights, ready to be called; each is made once."""

    @cache
    def build(name):
        return make(name, random_weights(name) if METHODS.card(name).learned else None).eval()

    return build
