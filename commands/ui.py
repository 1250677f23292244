"""`bench ui`: MLflow's page on our runs."""

import os
import sys
from typing import Annotated

import typer

from commands.options import TrackingUri


def ui(
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 5000,
) -> None:
    """Open MLflow's page on the runs, on this machine only; Ctrl-C ends it."""
    from bench.tracking import ARTIFACTS, open_suite
    from commands.console import say

    suite = open_suite(tracking_uri, must_exist=True)
    if suite.uri.startswith("http"):
        say(f"The runs: {suite.uri}/#/experiments/{suite.experiment}/runs")
        return
    say(f"The runs: http://127.0.0.1:{port}/#/experiments/{suite.experiment}/runs")
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # otherwise eight processes that outlive Ctrl-C
    command = ["-m", "mlflow", "ui", "--backend-store-uri", suite.uri, "--port", str(port)]
    os.execv(sys.executable, [sys.executable, *command, "--default-artifact-root", ARTIFACTS.resolve().as_uri()])
