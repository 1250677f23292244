"""Train on a bare machine, without MLflow: `python -m enlightengan --low DIR --normal DIR --out DIR`.

`bench train import DIR` brings the finished run into MLflow elsewhere.
"""

import argparse
import sys
import time
from pathlib import Path

from bench.device import choose_device
from bench.errors import BenchError
from bench.images import list_images
from enlightengan.config import PAIRINGS, PARTS, PRECISIONS, PRESETS, departures, preset
from enlightengan.log import JsonLinesLog
from enlightengan.perceptual import FEATURES, describe_features, load_features
from enlightengan.train import Report, train


def main() -> None:
    """Parse the command line, train, print a line now and then."""
    parser = argparse.ArgumentParser(prog="python -m enlightengan", description=__doc__)
    parser.add_argument("--low", type=Path, nargs="+", required=True, help="folders, or text files listing photographs")
    parser.add_argument("--normal", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=PRESETS, default="fast")
    parser.add_argument("--without", choices=PARTS, action="append", default=[])
    for name in ("epochs", "max-steps", "batch-size", "crop", "seed"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("minutes", "learning-rate", "ema"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--precision", choices=PRECISIONS)
    parser.add_argument("--pairing", choices=PAIRINGS)
    parser.add_argument("--features", choices=FEATURES)
    parser.add_argument("--feature-weights", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--init-from", type=Path)
    parser.add_argument("--resume", action="store_true")
    given = vars(parser.parse_args())
    low, normal, out, resume = (given.pop(key) for key in ("low", "normal", "out", "resume"))
    device, init_from, weights = (given.pop(key) for key in ("device", "init_from", "feature_weights"))
    config = preset(given.pop("preset"), **(given | {"without": tuple(given["without"])}))
    if out.exists() and any(out.iterdir()) and not resume:
        raise BenchError(f"{out} holds something already: choose another --out, or continue that run with --resume.")
    used, features = "none", None
    if config.perceptual:
        used = describe_features(config.features, weights)
        features = load_features(config.features, weights=weights, pools=config.feature_pools, seed=config.seed)
    log = JsonLinesLog(out)
    if not resume:
        log.parameters({"features_used": used})
        for sentence in departures(config, used):
            log.note(f"Departure from the authors' training: {sentence}")
    train(
        config, low=_photographs(low), normal=_photographs(normal), features=features, out=out, log=log,
        device=choose_device(device), init_from=init_from, resume=resume, on_step=_Printer(),
    )  # fmt: skip


class _Printer:
    """Prints a report every half minute."""

    def __init__(self) -> None:
        self.last = 0.0

    def __call__(self, report: Report) -> None:
        if time.monotonic() - self.last > 30 or report.done >= 1:
            self.last = time.monotonic()
            losses = "  ".join(f"{name} {value:.3f}" for name, value in report.losses.items())
            print(
                f"{report.done:6.1%}  step {report.step}  {report.images_per_second:.2f} images/s  {losses}", flush=True
            )


def _photographs(sources: list[Path]) -> list[Path]:
    found: list[Path] = []
    for source in sources:
        if source.is_file():
            found += [source.parent / line.strip() for line in source.read_text().splitlines() if line.strip()]
        else:
            found += list_images(source)
    return found


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(str(error))
