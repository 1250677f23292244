"""SHA-256 of files, by which datasets are pinned and scores are kept."""

import hashlib
from pathlib import Path

from bench.errors import BenchError


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_digest(folder: Path, files: tuple[Path, ...]) -> str:
    """SHA-256, in hex, over the sorted lines "path inside folder, SHA-256 of the file", each file once.

    Raises BenchError for a name that is not UTF-8.
    """
    return hashlib.sha256(b"".join(sorted(_line(folder, path) for path in set(files)))).hexdigest()


def _line(folder: Path, path: Path) -> bytes:
    try:
        return f"{path.relative_to(folder).as_posix()} {file_digest(path)}\n".encode()
    except UnicodeEncodeError as error:
        raise BenchError(f"The name of {str(path)!a} is not UTF-8, so no table could tell it: rename it.") from error
