"""The trainings in MLflow, found by what they trained or by their name, and the weights and states that they keep."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import BenchError
from bench.run import Run, sentences
from bench.tracking import Suite, missing_database, open_suite, tracking_uri

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

TRUSTED_PRESETS = ("fast", "paper")
RUN_ID = re.compile("[0-9a-f]{32}")
PUBLISHED = "published "  # a tag's name, before the digest
BEGINNING = re.compile("[0-9a-f]{6,31}")  # of such an ID, as lists and cards give it


class Publication(NamedTuple):
    """Weights that `bench publish` wrote of a training, or that were taken from it on its way: after how many steps if
    not the last, and in words of what they are the mean; `among` those of a mean of which another training tells."""

    step: str = ""
    mean_of: str = ""
    among: bool = False


def newest_weights(variant: str, given: str | None = None, *, cells: bool = True) -> tuple[Path, str] | None:
    """Weights of the newest training of `variant` (see `newest_training`) and a phrase that names the run, or None."""
    if missing_database(tracking_uri(given)):
        return None
    found = newest_training(open_suite(given), variant, cells=cells)
    if found is None:
        return None
    run, path = found
    return path, f"run {run.info.run_name} ({run.info.run_id[:8]}, preset {run.data.tags['preset']})"


def newest_training(suite: Suite, variant: str, *, cells: bool = True) -> tuple["MlflowRun", Path] | None:
    """The newest finished trusted run of `variant` that has weights, and their file; or None.

    Trusted are the presets `fast` and `paper` on real photographs, never `smoke` or the demo. A cell of a factorial,
    which is as short as a grid must be, counts only where there is no other, and not at all without `cells`.
    """
    found = suite.search(kind="train", variant=variant, trusted="yes")
    found = [run for run in found if cells or "cell" not in run.data.tags]
    for run in sorted(found, key=lambda run: "cell" in run.data.tags):
        if run.info.status == "FINISHED":
            path = suite.artifact(run.info.run_id, "weights.safetensors")
            if path is not None:
                return run, path
    return None


def refined(run: "MlflowRun") -> bool:
    """Whether a training was a refinement: its weights are those of the method, its cost and its seed are not."""
    return bool(run.data.tags.get("method") == "refine")


def grid_of(run: "MlflowRun") -> str:
    """Which grid a cell of ablations belongs to: older ones lie apart by their parents alone."""
    tags = run.data.tags
    return str(tags.get("grid", tags.get("mlflow.parentRunId", "")))


def weights_of(run: "MlflowRun") -> set[str]:
    """The digests of a training's weights: as they were trained, and as `bench publish` wrote them or their mean."""
    trained = {run.data.tags["weights_digest"]} if "weights_digest" in run.data.tags else set()
    return trained | set(publications(run))


def publications(run: "MlflowRun") -> dict[str, Publication]:
    """What a training gave beside its last weights, by the digest of the weights; older stores tell of the last alone
    that `bench publish` wrote."""
    tags = run.data.tags
    found = {}
    for name, among in (("published_digest", False), ("published_in", True)):
        if name in tags:
            mean_of = "" if among else tags.get("published_mean_of", "")
            found[tags[name]] = Publication(tags.get("published_step", ""), mean_of, among)
    for name, told in tags.items():
        if name.startswith(PUBLISHED):
            found[name.removeprefix(PUBLISHED)] = Publication(**json.loads(told))
    return found


def mark(suite: Suite, run_id: str, digest: str, told: Publication) -> None:
    """Have a run tell of weights of this digest that it gave."""
    Run(suite.client, run_id).tags({f"{PUBLISHED}{digest}": json.dumps(told._asdict())})


def find_training(suite: Suite, run: str, *, finished: bool) -> "MlflowRun":
    """The run of this ID, else the newest training of this name, rather one that is `finished` or that is not.

    Else the one training whose ID begins so. Raises BenchError when there is none, or several.
    """
    with sentences(f"There is no run {run} in {suite.uri}"):
        if RUN_ID.fullmatch(run):
            found = suite.client.get_run(run)
            if found.info.lifecycle_stage == "deleted":
                raise BenchError(f"Run {run} was removed: bench runs restore {run[:8]} brings it back.")
            return found
    every = suite.search(kind="train")
    named = [found for found in every if found.info.run_name == run]
    if not named:
        named = [found for found in every if BEGINNING.fullmatch(run) and found.info.run_id.startswith(run)]
        if len(named) > 1:
            raise BenchError(f"{len(named)} runs begin with {run}: {', '.join(one.info.run_id for one in named)}.")
    if not named:
        raise BenchError(f"There is no run {run} in {suite.uri}.")
    return next((found for found in named if (found.info.status == "FINISHED") is finished), named[0])


def last_state(suite: Suite, run_id: str) -> Path | None:
    """The last training state that a run keeps, or None."""
    states = sorted(path for path in suite.artifacts(run_id) if fnmatch(path, "state-*.pt"))
    return suite.artifact(run_id, states[-1]) if states else None
