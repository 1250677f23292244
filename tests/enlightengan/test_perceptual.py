import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from bench.errors import BenchError
from enlightengan import perceptual
from enlightengan.perceptual import DistilledVGG19Features, VGG16Features, describe_features, load_features


@pytest.mark.parametrize(("pools", "stride"), [(3, 8), (4, 16)])
@pytest.mark.parametrize(
    "make", [lambda p: VGG16Features(imagenet=False, pools=p), lambda p: DistilledVGG19Features(pools=p)]
)
def test_features_lie_at_the_stated_resolution(make, pools, stride):
    assert make(pools)(torch.zeros(1, 3, 64, 32)).shape == (1, 512, 64 // stride, 32 // stride)


def test_caffe_preprocessing_is_bgr_0_to_255_without_mean():
    image = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(
        VGG16Features(imagenet=False).preprocess(image).flatten(), torch.tensor([255.0, 127.5, 0.0])
    )


def test_torchvision_preprocessing_is_rgb_with_imagenet_statistics():
    image = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)
    expected = torch.tensor([-0.485 / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    torch.testing.assert_close(VGG16Features(imagenet=True).preprocess(image).flatten(), expected)


def test_vgg16_equals_torchvision_s_layer_by_layer():
    from torchvision.models import vgg16

    torch.manual_seed(0)
    theirs = vgg16(weights=None).eval()
    state = {f"features.{key}": value for key, value in theirs.features.state_dict().items()}
    ours = VGG16Features(imagenet=True, pools=4)
    ours.load_state_dict(
        {
            f"{name}.{kind}": state[f"features.{index}.{kind}"]
            for name, index in perceptual.TORCHVISION_LAYERS.items()
            for kind in ("weight", "bias")
        }
    )
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    expected = theirs.features[:26](ours.preprocess(image))  # up to the ReLU after conv5_1
    torch.testing.assert_close(ours(image), expected)


def test_random_features_follow_their_seed():
    first, again, other = (load_features("random", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.conv5_1.weight, again.conv5_1.weight)
    assert not torch.equal(first.conv5_1.weight, other.conv5_1.weight)
    assert not any(p.requires_grad for p in first.parameters())


def test_distilled_features_load_from_their_file_and_pad_by_reflection(tmp_path):
    torch.manual_seed(0)
    made = DistilledVGG19Features()
    save_file(made.state_dict() | {"conv11_aux.bias": torch.zeros(64)}, tmp_path / "d.safetensors")
    loaded = load_features("vgg19-distilled", weights=tmp_path / "d.safetensors")
    image = torch.rand(1, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(loaded(image), made(image))
    first = F.relu(
        F.conv2d(F.pad(made.conv0((image + 1) / 2), (1, 1, 1, 1), mode="reflect"), made.conv11.weight, made.conv11.bias)
    )
    torch.testing.assert_close(F.relu(made.conv11(made.conv0((image + 1) / 2))), first)


def test_what_cannot_be_had_is_said_and_nothing_is_substituted(tmp_path, monkeypatch):
    with pytest.raises(BenchError, match="--feature-weights"):
        load_features("vgg19-distilled")
    with pytest.raises(BenchError, match="vgg16, vgg19-distilled, random"):
        load_features("vgg11")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(BenchError, match=r"bad\.safetensors"):
        load_features("vgg16", weights=tmp_path / "bad.safetensors")
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BenchError, match=r"conv1_1\.weight is missing"):
        load_features("vgg16", weights=tmp_path / "other.safetensors")


def test_random_features_take_no_file(tmp_path):
    with pytest.raises(BenchError, match=r"random take no file, and .*vgg\.pth is given"):
        load_features("random", weights=tmp_path / "vgg.pth")


def test_weights_of_another_network_are_refused_in_a_sentence(tmp_path):
    own = load_features("random").state_dict()
    files = {
        "conv3_4 is VGG-19's": own | {"conv3_4.weight": torch.zeros(256, 256, 3, 3)},
        "other shapes": own | {"conv1_1.weight": torch.zeros(8, 3, 3, 3)},
        "none at all": [1],
    }
    for number, (told, state) in enumerate(files.items()):
        torch.save(state, tmp_path / f"{number}.pth")
        with pytest.raises(BenchError, match=rf"{number}\.pth are not weights for VGG16Features: .*{told}"):
            load_features("vgg16", weights=tmp_path / f"{number}.pth")


def test_failed_download_names_the_three_ways(monkeypatch):
    from torchvision.models import VGG16_Weights

    for error, reason in ((OSError("no route"), "no route"), (RuntimeError("invalid hash value"), "they are damaged")):

        def fails(self, *args, error=error, **options):
            raise error

        monkeypatch.setattr(type(VGG16_Weights.IMAGENET1K_V1), "get_state_dict", fails)
        with pytest.raises(BenchError, match=rf"{reason}.*be online once.*Caffe-format.*vgg19-distilled.*random"):
            load_features("vgg16")


def test_description_tells_which_weights(tmp_path):
    assert "torchvision" in describe_features("vgg16", None)
    assert "Caffe" in describe_features("vgg16", tmp_path)
    assert "random" in describe_features("random", None)
