"""The score table: the only thing that passes from running methods to reporting on them.

One row a (method, checkpoint, dataset, image, metric). `image` is the path inside the dataset with its extension,
`dataset` the specification's name (the folder's name for a bare directory), `seconds` the time to enhance that image,
`metric_digest` the variant and parameters of the metric, `error` why a value is missing (empty otherwise).
`method_digest`, `picture_digest` and `scoring_digest` say what else a value depends on: the method's code and weights,
or the finished result; the photograph's bytes, with those of its reference; and what reads and scores pictures. Tables
from before they were told have none.
"""

import gzip
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BenchError

ORIGIN = ("method_digest", "picture_digest", "scoring_digest")
COLUMNS = (
    "method", "checkpoint", "dataset", "image", "metric", "value", "seconds", "metric_digest", "error", *ORIGIN,
)  # fmt: skip
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


def made_elsewhere(scores: pd.DataFrame) -> "pd.Series[bool]":
    """Which scores of a table come with the project: they have no seconds, although a method ran for them."""
    ran = (scores["method_digest"] != "") & ~scores["method_digest"].str.startswith("result-")
    return ran & scores["seconds"].isna() & (scores["error"] == "")


def read_scores(path: Path) -> pd.DataFrame:
    """A score table written by `write_csv` (csv, or csv.gz). Raises BenchError when columns are missing."""
    text = {column: str for column in COLUMNS if column not in NUMBERS}
    try:
        frame = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={c: [""] for c in NUMBERS})
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BenchError(f"Cannot read the score table {path}: {error}") from error
    frame = frame.assign(**{column: "" for column in ORIGIN if column not in frame})
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise BenchError(f"{path} is not a score table: it has no column {', '.join(missing)}.")
    try:
        return frame[list(COLUMNS)].astype(dict.fromkeys(NUMBERS, float))
    except ValueError as error:
        raise BenchError(f"{path} is not a score table: {error}") from error


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as csv (csv.gz: compressed, the same bytes each time) with every digit of its numbers."""
    write_text(frame.to_csv(index=False), path)


def check_writable(path: Path) -> None:
    """Raise BenchError where `path` could not be written, before work is done for it; its folder is made."""
    if path.is_dir():
        raise BenchError(f"Cannot write {path}: it is a folder.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise BenchError(f"Cannot write {path}: {error.strerror}.") from error


def write_text(text: str, path: Path) -> None:
    """Write a file beside its target, compressed if it ends in .gz, then rename it. Raises BenchError, naming it."""
    partial = path.with_name(f".{path.name}.partial")
    content = text.encode("utf-8", errors="surrogateescape")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise BenchError(f"Cannot write {path}: {error.strerror}.") from error
