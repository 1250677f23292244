"""Draws docs/methods.jpg, the picture in the README: `python docs/picture.py`."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from bench.darken import darken
from bench.images import to_pixels, to_tensor
from methods import METHODS

NAMES = ("identity", "enlightengan_natural", "enlightengan", "exposure_fusion", "clahe", "lime", "msrcr")
SIDE, BAND = 300, 26

if __name__ == "__main__":
    bright = np.asarray(data.astronaut())
    low = to_tensor(darken(bright, exposure=0.1, rng=np.random.default_rng(0)))
    tiles = {"the photograph before": bright} | {name: to_pixels(METHODS[name]()(low)) for name in NAMES}
    tiles = {("darkened" if name == "identity" else name): pixels for name, pixels in tiles.items()}
    sheet = Image.new("RGB", (4 * SIDE, 2 * (SIDE + BAND)), "white")
    font = ImageFont.load_default(15)
    for place, (name, pixels) in enumerate(tiles.items()):
        left, top = place % 4 * SIDE, place // 4 * (SIDE + BAND)
        sheet.paste(Image.fromarray(pixels).resize((SIDE - 4, SIDE - 4), Image.Resampling.LANCZOS), (left + 2, top + 2))
        ImageDraw.Draw(sheet).text((left + 6, top + SIDE + 1), name, fill="black", font=font)
    sheet.save(Path(__file__).with_name("methods.jpg"), quality=88)
