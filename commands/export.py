"""`bench export`: a learned method as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    method: Annotated[str, typer.Argument(help="enlightengan or an ablation of it by its name, or cyclegan.")],
    path: Annotated[Path, typer.Argument(help="The file to write, model.onnx.")],
    weights: Annotated[Path | None, typer.Option(help="Its weights; else as bench evaluate chooses.")] = None,
) -> None:
    """Write a method as ONNX: any batch, height and width, RGB in [0, 1] in and out; compared with torch first."""
    from bench.errors import BenchError
    from bench.weights import variant_of
    from commands.console import say
    from enlightengan.enhancer import LearnedEnhancer
    from enlightengan.export import CHECKED
    from enlightengan.export import export as exported
    from methods import make

    if path.suffix.lower() != ".onnx":
        raise BenchError(f"The file is an ONNX model: call it {path.with_suffix('.onnx')}.")
    if method != variant_of(method):
        raise BenchError(f"{method} is more than one network: export {variant_of(method)}, which it looks through.")
    enhancer = make(method, weights)
    if not isinstance(enhancer, LearnedEnhancer):
        raise BenchError(f"ONNX is written of EnlightenGAN's generator, which {method} has not.")
    say(f"{method}: weights {enhancer.checkpoint} from {enhancer.source}")
    apart = exported(enhancer.eval(), path)
    say(f"Written to {path}. Over {len(CHECKED)} sizes it differs from torch by at most {apart:.1e}.")
