"""`bench speed`: what each method costs, measured so that it can be believed."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import Device, TrackingUri

if TYPE_CHECKING:
    import pandas as pd

    from bench.speed import Speed
    from commands.scoring import Entry


def speed(
    method: Annotated[list[str] | None, typer.Option(help="Repeatable; else all that have weights.")] = None,
    size: Annotated[list[str] | None, typer.Option(help="WIDTHxHEIGHT; repeatable; else 600x400.")] = None,
    checkpoint: Annotated[
        list[str] | None, typer.Option(help="METHOD=FILE or NAME=METHOD:FILE: weights to use; repeatable.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Timed calls after the warm-up.", min=1)] = 5,
    csv: Annotated[Path | None, typer.Option(help="Write the table here.")] = None,
    device: Device = "auto",
    tracking_uri: TrackingUri = None,
) -> None:
    """Time, multiply-accumulates, parameters and peak memory of each method on one picture of each size."""
    from bench.device import choose_device
    from bench.errors import BenchError
    from bench.scores import check_writable
    from bench.speed import device_name, parse_size, peak_rate
    from commands.console import say
    from commands.evaluate import choose_methods

    if csv is not None:
        check_writable(csv)
    sizes = [parse_size(text) for text in dict.fromkeys(size or ["600x400"])]
    entries, absent = choose_methods(method, checkpoint or [], tracking_uri=tracking_uri)
    for sentence in absent:
        say(sentence)
    place = str(choose_device(device))
    started, peak = time.monotonic(), peak_rate(place)
    found, failed = _measured(entries, sizes, place, repeats)
    if not found:
        raise BenchError(f"Nothing could be measured: {' '.join(failed)}")
    _show(found)
    say(f"On {device_name(place)}; at most {peak / 1e9:.0f} G multiply-accumulates a second, measured.")
    warned = [sentence for row in found if (sentence := row.beyond(peak))]
    for sentence in warned:
        say(f"Warning: {sentence}", style="bold")
    facts = {"peak_macs_per_second": peak, "warnings": len(warned), "wall_seconds": time.monotonic() - started}
    run = _keep(found, facts, csv, place, tracking_uri)
    say(f"Kept in MLflow as run {run}.")
    if failed:
        raise BenchError(f"{len(failed)} of {len(entries) * len(sizes)} could not be measured: {' '.join(failed)}")


def _measured(
    entries: Sequence["Entry"], sizes: Sequence[tuple[int, int]], device: str, repeats: int
) -> tuple[list["Speed"], list[str]]:  # fmt: skip
    """What was measured, and sentences on what could not be."""
    from bench.device import enough_memory
    from bench.errors import BenchError
    from bench.speed import measure
    from commands.console import progress

    found, failed = list["Speed"](), list[str]()
    with progress() as bar:
        task = bar.add_task("speed", total=len(entries) * len(sizes))
        for entry in entries:
            for one in sizes:
                what = f"{entry.contestant.name} at {one[0]}x{one[1]}"
                bar.update(task, description=what[:44])
                try:
                    with enough_memory("it does not fit into memory."):
                        module = entry.contestant.load()
                        found.append(measure(entry.contestant.name, module, one, device=device, repeats=repeats))
                except BenchError as error:
                    failed.append(f"{what}: {error}")
                except Exception as error:  # somebody's own method may raise anything: what is measured is kept
                    failed.append(f"{what}: {type(error).__name__}: {str(error).partition(chr(10))[0]}")
                bar.advance(task)
        bar.update(task, description="speed")
    return found, failed


def _show(found: Sequence["Speed"]) -> None:
    from commands.console import table

    rows = [
        [row.method, f"{row.size[0]}x{row.size[1]}", f"{row.seconds:.4f}", f"{row.fastest:.4f}",
         "-" if row.macs is None else f"{row.macs / 1e9:.2f}", f"{row.parameters:,}",
         f"{row.memory:.0f}" if math.isfinite(row.memory) else "-"]
        for row in sorted(found, key=lambda row: (row.size, row.seconds))
    ]  # fmt: skip
    headings = ("method", "size", "seconds", "fastest", "G multiply-accumulates", "parameters", "peak MiB")
    title = f"Median and fastest of {found[0].repeats} synchronised calls after the warm-up"
    table(headings, rows, title=title, numbers=5)


def _frame(found: Sequence["Speed"], device: str) -> "pd.DataFrame":
    import pandas as pd

    rows = [
        {"method": row.method, "width": row.size[0], "height": row.size[1], "seconds": row.seconds,
         "fastest": row.fastest, "repeats": row.repeats, "macs": row.macs, "parameters": row.parameters,
         "peak_mib": row.memory, "device": device}
        for row in found
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _keep(found: Sequence["Speed"], facts: Mapping[str, float], csv: Path | None, device: str, uri: str | None) -> str:
    import tempfile

    from bench.scores import write_csv
    from bench.speed import device_name
    from bench.tracking import open_suite

    frame, name = _frame(found, device_name(device)), device_name(device)
    if csv is not None:
        write_csv(frame, csv)
    with open_suite(uri).run("speed", kind="speed", tags={"device": device, "device_name": name}) as run:
        run.metrics(facts)
        for row in found:
            run.metrics({f"{row.method}/{row.size[0]}x{row.size[1]}/seconds": row.seconds})
        with tempfile.TemporaryDirectory() as scratch:
            write_csv(frame, Path(scratch) / "speed.csv")
            run.artifact(Path(scratch) / "speed.csv")
        return str(run.id)
