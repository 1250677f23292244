"""One MLflow run: metrics are buffered, and what MLflow raises becomes a sentence."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

BATCH = 800  # MLflow takes at most 1000 metrics a call


def local_store(client: "MlflowClient", run_id: str) -> Path | None:
    """Where the artifacts of a run lie, when that is a folder of this machine."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    repository = get_artifact_repository(client.get_run(run_id).info.artifact_uri, tracking_uri=client.tracking_uri)
    return Path(repository.artifact_dir) if isinstance(repository, LocalArtifactRepository) else None


@contextmanager
def sentences(beginning: str) -> Iterator[None]:
    """What MLflow, its database or its server raise, as one BenchError that starts with `beginning`."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BenchError(f"{beginning}: {reason}") from error


def _key(name: str) -> str:
    """`name` as MLflow takes it in tags and metrics: a folder or a metric may be called what it refuses."""
    return re.sub(r"[^\w./: -]", "_", name)


class Run:
    """One MLflow run. Satisfies `enlightengan.log.RunLog`."""

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        self.client, self.id = client, run_id
        self._metrics: list[Any] = []
        with sentences(f"Run {run_id} cannot be read"):
            told = client.get_run(run_id).data.tags.get("mlflow.note.content")
        self._notes = [told] if told else []

    def parameters(self, values: Mapping[str, object]) -> None:
        """Set parameters; those that are there already stay as they are, which MLflow asks for."""
        from mlflow.entities import Param

        with sentences(f"The parameters could not be written to run {self.id}"):
            there = self.client.get_run(self.id).data.params
            new = [Param(key, str(value)[:6000]) for key, value in values.items() if key not in there]
            self.client.log_batch(self.id, params=new)

    def tags(self, values: Mapping[str, object]) -> None:
        """Set tags; those that are there already are replaced."""
        from mlflow.entities import RunTag

        with sentences(f"The tags could not be written to run {self.id}"):
            self.client.log_batch(self.id, tags=[RunTag(_key(key), str(value)[:5000]) for key, value in values.items()])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Buffered; NaN and infinities are kept, since MLflow stores them."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._metrics += [Metric(_key(key), float(value), now, step) for key, value in values.items()]
        if len(self._metrics) >= BATCH:
            self.flush()

    def flush(self) -> None:
        while self._metrics:
            batch, self._metrics = self._metrics[:BATCH], self._metrics[BATCH:]
            with sentences(f"The metrics could not be written to run {self.id}"):
                self.client.log_batch(self.id, metrics=batch)

    def image(self, name: str, picture: NDArray[np.uint8], step: int) -> None:
        """A picture, RGB (H, W, 3), that MLflow's page shows with a slider over the steps."""
        with sentences(f"The picture {name} could not be written to run {self.id}"):
            self.client.log_image(self.id, picture, key=name, step=step)

    def artifact(self, path: Path, folder: str | None = None, *, spare: bool = False) -> None:
        """Keep a file with the run. What is `spare` is moved to a local store, not copied."""
        with sentences(f"{path.name} could not be written to run {self.id}"):
            store = local_store(self.client, self.id) if spare else None
            if store is None:
                self.client.log_artifact(self.id, str(path), folder)
            else:
                target = store / (folder or "")
                target.mkdir(parents=True, exist_ok=True)
                try:
                    path.replace(target / path.name)
                except OSError:  # on another file system
                    self.client.log_artifact(self.id, str(path), folder)

    def note(self, sentence: str) -> None:
        """A sentence that a person must see: printed, and kept as the run's description."""
        print(sentence, flush=True)
        self._notes.append(sentence)
        with sentences(f"The sentence could not be kept with run {self.id}"):
            self.client.set_tag(self.id, "mlflow.note.content", "\n\n".join(self._notes)[:5000])
