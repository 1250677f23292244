import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from bench.run import BATCH
from bench.tracking import open_suite, tracking_uri

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def suite(store):
    return open_suite()


def status(suite, run_id):
    return suite.client.get_run(run_id).info.status


def tags(suite, run_id):
    return suite.client.get_run(run_id).data.tags


def test_the_store_is_given_or_said_by_the_environment_or_in_runs(workplace, monkeypatch):
    assert tracking_uri() == f"sqlite:///{workplace}/runs/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.test")
    assert tracking_uri() == "http://example.test"
    assert tracking_uri("sqlite:////absolute/mine.db") == "sqlite:////absolute/mine.db"
    with pytest.raises(BenchError, match=r"such a database is sqlite:///my/mine\.db"):
        tracking_uri("my/mine.db")


def test_a_suite_is_opened_once_and_found_again(suite, store):
    assert open_suite(store) is suite
    assert suite.client.get_experiment(suite.experiment).name == "bench"
    assert suite.client.get_experiment(suite.experiment).artifact_location.endswith("/runs/artifacts")


def test_a_run_that_ends_well_is_finished_and_says_where_it_was_made(suite):
    with suite.run("a name", kind="score", tags={"dataset": "lime"}) as run:
        assert status(suite, run.id) == "RUNNING"
    assert status(suite, run.id) == "FINISHED"
    told = tags(suite, run.id)
    assert (told["mlflow.runName"], told["kind"], told["dataset"]) == ("a name", "score", "lime")
    assert told["torch_version"][0].isdigit()
    assert told["git_commit"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [(BenchError("bad"), "FAILED"), (ZeroDivisionError(), "FAILED"), (KeyboardInterrupt(), "KILLED"),
     (SystemExit(1), "KILLED")],
)  # fmt: skip
def test_a_run_that_ends_badly_keeps_what_it_logged(suite, error, expected):
    with pytest.raises(type(error)), suite.run("r", kind="train") as run:
        run.metrics({"loss": 2.5})
        raise error
    assert status(suite, run.id) == expected
    assert suite.client.get_run(run.id).data.metrics == {"loss": 2.5}


def test_buffered_metrics_all_arrive(suite):
    count = 2 * BATCH + 7
    with suite.run("r", kind="train") as run:
        for step in range(count):
            run.metrics({"loss": step / 3}, step)
        run.metrics({f"many {k}": k for k in range(BATCH + 300)})
    history = suite.client.get_metric_history(run.id, "loss")
    assert sorted((point.step, point.value) for point in history) == [(step, step / 3) for step in range(count)]
    assert len(suite.client.get_run(run.id).data.metrics) == BATCH + 301


def test_values_that_are_not_finite_are_kept(suite):
    with suite.run("r", kind="train") as run:
        run.metrics({"nan": math.nan, "large": math.inf})
    told = suite.client.get_run(run.id).data.metrics
    assert math.isnan(told["nan"])
    assert told["large"] > 1e300


def test_runs_are_found_by_kind_and_tags_newest_first(suite, monkeypatch):
    ids = []
    for dataset in ("lime", "dicm", "lime"):
        with suite.run("r", kind="score", tags={"dataset": dataset}) as run:
            ids.append(run.id)
    with suite.run("r", kind="train", tags={"dataset": "lime"}):
        pass
    found = [run.info.run_id for run in suite.search(kind="score", dataset="lime")]
    assert found == [ids[2], ids[0]]
    assert len(suite.search(kind="score")) == 3
    monkeypatch.setattr("bench.tracking.PAGE", 2)
    assert [run.info.run_id for run in suite.search(kind="score")] == ids[::-1], "page by page"
    assert suite.search(kind="report") == []


def test_tags_with_quotes_are_found_and_what_mlflow_refuses_is_a_sentence(suite):
    with suite.run("r", kind="score", tags={"dataset": "it's"}) as run:
        pass
    assert [found.info.run_id for found in suite.search(kind="score", dataset="it's")] == [run.id]
    with pytest.raises(BenchError, match=r"The runs in .* cannot be read"):
        suite.search(kind="score", dataset='it\'s "two"')


def test_children_belong_to_their_parent(suite):
    with suite.run("parent", kind="evaluate") as parent:
        for name in ("first", "second"):
            with suite.run(name, kind="score", parent=parent):
                pass
    with suite.run("stranger", kind="score"):
        pass
    assert [run.info.run_name for run in suite.children(parent.id)] == ["first", "second"]


def test_a_run_is_continued_under_its_id(suite):
    with pytest.raises(KeyboardInterrupt), suite.run("r", kind="train") as run:
        run.metrics({"loss": 1.0}, 0)
        raise KeyboardInterrupt
    with suite.run("ignored", kind="train", run_id=run.id) as again:
        assert status(suite, run.id) == "RUNNING"
        again.metrics({"loss": 2.0}, 1)
    assert again.id == run.id
    assert status(suite, run.id) == "FINISHED"
    assert [point.value for point in suite.client.get_metric_history(run.id, "loss")] == [1.0, 2.0]


def test_notes_are_printed_and_kept_together(suite, capsys):
    with suite.run("r", kind="train") as run:
        run.note("First sentence.")
        run.note("Second sentence.")
    assert tags(suite, run.id)["mlflow.note.content"] == "First sentence.\n\nSecond sentence."
    assert capsys.readouterr().out == "First sentence.\nSecond sentence.\n"


def test_notes_survive_the_continuation_of_a_run(suite):
    with suite.run("r", kind="train") as run:
        run.note("Departure from the paper.")
    with suite.run("r", kind="train", run_id=run.id) as again:
        again.note("Continued.")
    assert tags(suite, run.id)["mlflow.note.content"] == "Departure from the paper.\n\nContinued."


def test_parameters_tags_artifacts_and_pictures_are_stored(suite, tmp_path):
    file = tmp_path / "scores.csv"
    file.write_text("a,b\n")
    with suite.run("r", kind="train") as run:
        run.parameters({"epochs": 3, "without": (), "long": "x" * 7000})
        run.tags({"seed": 1})
        run.tags({"seed": 2})
        run.artifact(file)
        run.artifact(file, "folder")
        run.image("probe", np.zeros((4, 5, 3), np.uint8), step=7)
    told = suite.client.get_run(run.id).data
    assert (told.params["epochs"], told.params["without"], len(told.params["long"])) == ("3", "()", 6000)
    assert told.tags["seed"] == "2"
    assert suite.artifact(run.id, "folder/scores.csv").read_text() == "a,b\n"
    assert suite.artifact(run.id, "absent.csv") is None
    pictures = [file.path for file in suite.client.list_artifacts(run.id, "images")]
    assert any("probe" in path and "7" in path for path in pictures)


def test_what_mlflow_does_not_take_in_a_name_is_written_in_another_way(suite):
    with suite.run("r", kind="score", tags={"dataset": "Photos (2024) & more"}) as run:
        run.metrics({"Photos (2024)/clipiqa+": 0.5})
        run.tags({"digest clipiqa+": "d"})
    kept = suite.client.get_run(run.id).data
    assert kept.metrics["Photos _2024_/clipiqa_"] == 0.5
    assert (kept.tags["digest clipiqa_"], kept.tags["dataset"]) == ("d", "Photos (2024) & more")


def test_a_local_artifact_is_the_file_itself_and_nothing_is_copied(suite, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    (tmp_path / "weights.safetensors").write_text("w")
    with suite.run("r", kind="train") as run:
        run.artifact(tmp_path / "weights.safetensors")
    path = suite.artifact(run.id, "weights.safetensors")
    assert path.is_relative_to(Path("runs/artifacts").resolve()) and path.read_text() == "w"
    assert list(scratch.iterdir()) == []


REMOTE = """
import sys
from pathlib import Path

from bench.tracking import open_suite

suite = open_suite(sys.argv[1])
with suite.run("far", kind="train") as run:
    run.metrics({"loss/total": 0.25}, step=3)
    run.artifact(Path("scores.csv"), "folder", spare=True)
assert Path("scores.csv").exists()  # there is no moving it to a server
for _ in range(2):
    copies = list(Path(sys.argv[2]).rglob("scores.csv"))
    print(suite.artifact(run.id, "folder/scores.csv").read_text(), len(copies))
assert suite.fetched(suite.artifact(run.id, "folder/scores.csv"))
print(suite.artifact(run.id, "absent.csv"), suite.client.get_run(run.id).data.metrics)
"""


def test_with_a_tracking_server_artifacts_are_fetched_once_and_taken_away(tmp_path, mlflow_tables):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "scores.csv").write_text("a,b")
    shutil.copy(mlflow_tables, tmp_path / "far.db")
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # processes for what nobody asks of it
    command = [
        sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path}/far.db", "--artifacts-destination", str(tmp_path / "far"),
    ]  # fmt: skip
    server = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(port, server)
        found = subprocess.run(
            [sys.executable, "-c", REMOTE, f"http://127.0.0.1:{port}", scratch], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=True, timeout=300,
        )  # fmt: skip
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
    assert found.stdout.splitlines()[-3:] == ["a,b 0", "a,b 1", "None {'loss/total': 0.25}"]
    assert list(scratch.glob("bench-*")) == []


def wait_for(port, server):
    """Until the MLflow server on `port` answers; its tables take it some seconds."""
    for _ in range(600):
        assert server.poll() is None, "the MLflow server has ended"
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            assert answer.status == 200
            return
        time.sleep(0.2)
    raise AssertionError("the MLflow server does not answer")


def test_a_store_of_an_unknown_kind_is_one_sentence(workplace):
    with pytest.raises(BenchError, match="MLflow cannot be used at nonsense://here"):
        open_suite("nonsense://here")


@pytest.mark.parametrize("place", ["file/mlflow.db", "file"])
def test_a_database_that_cannot_be_opened_is_one_sentence(workplace, mlflow_tables, place):
    (workplace / "file").write_text("I am a text, not a database." * 100)
    with pytest.raises(BenchError, match="MLflow cannot be used at"):
        open_suite(f"sqlite:///{workplace}/{place}")
