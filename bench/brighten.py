"""From a photograph's pixels to brighter pixels: strength, depth, grey, and windows for what is too large at once.

The picture stays in its own integers; floats exist for one window at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from bench.deep import Pixels
from bench.device import enough_memory, fast_precision
from bench.enhancer import Indices, Reader, Window, Windowed, checked
from bench.errors import BenchError
from bench.photograph import Photograph, turned, with_depth

MEMORY = 650_000_000
"""Bytes that one window may take, where half of what is free is not less: 48 megapixels then stay within 2 GB."""
LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)  # Rec. 601
SMALLEST, STEP = 128, 32  # of a window's side, pixels


def brighten(
    enhancer: nn.Module, pixels: Pixels, *, strength: float = 1.0, tile: int | None = None, bits: int | None = None,
    device: str = "cpu", fast: bool = False,
) -> Pixels:  # fmt: skip
    """`pixels` (H, W, 1 or 3), 8 or 16 bits, enhanced: the same shape, `bits` deep (default: as deep as they are).

    `strength` 0 .. 1 goes from the input to the method's result, linearly; grey stays grey. `tile` is the side of the
    windows; without it they are as large as memory allows. `fast` lets convolutions run in bfloat16 where the CPU has
    instructions for it. Raises BenchError.
    """
    top = float(np.iinfo(pixels.dtype).max)
    depth: Any = {8: np.uint8, 16: np.uint16}[bits or pixels.dtype.itemsize * 8]
    result = np.empty(pixels.shape, depth)

    def read(rows: Indices, columns: Indices) -> Tensor:
        part = pixels[rows[:, None], columns].astype(np.float32)
        return (torch.from_numpy(part) / top).permute(2, 0, 1)[None].expand(-1, 3, -1, -1)

    for window, values in enhanced(
        enhancer, read, pixels.shape[:2], strength=strength, tile=tile, device=device, fast=fast
    ):
        shown = (values * LUMA).sum(1, keepdim=True) if pixels.shape[2] == 1 else values
        planes = shown[0].permute(1, 2, 0).mul(float(np.iinfo(depth).max)).round_()
        result[window] = planes.numpy().astype(depth)
    return result


def enhanced(
    enhancer: nn.Module, read: Reader, size: tuple[int, ...], *, strength: float = 1.0, tile: int | None = None,
    device: str = "cpu", fast: bool = False,
) -> Iterator[tuple[Window, Tensor]]:  # fmt: skip
    """Windows that cover the picture of `size` (H, W), each with its result, float32 (1, 3, h, w) in [0, 1]."""
    height, width = size
    if not 0 <= strength <= 1:
        raise BenchError(f"The strength goes from 0 to 1, not to {strength}.")
    side = window_side(enhancer, (height, width), tile)

    def there(rows: Indices, columns: Indices) -> Tensor:
        return read(rows, columns).to(device)

    for top in range(0, height, side):
        for left in range(0, width, side):
            window = slice(top, min(top + side, height)), slice(left, min(left + side, width))
            low = read(*(np.arange(part.start, part.stop) for part in window))
            with torch.inference_mode(), _precision(device, fast):
                result = _result(enhancer, there, (height, width), window, low.to(device))
            yield window, low.lerp(checked(result, low), strength).clamp_(0, 1)


def _result(enhancer: nn.Module, read: Reader, size: tuple[int, int], window: Window, low: Tensor) -> Tensor:
    remedy = "try --tile with a smaller side" if isinstance(enhancer, Windowed) else "this method takes no tiles"
    with enough_memory(f"It does not fit into memory: {remedy}."):
        if low.shape[-2:] == size:  # the whole picture, as `bench evaluate` computes it
            found: Tensor = enhancer(low)
        else:
            assert isinstance(enhancer, Windowed)
            found = enhancer.enhance_window(read, size, window)
    return found.float().cpu()


def window_side(enhancer: nn.Module, size: tuple[int, int], tile: int | None = None) -> int:
    """The side of the windows for a picture of `size`: `tile`, else the largest that memory allows.

    Memory is half of what psutil calls available, at most MEMORY. An enhancer that is not `Windowed` takes the whole
    picture; `tile` is then an error.
    """
    if tile is not None and tile < 16:
        raise BenchError(f"--tile must be at least 16 pixels, not {tile}.")
    if not isinstance(enhancer, Windowed):
        if tile is not None:
            raise BenchError("This method looks at the whole picture, so that it cannot work in tiles: omit --tile.")
        return max(size)
    if tile is not None:
        return tile
    memory = min(MEMORY, psutil.virtual_memory().available // 2)
    if enhancer.window_bytes(size) <= memory:
        return max(size)
    side = SMALLEST
    while enhancer.window_bytes((side + STEP, side + STEP)) <= memory:
        side += STEP
    return side


def _precision(device: str, fast: bool) -> AbstractContextManager[Any]:
    kind = torch.device(device).type
    precision = fast_precision() if fast and kind == "cpu" else torch.float32
    return torch.autocast(kind, torch.bfloat16, enabled=precision == torch.bfloat16)


def develop(enhancer: nn.Module, photograph: Photograph, *, compare: bool = False, **options: Any) -> Photograph:
    """`photograph` through `brighten` with its `options`, as it is looked at."""
    return brightened(photograph, brighten(enhancer, photograph.upright(), **options), compare=compare)


def brightened(photograph: Photograph, pixels: Pixels, *, compare: bool = False) -> Photograph:
    """`photograph` with its upright `pixels` exchanged, or (`compare`) before and after side by side.

    A comparison is upright, and of the metadata it has the colour profile and the resolution.
    """
    if not compare:
        return photograph.with_upright(pixels)
    bits = pixels.dtype.itemsize * 8
    before, alpha = with_depth(photograph.upright(), bits), photograph.alpha
    both: Pixels = np.concatenate([before, pixels], axis=1)
    if alpha is not None:
        upright = turned(with_depth(alpha, bits), photograph.orientation)
        alpha = np.concatenate([upright, upright], axis=1)
    # Without a format of its own it is coded afresh, so nothing of the old file's blocks is carried along.
    return Photograph(both, "", alpha=alpha, icc=photograph.icc, dpi=photograph.dpi, notes=photograph.notes)


def brighten_like(enhancer: nn.Module, picture: Any, *, strength: float = 1.0) -> Any:
    """`picture` enhanced, as the same kind of object (see `methods.enhance`)."""
    if isinstance(picture, Image.Image):
        return _image(picture, lambda pixels: brighten(enhancer, pixels, strength=strength))
    if isinstance(picture, Tensor):
        return _tensor(enhancer, picture, strength)
    if isinstance(picture, np.ndarray):
        return _array(enhancer, picture, strength)
    raise BenchError(f"A picture is a numpy array, a PIL image or a torch tensor, not {type(picture).__name__}.")


def _image(picture: Image.Image, work: Callable[[Pixels], Pixels]) -> Image.Image:
    if picture.mode not in ("L", "LA", "RGB", "RGBA", "I;16"):
        raise BenchError(f"The image has mode {picture.mode}: convert it to L, LA, RGB, RGBA or I;16.")
    values = np.asarray(picture)
    values = values if values.ndim == 3 else values[..., None]
    colours = 3 if values.shape[2] > 2 else 1
    result = np.concatenate([work(values[..., :colours]), values[..., colours:]], axis=2)
    made = Image.fromarray(result[..., 0] if result.shape[2] == 1 else result)
    made.info = dict(picture.info)
    return made


def _tensor(enhancer: nn.Module, picture: Tensor, strength: float) -> Tensor:
    if picture.ndim not in (3, 4) or picture.shape[-3] != 3 or not picture.is_floating_point() or not picture.numel():
        raise BenchError(f"A tensor is float (3, H, W) or (B, 3, H, W), not {picture.dtype} {tuple(picture.shape)}.")
    batch = _in_range(picture.detach().float().cpu()).reshape(-1, *picture.shape[-3:])
    results = torch.cat([_floats(enhancer, image[None], strength) for image in batch])
    return results.reshape(picture.shape).to(picture)


def _array(enhancer: nn.Module, picture: NDArray[Any], strength: float) -> NDArray[Any]:
    shaped = picture if picture.ndim == 3 else picture[..., None]
    if shaped.ndim != 3 or shaped.shape[2] not in (1, 3) or not shaped.size:
        raise BenchError(f"An array is (H, W), (H, W, 1) or (H, W, 3), not {picture.shape}.")
    if picture.dtype in (np.uint8, np.uint16):
        return brighten(enhancer, shaped, strength=strength).reshape(picture.shape)
    if not np.issubdtype(picture.dtype, np.floating):
        raise BenchError(f"An array holds uint8, uint16 or floats in [0, 1], not {picture.dtype}.")
    image = _in_range(torch.from_numpy(shaped.astype(np.float32))).permute(2, 0, 1)[None]
    result = _floats(enhancer, image.expand(-1, 3, -1, -1), strength)
    result = (result * LUMA).sum(1, keepdim=True) if shaped.shape[2] == 1 else result
    return result[0].permute(1, 2, 0).numpy().astype(picture.dtype).reshape(picture.shape)


def _in_range(values: Tensor) -> Tensor:
    if not (torch.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise BenchError("Floating-point pictures lie in [0, 1]; this one does not.")
    return values


def _floats(enhancer: nn.Module, image: Tensor, strength: float) -> Tensor:
    def read(rows: Indices, columns: Indices) -> Tensor:
        return image[:, :, torch.from_numpy(rows)][:, :, :, torch.from_numpy(columns)]

    result = torch.empty_like(image, memory_format=torch.contiguous_format)
    for (rows, columns), values in enhanced(enhancer, read, tuple(image.shape[-2:]), strength=strength):
        result[:, :, rows, columns] = values
    return result
