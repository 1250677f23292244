"""Options that several commands share, declared once."""

from pathlib import Path
from typing import Annotated

import typer

DataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Folder of the datasets; else $BENCH_DATA, else data/.")
]
TrackingUri = Annotated[
    str | None,
    typer.Option("--tracking-uri", help="MLflow store; else $MLFLOW_TRACKING_URI, else sqlite in runs/mlflow.db."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
Force = Annotated[bool, typer.Option("--force", help="Compute again what is already finished.")]
