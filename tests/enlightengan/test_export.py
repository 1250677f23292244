import sys

import pytest
import torch

from bench.errors import BenchError
from enlightengan import export
from enlightengan.enhancer import LearnedEnhancer
from enlightengan.networks import Generator, initialise


def seeded(seed=0):
    generator = Generator()
    initialise(generator, torch.Generator().manual_seed(seed))
    return LearnedEnhancer(generator, source="seeded")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(the file, the deviation that `export` told): made once, it takes seconds."""
    for name in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(name)
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    return path, export.export(seeded(), path)


def test_the_graph_equals_torch_at_every_size(exported):
    path, apart = exported
    assert 0 < apart < 1e-4
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]
    graph = export.session(path)
    image = torch.rand(2, 3, 50, 77, generator=torch.Generator().manual_seed(5))
    result = torch.from_numpy(graph.run(None, {"image": image.numpy()})[0])
    with torch.inference_mode():
        assert (result - seeded()(image)).abs().max() < 1e-4


def test_the_graph_says_what_it_is(exported):
    graph = export.session(exported[0])
    assert graph.get_inputs()[0].shape == ["batch", 3, "height", "width"]
    assert graph.get_modelmeta().custom_metadata_map["checkpoint"] == seeded().checkpoint


def test_other_weights_would_be_noticed(exported):
    assert export.deviation(seeded(1), exported[0]) > 1e-4


def test_a_graph_that_differs_is_an_error_and_leaves_no_file(monkeypatch, tmp_path):
    pytest.importorskip("onnx")
    monkeypatch.setattr(export, "_write", lambda enhancer, path: path.write_bytes(b"half a graph"))
    monkeypatch.setattr(export, "deviation", lambda enhancer, path: float("nan"))
    with pytest.raises(BenchError, match="differs from torch by nan"):
        export.export(seeded(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_missing_extra_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BenchError, match=r"install the extra.*\[onnx\]"):
        export.export(seeded(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
