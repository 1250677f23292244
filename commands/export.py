"""`bench export`: a learned method as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    method: Annotated[str, typer.Argument(help="A learned one, guided or not.")],
    path: Annotated[Path, typer.Argument(help="The file to write, model.onnx.")],
    weights: Annotated[Path | None, typer.Option(help="Its weights; else as bench evaluate chooses.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write a file that is there anew.")] = False,
) -> None:
    """Write a method as ONNX: any batch, height and width, RGB in [0, 1] in and out; compared with torch first.

    A guided one takes a minute or two to write.
    """
    from bench.errors import BenchError
    from bench.images import shown
    from commands.beginnings import terms_of
    from commands.console import say
    from enlightengan.enhancer import chosen
    from enlightengan.export import CHECKED, network_of
    from enlightengan.export import export as exported
    from methods import make

    if path.suffix.lower() != ".onnx":
        wanted = path.with_suffix(".onnx") if path.name else "NAME.onnx"
        raise BenchError(f"The file is an ONNX model: call it {wanted}.")
    if path.exists() and not force:
        raise BenchError(f"{shown(path)} is there already: --force writes it anew.")
    enhancer = make(method, weights)
    network_of(enhancer)
    say(f"{method}: weights {enhancer.checkpoint}, {enhancer.source}")
    terms = terms_of(chosen(method, weights)[0])
    apart = exported(enhancer.eval(), path, {"method": method, "licence": terms})
    say(f"The weights' terms, which the file tells: {terms}")
    say(f"Written to {path}. Over {len(CHECKED)} sizes it differs from torch by at most {apart:.1e}.")
