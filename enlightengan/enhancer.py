"""A trained generator as a method: [0, 1] in, [0, 1] out, with the digest of its weights."""

from pathlib import Path

import torch
from torch import Tensor, nn

from bench.enhancer import Reader, Window
from bench.errors import BenchError
from bench.weights import find_weights
from enlightengan.checkpoint import load_generator, weights_digest
from enlightengan.networks import Generator
from enlightengan.tiles import enhance_window, window_bytes


class LearnedEnhancer(nn.Module):
    """Maps (B, 3, H, W) in [0, 1] to the same, any H and W, clipped.

    `checkpoint` is the digest of the weights and `source` says where they came from, in words. Pictures too large for
    the memory are computed window by window (`bench.enhancer.Windowed`).
    """

    def __init__(self, generator: Generator, *, source: str) -> None:
        super().__init__()
        self.generator = generator.eval().requires_grad_(False)
        self.generator.to(memory_format=torch.channels_last)  # a sixth faster on CPUs
        self.checkpoint = weights_digest(generator.state_dict())
        self.source = source

    @classmethod
    def of(cls, variant: str, weights: Path | None = None) -> "LearnedEnhancer":
        """The generator in `weights`, ours (.safetensors) or the authors' (.pth); without, as `find_weights` chooses.

        Raises MissingWeightsError when there are none, BenchError when the file is not this variant's generator.
        """
        path, source = (weights, str(weights)) if weights else find_weights(variant)
        generator, metadata = load_generator(path)
        if generator.attention == ("no_attention" in variant):
            has = "with" if generator.attention else "without"
            raise BenchError(f"{path} holds a generator {has} attention, which is not {variant}.")
        if metadata.get("variant", variant) != variant:
            raise BenchError(f"{path} holds {metadata['variant']}, not {variant}.")
        return cls(generator, source=source)

    def forward(self, image: Tensor) -> Tensor:
        enhanced: Tensor = self.generator(image * 2 - 1)[0]
        return ((enhanced + 1) / 2).clamp(0, 1)

    def enhance_window(self, read: Reader, size: tuple[int, int], window: Window) -> Tensor:
        """The result in `window` of a picture of `size`, equal to the whole picture's there (see `tiles`)."""
        return enhance_window(self.generator, read, size, window).clamp(0, 1)

    def window_bytes(self, size: tuple[int, int]) -> int:
        """About the most memory that a window of `size` takes."""
        return window_bytes(size)
