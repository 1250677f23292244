"""The trainings that weights are published from: found, checked, averaged."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlflow.entities import Run as MlflowRun
    from torch import Tensor

    from bench.tracking import Suite

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Stored:
    """A training with the generator that it gave, in the end (`last`) or on its way."""

    run: "MlflowRun"
    state: "Mapping[str, Tensor]"
    metadata: dict[str, str]
    last: bool

    @property
    def step(self) -> str:
        """Of a generator on its way, after how many steps; else nothing."""
        return "" if self.last else self.metadata["steps"]

    @property
    def named(self) -> str:
        """The run's name, and the step where it is not the last."""
        return f"{self.run.info.run_name}{f'@{self.step}' if self.step else ''}"

    @property
    def told(self) -> str:
        """The generator by digest and by how long it was trained, and its run."""
        from enlightengan.beginning import generator_told

        return generator_told(self.state, {**self.metadata, "run": self.run.info.run_id})


def stored(suite: "Suite", run: "MlflowRun", weights: Path) -> Stored:
    """`run` with its `weights` read."""
    from enlightengan.checkpoint import read_weights

    return Stored(run, *read_weights(weights), last=weights.name == WEIGHTS)


def alike(trainings: "Sequence[Stored]") -> None:
    """Raises BenchError where `trainings` cannot be averaged: one is there twice, or methods or what is seen differ."""
    from bench.errors import BenchError
    from enlightengan.networks import KEY_FLOOR

    if len({one.told for one in trainings}) < len(trainings):
        raise BenchError("A mean needs each training once.")
    methods = sorted({one.run.data.tags["variant"] for one in trainings})
    if len(methods) > 1:
        raise BenchError(f"The trainings of a mean must be of one method, not of {', '.join(methods)}.")
    if len({KEY_FLOOR in one.state for one in trainings}) > 1:
        raise BenchError("The trainings of a mean must all see the key, or none: see bench train refine --key.")


def related(trainings: "Sequence[Stored]") -> bool:
    """Whether `trainings` are one, or tell of one generator, which they gave or they or those before began from."""
    import re

    from bench.trainings import publications

    found = []
    for one in trainings:
        alone = [digest for digest, told in publications(one.run).items() if not told.mean_of and not told.among]
        line = f"{one.told} {one.run.data.tags.get('begun_from', '')} {' '.join(f'generator {d}' for d in alone)}"
        found.append({one.run.info.run_id, *re.findall(r"generator ([0-9a-f]{16})", line)})
    return bool(set.intersection(*found))


def mean_of(states: "Sequence[Mapping[str, Tensor]]") -> "dict[str, Tensor]":
    """Each state with the same share; counters are the first's."""
    from functools import reduce

    from torch import add

    first = states[0]
    return {
        key: reduce(add, [state[key].float() for state in states]) / len(states) if value.is_floating_point() else value
        for key, value in first.items()
    }


def trained(suite: "Suite", training: str) -> tuple["MlflowRun", Path]:
    """The run that `training` names, by ID, name or method, and its weights; of RUN@STEP those after that step.

    Raises BenchError where none may go.
    """
    from commands.beginnings import at_step, snapshot

    name, step = at_step(suite, training)
    run, weights = _finished(suite, name)
    return run, weights if step is None else snapshot(suite, run.info.run_id, step)


def _finished(suite: "Suite", training: str) -> tuple["MlflowRun", Path]:
    from bench.errors import BenchError
    from bench.trainings import TRUSTED_PRESETS, find_training, newest_training
    from methods import METHODS

    presets = " or ".join(TRUSTED_PRESETS)
    if training in METHODS:
        found = newest_training(suite, training)
        if found is None:
            raise BenchError(f"There is no finished {presets} training of {training} here, or {training} takes none.")
        if "cell" in found[0].data.tags:
            raise BenchError(f"{training} was trained as a cell of a grid alone: give that run's ID if it shall be.")
        return _told(found[0]), found[1]
    run = find_training(suite, training, finished=True)
    tags = run.data.tags
    if tags.get("kind") != "train" or run.info.status != "FINISHED":
        raise BenchError(f"Run {training} is no finished training.")
    if tags.get("trusted") != "yes":
        why = "it is an adaptation" if "adapted" in tags else f"only {presets} trainings are, and none on the demo"
        if tags.get("method") == "refine" and tags.get("preset") in TRUSTED_PRESETS:
            why += "; of a refinement that holds for what it began from and was taught by"
        raise BenchError(f"Run {training} is not to be published: {why}.")
    weights = suite.artifact(run.info.run_id, WEIGHTS)
    if weights is None:
        raise BenchError(f"Run {training} has no weights.")
    return _told(run), weights


def _told(run: "MlflowRun") -> "MlflowRun":
    """`run`. Raises BenchError when it does not tell its photographs, from which the licence follows."""
    from bench.errors import BenchError

    if not run.data.tags.get("low_data"):
        raise BenchError(
            f"Run {run.info.run_id} does not tell what it was trained on: import it with --low and --normal."
        )
    return run
