"""The door to MLflow, with `bench.run`: one experiment, its runs, and the search for earlier results.

The database is created once, here, before any worker starts and under a lock.
"""

import fcntl
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.environment import provenance
from bench.errors import BenchError
from bench.moved import follow
from bench.process import this_process
from bench.run import Run, local_store, sentences

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.entities import Run as MlflowRun

EXPERIMENT = "bench"
SQLITE = "sqlite:///"
PAGE = 1000  # runs that are asked for at a time
DATABASE = Path("runs/mlflow.db")
ARTIFACTS = Path("runs/artifacts")
_opened: dict[str, "Suite"] = {}


def tracking_uri(given: str | None = None) -> str:
    """`given`, else $MLFLOW_TRACKING_URI, else the sqlite database in runs/; a path to sqlite is made absolute.

    Raises BenchError for a database without its scheme, which MLflow would take for a folder.
    """
    uri = given or os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{DATABASE}"
    if uri.startswith(SQLITE):
        return f"{SQLITE}{Path(uri.removeprefix(SQLITE)).resolve()}"
    if "://" not in uri and Path(uri).suffix in (".db", ".sqlite", ".sqlite3"):
        raise BenchError(f"{uri} is no address of a store: such a database is {SQLITE}{uri}.")
    return uri


def missing_database(uri: str) -> Path | None:
    """The sqlite database that `uri`, of `tracking_uri`, names and that is not there, else None."""
    database = Path(uri.removeprefix(SQLITE))
    return database if uri.startswith(SQLITE) and not database.exists() else None


def open_suite(given: str | None = None, *, must_exist: bool = False) -> "Suite":
    """The suite's experiment at `tracking_uri(given)`, created when it is not there. Raises BenchError.

    With `must_exist`, for what needs earlier runs, a sqlite database that was `given` or set by the environment is not
    created.
    """
    uri = tracking_uri(given)
    missing = missing_database(uri)
    if must_exist and missing and uri != tracking_uri(f"{SQLITE}{DATABASE}"):
        raise BenchError(f"There is no MLflow database {missing}.")
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
            self._follow()
            self.client: MlflowClient = MlflowClient(tracking_uri=uri)
            found = self.client.get_experiment_by_name(EXPERIMENT)
            self.experiment = found.experiment_id if found else self._create()

    def _follow(self) -> None:
        if self.uri.startswith(SQLITE):
            database = Path(self.uri.removeprefix(SQLITE))
            if old := follow(database, EXPERIMENT):
                told = f"This project was at {old.parent.parent}; its artifacts are those in {database.parent} now."
                print(told, file=sys.stderr, flush=True)  # standard output may be a picture

    def _create(self) -> str:
        location = ARTIFACTS.resolve().as_uri() if not self.uri.startswith("http") else None
        # Without the tag MLflow's page opens on its views for language models.
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return str(self.client.create_experiment(EXPERIMENT, artifact_location=location, tags=tags))

    def search(self, *, kind: str, removed: bool = False, **tags: str) -> list["MlflowRun"]:
        """Runs of `kind` with these tags, newest first; those that were removed instead."""
        terms = [f"tags.`{key}` = {_quoted(value)}" for key, value in {"kind": kind, **tags}.items()]
        return self._found(" and ".join(terms), "DESC", removed=removed)

    def runs(self, *, removed: bool = False) -> list["MlflowRun"]:
        """All runs, newest first; those that were removed instead."""
        return self._found("", "DESC", removed=removed)

    def children(self, run_id: str) -> list["MlflowRun"]:
        """The runs nested in `run_id`, oldest first."""
        return self._found(f"tags.`mlflow.parentRunId` = '{run_id}'", "ASC")

    def _found(self, condition: str, order: str, *, removed: bool = False) -> list["MlflowRun"]:
        """All runs that are so, page by page, by their start; those that were removed instead."""
        from mlflow.entities import ViewType

        view = ViewType.DELETED_ONLY if removed else ViewType.ACTIVE_ONLY
        found: list[MlflowRun] = []
        token: str | None = None
        by = [f"attributes.start_time {order}"]
        with sentences(f"The runs in {self.uri} cannot be read"):
            while token != "":
                page = self.client.search_runs([self.experiment], condition, view, PAGE, by, token)
                found, token = [*found, *page], page.token or ""
        return found

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

    def history(self, run_id: str, metric: str) -> list["Metric"]:
        """What a run told of a metric, by step. Raises BenchError."""
        with sentences(f"The {metric} of run {run_id} cannot be read"):
            return list(self.client.get_metric_history(run_id, metric))

    def artifacts(self, run_id: str) -> list[str]:
        """The names of a run's artifacts outside folders. Raises BenchError."""
        with sentences(f"The artifacts of run {run_id} cannot be read"):
            return [entry.path for entry in self.client.list_artifacts(run_id)]

    def _had(self, run_id: str, path: str) -> Path:
        store = local_store(self.client, run_id)
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
            every = {"mlflow.runName": name, "kind": kind, "process": this_process(), **facts, **(tags or {})}
            if parent is not None:
                every["mlflow.parentRunId"] = parent.id
            with sentences(f"No run can be written to {self.uri}"):
                run_id = self.client.create_run(self.experiment, tags=every, run_name=name).info.run_id
        else:
            with sentences(f"Run {run_id} cannot be continued"):
                self.client.set_tag(run_id, "process", this_process())
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


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Holds a lock beside a sqlite database: two processes that create its tables at one time break them."""
    if not uri.startswith(SQLITE):
        yield
        return
    database = Path(uri.removeprefix(SQLITE))
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f".{database.name}.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _quoted(text: str) -> str:
    """`text` as MLflow takes it in a condition."""
    quote = '"' if "'" in text else "'"
    return f"{quote}{text}{quote}"
