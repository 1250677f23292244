"""Reading and writing pictures. Outside `enlightengan/` a picture is a float32 RGB tensor (B, 3, H, W) in [0, 1]."""

import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from bench.errors import BenchError

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
MAX_PIXELS = 400_000_000
"""A larger picture is refused before it is decoded: no camera makes it, decompression bombs do."""
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit, 179 million pixels, is below what panoramas have


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """The picture as 8-bit RGB (H, W, 3), upright as its orientation tag says.

    Grey, palette, CMYK and 16-bit grey are converted, alpha is dropped; of an animation the first frame is taken.
    Raises BenchError, naming the file, when it cannot be decoded whole.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata that has no bearing on the pixels
        try:
            with Image.open(path) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise BenchError(f"{path} has {opened.width} x {opened.height} pixels: more than {MAX_PIXELS:,}.")
                opened.load()
                picture = ImageOps.exif_transpose(opened)
                if picture.mode == "F":
                    raise BenchError(f"{path} holds floating-point values, whose scale is unknown: convert it first.")
                if picture.mode.startswith("I"):
                    return _grey_to_rgb(np.asarray(picture, dtype=np.float64))
                return np.asarray(picture.convert("RGB"))
        except UnidentifiedImageError as error:
            raise BenchError(f"{path} is not a picture that can be read.") from error
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise BenchError(f"Cannot read {path}: {error}") from error


def _grey_to_rgb(grey: NDArray[np.float64]) -> NDArray[np.uint8]:
    # 16 bits: 65535 is white, however dark the picture is.
    return np.repeat(np.clip(np.rint(grey / 257), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """8-bit RGB (H, W, 3) as a float32 tensor (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """One picture (1, 3, H, W) or (3, H, W) in [0, 1] as 8-bit RGB (H, W, 3), clipped and rounded to nearest.

    EnlightenGAN's authors cut the fraction off instead, which makes some grey levels darker by one.
    """
    planes = image.detach().squeeze(0) if image.ndim == 4 else image.detach()
    return (planes.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def read_image(path: Path) -> Tensor:
    """The picture as float32 RGB (1, 3, H, W) in [0, 1]. Raises BenchError, naming the file."""
    return to_tensor(read_rgb(path))


def as_png(images: Sequence[str]) -> dict[str, str]:
    """Names of result files by the names of their pictures: the suffix png, after the old one where two would clash."""
    stems = Counter(Path(image).with_suffix("").as_posix() for image in images)
    short = {image: Path(image).with_suffix("").as_posix() for image in images}
    return {image: f"{image if stems[short[image]] > 1 else short[image]}.png" for image in images}


def write_rgb(pixels: NDArray[np.uint8], path: Path, **options: Any) -> None:
    """Write 8-bit RGB (H, W, 3) in the format of the suffix: beside the target first, then renamed."""
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(partial, **options)
        partial.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise BenchError(f"Cannot write {path}: {error}") from error


def list_images(folder: Path) -> list[Path]:
    """Every picture file below `folder`, sorted by path; hidden files and what is not a picture by suffix left out."""
    if not folder.is_dir():
        raise BenchError(f"There is no folder {folder}.")
    found = (p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return sorted(p for p in found if p.is_file())
