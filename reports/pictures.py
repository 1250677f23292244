"""Pictures in a report: thumbnails of files whatever their mode, chosen fairly, and the contact sheet."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from bench.errors import BenchError
from reports.style import styled
from reports.writers import printable

LONGEST_SIDE = 640
QUALITY = 80
SHEET_SIDE = 224
SHEET_METHODS = 8  # beside the input; what is wider cannot be read in print
SIDES = (640, 480, 400, 320)
CHARACTERS = 0.28  # of a data address, for each pixel of a typical photograph at QUALITY


@dataclass(frozen=True)
class GalleryItem:
    """One photograph: its low-light file and what each method made of it, in the order to show."""

    dataset: str
    image: str
    low: Path
    results: Mapping[str, Path]


def thumbnail(path: Path, *, side: int = LONGEST_SIDE) -> Image.Image:
    """The picture upright in 8-bit RGB, its longest side at most `side` pixels. Raises BenchError naming the file."""
    try:
        with Image.open(path) as source:
            source.draft("RGB", (side, side))
            picture = ImageOps.exif_transpose(source)
            if picture.mode.startswith("I"):  # 16 bits a sample, which convert() would clip
                picture = Image.fromarray((np.asarray(picture, dtype=np.float32) / 257).clip(0, 255).astype(np.uint8))
            picture = picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BenchError(f"Cannot show the picture {path}: {error}") from error
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def side_for(count: int, *, budget: int) -> int:
    """The longest side at which about so many pictures fit into `budget` characters, of SIDES."""
    fitting = [side for side in SIDES if count * side * side * 0.75 * CHARACTERS <= budget]
    return fitting[0] if fitting else SIDES[-1]


def data_uri(picture: Image.Image, *, quality: int = QUALITY) -> str:
    """The picture as a JPEG `data:` address."""
    stream = io.BytesIO()
    picture.save(stream, format="JPEG", quality=quality, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def chosen(gallery: Sequence[GalleryItem], *, limit: int) -> list[GalleryItem]:
    """At most `limit` items, taking the datasets in turn so that each is seen, in the order given."""
    turns: dict[str, int] = {}
    ranked = []
    for place, item in enumerate(gallery):
        turns[item.dataset] = turns.get(item.dataset, 0) + 1
        ranked.append((turns[item.dataset], place, item))
    first = sorted(ranked, key=lambda entry: entry[:2])[: max(0, limit)]
    return [item for _, _, item in sorted(first, key=lambda entry: entry[1])]


def contact_sheets(gallery: Sequence[GalleryItem], *, order: Sequence[str] = ()) -> dict[str, Figure]:
    """Contact sheets by the stem of their files: one, or where there are many methods several, SHEET_METHODS on each.

    Methods are in this `order`, what is not in it behind. Raises BenchError as `contact_sheet` does.
    """
    shown = dict.fromkeys(method for item in gallery for method in item.results)
    methods = [*(name for name in order if name in shown), *(name for name in shown if name not in order)]
    parts = [methods[start : start + SHEET_METHODS] for start in range(0, len(methods), SHEET_METHODS)]
    sheets = {}
    for number, part in enumerate(parts, start=1):
        items = [
            GalleryItem(item.dataset, item.image, item.low, {m: item.results[m] for m in part if m in item.results})
            for item in gallery
        ]
        sheets[f"contact-sheet-{number}" if len(parts) > 1 else "contact-sheet"] = contact_sheet(items, methods=part)
    return sheets


def contact_sheet(gallery: Sequence[GalleryItem], *, methods: Sequence[str] | None = None) -> Figure:
    """Images × methods as one figure: a row a photograph, low light first, `methods` else in the first item's order.

    A result that an item does not have leaves its place empty. Raises BenchError naming a file that cannot be read.
    """
    methods = methods or list(dict.fromkeys(method for item in gallery for method in item.results))
    width, height, gap = 1.5, 1.05, 0.06
    columns, rows = len(methods) + 1, len(gallery)
    with styled():
        figure = Figure(figsize=(columns * (width + gap) + 0.3, rows * (height + gap) + 0.5))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.axis("off")
        for column, name in enumerate(("low light", *methods)):
            label = printable(name, most=20)
            axes.text(column * (width + gap) + width / 2, -0.07, label, ha="center", va="bottom", fontsize=7.5)
        for row, item in enumerate(gallery):
            top = row * (height + gap)
            label = printable(item.image, most=24)
            axes.text(-0.05, top + height / 2, label, rotation=90, ha="right", va="center", fontsize=5.5)
            for column, path in enumerate((item.low, *(item.results.get(method) for method in methods))):
                if path is not None:
                    picture = ImageOps.pad(thumbnail(path, side=SHEET_SIDE), _cell(width, height), color="white")
                    left = column * (width + gap)
                    axes.imshow(np.asarray(picture), extent=(left, left + width, top + height, top))
        axes.set(xlim=(-0.25, columns * (width + gap)), ylim=(rows * (height + gap), -0.35))
    return figure


def _cell(width: float, height: float) -> tuple[int, int]:
    return SHEET_SIDE, math.ceil(SHEET_SIDE * height / width)
