"""Where a training run reports to: a small Protocol, and a logger that writes JSON lines where there is no MLflow."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.images import read_rgb, write_rgb


class RunLog(Protocol):
    """What training tells. `metrics` may be buffered until `flush`; `note` is for sentences that a person must see.

    A `spare` artifact may be moved instead of copied: nobody needs it where it lies.
    """

    def parameters(self, values: Mapping[str, object]) -> None: ...
    def metrics(self, values: Mapping[str, float], step: int) -> None: ...
    def image(self, name: str, picture: NDArray[np.uint8], step: int) -> None: ...
    def artifact(self, path: Path, *, spare: bool = False) -> None: ...
    def note(self, sentence: str) -> None: ...
    def flush(self) -> None: ...


class Silent:
    """The log of one of several processes that has nothing to tell."""

    def parameters(self, values: Mapping[str, object]) -> None: ...
    def metrics(self, values: Mapping[str, float], step: int) -> None: ...
    def image(self, name: str, picture: NDArray[np.uint8], step: int) -> None: ...
    def artifact(self, path: Path, *, spare: bool = False) -> None: ...
    def note(self, sentence: str) -> None: ...
    def flush(self) -> None: ...


class JsonLinesLog:
    """Writes everything to `folder/run.jsonl` and `folder/images/`; `replay` brings it into another log later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "run.jsonl"
        told = source.read_bytes() if source.is_file() else b""
        # Where a full disk cut the last record short, the next must not be one line with it.
        if told and not told.endswith(b"\n"):
            os.truncate(source, told.rfind(b"\n") + 1)

    def rewind(self, step: int) -> None:
        """Forget what was told of steps after `step`: a continued run tells it again."""
        source = self.folder / "run.jsonl"
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line).get("step", step) <= step]
        if len(kept) < len(lines):
            partial = source.with_name(".run.jsonl.partial")
            partial.write_text("".join(kept), encoding="utf-8")
            partial.replace(source)

    def _write(self, kind: str, **record: Any) -> None:
        # Opened for every record: what was told before a crash is on disk.
        with (self.folder / "run.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, **record}) + "\n")

    def parameters(self, values: Mapping[str, object]) -> None:
        self._write("parameters", values={key: str(value) for key, value in values.items()})

    def facts(self, values: Mapping[str, str]) -> None:
        """What is no setting: where the training runs and what it began from (see `read_facts`)."""
        self._write("facts", values=dict(values))

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self._write("metrics", values=dict(values), step=step)

    def image(self, name: str, picture: NDArray[np.uint8], step: int) -> None:
        file = f"images/{name}-{step:07d}.png"
        write_rgb(picture, self.folder / file)
        self._write("image", name=name, file=file, step=step)

    def artifact(self, path: Path, *, spare: bool = False) -> None:
        self._write("artifact", file=str(path.relative_to(self.folder)))

    def note(self, sentence: str) -> None:
        print(sentence, flush=True)
        self._write("note", sentence=sentence)

    def flush(self) -> None:
        """Nothing is held back."""


def _records(folder: Path, *, torn: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    source = folder / "run.jsonl"
    if not source.is_file():
        raise BenchError(f"{folder} holds no training run: there is no run.jsonl in it.")
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    if torn and lines and not lines[-1].endswith("\n"):
        lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise BenchError(f"{source}, line {number}, is damaged: {error}.") from error


def read_parameters(folder: Path, *, torn: bool = False) -> dict[str, str]:
    """All parameters that a JsonLinesLog wrote to `folder`; of a run that was `torn` the last record may be cut short.

    Raises BenchError on a damaged record.
    """
    return _values(folder, "parameters", torn=torn)


def read_facts(folder: Path, *, torn: bool = False) -> dict[str, str]:
    """All facts that a JsonLinesLog wrote to `folder`; `torn` as above."""
    return _values(folder, "facts", torn=torn)


def _values(folder: Path, kind: str, *, torn: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, record in _records(folder, torn=torn):
        if record.get("kind") == kind:
            found |= record["values"]
    return found


def replay(folder: Path, log: RunLog, *, torn: bool = False) -> None:
    """Tell `log` everything that a JsonLinesLog wrote to `folder` (see `read_parameters`). Raises BenchError."""
    for number, record in _records(folder, torn=torn):
        try:
            match record["kind"]:
                case "parameters":
                    log.parameters(record["values"])
                case "metrics":
                    log.metrics(record["values"], record["step"])
                case "image":
                    log.image(record["name"], read_rgb(folder / record["file"]), record["step"])
                case "artifact":
                    log.artifact(folder / record["file"])
                case "note":
                    log.note(record["sentence"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BenchError(f"{folder / 'run.jsonl'}, line {number}, is damaged: {error!r}.") from error
    log.flush()
