"""The command line: mounts the commands and turns the one error class into one sentence. No logic here."""

import sqlite3
import sys

import typer

from bench.errors import BenchError
from commands import (
    adapt,
    compare,
    data,
    demo,
    enhance,
    evaluate,
    export,
    listing,
    probe,
    publish,
    report,
    reproduce,
    runs,
    speed,
    study,
    train,
    ui,
)

app = typer.Typer(
    name="bench",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(listing.versioned)
app.command("demo")(demo.demo)
app.add_typer(train.app, name="train")
app.command("adapt")(adapt.adapt)
app.command("enhance")(enhance.enhance)
app.command("evaluate")(evaluate.evaluate)
app.command("export")(export.export)
app.command("compare")(compare.compare)
app.command("publish")(publish.publish)
app.command("report")(report.report)
app.command("reproduce")(reproduce.reproduce)
app.command("probe")(probe.probe)
app.command("speed")(speed.speed)
app.add_typer(study.app, name="study")
app.add_typer(data.app, name="data")
app.command("methods")(listing.methods)
app.command("metrics")(listing.metrics)
app.add_typer(runs.app, name="runs")
app.command("ui")(ui.ui)


def main() -> None:
    """Entry point of `bench`: exit status 0 done, 1 an error said in one sentence, 2 a wrong command line."""
    try:
        app()
    except BenchError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except (OSError, sqlite3.Error) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as stop:
        if stop.code == 130:  # typer's for Ctrl-C
            print("Interrupted. What was finished is kept; --resume continues a training run.", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
