"""The only door to MLflow: one experiment, runs that buffer their metrics, and the search for earlier results.

The database is created once, here, before any worker starts and under a lock.
"""

import fcntl
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.environment import provenance
from bench.errors import BenchError

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun
    from mlflow.tracking import MlflowClient

EXPERIMENT = "bench"
DATABASE = Path("runs/mlflow.db")
ARTIFACTS = Path("runs/artifacts")
BATCH = 800  # MLflow takes at most 1000 metrics a call
_opened: dict[str, "Suite"] = {}


def tracking_uri(given: str | None = None) -> str:
    """`given`, else $MLFLOW_TRACKING_URI, else the sqlite database in runs/; a path to sqlite is made absolute."""
    uri = given or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{DATABASE}"
    if uri.startswith("sqlite:///"):
        return f"sqlite:///{Path(uri.removeprefix('sqlite:///')).resolve()}"
    return uri


def open_suite(given: str | None = None) -> "Suite":
    """The suite's experiment at `tracking_uri(given)`, created when it is not there. Raises BenchError."""
    uri = tracking_uri(given)
    if uri not in _opened:
        _opened[uri] = Suite(uri)
    return _opened[uri]


class Suite:
    """The experiment in which every command of this project leaves its runs."""

    def __init__(self, uri: str) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        logging.getLogger("alembic").setLevel(logging.WARNING)
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        self.uri = uri
        self._local: dict[tuple[str, str], Path] = {}
        self._fetched: tempfile.TemporaryDirectory[str] | None = None
        with sentences(f"MLflow cannot be used at {uri}"), _alone(uri):
            self.client: MlflowClient = MlflowClient(tracking_uri=uri)
            found = self.client.get_experiment_by_name(EXPERIMENT)
            self.experiment = found.experiment_id if found else self._create()

    def _create(self) -> str:
        location = ARTIFACTS.resolve().as_uri() if not self.uri.startswith("http") else None
        # Without the tag MLflow's page opens on its views for language models.
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return str(self.client.create_experiment(EXPERIMENT, artifact_location=location, tags=tags))

    def search(self, *, kind: str, limit: int = 1000, **tags: str) -> list["MlflowRun"]:
        """Runs of `kind` with these tags, newest first."""
        terms = [f"tags.`{key}` = '{value}'" for key, value in {"kind": kind, **tags}.items()]
        return list(
            self.client.search_runs(
                [self.experiment], " and ".join(terms), max_results=limit, order_by=["attributes.start_time DESC"]
            )
        )

    def children(self, run_id: str) -> list["MlflowRun"]:
        """The runs nested in `run_id`, oldest first."""
        condition = f"tags.`mlflow.parentRunId` = '{run_id}'"
        return list(
            self.client.search_runs(
                [self.experiment], condition, max_results=5000, order_by=["attributes.start_time ASC"]
            )
        )

    def artifact(self, run_id: str, path: str) -> Path | None:
        """A run's artifact: the file itself where the store is local, else a copy until this process ends; or None.

        Raises BenchError when it is listed and cannot be had: other weights must not take its place.
        """
        if (run_id, path) not in self._local:
            with sentences(f"The artifact {path} of run {run_id} cannot be read"):
                folder = path.rpartition("/")[0] or None
                if path not in [entry.path for entry in self.client.list_artifacts(run_id, folder)]:
                    return None
                self._local[run_id, path] = self._had(run_id, path)
        return self._local[run_id, path]

    def _had(self, run_id: str, path: str) -> Path:
        store = _local_store(self.client, run_id)
        if store is not None:
            return store / path
        # Left to itself MLflow copies into a new folder each time and never takes one away.
        if self._fetched is None:
            self._fetched = tempfile.TemporaryDirectory(prefix="bench-")
        folder = Path(self._fetched.name) / run_id
        folder.mkdir(exist_ok=True)
        return Path(self.client.download_artifacts(run_id, path, str(folder)))

    def fetched(self, path: Path) -> bool:
        """Whether `path` is a copy from a server, which goes with this process."""
        return self._fetched is not None and path.is_relative_to(self._fetched.name)

    @contextmanager
    def run(
        self, name: str, *, kind: str, tags: Mapping[str, str] | None = None, parent: "Run | None" = None,
        run_id: str | None = None,
    ) -> Iterator["Run"]:  # fmt: skip
        """A run that ends FINISHED, FAILED on an error or KILLED on an interrupt; `run_id` continues an old one."""
        if run_id is None:
            facts = {key.replace(" ", "_"): value for key, value in provenance().items()}
            every = {"mlflow.runName": name, "kind": kind, **facts, **(tags or {})}
            if parent is not None:
                every["mlflow.parentRunId"] = parent.id
            run_id = self.client.create_run(self.experiment, tags=every, run_name=name).info.run_id
        else:
            self.client.update_run(run_id, status="RUNNING")
        run = Run(self.client, run_id)
        status = "KILLED"
        try:
            yield run
            status = "FINISHED"
        except Exception:
            status = "FAILED"
            raise
        finally:
            try:
                run.flush()
            finally:
                with sentences(f"Run {run_id} could not be ended"):
                    self.client.set_terminated(run_id, status=status)


def _local_store(client: "MlflowClient", run_id: str) -> Path | None:
    """Where the artifacts of a run lie, when that is a folder of this machine."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    repository = get_artifact_repository(client.get_run(run_id).info.artifact_uri, tracking_uri=client.tracking_uri)
    return Path(repository.artifact_dir) if isinstance(repository, LocalArtifactRepository) else None


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Holds a lock beside a sqlite database: two processes that create its tables at one time break them."""
    if not uri.startswith("sqlite:///"):
        yield
        return
    database = Path(uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f".{database.name}.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


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
            store = _local_store(self.client, self.id) if spare else None
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
        self.client.set_tag(self.id, "mlflow.note.content", "\n\n".join(self._notes)[:5000])
