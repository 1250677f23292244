"""What MLflow knows of the generator that a training began from: which training gave it, and its terms."""

import json
import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from commands.sides import Sides


def generator_in(told: Mapping[str, str], role: str = "begun_from") -> str | None:
    """The digest of the generator that a training began from, or was `taught_by` (see `beginning.begun_from`)."""
    found = re.search("generator ([0-9a-f]{16})", told.get(role, ""))
    return found[1] if found else None


def at_step(suite: "Suite", training: str) -> tuple[str, int | None]:
    """A training's ID or name and, of RUN@STEP, the step; None where the name has that @ itself."""
    name, _, step = training.rpartition("@")
    if name and step.isdecimal() and training not in {run.info.run_name for run in suite.search(kind="train")}:
        return name, int(step)
    return training, None


def snapshot(suite: "Suite", run_id: str, step: int) -> Path:
    """The generator that a run kept after `step` steps. Raises BenchError, with the steps that there are."""
    from enlightengan.checkpoint import snapshot_name, snapshot_step

    found = suite.artifact(run_id, snapshot_name(step))
    if found is None:
        kept = [snapshot_step(name) for name in suite.artifacts(run_id)]
        steps = ", ".join(str(one) for one in kept if one is not None) or "none: train with --snapshots"
        raise BenchError(f"Run {run_id} kept no weights after step {step}; it has {steps}.")
    return found


def shipped_of(method: str) -> list[Path]:
    """The files that come with the project for `method` or another form of it, its own first.

    Raises BenchError where the SHA-256 of one is not told.
    """
    from bench.weights import GUIDED, shipped_weights, variant_of

    forms = (method, variant_of(method), f"{variant_of(method)}{GUIDED}")
    return list(dict.fromkeys(file for form in forms if (file := shipped_weights(form)) is not None))


def training_that_gave(suite: "Suite", digest: str) -> "MlflowRun | None":
    """The newest training in MLflow that gave weights of this digest, a removed one where there is no other: what its
    weights were trained on stays so."""
    from bench.trainings import weights_of

    every = (run for removed in (False, True) for run in suite.search(kind="train", removed=removed))
    return next((run for run in every if digest in weights_of(run)), None)


def known_trust(suite: "Suite", digest: str) -> bool | None:
    """Whether the training that gave weights of this digest is trusted; None where it is not in MLflow."""
    run = training_that_gave(suite, digest)
    return run.data.tags.get("trusted") == "yes" if run else None


def is_trusted(suite: "Suite", tags: Mapping[str, str], sides: "Sides | None", *begun: Path | None) -> bool:
    """Whether the weights of a training with these `tags` may stand for their method: of a serious preset, and not of
    the demo.

    A refinement adds nothing that it was not taught: it is trusted as far as the generators that it began from and was
    taught by. Those that MLflow does not know are trusted where they ship, or as far as their files tell, of those that
    it has `begun` from.
    """
    from bench.trainings import TRUSTED_PRESETS

    if tags["preset"] not in TRUSTED_PRESETS or (sides is not None and sides.is_demo):
        return False
    if tags["method"] != "refine":
        return True
    for role in ("begun_from", *(("taught_by",) if "taught_by" in tags else ())):
        digest = generator_in(tags, role)
        known = known_trust(suite, digest) if digest else False
        if known is None:
            given = (file for file in begun if file and _preset(file) in TRUSTED_PRESETS)
            known = any(_holds(file, digest) for file in chain(given, shipped_of(tags["variant"])))
        if not known:
            return False
    return True


def _holds(file: Path, digest: str | None) -> bool:
    from enlightengan.beginning import begun_from

    return generator_in(begun_from(file)) == digest


def _preset(file: Path) -> str:
    """By which a generator was trained; the authors' where its file does not tell, as one that they published."""
    from enlightengan.checkpoint import read_weights

    return str(json.loads(read_weights(file)[1].get("config", "{}")).get("preset", "paper"))


def check_same_beginning(run: "MlflowRun", files: Mapping[str, str | None]) -> None:
    """Raises BenchError where the `init_from` or the `teacher` of `files` is not what `run` tells it began with."""
    from enlightengan.beginning import begun_from

    start, teacher = (Path(file) if (file := files[role]) else None for role in ("init_from", "teacher"))
    now = begun_from(start, teacher)
    for role, place in (("begun_from", start), ("taught_by", teacher)):
        if role in run.data.tags and generator_in(now, role) != generator_in(run.data.tags, role):
            raise BenchError(f"{place} holds other weights than when run {run.info.run_id} began: train anew.")


def with_terms(suite: "Suite", told: Mapping[str, str]) -> dict[str, str]:
    """`told` with the terms of the photographs of the trainings that gave those generators, where MLflow knows them.

    A file of published weights tells them itself (`begun_under`). Where nothing tells them they are not stated.
    """
    from commands.publish_card import licence
    from enlightengan.beginning import NOT_STATED

    digests = [digest for role in ("begun_from", "taught_by") if (digest := generator_in(told, role))]
    runs = [run for digest in digests if (run := training_that_gave(suite, digest))]
    stated = told.get("begun_under", "").split("; ")
    if len(runs) == len(digests):
        stated = [term for term in stated if term != NOT_STATED]
    known = "; ".join(dict.fromkeys(term for term in [*licence(runs).split("; "), *stated] if term))
    return {**told, **({"begun_under": known} if known else {})}


def terms_of(file: Path) -> str:
    """The terms of the weights in `file`: as published ones tell them, else those of the photographs that a training in
    MLflow gave them of. Where nothing tells them they are not stated."""
    from bench.tracking import missing_database, open_suite, tracking_uri
    from commands.publish_card import licence
    from enlightengan.beginning import NOT_STATED
    from enlightengan.checkpoint import read_weights, weights_digest

    state, metadata = read_weights(file)
    if "licence" in metadata:
        return metadata["licence"]
    known = None if missing_database(tracking_uri()) else training_that_gave(open_suite(), weights_digest(state))
    return licence([known]) if known else NOT_STATED
