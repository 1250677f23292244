"""A project folder is moved, or copied, with its MLflow database: a real store, as a person would find it."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from bench.errors import BenchError
from bench.moved import follow
from bench.tracking import EXPERIMENT, open_suite


@pytest.fixture
def project(workplace, mlflow_tables, monkeypatch):
    """A folder with one run that has an artifact: the folder and the run's ID."""
    folder = workplace / "first place"
    (folder / "runs").mkdir(parents=True)
    shutil.copy(mlflow_tables, folder / "runs/mlflow.db")
    monkeypatch.chdir(folder)
    (folder / "notes.txt").write_text("seen")
    with open_suite().run("one", kind="score") as run:
        run.artifact(folder / "notes.txt")
    return folder, run.id


def locations(database):
    with closing(sqlite3.connect(database)) as opened:
        every = "SELECT artifact_location FROM experiments WHERE name = 'bench' UNION SELECT artifact_uri FROM runs"
        return [where for (where,) in opened.execute(every)]


@pytest.mark.parametrize("way", [shutil.move, shutil.copytree])
def test_artifacts_are_read_and_written_where_the_folder_is_now(project, way, monkeypatch, capsys):
    old, run_id = project
    before = locations(old / "runs/mlflow.db")
    new = old.with_name("second place, 100%")
    way(old, new)
    monkeypatch.chdir(new)
    suite = open_suite()
    assert f"This project was at {old}; its artifacts are those in {new / 'runs'} now." in capsys.readouterr().err
    assert suite.artifact(run_id, "notes.txt") == new / "runs/artifacts" / run_id / "artifacts/notes.txt"
    with suite.run("two", kind="score") as run:
        run.artifact(new / "notes.txt")
    assert (new / "runs/artifacts" / run.id / "artifacts/notes.txt").read_text() == "seen"
    if old.exists():
        assert locations(old / "runs/mlflow.db") == before
        assert not (old / "runs/artifacts" / run.id).exists()
    else:
        assert way is shutil.move
    assert follow(new / "runs/mlflow.db", EXPERIMENT) is None  # once is enough


def test_artifacts_by_way_of_a_link_are_where_they_were(workplace, mlflow_tables, monkeypatch, capsys):
    (workplace / "large disk").mkdir()
    (workplace / "project/runs").mkdir(parents=True)
    shutil.copy(mlflow_tables, workplace / "project/runs/mlflow.db")
    (workplace / "project/runs/artifacts").symlink_to(workplace / "large disk")
    (workplace / "notes.txt").write_text("seen")
    monkeypatch.chdir(workplace / "project")
    with open_suite().run("one", kind="score") as run:
        run.artifact(workplace / "notes.txt")
    assert (workplace / "large disk" / run.id).is_dir()
    before = locations("runs/mlflow.db")
    assert follow(workplace / "project/runs/mlflow.db", EXPERIMENT) is None
    assert locations("runs/mlflow.db") == before


def test_a_database_that_lies_elsewhere_keeps_its_artifacts(project, workplace):
    old, _ = project
    elsewhere = workplace / "elsewhere/mlflow.db"
    elsewhere.parent.mkdir()
    shutil.copy(old / "runs/mlflow.db", elsewhere)
    (elsewhere.parent / "artifacts/of-somebody").mkdir(parents=True)
    before = locations(elsewhere)
    assert follow(elsewhere, EXPERIMENT) is None
    assert locations(elsewhere) == before


def test_a_moved_database_that_cannot_be_written_is_a_sentence(project, workplace):
    old, _ = project
    new = workplace / "moved"
    shutil.move(old, new)
    with closing(sqlite3.connect(new / "runs/mlflow.db")) as opened, opened:
        opened.execute("CREATE TRIGGER no BEFORE UPDATE ON experiments BEGIN SELECT RAISE(ABORT, 'no writing'); END")
    with pytest.raises(BenchError, match=r"mlflow\.db names another folder for its artifacts.*no writing"):
        follow(new / "runs/mlflow.db", EXPERIMENT)


def test_what_is_no_database_of_mlflow_is_left_alone(workplace):
    assert follow(workplace / "absent.db", EXPERIMENT) is None
    (workplace / "artifacts").mkdir()
    sqlite3.connect(workplace / "empty.db").close()
    assert follow(workplace / "empty.db", EXPERIMENT) is None
