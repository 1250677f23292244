"""A study without a server: a folder that works from disk, and the votes files that come back from it.

A votes file is checked for form, for belonging to this study and for doubles. It is not signed: whoever holds the
folder can write a file that passes. Take files only from people you gave the folder to.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bench.errors import BenchError
from study.database import PICTURES
from study.design import trials
from study.page import SCRIPTS, WEB, page
from study.store import LONGEST_VOTE, Store, insert_vote

ORDERS = 20
"""So many orders of trials lie in a folder; each browser draws one."""
FIRST_ORDER = 1_000_000
"""Observers' numbers of the folder's orders start here, far from the page's."""
MOST_BYTES = 20_000_000


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]


class FileVote(BaseModel):
    """One vote of a file; `undone` is when it was taken back."""

    model_config = ConfigDict(extra="forbid", strict=True)
    position: int = Field(ge=0)
    choice: Literal["left", "right", "tie"]
    milliseconds: int = Field(ge=0, le=366 * LONGEST_VOTE)  # a page may stay open for long
    at: Moment
    undone: Moment | None = None


class VotesFile(BaseModel):
    """What the folder's page saves."""

    model_config = ConfigDict(extra="forbid", strict=True)
    format: Literal["bench study votes"]
    version: Literal[1]
    study: str
    design: str
    observer: str = Field(pattern="^[0-9a-f]{32}$")
    order: int = Field(ge=0, lt=ORDERS)
    votes: list[FileVote] = Field(max_length=100_000)


def orders(store: Store) -> list[list[tuple[str, str, str | None]]]:
    """For each order of the folder, the pictures of every trial: left, right and the input or None."""
    lows = {row["image"]: token for token, row in store.pictures.items() if row["kind"] == "input"}
    return [
        [(*store.shown(trial), lows.get(trial.image)) for trial in trials(store.plan, FIRST_ORDER + number)]
        for number in range(ORDERS)
    ]


def design_digest(store: Store) -> str:
    """Changes with anything that is shown in any order."""
    return hashlib.sha256(json.dumps(orders(store)).encode()).hexdigest()[:16]


def export(store: Store, folder: Path) -> None:
    """Write the study as a folder whose index.html works from disk; aside first, then renamed. Raises BenchError."""
    if folder.exists():
        raise BenchError(f"{folder} is there already: choose another folder, or remove it.")
    study = {"id": store.id, "design": design_digest(store), "orders": orders(store)}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
            aside = Path(partial) / "study"
            shutil.copytree(store.folder / PICTURES, aside / "pictures")
            for name in ("style.css", *SCRIPTS["static"][1:]):
                shutil.copyfile(WEB / name, aside / name)
            (aside / "study.js").write_text(f"const STUDY = {json.dumps(study)};\n", encoding="utf-8")
            (aside / "index.html").write_text(page("static"), encoding="utf-8")
            aside.rename(folder)
    except OSError as error:
        raise BenchError(f"Cannot write the study to {folder}: {error}") from error


def read_votes(path: Path, store: Store) -> VotesFile:
    """A votes file of this study. Raises BenchError, naming the file and what is wrong with it."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BenchError(f"{path} is no votes file: it is larger than {MOST_BYTES // 1_000_000} MB.")
        found = VotesFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BenchError(f"Cannot read {path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BenchError(f"{path} is no votes file: {f'{where}: ' if where else ''}{first['msg']}.") from error
    if found.study != store.id:
        raise BenchError(f"{path} belongs to another study, not to {store.name}.")
    if found.design != design_digest(store):
        raise BenchError(f"{path} was made with other pictures or another design than those of {store.name}.")
    total = len(trials(store.plan, FIRST_ORDER + found.order))
    kept = [vote.position for vote in found.votes if vote.undone is None]
    if not kept:
        raise BenchError(f"{path} holds no vote.")
    if kept != list(range(len(kept))) or any(vote.position >= total for vote in found.votes):
        raise BenchError(f"{path} has been changed: its votes are not one for each pair from the first on.")
    return found


def import_votes(path: Path, store: Store, *, replace: bool = False) -> tuple[str, int]:
    """Take a votes file into the study, whole or not at all; returns the observer's label and the number of votes.

    Raises BenchError as `read_votes` does, and when this observer's votes are here already, unless `replace`; then,
    when those that are here are newer.
    """
    found = read_votes(path, store)
    label = f"file {found.observer[:12]}"
    with store.transaction() as database:
        known = database.execute("SELECT id FROM observers WHERE label = ?", (label,)).fetchone()
        if known is not None and not replace:
            raise BenchError(
                f"The votes of {path} are here already, as {label}: a newer file of the same person takes their place "
                "with --replace."
            )
        if known is not None:
            rows = database.execute("SELECT at, undone FROM votes WHERE observer = ?", (known["id"],)).fetchall()
            ours = _latest(moment for row in rows for moment in row)
            if _latest(moment for vote in found.votes for moment in (vote.at, vote.undone)) < ours:
                raise BenchError(f"The votes of {path} are older than those that are here, as {label}.")
            for table in ("votes", "trials"):
                database.execute(f"DELETE FROM {table} WHERE observer = ?", (known["id"],))  # noqa: S608
            database.execute("DELETE FROM observers WHERE id = ?", (known["id"],))
        observer, tokens = store.add_observer(
            database, number=FIRST_ORDER + found.order, secret=None, label=label, source="file"
        )
        for vote in found.votes:
            insert_vote(
                database,
                observer,
                tokens[vote.position],
                vote.choice,
                vote.milliseconds,
                at=vote.at,
                undone=vote.undone,
            )
    return label, sum(vote.undone is None for vote in found.votes)


def _latest(moments: Iterable[str | None]) -> datetime:
    """The last of some times in ISO 8601, those without a zone in UTC; the earliest that there is for none."""
    found = [datetime.fromisoformat(moment) for moment in moments if moment] or [datetime.min]
    return max(one if one.tzinfo else one.replace(tzinfo=UTC) for one in found)
