"""`bench train import`: a finished training of a bare machine, into MLflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands import training_options as options
from commands.options import DataRoot, TrackingUri

if TYPE_CHECKING:
    from commands.sides import Sides


def import_run(
    folder: Annotated[Path, typer.Argument(help="Folder written by python -m enlightengan --out.")],
    low: Annotated[
        list[str] | None, typer.Option(help="Dataset or folder of the low-light side it was trained on; repeatable.")
    ] = None,
    normal: Annotated[list[str] | None, typer.Option(help="Likewise of the normal-light side.")] = None,
    name: options.Name = None,
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Bring a finished training run of a bare machine into MLflow.

    That machine knows folders, not datasets: --low and --normal name them, which a model card needs (bench publish).
    """
    from bench.environment import provenance
    from bench.errors import BenchError
    from bench.tracking import open_suite
    from commands.beginnings import is_trusted, with_terms
    from commands.console import say
    from commands.publish_card import begun
    from enlightengan.checkpoint import read_weights, weights_digest
    from enlightengan.log import read_facts, read_parameters, replay

    if not (folder / "weights.safetensors").is_file():
        raise BenchError(f"{folder} holds no finished training run: there is no weights.safetensors in it.")
    told = read_parameters(folder, torn=True)
    known = ("variant", "method", "preset", "seed", "device", "features_used")
    tags = {key: told.get(key, "unknown") for key in known}
    facts = read_facts(folder, torn=True)
    tags |= {key.replace(" ", "_"): facts.get(key.replace(" ", "_"), "unknown") for key in provenance()}
    sides = _trained_on(told, low, normal, data_root)
    tags |= sides.tags() if sides else {}
    state, metadata = read_weights(folder / "weights.safetensors")
    tags["weights_digest"] = weights_digest(state)
    suite = open_suite(tracking_uri)
    tags |= with_terms(suite, begun(facts))
    trusted = "yes" if is_trusted(suite, tags, sides) else "no"
    refined = " refined" if tags["method"] == "refine" else ""
    label = name or f"{tags['variant']}{refined} {tags['preset']} (imported)"
    with suite.run(label, kind="train", tags={**tags, "trusted": trusted, "imported": "yes"}) as run:
        replay(folder, run, torn=True)
        run.artifact(folder / "weights.safetensors")  # one that was stopped just then may not tell of them
        last = folder / "states" / f"state-{int(metadata.get('steps', 0)):08d}.pt"
        if last.is_file():  # likewise, and it was not moved yet
            run.artifact(last)
    say(f"Imported as run {run.id}")


def _trained_on(
    told: Mapping[str, str], low: list[str] | None, normal: list[str] | None, data_root: Path | None
) -> "Sides | None":  # fmt: skip
    """Both sides' datasets; none where none is named. Raises BenchError when they have too few files."""
    from bench.data import data_root as root_of
    from bench.errors import BenchError
    from commands.sides import choose_sides

    if normal and not low:
        raise BenchError("--normal names one side only: give the low-light one with --low, too.")
    if not low:
        return None
    sides, _, _ = choose_sides(low, normal, root_of(data_root), unpaired=bool(normal))
    for side, files in sides.files.items():
        count = int(told.get(f"{side}_images", "0"))
        if len(files) < count:
            raise BenchError(f"That run was trained on {count} {side}-light photographs, --{side} has {len(files)}.")
    return sides
