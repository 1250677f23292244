"""The file of a study: its tables, made once, and how it is opened."""

import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from study.design import Plan

SCHEMA = Path(__file__).parent / "schema.sql"
DATABASE = "study.db"
PICTURES = "pictures"
VERSION = 1


@dataclass(frozen=True)
class Picture:
    """A prepared copy: `method` of a result, `catch` of a degraded copy, neither of an input."""

    token: str
    image: int
    kind: str
    method: int | None = None
    catch: int | None = None


def now() -> str:
    """The time, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def create(
    path: Path, *, name: str, dataset: str, plan: Plan, methods: Sequence[str], images: Sequence[tuple[str, int, int]],
    pictures: Sequence[Picture],
) -> None:  # fmt: skip
    """Write a new study's database; `images` are name, width, height."""
    with closing(connect(path)) as database:
        database.executescript(SCHEMA.read_text(encoding="utf-8"))
        database.execute("BEGIN")
        database.execute(
            "INSERT INTO study VALUES (?, ?, ?, ?, ?, ?, ?)",
            (secrets.token_hex(8), name, dataset, now(), plan.seed, plan.repeats, plan.catches),
        )
        database.executemany("INSERT INTO methods VALUES (?, ?)", enumerate(methods))
        database.executemany("INSERT INTO images VALUES (?, ?, ?, ?)", ((k, *image) for k, image in enumerate(images)))
        rows = [(p.token, p.image, p.kind, p.method, p.catch) for p in pictures]
        database.executemany("INSERT INTO pictures VALUES (?, ?, ?, ?, ?)", rows)
        database.execute("COMMIT")


def connect(path: Path) -> sqlite3.Connection:
    """The study's database, made when it is not there; every vote is on disk before it is answered."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=20)
    database.row_factory = sqlite3.Row
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            database.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        database.close()
        raise
    return database
