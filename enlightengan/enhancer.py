"""A trained generator as a method: [0, 1] in, [0, 1] out, with the digest of its weights."""

from pathlib import Path

from torch import Tensor, nn

from enlightengan.checkpoint import load_generator, weights_digest
from enlightengan.networks import Generator


class LearnedEnhancer(nn.Module):
    """Maps (B, 3, H, W) in [0, 1] to the same, any H and W, clipped.

    `checkpoint` is the digest of the weights and `source` says where they came from, in words.
    """

    def __init__(self, generator: Generator, *, source: str) -> None:
        super().__init__()
        self.generator = generator.eval().requires_grad_(False)
        self.checkpoint = weights_digest(generator.state_dict())
        self.source = source

    @classmethod
    def from_file(cls, path: Path, *, source: str = "") -> "LearnedEnhancer":
        """Load a generator from ours (.safetensors) or the authors' (.pth) file. Raises BenchError."""
        generator, _ = load_generator(path)
        return cls(generator, source=source or str(path))

    def forward(self, image: Tensor) -> Tensor:
        enhanced: Tensor = self.generator(image * 2 - 1)[0]
        return ((enhanced + 1) / 2).clamp(0, 1)
