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


def note_snapshot(suite: "Suite", file: Path, run_id: str = "") -> None:
    """Have a run tell that a snapshot of it was taken; without `run_id` that in whose files it lies, if it does."""
    from bench.trainings import RUN_ID, Publication, mark
    from enlightengan.checkpoint import read_weights, snapshot_step, weights_digest

    step = snapshot_step(file.name)
    if step is None:
        return
    known = {run.info.run_id: run for run in suite.search(kind="train")}  # a removed one takes no tag
    lies_in = (part for part in reversed(file.resolve().parts) if RUN_ID.fullmatch(part))
    owner = next((known[part] for part in (run_id, *lies_in) if part in known), None)
    digest = weights_digest(read_weights(file)[0])
    if owner and digest != owner.data.tags.get("weights_digest"):
        mark(suite, owner.info.run_id, digest, Publication(str(step)))


def shipped_of(method: str) -> list[Path]:
    """The files that come with the project for `method` or another form of it, its own first.

    Raises BenchError where the SHA-256 of one is not told.
    """
    from bench.weights import GUIDED, shipped_weights, variant_of

    forms = (method, variant_of(method), f"{variant_of(method)}{GUIDED}")
    return list(dict.fromkeys(file for form in forms if (file := shipped_weights(form)) is not None))


def trainings_that_gave(suite: "Suite", digest: str) -> "list[MlflowRun]":
    """The trainings in MLflow that gave weights of this digest, several where these are their mean, newest first.

    Removed ones where there is no other: what their weights were trained on stays so.
    """
    from bench.trainings import weights_of

    for removed in (False, True):
        found = [run for run in suite.search(kind="train", removed=removed) if digest in weights_of(run)]
        if found:
            return found
    return []


def of_several(run: "MlflowRun", digest: str) -> bool:
    """Whether the weights of this digest are a mean to which `run` gave its part."""
    from bench.trainings import Publication, publications

    told = publications(run).get(digest, Publication())
    return bool(told.mean_of) or told.among


def known_trust(suite: "Suite", digest: str) -> bool | None:
    """Whether the trainings that gave weights of this digest are trusted; None where none is in MLflow."""
    found = trainings_that_gave(suite, digest)
    return all(run.data.tags.get("trusted") == "yes" for run in found) if found else None


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
            given = (file for file in begun if file and _told_trust(suite, file))
            known = any(_holds(file, digest) for file in chain(given, shipped_of(tags["variant"])))
        if not known:
            return False
    return True


def _holds(file: Path, digest: str | None) -> bool:
    from enlightengan.beginning import begun_from

    return generator_in(begun_from(file)) == digest


def _told_trust(suite: "Suite", file: Path) -> bool:
    """Whether a generator is of a serious preset, as those are that its authors published, by what its file tells; and
    of a refined one what it began from and was taught by is not known for less."""
    from bench.trainings import TRUSTED_PRESETS
    from enlightengan.checkpoint import read_weights

    told = read_weights(file)[1]
    roles = ("begun_from", "taught_by") if told.get("method") == "refine" else ()
    before = [digest for role in roles if (digest := generator_in(told, role))]
    if any(known_trust(suite, digest) is False for digest in before):
        return False
    return json.loads(told.get("config", "{}")).get("preset", "paper") in TRUSTED_PRESETS


def check_same_beginning(run: "MlflowRun", files: Mapping[str, str | None]) -> None:
    """Raises BenchError where the `init_from` or the `teacher` of `files` is not what `run` tells it began with."""
    from enlightengan.beginning import begun_from

    start, teacher = (Path(file) if (file := files[role]) else None for role in ("init_from", "teacher"))
    now = begun_from(start, teacher)
    for role, place in (("begun_from", start), ("taught_by", teacher)):
        if role in run.data.tags and generator_in(now, role) != generator_in(run.data.tags, role):
            raise BenchError(f"{place} holds other weights than when run {run.info.run_id} began: train anew.")


def with_terms(suite: "Suite", told: Mapping[str, str], *begun: Path | None) -> dict[str, str]:
    """`told` with the terms of the photographs of the trainings that gave those generators, where MLflow knows them.

    A file of published weights, of those that it has `begun` from, tells them itself (`begun_under`). Where nothing
    tells them, of either generator, they are not stated.
    """
    from commands.publish_card import licence
    from enlightengan.beginning import NOT_STATED

    digests = [digest for role in ("begun_from", "taught_by") if (digest := generator_in(told, role))]
    gave = {digest: trainings_that_gave(suite, digest) for digest in digests}
    runs = [run for found in gave.values() for run in found]
    stated = told.get("begun_under", "").split("; ")
    published = [file for file in begun if file and _tells_terms(file)]
    alone = {digest for digest, found in gave.items() if found and not any(of_several(run, digest) for run in found)}
    if all(digest in alone or any(_holds(file, digest) for file in published) for digest in digests):
        stated = [term for term in stated if term != NOT_STATED]  # else a mean says so, some of which may be elsewhere
    known = "; ".join(dict.fromkeys(term for term in [*licence(runs).split("; "), *stated] if term))
    return {**told, **({"begun_under": known} if known else {})}


def _tells_terms(file: Path) -> bool:
    from enlightengan.beginning import NOT_STATED
    from enlightengan.checkpoint import is_state, read_weights

    stated = "" if is_state(file) else read_weights(file)[1].get("licence", "")
    return bool(stated) and NOT_STATED not in stated.split("; ")


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
    if missing_database(tracking_uri()):
        return NOT_STATED
    try:
        suite = open_suite()
        note_snapshot(suite, file)
        return licence(trainings_that_gave(suite, weights_digest(state))) or NOT_STATED
    except BenchError:  # a store that cannot be used tells nothing
        return NOT_STATED
