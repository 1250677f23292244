"""`bench demo`: the main job from end to end on photographs that need no download, in minutes."""

from pathlib import Path
from typing import Annotated

import typer

from commands.options import TrackingUri

METRICS = ("niqe", "psnr", "ssim")
SHOWN = ("identity", "gamma", "histogram_equalization", "clahe", "msrcr", "lime", "bimef")
"""Besides what it trains; `bench evaluate --dataset demo/test` takes all."""
VARIANTS: tuple[tuple[str, ...], ...] = ((), ("attention",), ("local-discriminator",))


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("runs/demo-report"),
    steps: Annotated[int, typer.Option(help="Optimiser steps of each training run.")] = 16,
    tracking_uri: TrackingUri = None,
) -> None:
    """Train EnlightenGAN and two ablations for a moment, score them beside classical methods, write the report."""
    from bench.tracking import open_suite
    from commands.console import say
    from commands.evaluate import choose_datasets, choose_methods
    from commands.report import write
    from commands.scoring import Entry, run_evaluation
    from commands.sides import choose_sides
    from commands.training import start_run
    from enlightengan.config import preset
    from methods import contestant

    say("Demo: photographs from installed packages, darkened; training for a moment, which teaches little.")
    sides, _, _ = choose_sides(["demo"], ["demo"], Path("data"))
    suite = open_suite(tracking_uri)
    entries = []
    for without in VARIANTS:
        config = preset("smoke", without=without, max_steps=steps)
        run_id = start_run(config, sides, keep_optimisers=False, tracking_uri=tracking_uri)
        weights = suite.artifact(run_id, "weights.safetensors")
        assert weights is not None  # a finished run has logged them
        made, _ = contestant(config.variant, weights)
        entries.append(Entry(made, f"demo run {run_id[:8]}"))
    entries = [*choose_methods(SHOWN, [])[0], *entries]
    datasets, _ = choose_datasets(["demo/test"], Path("data"))
    run_evaluation(entries, datasets, METRICS, tracking_uri=tracking_uri)
    page = write(out, demo=True, tracking_uri=tracking_uri)
    say(f"\nThe report: {page.resolve()}\nThe runs:   bench ui   (or .venv/bin/bench ui), then open the page it names")
    say("With real photographs: bench train enlightengan --data-root DIR, bench evaluate --metric niqe --data-root DIR")
