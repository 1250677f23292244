"""A trained generator as a method: [0, 1] in, [0, 1] out, with the digest of its weights."""

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.weights import find_weights
from enlightengan.checkpoint import load_dce, load_generator, weights_digest
from enlightengan.networks import Generator
from enlightengan.tiles import enhance_window, key_in_strips, window_bytes

if TYPE_CHECKING:
    from bench.enhancer import Reader, Window  # needs OpenCV, which a bare machine has not


class TrainedEnhancer(nn.Module):
    """Maps (B, 3, H, W) in [0, 1] to the same, any H and W, clipped.

    `network` maps [-1, 1] to a tuple whose first item is the enhanced picture. `checkpoint` is the digest of the
    weights and `source` says where they came from, in words.
    """

    def __init__(self, network: nn.Module, *, source: str) -> None:
        super().__init__()
        self.generator = network.eval().requires_grad_(False)
        self.generator.to(memory_format=torch.channels_last)  # a sixth faster on CPUs
        self.checkpoint = weights_digest(network.state_dict())
        self.source = source

    def forward(self, image: Tensor) -> Tensor:
        enhanced: Tensor = self.generator(image * 2 - 1)[0]
        return ((enhanced + 1) / 2).clamp(0, 1)


class LearnedEnhancer(TrainedEnhancer):
    """A U-Net as a method: EnlightenGAN, its variants, and CycleGAN.

    Pictures too large for the memory are computed window by window (`bench.enhancer.Windowed`).
    """

    generator: Generator

    def __init__(self, generator: Generator, *, source: str) -> None:
        super().__init__(generator, source=source)
        self._last: tuple[weakref.ref[Any], Tensor] | None = None  # a picture comes in many windows

    @classmethod
    def of(cls, variant: str, weights: Path | None = None, *, attention: bool) -> "LearnedEnhancer":
        """The generator in `weights`, ours (.safetensors) or the authors' (.pth); without, as `find_weights` chooses.

        Raises MissingWeightsError when there are none, BenchError when the file is not this variant's generator.
        """
        path, source = chosen(variant, weights)
        generator, metadata = load_generator(path)
        if generator.attention != attention:
            has = "with" if generator.attention else "without"
            raise BenchError(f"{path} holds a generator {has} attention, which is not {variant}.")
        check_variant(path, metadata, variant)
        return cls(generator, source=source)

    def enhance_window(self, read: "Reader", size: tuple[int, int], window: "Window") -> Tensor:
        """The result in `window` of a picture of `size`, equal to the whole picture's there (see `tiles`)."""
        return enhance_window(self.generator, read, size, window, self._key(read, size)).clamp(0, 1)

    def _key(self, read: "Reader", size: tuple[int, int]) -> Tensor | None:
        """The key of the whole picture, where the generator sees one."""
        if not self.generator.key:
            return None
        last = self._last  # another thread may set it
        if last is None or last[0]() is not read:
            last = self._last = weakref.ref(read), key_in_strips(read, size)
        return last[1]

    def window_bytes(self, size: tuple[int, int]) -> int:
        """About the most memory that a window of `size` takes."""
        return window_bytes(size)


def curve_enhancer(variant: str, weights: Path | None = None) -> TrainedEnhancer:
    """The DCE-Net in `weights`, else as `find_weights` chooses. Raises as `LearnedEnhancer.of` does."""
    path, source = chosen(variant, weights)
    network, metadata = load_dce(path)
    check_variant(path, metadata, variant)
    return TrainedEnhancer(network, source=source)


def chosen(variant: str, weights: Path | None) -> tuple[Path, str]:
    """`weights`, else what `find_weights` has for `variant`; and where it comes from, in words."""
    return (weights, str(weights)) if weights else find_weights(variant)


def check_variant(path: Path, metadata: Mapping[str, str], variant: str) -> None:
    """Raise BenchError when the file says that it holds another variant; published files say nothing."""
    if metadata.get("variant", variant) != variant:
        raise BenchError(f"{path} holds {metadata['variant']}, not {variant}.")
