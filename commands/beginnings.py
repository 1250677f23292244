"""What MLflow knows of the generator that a training began from: which training gave it, and its terms."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite
    from commands.sides import Sides
    from enlightengan.run_config import RunConfig


def generator_in(told: Mapping[str, str], role: str = "begun_from") -> str | None:
    """The digest of the generator that a training began from, or was `taught_by` (see `beginning.begun_from`)."""
    found = re.search("generator ([0-9a-f]{16})", told.get(role, ""))
    return found[1] if found else None


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


def is_trusted(suite: "Suite", config: "RunConfig", sides: "Sides", *begun: Path | None) -> bool:
    """Whether the weights may stand for their method: of a serious preset, not of the demo, and no adaptation.

    A refinement adds nothing that it was not taught: it is trusted as far as the generators that it has `begun` from,
    its teacher among them.
    """
    from bench.trainings import TRUSTED_PRESETS
    from enlightengan.checkpoint import load_generator, weights_digest
    from enlightengan.config import RefineConfig

    own = config.preset in TRUSTED_PRESETS and not sides.is_demo
    if not own or not isinstance(config, RefineConfig):
        return own
    for file in filter(None, begun):
        generator, metadata = load_generator(file)
        known = known_trust(suite, weights_digest(generator.state_dict()))
        if known is None:
            known = json.loads(metadata.get("config", "{}")).get("preset", "paper") in TRUSTED_PRESETS
        if not known:
            return False
    return True


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
