"""DCE-Net, the network of Zero-DCE (Guo et al., CVPR 2020): a curve for every pixel, applied eight times.

Seven convolutions draw the curves x + a (x^2 - x). Parameter names equal those of the authors' published checkpoint.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ITERATIONS = 8
WIDTH = 32


class DceNet(nn.Module):
    """DCE-Net: 79,416 parameters, 3 x 3 convolutions at full resolution, skips between the mirrored layers."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, WIDTH, WIDTH, WIDTH, 2 * WIDTH, 2 * WIDTH, 2 * WIDTH)
        for number, wide in enumerate(inputs, start=1):
            narrow = WIDTH if number < len(inputs) else 3 * ITERATIONS
            self.add_module(f"e_conv{number}", nn.Conv2d(wide, narrow, 3, padding=1))

    def _convolve(self, number: int, *inputs: Tensor) -> Tensor:
        return self.get_submodule(f"e_conv{number}")(torch.cat(inputs, 1))  # type: ignore[no-any-return]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Brighten `image`, (B, 3, H, W) in [-1, 1]; returns (enhanced, curves), curves (B, 24, H, W) in [-1, 1]."""
        x = (image + 1) / 2
        first = F.relu(self._convolve(1, x))  # (B, 32, H, W), as all up to the last
        second = F.relu(self._convolve(2, first))
        third = F.relu(self._convolve(3, second))
        fourth = F.relu(self._convolve(4, third))
        fifth = F.relu(self._convolve(5, third, fourth))
        sixth = F.relu(self._convolve(6, second, fifth))
        curves = torch.tanh(self._convolve(7, first, sixth))  # (B, 24, H, W)
        for curve in torch.split(curves, 3, 1):
            x = x + curve * (x * x - x)  # Eq. 4; their code has the sign of the curve turned, and so have their weights
        return x * 2 - 1, curves
