"""The examples in CONTRIBUTING.md work as they stand."""

import re
import sys
from pathlib import Path

import pytest
import torch

import methods
from bench.errors import BenchError, MissingWeightsError
from enlightengan.checkpoint import save_weights
from methods import METHODS, contestant, enhance, make

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = dict(zip(("square_root", "one_convolution"), re.findall("```python\n(.*?)```", TEXT, re.S), strict=False))


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Puts modules, by name, where methods lie; nothing of them stays."""

    def put(sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
        for part in ("_entries", "_cards", "_modules"):
            monkeypatch.setattr(METHODS, part, dict(getattr(METHODS, part)))
        monkeypatch.setattr(METHODS, "_package", "methods")  # listed before or not

    yield put
    for name in [name for name in sys.modules if name.removeprefix("methods.") in {p.stem for p in tmp_path.iterdir()}]:
        del sys.modules[name]


@pytest.fixture
def picture():
    return torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(0))


def test_the_classical_example_is_the_square_root(mine, picture):
    mine(EXAMPLES)
    torch.testing.assert_close(make("square_root")(picture), picture.sqrt(), atol=1e-6, rtol=0)
    kind = METHODS.card("square_root").trust.partition(":")[0]
    assert kind in ("parity-tested", "named variant", "from the paper"), "as the tests over the registry ask"


def test_the_learned_example_takes_weights_is_told_apart_by_them_and_says_what_it_lacks(mine, picture, tmp_path):
    mine(EXAMPLES)
    made = []
    for seed in range(2):
        torch.manual_seed(seed)
        made.append(tmp_path / f"weights{seed}.safetensors")
        save_weights(made[-1], sys.modules[METHODS["one_convolution"].__module__].random_state(), {})
    first, second = (contestant("one_convolution", file)[0] for file in made)
    assert first.digest != second.digest and first.checkpoint != second.checkpoint
    results = [made_by.load()(picture) for made_by in (first, second)]
    assert results[0].shape == picture.shape and not torch.allclose(*results)
    torch.testing.assert_close(enhance(picture, method="one_convolution", weights=made[0]), results[0])
    with pytest.raises(MissingWeightsError, match="no weights for one_convolution: give a file"):
        make("one_convolution")  # there is no command that trains it


def test_a_learned_method_that_tells_no_weights_is_a_sentence(mine, tmp_path):
    source = EXAMPLES["one_convolution"].replace("self.checkpoint, self.source = weights_digest(state), source", "pass")
    mine({"one_convolution": source})
    save_weights(tmp_path / "w.safetensors", torch.nn.Conv2d(3, 3, 3).state_dict(), {})
    with pytest.raises(BenchError, match="one_convolution is a learned method without checkpoint and source"):
        make("one_convolution", tmp_path / "w.safetensors")
