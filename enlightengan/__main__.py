"""Train on a bare machine, without MLflow: `python -m enlightengan --low DIR --normal DIR --out DIR`.

`--method cyclegan` or `--method zero_dce` trains a rival, `--method refine` refines what `--init-from` names. Under
torchrun, on one machine or several, the processes share every batch: `torchrun --nproc-per-node 4 -m enlightengan ...`.

`bench train import DIR` brings the finished run into MLflow elsewhere.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from bench.device import choose_device
from bench.environment import provenance
from bench.errors import BenchError
from bench.folders import left_out, others_in, others_told, photographs_in
from enlightengan.beginning import begun_from
from enlightengan.build import CONFIGS, build, check_beginning, check_features, features_for, features_used, with_key_of
from enlightengan.checkpoint import has_state
from enlightengan.config import PARTS, TEACHERS
from enlightengan.continued import check_continued, kept_config
from enlightengan.devices import device_of, join, launched
from enlightengan.log import JsonLinesLog, RunLog, Silent
from enlightengan.perceptual import FEATURES
from enlightengan.presets import PRESETS, all_departures
from enlightengan.run_config import BATCH_NORMS, PAIRINGS, PRECISIONS, choose_preset
from enlightengan.train import Report, train


def main() -> None:
    """Parse the command line, train, print a line now and then."""
    given = vars(_parser().parse_args())
    low, normal, out, resume = (given.pop(key) for key in ("low", "normal", "out", "resume"))
    device, weights = given.pop("device"), given.pop("feature_weights")
    init_from, teacher = given.pop("init_from"), given.pop("teacher")
    if teacher is not None and init_from is None:
        raise BenchError("--teacher stands beside --init-from, which names what it teaches.")
    kept = kept_config(out) if resume else None
    method = given.pop("method") or (kept.method if kept else "enlightengan")
    rank, local, size = launched()
    given |= {name: tuple(given[name] or ()) or None for name in ("without", "darkening")}
    _refuse_foreign(method, given | {"feature_weights": weights, "normal": normal or None})
    if kept is None:
        config = choose_preset(PRESETS[method], given.pop("preset") or "fast", given | {"devices": size})
        check_beginning(config, init_from, teacher)
        config = with_key_of(config, init_from)
        check_features(config, weights)
    else:
        config = replace(kept, devices=size)  # the same batches, however many share them
        check_continued(out, config, given | {"method": method}, began=begun_from(init_from, teacher), weights=weights)
    if config.unpaired and not normal:
        raise BenchError(f"{method} learns from normal-light photographs, too: give --normal.")
    features = features_for(config, weights)
    dark, lit = _photographs(low), _photographs(normal)
    log: RunLog = JsonLinesLog(_folder(out, resume=resume)) if rank == 0 else Silent()
    if not resume:
        used = features_used(config, weights)
        if isinstance(log, JsonLinesLog):
            facts = {name.replace(" ", "_"): fact for name, fact in provenance().items()}
            log.facts({**facts, **begun_from(init_from, teacher)})
        log.parameters({**asdict(config), "method": method, "features_used": used})
        for sentence in all_departures(config, used):
            log.note(f"Departure from the authors' training: {sentence}")
    continued = resume and has_state(out / "states")
    place = device_of(local, choose_device(device)) if size > 1 else choose_device(device)
    with join(rank, size, place):
        model = build(
            config, device=place, features=features, init_from=init_from, teacher=teacher, continued=continued
        )
        train(
            model, low=dark, normal=lit, out=out, log=log, resume=resume, on_step=_Printer() if rank == 0 else None,
        )  # fmt: skip


def _refuse_foreign(method: str, given: Mapping[str, Any]) -> None:
    """Raises BenchError where an option is given that `method` does not take."""
    known = {field.name for field in fields(CONFIGS[method])}
    known |= {"feature_weights"} if "features" in known else set()
    known |= {"normal"} if CONFIGS[method].unpaired else set()
    foreign = [f"--{name.replace('_', '-')}" for name in given if given[name] is not None and name not in known]
    if foreign:
        raise BenchError(f"{method} takes no {' or '.join(foreign)}.")


def _folder(out: Path, *, resume: bool) -> Path:
    if resume and (out / "weights.safetensors").exists():
        raise BenchError(f"The run in {out} is finished: its weights are {out / 'weights.safetensors'}.")
    if out.exists() and any(out.iterdir()) and not resume:
        raise BenchError(f"{out} holds something already: choose another --out, or continue that run with --resume.")
    return out


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m enlightengan", description=__doc__)
    parser.add_argument("--method", choices=PRESETS, help="enlightengan, where none is given")
    parser.add_argument("--low", type=Path, nargs="+", required=True, help="folders, or text files listing photographs")
    parser.add_argument("--normal", type=Path, nargs="+", default=[])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=PRESETS["enlightengan"], help="fast, where none is given")
    parser.add_argument("--without", choices=PARTS, action="append", default=[])
    for name in ("epochs", "max-steps", "batch-size", "accumulate", "crop", "seed"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("minutes", "learning-rate", "smallest-scale", "largest-scale", "bright-inputs", "ema", "clip"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--darkening", type=float, nargs=2, metavar=("LEAST", "MOST"))
    for name in ("noise", "huber", "structure", "statistics", "looks", "keeps"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--teacher-sees", choices=TEACHERS)
    parser.add_argument("--precision", choices=PRECISIONS)
    parser.add_argument("--pairing", choices=PAIRINGS)
    parser.add_argument("--batch-norm", choices=BATCH_NORMS)
    parser.add_argument("--features", choices=FEATURES)
    parser.add_argument("--feature-weights", type=Path)
    for name in ("checkpointing", "snapshots", "key"):
        parser.add_argument(f"--{name}", action="store_const", const=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--init-from", type=Path)
    parser.add_argument("--teacher", type=Path, help="of a refinement: the generator that tells what is wanted")
    parser.add_argument("--resume", action="store_true", help="continue the run in --out, which keeps its settings")
    return parser


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
            found += [source.parent / line.strip() for line in _text(source).splitlines() if line.strip()]
        else:
            inside = photographs_in(source)
            if not inside:
                raise BenchError(f"There is no photograph in {source}.{others_told(source)}")
            if others := others_in(source):
                print(f"{source}: {left_out(others)}", flush=True)
            found += inside
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BenchError(f"{file} is no list of photographs: give the folder that it lies in, or a list.") from error


if __name__ == "__main__":
    try:
        main()
    except (BenchError, OSError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("Interrupted: --resume continues the run in --out.", file=sys.stderr)
        sys.exit(130)
