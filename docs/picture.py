"""Draws docs/methods.jpg, the picture in the README: `python docs/picture.py`."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from bench.darken import darken
from bench.images import to_pixels, to_tensor
from bench.weights import shipped_weights
from methods import METHODS, make

NAMES = ("identity", "enlightengan_natural", "enlightengan", "exposure_fusion", "clahe", "lime", "msrcr")
SIDE, BAND = 300, 26

if __name__ == "__main__":
    bright = np.asarray(data.astronaut())
    low = to_tensor(darken(bright, exposure=0.1, rng=np.random.default_rng(0)))
    weights = {name: shipped_weights(name) if METHODS.card(name).learned else None for name in NAMES}
    made = {name: to_pixels(make(name, file)(low)) for name, file in weights.items()}
    tiles = {"the photograph before": bright} | made
    tiles = {("darkened" if name == "identity" else name): pixels for name, pixels in tiles.items()}
    sheet = Image.new("RGB", (4 * SIDE, 2 * (SIDE + BAND)), "white")
    font = ImageFont.load_default(15)
    for place, (name, pixels) in enumerate(tiles.items()):
        left, top = place % 4 * SIDE, place // 4 * (SIDE + BAND)
        sheet.paste(Image.fromarray(pixels).resize((SIDE - 4, SIDE - 4), Image.Resampling.LANCZOS), (left + 2, top + 2))
        ImageDraw.Draw(sheet).text((left + 6, top + SIDE + 1), name, fill="black", font=font)
    sheet.save(Path(__file__).with_name("methods.jpg"), quality=88)
