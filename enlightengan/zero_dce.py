"""Zero-DCE (Guo et al., "Zero-Reference Deep Curve Estimation for Low-Light Image Enhancement", CVPR 2020).

Four losses say what a well-lit picture is, without any. They are those of the authors' code, on pictures in [0, 1];
where its formulas and the paper's differ, the docstring says so.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from enlightengan.batch import Batch
from enlightengan.dce_net import DceNet
from enlightengan.model import TrainedModel, add_gradients, picture_health
from enlightengan.rivals import EXPOSED, ZeroDceConfig

REGION = 4  # pixels, of the spatial consistency


def spatial_consistency(enhanced: Tensor, low: Tensor) -> Tensor:
    """Eq. 5: differences between neighbouring 4 x 4 regions should stay; pictures in [0, 1], a scalar.

    Differences with their sign, as in the code. For each region, the sum over its neighbours inside the picture.
    """
    before, after = (F.avg_pool2d(image.mean(1, keepdim=True), REGION) for image in (low, enhanced))
    change = after - before  # the difference of differences is the difference of changes
    # Every pair of neighbours is seen from both sides.
    across, down = change.diff(dim=3).square().sum((1, 2, 3)), change.diff(dim=2).square().sum((1, 2, 3))
    return (2 * (across + down) / change[0].numel()).mean()


def exposure_control(enhanced: Tensor, level: float) -> Tensor:
    """Eq. 6: 16 x 16 regions should be as bright as `level`; the square of the code, the paper has the distance."""
    regions: Tensor = F.avg_pool2d(enhanced.mean(1, keepdim=True), EXPOSED)
    return (regions - level).square().mean()


def colour_constancy(enhanced: Tensor) -> Tensor:
    """Eq. 7: the means of the channels should agree; root of the summed fourth powers, as in the code."""
    red, green, blue = enhanced.mean((2, 3)).unbind(1)
    squares = torch.stack([(red - green) ** 2, (red - blue) ** 2, (green - blue) ** 2], 1)
    norms: Tensor = torch.linalg.vector_norm(squares, dim=1)
    return norms.mean()


def illumination_smoothness(curves: Tensor) -> Tensor:
    """Eq. 8: curves should change little between neighbouring pixels; squares summed over the maps, as in the code."""
    across, down = (curves.diff(dim=axis).square().mean((2, 3)).sum(1) for axis in (3, 2))
    change: Tensor = 2 * (across + down).mean()
    return change


class ZeroDce(TrainedModel):
    """Zero-DCE in training."""

    config: ZeroDceConfig

    def __init__(self, config: ZeroDceConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.generator = DceNet()
        self.prepare(weight_decay=config.weight_decay)

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def gradients(self, batch: Batch, *, share: float = 1.0, precision: str = "float32") -> dict[str, Tensor]:
        """Add this batch's gradients, times `share`, to those of the networks; returns the losses, scalars by name."""
        config = self.config
        with self.autocast(precision):
            pictures, curves = self.generator(batch.seen)
        enhanced, low = ((image.float() + 1) / 2 for image in (pictures, batch.low))
        self.health = picture_health(pictures)
        losses = {
            "spatial_consistency": config.spatial * spatial_consistency(enhanced, low),
            "exposure_control": config.exposure * exposure_control(enhanced, config.level),
            "colour_constancy": config.colour * colour_constancy(enhanced),
            "illumination_smoothness": config.smoothness * illumination_smoothness(curves.float()),
        }
        add_gradients(torch.stack(list(losses.values())).sum() * share, self.generator)
        return losses
