"""The discriminators of EnlightenGAN, two PatchGANs without normalisation, and those of CycleGAN."""

from itertools import pairwise

from torch import Tensor, nn

FIRST, WIDEST = 64, 512  # channels, doubled with each layer


class Discriminator(nn.Module):
    """A PatchGAN of 4x4 convolutions with padding 2: (B, 3, H, W) to a map of logits (B, 1, h, w).

    `layers` is 5 for EnlightenGAN's global one (11,154,369 parameters) and 4 for its local one (6,959,553), neither
    `normalised`; 3 with instance normalisation after all but the first and last convolution is CycleGAN's, whose logits
    see 70 x 70 pixels each (2,764,737).
    """

    def __init__(self, layers: int, *, normalised: bool = False) -> None:
        super().__init__()
        widths = [3] + [min(FIRST * 2**k, WIDEST) for k in range(layers + 1)]
        modules: list[nn.Module] = []
        for k, (inputs, outputs) in enumerate(pairwise(widths)):
            modules.append(nn.Conv2d(inputs, outputs, 4, stride=2 if k < layers else 1, padding=2))
            modules += [nn.InstanceNorm2d(outputs)] if normalised and k else []
            modules.append(nn.LeakyReLU(0.2))
        modules.append(nn.Conv2d(widths[-1], 1, 4, padding=2))
        self.model = nn.Sequential(*modules)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of `image`, (B, 3, H, W) in [-1, 1]; higher means more like a normal-light photograph."""
        return self.model(image)  # type: ignore[no-any-return]
