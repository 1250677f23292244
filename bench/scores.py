"""The score table: the only thing that passes from running methods to reporting on them.

One row a (method, checkpoint, dataset, image, metric). `image` is the path inside the dataset with its extension,
`dataset` the specification's name (the folder's name for a bare directory), `seconds` the time to enhance that image,
`metric_digest` the variant and parameters of the metric, `error` why a value is missing (empty otherwise).
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BenchError

COLUMNS = ("method", "checkpoint", "dataset", "image", "metric", "value", "seconds", "metric_digest", "error")
NUMBERS = ("value", "seconds")


def score_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame with exactly `COLUMNS`: text as str (missing is ""), numbers as float (missing is NaN)."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in COLUMNS:
        if column in NUMBERS:
            frame[column] = pd.to_numeric(frame[column]).astype(float)
        else:
            frame[column] = frame[column].astype(object).fillna("").astype(str)
    return frame


def read_scores(path: Path) -> pd.DataFrame:
    """A score table written by `write_csv` (csv). Raises BenchError when columns are missing."""
    text = {column: str for column in COLUMNS if column not in NUMBERS}
    try:
        frame = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={c: [""] for c in NUMBERS})
    except (OSError, ValueError) as error:
        raise BenchError(f"Cannot read the score table {path}: {error}") from error
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise BenchError(f"{path} is not a score table: it has no column {', '.join(missing)}.")
    try:
        return frame[list(COLUMNS)].astype(dict.fromkeys(NUMBERS, float))
    except ValueError as error:
        raise BenchError(f"{path} is not a score table: {error}") from error


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as csv with every digit of its numbers; beside the target first, then renamed."""
    write_text(frame.to_csv(index=False), path)


def write_text(text: str, path: Path) -> None:
    """Write a small file beside its target, then rename it. Raises BenchError, naming the file."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise BenchError(f"Cannot write {path}: {error}") from error
