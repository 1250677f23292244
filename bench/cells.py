"""Finished cells: scores by the digests of method, picture and metric, so that nothing is computed twice.

One sqlite file, committed after every picture: whatever was finished before a crash stays finished.
"""

import hashlib
import math
import sqlite3
from pathlib import Path

from bench.errors import BenchError

CELLS = Path("runs/cells.db")


def cell_key(method: str, picture: str, metric: str) -> str:
    """The key of one score, from digests: method with weights, picture with reference, metric."""
    return hashlib.sha256(f"{method}|{picture}|{metric}".encode()).hexdigest()


class CellStore:
    """Scores by key; several processes may use one file at a time."""

    def __init__(self, path: Path = CELLS) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(path, timeout=60)
            with self._database as database:
                database.execute("CREATE TABLE IF NOT EXISTS cells (key TEXT PRIMARY KEY, value REAL, seconds REAL)")
        except sqlite3.Error as error:
            raise BenchError(f"Cannot use {path}: {error}. Delete it, or run from another folder.") from error

    def get(self, key: str) -> tuple[float, float] | None:
        """(value, seconds) of a finished cell, or None; seconds are NaN of a result that somebody else made."""
        found = self._database.execute("SELECT value, seconds FROM cells WHERE key = ?", (key,)).fetchone()
        if found is None:
            return None
        value, seconds = found
        return float(value), math.nan if seconds is None else float(seconds)  # sqlite keeps NaN as NULL

    def put(self, scores: dict[str, tuple[float, float]]) -> None:
        """Keep (value, seconds) by key, all or none."""
        with self._database as database:
            rows = [(key, *score) for key, score in scores.items()]
            database.executemany("INSERT OR REPLACE INTO cells VALUES (?, ?, ?)", rows)
