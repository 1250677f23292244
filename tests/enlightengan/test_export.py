import sys
from pathlib import Path

import pytest
import torch

from bench.errors import BenchError
from enlightengan import export, export_guided
from enlightengan.dce_net import DceNet
from enlightengan.enhancer import LearnedEnhancer, TrainedEnhancer
from enlightengan.guided import GuidedEnhancer, reduced, to_look_at
from enlightengan.networks import Generator, initialise
from enlightengan.noise import level, unevenness


def seeded(seed=0, *, key=False):
    generator = Generator(key=key)
    initialise(generator, torch.Generator().manual_seed(seed))
    return LearnedEnhancer(generator, source="seeded")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(the file, the deviation that `export` told): made once, it takes seconds."""
    for name in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(name)
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    return path, export.export(seeded(), path, {"licence": "CC BY-NC 4.0"})


def test_the_graph_equals_torch_at_every_size(exported):
    path, apart = exported
    assert 0 < apart < 1e-4
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]
    graph = export.session(path)
    image = torch.rand(2, 3, 50, 77, generator=torch.Generator().manual_seed(5))
    result = torch.from_numpy(graph.run(None, {"image": image.numpy()})[0])
    with torch.inference_mode():
        assert (result - seeded()(image)).abs().max() < 1e-4


def test_a_graph_takes_the_key_of_the_whole_picture_before_it_is_padded(exported, tmp_path):
    enhancer = seeded(key=True)
    enhancer.generator.conv1_1.weight[:, 3] = 1
    enhancer.generator.conv10.weight *= 3000  # the residual is as large as the picture
    assert export.export(enhancer, tmp_path / "key.onnx") < 1e-4
    image = torch.rand(2, 3, 21, 35, generator=torch.Generator().manual_seed(5))
    image[:, :, :6] = 0  # padding mirrors these rows, and changes the mean
    with torch.inference_mode():
        found, moved = enhancer(image), enhancer.generator(image * 2 - 1, key=torch.tensor(0.4).expand(2, 1, 1, 1))[0]
        assert (found - ((moved + 1) / 2).clamp(0, 1)).abs().max() > 1e-3
    result = export.session(tmp_path / "key.onnx").run(None, {"image": image.numpy()})[0]
    assert (torch.from_numpy(result) - found).abs().max() < 1e-4


def test_the_graph_says_what_it_is(exported):
    graph = export.session(exported[0])
    assert graph.get_inputs()[0].shape == ["batch", 3, "height", "width"]
    told = {"checkpoint": seeded().checkpoint, "range": "RGB in [0, 1]", "licence": "CC BY-NC 4.0"}
    assert graph.get_modelmeta().custom_metadata_map == told


@pytest.fixture(scope="module")
def guided(exported):
    """The file of a guided method around the network of `exported`; a minute's work."""
    import onnx

    path = exported[0].with_name("guided.onnx")
    onnx.save(export_guided.around(onnx.load(exported[0]), texture=1.0), path)
    return path


@pytest.mark.parametrize("texture", [0.0, 1.0])
def test_a_graph_has_as_much_texture_as_the_method(texture, monkeypatch):
    image = torch.full((1, 3, 150, 260), 0.3) * (1 + 0.02 * torch.sin(torch.arange(260) * 0.9))  # a weave
    method = GuidedEnhancer(seeded(), source="seeded", texture=texture)
    small = reduced(image, 2)
    with torch.inference_mode():
        results, noise = method.base(to_look_at(small)), level(unevenness(image))
        applied = export_guided.Application(texture)(image, small, results, torch.tensor(2), noise)
        assert (applied - method(image)).abs().max() < 1e-5
        other = export_guided.Application(1 - texture)(image, small, results, torch.tensor(2), noise)
        assert (applied - other).abs().max() > 1e-3
    monkeypatch.setattr(export, "model_of", lambda *_: "unpadded")
    monkeypatch.setattr(export, "_padded", lambda model, *, key: "network")
    monkeypatch.setattr(export_guided, "around", lambda network, *, texture: (network, texture))
    assert export.graph_of(method) == ("network", texture)


# Sides below a block of the noise's, of no whole block, of one pixel of the small copy or several.
@pytest.mark.parametrize("size", [(1, 1), (7, 40), (15, 90), (16, 16), (64, 48), (150, 290), (193, 200), (100, 450)])
def test_a_guided_graph_equals_torch_at_every_size(guided, size):
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(5)) ** 3
    image[1] = torch.linspace(0, 0.3, size[1])  # without noise, of another brightness
    result = torch.from_numpy(export.session(guided).run(None, {"image": image.numpy()})[0])
    with torch.inference_mode():
        expected = GuidedEnhancer(seeded(), source="seeded")(image)
    assert result.shape == expected.shape
    assert (result - expected).abs().max() < 1e-5
    assert (expected - image).abs().max() > 0.01


def test_a_curve_network_is_exported_too(exported, tmp_path):
    torch.manual_seed(0)
    enhancer = TrainedEnhancer(DceNet(), source="seeded")
    assert export.export(enhancer, tmp_path / "dce.onnx") < 1e-5


def test_a_method_without_a_network_is_not_exported(tmp_path):
    with pytest.raises(BenchError, match=r"ONNX is written of what has a network of enlightengan\.enhancer"):
        export.network_of(torch.nn.Identity())


def test_no_path_of_this_machine_is_in_the_file(exported):
    assert str(Path(export.__file__).parent).encode() not in exported[0].read_bytes()


def test_other_weights_would_be_noticed(exported):
    assert export.deviation(seeded(1), exported[0]) > 1e-4


def test_a_graph_that_differs_is_an_error_and_leaves_no_file(monkeypatch, tmp_path):
    onnx = pytest.importorskip("onnx")
    graph = onnx.parser.parse_graph("unchanged (float[n] image) => (float[n] enhanced) { enhanced = Identity(image) }")
    monkeypatch.setattr(export, "graph_of", lambda enhancer: onnx.helper.make_model(graph))
    monkeypatch.setattr(export, "deviation", lambda enhancer, path: float("nan"))
    with pytest.raises(BenchError, match="differs from torch by nan"):
        export.export(seeded(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_missing_extra_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BenchError, match=r"install the extra.*\[onnx\]"):
        export.export(seeded(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
