import os
import subprocess
import sys

import psutil
import pytest

from bench.process import gone, this_process
from bench.tracking import open_suite
from bench.trainings import newest_weights

HOLDS = """
import fcntl, sys
with open(sys.argv[1], "w") as stream:
    fcntl.flock(stream, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""
EVALUATES = """
import time
from bench.tracking import open_suite
with open_suite().run("evaluate", kind="evaluate") as run:
    print(run.id, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def training(store, workplace):
    """Makes a finished training that keeps weights and a state of 3 MB; gives its ID."""

    def make(name, parent=None, **more):
        told = {"variant": "enlightengan", "preset": "fast", "trusted": "yes", **more}
        with open_suite().run(name, kind="train", tags=told, parent=parent) as run:
            folder = workplace / "runs/training" / run.id
            folder.mkdir(parents=True)
            for file, size in (("weights.safetensors", 10), ("state-00000002.pt", 3_000_000)):
                (folder / file).write_bytes(bytes(size))
                run.artifact(folder / file, spare=True)
            (folder / "lock").touch()
        return run.id

    return make


@pytest.fixture
def trained(training):
    """The runs of two trainings of one method, the older first."""
    return [training("night 1"), training("night 2")]


def chosen():
    return newest_weights("enlightengan")[0].parent.parent.name


def row(out, run):
    (line,) = [line for line in out.splitlines() if line.strip().startswith(run[:8])]
    return line


def test_a_removed_training_gives_no_weights_until_it_is_brought_back(bench, fails, trained):
    older, newer = trained
    assert chosen() == newer
    out = bench("runs", "list")[1]
    assert "enlightengan" in row(out, newer) and "enlightengan" not in row(out, older)
    code, out, err = bench("runs", "remove", newer[:8])
    assert code == 0, err
    assert f"night 2 ({newer[:8]}, train)" in out and chosen() == older
    assert newer[:8] not in bench("runs", "list")[1] and newer[:8] in bench("runs", "list", "--removed")[1]
    told = fails("runs", "remove", newer[:8])
    assert f"There is no run {newer[:8]}" in told and f"bench runs restore {newer[:8]} brings it back." in told
    assert f"bench runs restore {newer[:8]} brings it back" in fails("publish", newer)
    assert bench("runs", "restore", newer)[0] == 0 and chosen() == newer


def test_what_a_removed_run_keeps_is_deleted_only_when_asked_for(bench, trained, workplace):
    older, newer = trained
    places = [workplace / "runs" / part / older for part in ("artifacts", "training")]
    assert bench("runs", "remove", "night 1")[0] == 0 and all(place.is_dir() for place in places)
    assert bench("runs", "restore", "night 1")[0] == 0
    assert bench("runs", "remove", "night 1")[0] == 0
    assert "3.0 MB deleted" in bench("runs", "remove", "night 1", "--files")[1]  # also of what was removed before
    assert not any(place.exists() for place in places) and chosen() == newer
    assert "it has no files here" in bench("runs", "restore", older)[1]


def test_slimmed_trainings_keep_their_weights_and_lose_their_states(bench, fails, trained, workplace, sides):
    older, newer = trained
    assert "3.0 MB freed." in bench("runs", "slim", older)[1]
    assert [path.parts[-3] for path in workplace.glob("runs/artifacts/*/artifacts/state-*.pt")] == [newer]
    begins = ("train", "enlightengan", *sides, "--preset", "fast", "--init-from")
    assert "keeps no training state" in fails(*begins, older)
    assert bench("runs", "slim")[0] == 0 and chosen() == newer
    assert not list(workplace.glob("runs/artifacts/*/artifacts/state-*.pt"))
    assert bench("runs", "slim")[1].strip() == "0.0 MB freed."
    with open_suite().run("clahe", kind="evaluate") as other:
        pass
    assert "is no finished training" in fails("runs", "slim", other.id)


def test_what_is_nested_goes_with_its_parent_and_a_training_that_goes_on_is_left_alone(
    bench, fails, training, workplace
):
    with open_suite().run("grid", kind="ablations") as grid:
        cells = [training(name, grid) for name in ("with", "without")]
    command = [sys.executable, "-c", HOLDS, workplace / "runs/training" / cells[0] / "lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        for run in (cells[0], grid.id):
            assert "is being trained by another process" in fails("runs", "remove", run, "--files")
        assert {run.info.run_id for run in open_suite().search(kind="train")} == set(cells)
        other.stdin.close()
    assert bench("runs", "remove", grid.id)[1].count("Removed:") == 3
    assert not open_suite().search(kind="train")
    assert "There is no such run" in fails("runs", "list")


def test_a_name_that_several_trainings_have_is_no_choice(fails, training):
    same = [training("same"), training("same")]
    told = fails("runs", "remove", "same")
    assert "2 runs are called same" in told and all(run in told for run in same)


def test_a_cell_of_a_grid_is_used_only_where_nothing_is_shipped(bench, training, workplace, monkeypatch):
    cell = training("cell", cell="1")
    assert "enlightengan" not in row(bench("runs", "list")[1], cell)
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    assert "enlightengan" in row(bench("runs", "list", "--kind", "train")[1], cell)
    told = "Error: There is no kind of run named 'evaluate': there are: train.\n"
    assert bench("runs", "list", "--kind", "evaluate")[2] == told
    assert "did you mean train?" in bench("runs", "list", "--kind", "trian")[2]


def test_a_killed_training_is_told_from_one_that_runs(bench, fails, training, workplace):
    killed, kept, away = (training(name) for name in ("killed", "kept", "away"))
    for run in (killed, kept, away):
        open_suite().client.update_run(run, status="RUNNING")
    (workplace / "runs/training" / away / "lock").unlink()  # as of another machine
    command = [sys.executable, "-c", HOLDS, workplace / "runs/training" / kept / "lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        out = bench("runs", "list")[1]
        assert "is being trained by another process" in fails("runs", "remove", kept, "--force")
        other.stdin.close()
    assert [row(out, run).split()[3] for run in (killed, kept, away)] == ["interrupted", "running", "running"]
    assert row(bench("runs", "list")[1], kept).split()[3] == "interrupted"


def test_what_counts_as_running_elsewhere_is_removed_only_by_force(bench, fails, store):
    with open_suite().run("evaluate", kind="evaluate") as run:
        assert "counts as running" in fails("runs", "remove", run.id)
        assert len(open_suite().search(kind="evaluate")) == 1
        assert bench("runs", "remove", run.id, "--force")[0] == 0
        assert not open_suite().search(kind="evaluate")
        assert bench("runs", "restore", run.id)[0] == 0


def test_a_killed_evaluation_is_told_from_one_that_runs_and_needs_no_force(bench, fails, store, workplace):
    with subprocess.Popen([sys.executable, "-c", EVALUATES], stdout=subprocess.PIPE, cwd=workplace) as other:
        try:
            run = other.stdout.readline().decode().strip()
            assert row(bench("runs", "list")[1], run).split()[3] == "running"
            assert "counts as running" in fails("runs", "remove", run)
        finally:
            other.kill()
    assert row(bench("runs", "list")[1], run).split()[3] == "interrupted"
    assert bench("runs", "remove", run)[0] == 0
    open_suite().client.restore_run(run)
    for process in ("another-machine 1 0.00", "who knows", ""):
        open_suite().client.set_tag(run, "process", process)
        assert "counts as running" in fails("runs", "remove", run), "of another machine nobody knows"


def test_a_process_is_told_from_a_later_one_of_its_number_and_one_that_none_waits_for():
    told = this_process()
    machine, number, begun = told.rsplit(" ", 2)
    assert not gone(told) and not gone(f"{machine} {number} {float(begun) + 5:.2f}"), "a clock was set"
    assert gone(f"{machine} {number} {float(begun) - 3600:.2f}")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        child = f"{machine} {other.pid} {psutil.Process(other.pid).create_time():.2f}"
        assert not gone(child)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.pid_exists(other.pid) and gone(child)
    assert gone(child)
