"""`bench enhance`: photographs in, the same photographs brighter out."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import Device, Force

if TYPE_CHECKING:
    from torch import nn

    from bench.batch import Job, Work

PIPE = "-"


def enhance(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, globs, or - for a pipe.")],
    method: Annotated[str, typer.Option(help="See bench methods.")] = "enlightengan_natural",
    out: Annotated[Path | None, typer.Option(help="File or folder; else NAME_METHOD beside the photograph.")] = None,
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 is the input, 1 the method's result.")] = 1.0,
    texture: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="0, as _natural methods, leaves texture; 1, as _guided, makes it stronger."),
    ] = None,
    tile: Annotated[int | None, typer.Option(help="Side of a tile, pixels; else as large as memory allows.")] = None,
    bits: Annotated[int | None, typer.Option(help="8 or 16 a channel; else as the photograph.")] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Write before and after side by side instead.")] = False,
    weights: Annotated[Path | None, typer.Option(help="A learned method's weights.")] = None,
    device: Device = "auto",
    force: Force = False,
) -> None:
    """Brighten photographs: same size, format, depth, orientation and metadata; results that are there are kept.

    The input is never overwritten. One bad file does not stop the others.
    """
    from bench.batch import COMPARED, plan
    from bench.brighten import develop
    from bench.device import choose_device, keep_freed_memory
    from bench.errors import BenchError
    from commands.console import say

    if bits not in (None, 8, 16):
        raise BenchError(f"--bits is 8 or 16, not {bits}.")
    if PIPE in paths and len(paths) > 1:
        raise BenchError("- reads one photograph from standard input: name no other path beside it.")
    piped = paths == [PIPE]
    if piped:
        check_out(out, force=force)
    ending = f"{method}{COMPARED if compare else ''}"
    jobs = [] if piped else plan(paths, ending=ending, out=out, tell=say, is_method=_is_method)
    chosen = str(choose_device(device))
    keep_freed_memory()
    enhancer = load(method, weights, device=chosen, quiet=piped)
    if texture is not None:
        set_texture(enhancer, method, texture)

    work = partial(
        develop, enhancer, strength=strength, tile=tile, bits=bits, device=chosen, fast=True, compare=compare
    )
    if piped:
        pipe(work, out)
    else:
        run_jobs(jobs, work, force=force)


def _is_method(name: str) -> bool:
    from methods import METHODS  # imports what computes, and most photographs are named like no result

    return name in METHODS


def load(method: str, weights: Path | None, *, device: str, quiet: bool) -> "nn.Module":
    """The method on its device; says which weights it has and in which precision it computes, unless `quiet`."""
    import torch

    from bench.device import fast_precision
    from commands.console import say
    from methods import METHODS, make

    learned = METHODS.card(method).learned
    enhancer = make(method, weights).eval().to(device)
    if learned and not quiet:
        say(f"{method}: weights {enhancer.checkpoint}, {enhancer.source}")
        if device == "cpu" and fast_precision() == torch.bfloat16:
            say("Convolutions run in bfloat16: values differ by a few 255ths from those that are scored.")
    return enhancer


def set_texture(enhancer: "nn.Module", method: str, texture: float) -> None:
    """Set how much of the stronger texture a guided method makes. Raises BenchError for another method."""
    from bench.errors import BenchError
    from enlightengan.guided import GuidedEnhancer

    if not isinstance(enhancer, GuidedEnhancer):
        raise BenchError(f"--texture is for methods that end in _natural or _guided, which {method} does not.")
    enhancer.texture = texture


def check_out(out: Path | None, *, force: bool) -> None:
    """Raise BenchError where the result of a pipe cannot go to `out`, or is there already, unless `force`."""
    from bench.errors import BenchError
    from bench.images import FORMATS, shown

    if out is not None and out.suffix.lower() not in FORMATS:
        raise BenchError(f"--out for a pipe is a file that ends in one of {', '.join(FORMATS)}.")
    if out is not None and out.exists() and not force:
        raise BenchError(f"{shown(out)} is there already: --force makes it anew.")


def pipe(work: "Work", out: Path | None) -> None:
    """One photograph from standard input to standard output or to `out`; sentences go to standard error."""
    from bench.batch import through
    from bench.images import beside

    data, notes = through(sys.stdin.buffer.read(), work, suffix="" if out is None else out.suffix.lower())
    for note in notes:
        typer.echo(f"standard input: {note}.", err=True)
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    with beside(out) as partial_file:
        partial_file.write_bytes(data)


def run_jobs(jobs: "Sequence[Job]", work: "Work", *, force: bool) -> None:
    """Do the jobs below a progress bar, say what is not kept, count. Raises BenchError when any failed."""
    from bench.batch import run
    from bench.errors import BenchError
    from bench.images import shown
    from commands.console import progress, say

    errors: list[str] = []
    counts = {"written": 0, "there": 0, "failed": 0}
    with progress() as bar:
        task = bar.add_task("enhance", total=len(jobs))
        for outcome in run(jobs, work, force=force):
            counts[outcome.state] += 1
            if outcome.error:
                errors.append(outcome.error)
            for note in outcome.notes:
                say(f"{shown(outcome.job.source)}: {note}.")
            bar.update(task, advance=1)
    if counts["there"]:
        say(f"Kept, whatever made them: {counts['there']} that were there already; --force makes them anew.")
    if counts["written"]:
        say(f"{counts['written']} written, to {where(jobs)}.")
    if len(jobs) == 1 and errors:
        raise BenchError(errors[0])
    if errors:
        for error in errors:
            say(f"Failed: {error}")
        others = " The others are done." if len(errors) < len(jobs) else ""
        raise BenchError(f"{len(errors)} of {len(jobs)} photographs failed, as said above.{others}")


def where(jobs: "Sequence[Job]") -> str:
    """The file or the folder that the results are in."""
    from os.path import commonpath

    from bench.images import shown

    if len(jobs) == 1:
        return shown(jobs[0].target)
    return shown(Path(commonpath([job.target.absolute().parent for job in jobs])))
