"""Reading and writing pictures. Outside `enlightengan/` a picture is a float32 RGB tensor (B, 3, H, W) in [0, 1]."""

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from bench.errors import BenchError

FORMATS = {
    ".bmp": "BMP", ".jpeg": "JPEG", ".jpg": "JPEG", ".pgm": "PPM", ".png": "PNG", ".ppm": "PPM", ".tif": "TIFF",
    ".tiff": "TIFF", ".webp": "WEBP",
}  # fmt: skip
"""By suffix: what is read out of folders, and what is written."""
ORIENTATION = 0x0112  # the EXIF tag; from 5 on the sides are swapped
MAX_PIXELS = 400_000_000
"""A larger picture is refused before it is decoded: no camera makes it, decompression bombs do."""
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit, 179 million pixels, is below what panoramas have


def shown(path: Path) -> str:
    """The name as one line that any terminal prints: line breaks and bytes that are no text are escaped."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(path))


def reason_of(error: Exception) -> str:
    """What the system says, without the names of files that it adds."""
    text = error.strerror if isinstance(error, OSError) else None
    return text or (str(error).splitlines() or [type(error).__name__])[0]


@contextmanager
def opened_picture(
    source: Path | BytesIO, name: str, *, formats: tuple[str, ...] | None = None
) -> Iterator[Image.Image]:
    """The picture opened by Pillow, not yet decoded; whatever Pillow raises becomes a BenchError that says `name`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata that has no bearing on the pixels
        try:
            with Image.open(source, formats=formats) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise BenchError(f"{name} has {opened.width} x {opened.height} pixels: more than {MAX_PIXELS:,}.")
                yield opened
        except BenchError:
            raise
        except UnidentifiedImageError as error:
            raise BenchError(f"{name} is not a picture that can be read.") from error
        except MemoryError as error:
            raise BenchError(f"{name} does not fit into memory.") from error
        except Exception as error:  # a damaged file makes Pillow raise whatever its bytes lead to
            reason = (str(error).splitlines() or [""])[0]
            raise BenchError(f"Cannot read {name}: {reason or type(error).__name__}") from error


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """The picture as 8-bit RGB (H, W, 3), upright as its orientation tag says.

    Grey, palette, CMYK and 16-bit grey are converted, alpha is dropped; of an animation the first frame is taken.
    Raises BenchError, naming the file, when it cannot be decoded whole.
    """
    with opened_picture(path, shown(path)) as opened:
        opened.load()
        picture = ImageOps.exif_transpose(opened)
        if picture.mode == "F":
            raise BenchError(f"{shown(path)} holds floating-point values, whose scale is unknown: convert it first.")
        if not picture.mode.startswith("I"):
            return np.asarray(picture.convert("RGB"))
    return _deep_grey(path)


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of the picture, upright, from its header alone. Raises BenchError, naming the file."""
    try:
        with warnings.catch_warnings(), Image.open(path) as opened:
            warnings.simplefilter("ignore")
            turned = opened.getexif().get(ORIENTATION, 1) >= 5
            return (opened.height, opened.width) if turned else (opened.width, opened.height)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise BenchError(f"{path} is not a picture that can be read.") from error


def _deep_grey(path: Path) -> NDArray[np.uint8]:
    """16-bit grey, of which 65535 is white however dark the picture is; other integers have no known scale."""
    from bench.photograph import read_photograph, with_depth  # which builds on this module

    return np.repeat(with_depth(read_photograph(path).upright(), 8), 3, axis=2)


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


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, renamed to `path` at the end; what fails leaves the old file and no new one.

    Raises BenchError that names `path`. Makes the folder.
    """
    # A name may be at the system's limit already, and another process may write one that begins alike.
    mark = hashlib.sha256(f"{os.getpid()} {path.name}".encode()).hexdigest()[:12]
    partial = path.with_name(f".{path.stem[:40]}.{mark}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise BenchError(f"Cannot write {shown(path)}: {reason_of(error)}") from error


def write_rgb(pixels: NDArray[np.uint8], path: Path, **options: Any) -> None:
    """Write 8-bit RGB (H, W, 3) in the format of the suffix. Raises BenchError."""
    with beside(path) as partial:
        Image.fromarray(pixels).save(partial, **options)


def list_images(folder: Path) -> list[Path]:
    """Every picture file below `folder`, sorted by path; hidden files and what is not a picture by suffix left out."""
    if not folder.is_dir():
        raise BenchError(f"There is no folder {folder}.")
    found = (p for p in folder.rglob("*") if p.suffix.lower() in FORMATS and not p.name.startswith("."))
    return sorted(p for p in found if p.is_file())
