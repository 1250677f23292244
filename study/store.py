"""The one SQLite file of a study: pictures, observers, their trials, and every vote, the undone ones too.

Write-ahead logging with synchronous=FULL: when `vote` returns, the vote is on disk. One connection writes and one
reads, each behind a lock, so that readers never wait for the disk.
"""

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from study.database import DATABASE, PICTURES, VERSION, connect, now
from study.design import DEGRADED, Plan, Trial, trials

CHOICES = ("left", "right", "tie")
MOST_OBSERVERS = 1000
LONGEST_VOTE = 24 * 3600 * 1000  # milliseconds; a pair left open overnight


class VoteRefused(BenchError):  # noqa: N818  (what happened, not an error in the program)
    """A vote that does not belong to the pair this observer is asked about."""


class Store:
    """A study that is open; threads may share it, and several processes may have it open."""

    def __init__(self, folder: Path) -> None:
        """Open the study in `folder`. Raises BenchError when there is none, or one of another version."""
        self.folder = folder
        path = folder / DATABASE
        if not path.is_file():
            raise BenchError(f"There is no study {folder.name} in {folder.parent}: bench study new makes one.")
        try:
            self._writer, self._reader = connect(path), connect(path)
            version = self._reader.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            raise BenchError(f"Cannot open the study {path}: {error}") from error
        if version != VERSION:
            self.close()
            raise BenchError(f"{path} is no study that this version can read (its format is {version}, not {VERSION}).")
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self.facts = self.rows("SELECT * FROM study")[0]
        self.id, self.name = str(self.facts["id"]), str(self.facts["name"])
        self.methods = [str(row["name"]) for row in self.rows("SELECT name FROM methods ORDER BY id")]
        self.images = [str(row["name"]) for row in self.rows("SELECT name FROM images ORDER BY id")]
        self.plan = Plan(
            len(self.methods), len(self.images), self.facts["seed"], self.facts["repeats"], self.facts["catches"]
        )
        self.pictures = {str(row["token"]): row for row in self.rows("SELECT * FROM pictures")}
        self._tokens = {
            (row["image"], row["kind"], row["method"], row["catch"]): token for token, row in self.pictures.items()
        }

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """What a query finds."""
        with self._reading:
            return self._reader.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of what is done inside, on disk when it is left, or nothing."""
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:  # a full disk ends it by itself
                    self._writer.execute("ROLLBACK")
                raise

    def picture_file(self, token: str) -> Path | None:
        """The file of a picture of this study, or None: a token is looked up, never joined to a path as it came."""
        known = self.pictures.get(token)
        return None if known is None else self.folder / PICTURES / f"{known['token']}.jpg"

    def join(self) -> str:
        """A new observer with trials of their own; returns the secret that only the observer holds."""
        secret = secrets.token_urlsafe(32)
        with self.transaction() as database:
            count = database.execute("SELECT count(*) FROM observers WHERE source = 'page'").fetchone()[0]
            if count >= MOST_OBSERVERS:
                raise VoteRefused(f"This study has {MOST_OBSERVERS} observers already.")
            self.add_observer(database, number=count, secret=secret, label=f"observer {count + 1}", source="page")
        return secret

    def add_observer(
        self, database: sqlite3.Connection, *, number: int, secret: str | None, label: str, source: str
    ) -> tuple[int, list[str]]:
        """Inside a transaction: an observer with the trials of `number`; returns the ID and the trials' tokens."""
        digest = None if secret is None else _digest(secret)
        inserted = database.execute(
            "INSERT INTO observers (number, secret, label, source, joined) VALUES (?, ?, ?, ?, ?)",
            (number, digest, label, source, now()),
        )
        observer = int(inserted.lastrowid or 0)
        planned = trials(self.plan, number)
        position = {trial: place for place, trial in enumerate(planned)}
        tokens = [secrets.token_hex(12) for _ in planned]
        rows = [
            (token, observer, place, trial.kind, trial.image, *self.shown(trial),
             None if trial.first is None else position[trial.first])
            for place, (token, trial) in enumerate(zip(tokens, planned, strict=True))
        ]  # fmt: skip
        database.executemany("INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return observer, tokens

    def shown(self, trial: Trial) -> tuple[str, str]:
        """The tokens of the pictures on the left and on the right."""
        left, right = (
            self._tokens[trial.image, "degraded", None, trial.catch]
            if side == DEGRADED
            else self._tokens[trial.image, "result", side, None]
            for side in (trial.left, trial.right)
        )
        return left, right

    def observer(self, secret: str) -> int | None:
        """The observer who holds this secret."""
        found = self.rows("SELECT id FROM observers WHERE secret = ?", (_digest(secret),))
        return int(found[0]["id"]) if found else None

    def state(self, observer: int) -> dict[str, Any]:
        """What the page needs: how far this observer is, the pair to judge, and the one after it to load ahead."""
        counts = self.rows(
            "SELECT (SELECT count(*) FROM trials WHERE observer = :o) AS total,"
            " (SELECT count(*) FROM votes WHERE observer = :o AND undone IS NULL) AS done",
            {"o": observer},
        )[0]
        waiting = self.rows(
            "SELECT * FROM trials WHERE observer = ? AND NOT EXISTS (SELECT 1 FROM votes WHERE trial = trials.token"
            " AND votes.observer = trials.observer AND undone IS NULL) ORDER BY position LIMIT 2",
            (observer,),
        )
        pairs = [self._pair(row) for row in waiting]
        return {
            "total": counts["total"],
            "done": counts["done"],
            "trial": pairs[0] if pairs else None,
            "next": pairs[1] if len(pairs) > 1 else None,
        }

    def _pair(self, row: sqlite3.Row) -> dict[str, Any]:
        low = self._tokens.get((row["image"], "input", None, None))
        return {"token": row["token"], "left": row["left_picture"], "right": row["right_picture"], "input": low}

    def vote(self, observer: int, trial: str, choice: str, milliseconds: int) -> None:
        """Keep a vote; when this returns it is on disk. The same vote sent again changes nothing.

        Raises VoteRefused unless `trial` is the one this observer is asked about.
        """
        if choice not in CHOICES:
            raise VoteRefused(f"A vote is one of {', '.join(CHOICES)}.")
        with self.transaction() as database:
            own = database.execute(
                "SELECT position FROM trials WHERE token = ? AND observer = ?", (trial, observer)
            ).fetchone()
            if own is None:
                raise VoteRefused("This pair is not one of yours.")
            last = database.execute(
                "SELECT trial, choice FROM votes WHERE observer = ? AND undone IS NULL ORDER BY id DESC LIMIT 1",
                (observer,),
            ).fetchone()
            if last is not None and (last["trial"], last["choice"]) == (trial, choice):
                return  # the answer to the first sending was lost on its way
            done = database.execute(
                "SELECT count(*) FROM votes WHERE observer = ? AND undone IS NULL", (observer,)
            ).fetchone()[0]
            if own["position"] != done:  # trials are judged in order, so the next one's position is the count
                raise VoteRefused("This pair has been judged already; here is the next one.")
            insert_vote(database, observer, trial, choice, milliseconds)

    def undo(self, observer: int, done: int) -> None:
        """Take back the last of `done` votes, which stays on record as undone. The same sent again changes nothing."""
        with self.transaction() as database:
            database.execute(
                "UPDATE votes SET undone = ? WHERE id = (SELECT id FROM votes WHERE observer = ? AND undone IS NULL"
                " ORDER BY id LIMIT 1 OFFSET ?) AND ? = (SELECT count(*) FROM votes WHERE observer = ? AND undone IS"
                " NULL)",
                (now(), observer, done - 1, done, observer),
            )


def insert_vote(
    database: sqlite3.Connection, observer: int, trial: str, choice: str, milliseconds: int, *,
    at: str | None = None, undone: str | None = None,
) -> None:  # fmt: skip
    """Inside a transaction: one vote, made now unless `at` says when."""
    database.execute(
        "INSERT INTO votes (observer, trial, choice, milliseconds, at, undone) VALUES (?, ?, ?, ?, ?, ?)",
        (observer, trial, choice, min(milliseconds, LONGEST_VOTE), at or now(), undone),
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
