"""Options that several commands share, declared once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.errors import BenchError

DataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Folder of the datasets; else $BENCH_DATA, else data/.")
]
TrackingUri = Annotated[
    str | None,
    typer.Option("--tracking-uri", help="MLflow store; else $MLFLOW_TRACKING_URI, else sqlite in runs/mlflow.db."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
Force = Annotated[bool, typer.Option("--force", help="Compute again what is already finished.")]

Workers = Annotated[int, typer.Option("--workers", help="Processes, one thread each; 1 works in this one.")]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Address of a Dask scheduler, tcp://...: its workers do the work.")
]


def is_name(name: str) -> bool:
    """Whether what scores are told under may be called so: no two names look alike for a blank at an end."""
    return bool(name) and name == name.strip() and name.isprintable() and len(name) <= 100


def folders(outputs: Sequence[str]) -> dict[str, Path]:
    """{name: folder} of --outputs NAME=DIR. Raises BenchError for words of another form and for doubles."""
    found: dict[str, Path] = {}
    for given in outputs:
        name, equals, folder = given.partition("=")
        if not equals or not folder or not is_name(name):
            raise BenchError(f"--outputs takes NAME=DIR, not {given!r}: a name has no blank at its ends.")
        if name in found:
            raise BenchError(f"--outputs names {name} twice.")
        found[name] = Path(folder)
    return found
