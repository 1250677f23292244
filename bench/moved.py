"""A project folder that was moved or copied: MLflow's database says in absolute paths where the artifacts lie.

Read as they are, those paths lead to nothing, or into the folder that was copied. MLflow has no command for this.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.errors import BenchError


def follow(database: Path, experiment: str) -> Path | None:
    """Lets the artifacts of `experiment` be those beside `database`, where they lie there; else does nothing.

    They do when the database names another folder, and the folder `artifacts` beside it has one of its runs. Returns
    the folder that was named. Nobody else may use the database meanwhile: a folder that two machines mount at different
    places is taken for moved by each in turn. Raises BenchError when it cannot be written.
    """
    here = database.parent / "artifacts"
    if not database.is_file() or not here.is_dir():
        return None
    try:
        with closing(sqlite3.connect(database, timeout=60)) as opened, opened:
            if not opened.execute("SELECT name FROM sqlite_master WHERE name = 'runs'").fetchone():
                return None
            found = opened.execute(
                "SELECT experiment_id, artifact_location FROM experiments WHERE name = ?", (experiment,)
            ).fetchone()
            if found is None or not found[1].startswith("file:") or found[1] == here.as_uri():
                return None
            number, old = found
            named = Path(unquote(urlsplit(old).path))
            if named.is_dir() and named.samefile(here):  # by way of a link
                return None
            runs = [run for (run,) in opened.execute("SELECT run_uuid FROM runs WHERE experiment_id = ?", (number,))]
            if not any((here / run).is_dir() for run in runs):
                return None
            opened.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (here.as_uri(), number)
            )
            opened.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
                "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                (here.as_uri(), len(old) + 1, number, len(old) + 1, f"{old}/"),
            )
    except sqlite3.Error as error:
        raise BenchError(f"{database} names another folder for its artifacts and cannot be mended: {error}") from error
    return named
