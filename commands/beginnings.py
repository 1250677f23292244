"""What MLflow knows of the generator that a training began from: which training gave it, and its terms."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

    from bench.tracking import Suite


def generator_in(told: Mapping[str, str]) -> str | None:
    """The digest of the generator that a training began from, of what `checkpoint.begun_from` tells."""
    found = re.search("generator ([0-9a-f]{16})", told.get("begun_from", ""))
    return found[1] if found else None


def shipped_of(method: str) -> list[Path]:
    """The files that come with the project for `method` or another form of it, its own first.

    Raises BenchError where the SHA-256 of one is not told.
    """
    from bench.weights import GUIDED, shipped_weights, variant_of

    forms = (method, variant_of(method), f"{variant_of(method)}{GUIDED}")
    return list(dict.fromkeys(file for form in forms if (file := shipped_weights(form)) is not None))


def training_that_gave(suite: "Suite", digest: str) -> "MlflowRun | None":
    """The newest training in MLflow that gave weights of this digest."""
    from bench.trainings import weights_of

    return next((run for run in suite.search(kind="train") if digest in weights_of(run)), None)


def known_trust(suite: "Suite", digest: str) -> bool | None:
    """Whether the training that gave weights of this digest is trusted; None where it is not in MLflow."""
    run = training_that_gave(suite, digest)
    return run.data.tags.get("trusted") == "yes" if run else None


def with_terms(suite: "Suite", told: Mapping[str, str]) -> dict[str, str]:
    """`told` with the terms of the photographs of the training that gave that generator, where MLflow knows it.

    A file of published weights tells them itself (`begun_under`).
    """
    from commands.publish_card import licence

    digest = generator_in(told)
    run = training_that_gave(suite, digest) if digest else None
    terms = [*(licence([run]).split("; ") if run else []), *told.get("begun_under", "").split("; ")]
    known = "; ".join(dict.fromkeys(term for term in terms if term))
    return {**told, **({"begun_under": known} if known else {})}
