"""Finished cells: scores by the digests of all that they depend on, so that nothing is computed twice.

One sqlite file, committed after every picture: whatever was finished before a crash stays finished. Behind it stand the
scores that come with the project, in a score table: they count where method, photograph, metric and what reads and
scores pictures are the same to the byte, and what took some says so.
"""

import csv
import gzip
import hashlib
import math
import sqlite3
import zlib
from functools import cache
from pathlib import Path

from bench.errors import BenchError
from bench.registry import LIBRARIES, code_digest

CELLS = Path("runs/cells.db")
SHIPPED = Path(__file__).resolve().parent.parent / "results" / "scores.csv.gz"
Score = tuple[float, float]
"""Value, and seconds that the picture took; NaN where that was elsewhere."""


@cache
def scoring_digest() -> str:
    """16 hex digits that change with the code and the libraries that read photographs, round results and score them."""
    return code_digest("bench.jobs", libraries=(*LIBRARIES, "pillow", "pyiqa"))


def cell_key(method: str, picture: str, metric: str, scoring: str) -> str:
    """The key of one score, from digests: method with weights, picture with reference, metric, `scoring_digest`."""
    return hashlib.sha256(f"{method}|{picture}|{metric}|{scoring}".encode()).hexdigest()


class CellStore:
    """Scores by key; several processes may use one file at a time. `shipped` is a score table to look into as well."""

    def __init__(self, path: Path = CELLS, *, shipped: Path | None = None) -> None:
        self.shipped = shipped_scores(shipped) if shipped is not None and shipped.is_file() else {}
        self.taken = 0
        """How many of the shipped scores were taken."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(path, timeout=60)
            with self._database as database:
                database.execute("CREATE TABLE IF NOT EXISTS cells (key TEXT PRIMARY KEY, value REAL, seconds REAL)")
        except sqlite3.Error as error:
            raise BenchError(f"Cannot use {path}: {error}. Delete it, or run from another folder.") from error

    def get(self, key: str) -> Score | None:
        """(value, seconds) of a finished cell, or None; seconds are NaN of a result that somebody else made."""
        found = self._database.execute("SELECT value, seconds FROM cells WHERE key = ?", (key,)).fetchone()
        if found is None:
            self.taken += key in self.shipped
            return self.shipped.get(key)
        value, seconds = found
        return float(value), math.nan if seconds is None else float(seconds)  # sqlite keeps NaN as NULL

    def put(self, scores: dict[str, Score]) -> None:
        """Keep (value, seconds) by key, all or none."""
        with self._database as database:
            rows = [(key, *score) for key, score in scores.items()]
            database.executemany("INSERT OR REPLACE INTO cells VALUES (?, ?, ?)", rows)


def shipped_scores(table: Path) -> dict[str, Score]:
    """The scores of a compressed score table that say what they depend on, by key. Raises BenchError.

    Without seconds: those were another machine's.
    """
    try:
        with gzip.open(table, "rt", encoding="utf-8", newline="") as lines:
            found = {
                cell_key(*(row[f"{name}_digest"] for name in ("method", "picture", "metric", "scoring"))):
                    (float(row["value"] or "nan"), math.nan)
                for row in csv.DictReader(lines) if row["method_digest"]
            }  # fmt: skip
    except (OSError, EOFError, zlib.error, csv.Error, KeyError, TypeError, ValueError) as error:
        raise BenchError(
            f"{table} is not a compressed score table, or is damaged ({error}). Fetch it anew (git checkout {table}), "
            "or delete it: everything is computed then."
        ) from error
    return {key: score for key, score in found.items() if math.isfinite(score[0])}
