"""Feature networks of the self feature preserving loss, each with the preprocessing that belongs to its weights.

All map RGB in [-1, 1], (B, 3, H, W), to relu5_1 features. The authors' VGG-16 skips the fourth max-pool, so its
features lie at 1/8 of the resolution, takes BGR in [0, 255] and, although its weights were trained with it, subtracts
no mean. `random` does the same with seeded weights. torchvision's weights take RGB with ImageNet statistics.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, hub, nn

from bench.errors import BenchError

FEATURES = ("vgg16", "vgg19-distilled", "random")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Where torchvision's `vgg16().features` keeps the convolutions up to conv5_1.
TORCHVISION_LAYERS = {
    "conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7, "conv3_1": 10, "conv3_2": 12, "conv3_3": 14,
    "conv4_1": 17, "conv4_2": 19, "conv4_3": 21, "conv5_1": 24,
}  # fmt: skip


class VGG16Features(nn.Module):
    """VGG-16 (Simonyan and Zisserman 2014) up to relu5_1, cut there, with `pools` of its max-pools (3 or 4).

    `imagenet` preprocesses for torchvision's weights; otherwise as the authors do for Caffe-format ones.
    """

    def __init__(self, *, imagenet: bool, pools: int = 3) -> None:
        super().__init__()
        self.imagenet, self.pools = imagenet, pools
        widths, depths = (3, 64, 128, 256, 512, 512), (2, 2, 3, 3, 1)
        for block, depth in enumerate(depths, start=1):
            for layer in range(1, depth + 1):
                inputs = widths[block - 1] if layer == 1 else widths[block]
                self.add_module(f"conv{block}_{layer}", nn.Conv2d(inputs, widths[block], 3, padding=1))

    def preprocess(self, image: Tensor) -> Tensor:
        """[-1, 1] RGB to what the weights expect; values outside the range pass through as they are."""
        if not self.imagenet:
            return (image.flip(1) + 1) * 127.5
        mean, std = (image.new_tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
        return ((image + 1) / 2 - mean) / std

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] to (B, 512, H/8, W/8), or H/16, W/16 with four pools."""
        x = self.preprocess(image)
        previous = "1"
        for name, convolution in self.named_children():
            if name[4] != previous:
                previous = name[4]
                if int(previous) - 1 <= self.pools:
                    x = F.max_pool2d(x, 2)
            x = F.relu(convolution(x), inplace=True)
        return x


class DistilledVGG19Features(nn.Module):
    """VGG-19 up to relu5_1 distilled to 964,188 values (Wang et al., Collaborative Distillation, CVPR 2020; MIT).

    RGB in [0, 1]; its first 1x1 convolution does the rest. Convolutions pad by reflection. `pools` is 3 or 4.
    """

    DEPTHS = (2, 2, 4, 4, 1)
    WIDTHS = (3, 16, 32, 64, 128, 128)

    def __init__(self, *, pools: int = 3) -> None:
        super().__init__()
        self.pools = pools
        self.conv0 = nn.Conv2d(3, 3, 1)
        for block, depth in enumerate(self.DEPTHS, start=1):
            for layer in range(1, depth + 1):
                inputs = self.WIDTHS[block - 1] if layer == 1 else self.WIDTHS[block]
                self.add_module(
                    f"conv{block}{layer}", nn.Conv2d(inputs, self.WIDTHS[block], 3, padding=1, padding_mode="reflect")
                )
        self.conv51_aux = nn.Conv2d(self.WIDTHS[-1], 512, 1)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] to (B, 512, H/8, W/8), or H/16, W/16 with four pools."""
        x = self.conv0((image + 1) / 2)
        for block, depth in enumerate(self.DEPTHS, start=1):
            if 1 < block <= self.pools + 1:
                x = F.max_pool2d(x, 2)
            for layer in range(1, depth + 1):
                x = F.relu(self.get_submodule(f"conv{block}{layer}")(x), inplace=True)
        return self.conv51_aux(x)  # type: ignore[no-any-return]


def load_features(name: str, *, weights: Path | None = None, pools: int = 3, seed: int = 0) -> nn.Module:
    """The frozen feature network called `name` (one of FEATURES), in evaluation mode.

    `weights`: Caffe-format VGG-16 for `vgg16` (without it torchvision's are downloaded), the distilled encoder for
    `vgg19-distilled`. Raises BenchError when the weights cannot be had, for nothing is substituted, and when `random`
    is given any.
    """
    network: nn.Module
    if name == "random":
        if weights is not None:
            raise BenchError(f"Features random take no file, and {weights} is given: name others with --features.")
        network = _random_vgg16(pools, seed)
    elif name == "vgg19-distilled":
        if weights is None:
            raise BenchError("Features vgg19-distilled need their file: give it with --feature-weights FILE.")
        network = DistilledVGG19Features(pools=pools)
        _load(network, _read(weights), weights)
    elif name == "vgg16":
        network = VGG16Features(imagenet=weights is None, pools=pools)
        if weights is None:
            _load(network, _torchvision_vgg16(), Path("torchvision VGG16_Weights.IMAGENET1K_V1"))
        else:
            _load(network, _read(weights), weights)
    else:
        raise BenchError(f"There are no features named '{name}': choose one of {', '.join(FEATURES)}.")
    return network.eval().requires_grad_(False)


def describe_features(name: str, weights: Path | None) -> str:
    """One phrase for the log: which feature weights were used, with which preprocessing."""
    if name == "random":
        return "VGG-16 with seeded random weights, BGR 0-255, no mean"
    if name == "vgg19-distilled":
        return "distilled VGG-19, RGB 0-1"
    return "VGG-16, Caffe format, BGR 0-255, no mean" if weights else "VGG-16, torchvision IMAGENET1K_V1, RGB, mean/std"


def _random_vgg16(pools: int, seed: int) -> VGG16Features:
    network = VGG16Features(imagenet=False, pools=pools)
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():  # He et al. 2015 keeps the scale of the activations through the layers
        scale = (2 / parameter[0].numel()) ** 0.5 if parameter.ndim == 4 else 0.01
        nn.init.normal_(parameter, 0.0, scale, generator=generator)
    return network


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BenchError(f"Cannot read the feature weights {path}: {error}") from error
    except Exception as error:  # torch's words on a file that it does not trust would lead people to trust it
        raise BenchError(f"{path} is not a file of feature weights (.safetensors or .pth), or is damaged.") from error


def _load(network: nn.Module, state: Any, source: Path) -> None:
    """Layers beyond those of `network` may be there, but no more within its blocks: those are of a deeper one."""
    kind = type(network).__name__
    try:
        missing = network.load_state_dict(state, strict=False).missing_keys
    except (RuntimeError, TypeError, AttributeError) as error:
        raise BenchError(f"{source} are not weights for {kind}: other shapes, or none at all.") from error
    if missing:
        raise BenchError(f"{source} are not weights for {kind}: {missing[0]} is missing.")
    if isinstance(network, VGG16Features) and "conv3_4.weight" in state:
        raise BenchError(f"{source} are not weights for {kind}: conv3_4 is VGG-19's.")


def _torchvision_vgg16() -> dict[str, Tensor]:
    from torchvision.models import VGG16_Weights

    try:
        state = VGG16_Weights.IMAGENET1K_V1.get_state_dict(check_hash=True, progress=False)
    except Exception as error:  # of the network, of a digest that differs, of a file kept from before that is damaged
        reason = error if isinstance(error, OSError) else f"they are damaged, here or there; kept in {hub.get_dir()}"
        raise BenchError(
            f"The VGG-16 weights could not be downloaded ({reason}). Three ways on: be online once; give Caffe-format "
            "VGG-16 weights with --feature-weights FILE; or choose --features vgg19-distilled --feature-weights FILE "
            "or --features random (needs no file, weaker)."
        ) from error
    return {
        f"{name}.{kind}": state[f"features.{index}.{kind}"]
        for name, index in TORCHVISION_LAYERS.items()
        for kind in ("weight", "bias")
    }
