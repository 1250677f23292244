"""The generator of EnlightenGAN, an attention-guided U-Net.

Jiang et al., "EnlightenGAN: Deep Light Enhancement without Paired Supervision", IEEE TIP 30, 2021 (arXiv 1906.06972).
Faithful to the authors' code rather than to the paper's figure: normalisation comes after the activation, the last
block has none, attention weighs the skips, the bottleneck and the residual. Parameter names equal those of the
published checkpoints. Different: sides too short for reflection are padded by replication instead of failing, and
pictures wider than 2200 pixels are not halved.

The fourth plane that the generator sees is its attention map, one minus luma, which the other three tell already. The
paper's illumination is "normalized to [0,1]", its code's is not; and what a place should become hangs on how light the
whole photograph is, of which a network of convolutions sees a hundred pixels around each place. So a generator may see
the photograph's key there instead, the mean of the logarithm of luma (Reinhard et al., Photographic Tone Reproduction
for Digital Images, SIGGRAPH 2002): `Generator(key=True)`, this project's own. Attention weighs as before.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

STRIDE = 16  # the U-Net halves four times
WIDTHS = (32, 64, 128, 256, 512)  # channels of the U-Net's levels, from the picture down
LUMA = (0.299, 0.587, 0.114)  # Rec. 601
KEY_FLOOR = "key_floor"  # of a state, by which it tells that the generator sees the key
FLOOR = 0.02  # of 1, added to luma before the logarithm: what is darker is as dark as this


def attention_map(image: Tensor) -> Tensor:
    """1 minus Rec. 601 luma: (B, 3, H, W) in [-1, 1] to (B, 1, H, W) in [0, 1], high where the picture is dark."""
    red, green, blue = image.unbind(1)
    luma = LUMA[0] * (red + 1) + LUMA[1] * (green + 1) + LUMA[2] * (blue + 1)
    return (1 - luma / 2).unsqueeze(1)


def light_of(image: Tensor) -> Tensor:
    """The logarithm of luma and FLOOR, of that of FLOOR: (B, 3, H, W) in [0, 1] to (B, 1, H, W).

    It is 1 where the picture is black, about 0 where it is white; its mean is the key.
    """
    weights = image.new_tensor(LUMA)[:, None, None]
    return torch.log((image * weights).sum(1, keepdim=True) + FLOOR) / math.log(FLOOR)


def key_of(image: Tensor) -> Tensor:
    """The key of whole pictures (B, 3, H, W) in [-1, 1]: (B, 1, 1, 1), 1 for a black one, about 0 for a white one."""
    return light_of((image + 1) / 2).mean((2, 3), keepdim=True)


def pad_to_stride(image: Tensor, stride: int = STRIDE) -> tuple[Tensor, tuple[slice, slice]]:
    """Pad both sides of each axis up to a multiple of `stride`; also returns where the picture lies in the result.

    Reflection as the authors do, replication on an axis too short to reflect. (B, C, H, W) to (B, C, H', W').
    """
    height, width = image.shape[-2:]
    down, right = -height % stride, -width % stride
    top, left = down // 2, right // 2
    for size, before, after, vertical in ((width, left, right - left, False), (height, top, down - top, True)):
        mode = "reflect" if max(before, after) < size else "replicate"
        if after:
            image = F.pad(image, (0, 0, before, after) if vertical else (before, after, 0, 0), mode=mode)
    return image, (slice(top, top + height), slice(left, left + width))


class View(Protocol):
    """How the decoder sees the picture: whole, or (`tiles.Part`) only what a window of it needs. Level k is H / 2^k."""

    def keep(self, x: Tensor, level: int) -> Tensor:
        """Of the encoder's (B, C, h, w) at `level`, what the decoder works on there."""
        ...

    def up(self, x: Tensor, level: int) -> Tensor:
        """The decoder's (B, C, h, w) at `level` + 1, bilinearly enlarged to what it works on at `level`."""
        ...


class Whole:
    """The whole picture: everything is kept, and torch enlarges."""

    def __init__(self, align_corners: bool) -> None:
        self.align_corners = align_corners

    def keep(self, x: Tensor, level: int) -> Tensor:
        return x

    def up(self, x: Tensor, level: int) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=self.align_corners)


class Generator(nn.Module):
    """The one-path generator: 8,636,675 parameters, or 8,636,387 without attention.

    `align_corners` is explicit because torch changed its default in 0.4: the published weights were trained with True.
    `checkpointing` keeps no activations inside the blocks for the backward pass, which computes them again. With `key`
    the fourth plane is the photograph's key, not its attention; the state tells it by its KEY_FLOOR.
    """

    def __init__(
        self, *, attention: bool = True, align_corners: bool = True, checkpointing: bool = False, key: bool = False
    ) -> None:
        super().__init__()
        assert attention or not key
        if key:
            self.register_buffer(KEY_FLOOR, torch.tensor(FLOOR))
        self.attention = attention
        self.key = key
        self.align_corners = align_corners
        self.checkpointing = checkpointing
        widths = (4 if attention else 3, *WIDTHS)
        for stage in range(1, 6):
            self._add_block(f"{stage}_1", widths[stage - 1], widths[stage])
            self._add_block(f"{stage}_2", widths[stage], widths[stage])
        for stage in range(6, 10):
            wide, narrow = widths[11 - stage], widths[10 - stage]
            self.add_module(f"deconv{stage - 1}", nn.Conv2d(wide, narrow, 3, padding=1))
            self._add_block(f"{stage}_1", wide, narrow)
            self._add_block(f"{stage}_2", narrow, narrow, normalised=stage < 9)
        self.conv10 = nn.Conv2d(widths[1], 3, 1)

    def _add_block(self, name: str, inputs: int, outputs: int, *, normalised: bool = True) -> None:
        self.add_module(f"conv{name}", nn.Conv2d(inputs, outputs, 3, padding=1))
        if normalised:
            self.add_module(f"bn{name}", nn.BatchNorm2d(outputs))

    def _block(self, x: Tensor, name: str) -> Tensor:
        if not (self.checkpointing and self.training and torch.is_grad_enabled()):
            return self._convolve(x, name)
        again = (nullcontext(), kept_statistics(self))  # the second computation must not count twice
        result: Tensor = checkpoint(self._convolve, x, name, use_reentrant=False, context_fn=lambda: again)
        return result

    def _convolve(self, x: Tensor, name: str) -> Tensor:
        x = F.leaky_relu(self.get_submodule(f"conv{name}")(x), 0.2, inplace=True)
        norm = self._modules.get(f"bn{name}")
        if norm is None:
            return x
        return _normalise_in_place(x, norm) if reusing(norm) else norm(x)

    def _up(self, x: Tensor, skip: Tensor, stage: int, view: View) -> Tensor:
        wide = view.up(x, 9 - stage)  # (B, 2 C, h, w)
        x = self.get_submodule(f"deconv{stage - 1}")(wide)
        fits = reusing(self) and wide.dtype == torch.promote_types(x.dtype, skip.dtype)
        x = torch.cat([x, skip], 1, out=wide) if fits else torch.cat([x, skip], 1)
        return self._block(self._block(x, f"{stage}_1"), f"{stage}_2")

    def _skip(self, x: Tensor, attention: Tensor | None) -> Tensor:
        return x.mul_(attention) if attention is not None and reusing(self) else _weigh(x, attention)

    def forward(
        self, image: Tensor, attention: Tensor | None = None, key: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Brighten `image`, (B, 3, H, W) in [-1, 1], any H and W; returns (enhanced, residual), neither clamped.

        `attention`, (B, 1, H, W) in [0, 1], is `attention_map(image)` unless given; `key`, (B, 1, 1, 1), of the
        photographs that the pictures are parts of, is `key_of(image)`, where the generator sees one.
        """
        if self.key and key is None:
            key = key_of(image)
        x, inside = pad_to_stride(image)
        if not self.attention:
            attention = None
        elif attention is None:
            attention = attention_map(x)
        else:
            attention, _ = pad_to_stride(attention)
        enhanced, residual = self.unet(x, attention, Whole(self.align_corners), key)
        return enhanced[..., inside[0], inside[1]], residual[..., inside[0], inside[1]]

    def unet(
        self, image: Tensor, attention: Tensor | None, view: View, key: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What `forward` does to a picture that is padded already; both results cover what `view` keeps of level 0."""
        fourth = key.expand(-1, -1, *image.shape[-2:]) if self.key and key is not None else attention
        x = image if fourth is None else torch.cat([image, fourth], 1)  # (B, 4, H, W)
        weights, skips = [attention], []
        for stage in range(1, 5):
            x = self._block(self._block(x, f"{stage}_1"), f"{stage}_2")  # (B, 32 * 2^(s-1), H / 2^(s-1), W / 2^(s-1))
            pooled = F.max_pool2d(x, 2)
            skips.append(self._skip(view.keep(x, stage - 1), _keep(weights[-1], stage - 1, view)))
            x = pooled
            weights.append(None if weights[-1] is None else F.max_pool2d(weights[-1], 2))
        x = _weigh(self._block(x, "5_1"), weights[-1])
        x = self._block(x, "5_2")  # (B, 512, H/16, W/16)
        for stage in range(6, 10):
            x = self._up(x, skips.pop(), stage, view)
        residual = _weigh(self.conv10(x), _keep(attention, 0, view))  # (B, 3, H, W)
        return view.keep(image, 0) + residual, residual


def reusing(module: nn.Module) -> bool:
    """Whether results may be written over what is no longer needed: where nothing is learned and nothing is traced.

    Fresh memory for every layer's result costs a twentieth of the time on a CPU.
    """
    return not module.training and torch.is_inference_mode_enabled()


def _normalise_in_place(x: Tensor, norm: nn.Module) -> Tensor:
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    scale, shift = (plane[:, None, None].to(x.dtype) for plane in (scale, shift))
    return torch.addcmul(shift, x, scale, out=x)


def _keep(attention: Tensor | None, level: int, view: View) -> Tensor | None:
    return None if attention is None else view.keep(attention, level)


def _weigh(x: Tensor, attention: Tensor | None) -> Tensor:
    return x if attention is None else x * attention


@contextmanager
def kept_statistics(network: nn.Module) -> Iterator[None]:
    """What passes through `network` meanwhile leaves the running statistics of its BatchNorms as they are."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    try:
        for norm in norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


def freeze_statistics(network: nn.Module) -> None:
    """Let every BatchNorm below `network` normalise by its running statistics and leave them as they are."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """The authors' start: convolutions N(0, 0.02), batch normalisation N(1, 0.02), biases as torch draws them."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
            if module.bias is not None:
                bound = module.weight[0].numel() ** -0.5
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02, generator=generator)
            nn.init.zeros_(module.bias)
