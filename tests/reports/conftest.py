import numpy as np
import pytest
from PIL import Image

from bench.scores import score_table
from reports.pictures import GalleryItem


@pytest.fixture
def table():
    """A score table from {(method, dataset, metric): values}; NaN becomes a row with an error."""

    def build(values, *, seconds=0.5, checkpoint="", error="too small"):
        return score_table(
            [
                {
                    "method": method,
                    "checkpoint": checkpoint,
                    "dataset": dataset,
                    "image": f"low/{index}.png",
                    "metric": metric,
                    "value": value,
                    "seconds": seconds,
                    "metric_digest": "v1",
                    "error": "" if np.isfinite(value) else error,
                }
                for (method, dataset, metric), row in values.items()
                for index, value in enumerate(row)
            ]
        )

    return build


@pytest.fixture
def picture(tmp_path):
    """Writes a flat picture of one colour and gives its path."""

    def write(name, colour, size=(48, 32)):
        path = tmp_path / name
        Image.new("RGB", size, colour).save(path)
        return path

    return write


@pytest.fixture
def gallery(picture):
    low = picture("low.png", (20, 20, 30))
    results = {"clahe": picture("clahe.png", (200, 40, 40)), "gamma": picture("gamma.png", (40, 200, 40))}
    return [GalleryItem("dicm", "street.png", low, results)]
