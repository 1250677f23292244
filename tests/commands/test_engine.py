"""Real processes: workers of a Dask cluster and evaluations that are killed, two evaluations at once."""

import importlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack

import distributed
import pytest

from bench.cells import CELLS, CellStore
from bench.data import from_folder
from bench.evaluation import evaluate
from bench.jobs import run_job
from bench.metrics import get_metric
from bench.scores import read_scores
from bench.tracking import open_suite
from commands.workers import pool
from methods import contestant

COUNT = 24
WORDS = ("evaluate", "--images", "night", "--metric", "loe")
STALL = f"""
import time
from bench.cells import CellStore
keep, kept = CellStore.put, []
def put(self, scores):
    keep(self, scores)
    kept.append(scores)
    time.sleep(600 if len(kept) == {COUNT // 2} else 0)
CellStore.put = put
"""  # however fast the machine, at least half of the pictures are left when the kill comes


@pytest.fixture
def night(workplace, photograph):
    for seed in range(COUNT):
        photograph(workplace / f"night/{seed:02}.png", seed=seed, size=(64, 96), high=60)
    return workplace / "night"


def start(*words, before=""):
    """`bench` with these words, as a process of its own, after the statements in `before`."""
    code = f"{before}\nimport sys; from cli import main; sys.argv[0] = 'bench'; main()"
    command, pipe = [sys.executable, "-c", code, *map(str, words)], subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler on loopback and two worker processes without a nanny: its address and the workers."""
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    (tmp_path / "elsewhere").mkdir()
    with ExitStack() as stack:

        def process(*command, log):
            with (tmp_path / log).open("w") as stream:
                started = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=tmp_path / "elsewhere")
            stack.callback(started.wait)
            stack.callback(started.kill)
            return started

        process(*dask, "--no-dashboard", log="scheduler")
        address = waited(lambda: re.search(r"tcp://127\.0\.0\.1:\d+", (tmp_path / "scheduler").read_text())).group()
        words = (address, "--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        workers = [process(sys.executable, "-m", "distributed.cli.dask_worker", *words, log=f"worker{n}") for n in "01"]
        for n in "01":
            waited(lambda n=n: "Registered to" in (tmp_path / f"worker{n}").read_text())
        yield address, workers


def waited(look, seconds=60):
    """What `look` gives as soon as it is something."""
    for _ in range(seconds * 20):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def test_no_score_is_lost_nor_twice_when_a_worker_of_a_cluster_is_killed(night, cluster):
    address, (first, second) = cluster
    told, cells = [], CellStore()

    def kill(entrant, dataset, reused):
        told.append(reused)
        if len(told) == 3:
            first.kill()

    with pool(1, address) as (executor, window):
        assert window == 8
        ran = {"executor": executor, "window": window, "on_picture": kill, "cells": cells}
        frame = evaluate([contestant("clahe")[0]], [from_folder(night)], [get_metric("loe")], **ran)
    assert first.wait(10) == -signal.SIGKILL
    assert second.poll() is None
    assert told == [False] * COUNT
    assert frame["image"].tolist() == sorted(path.name for path in night.iterdir())
    assert (frame["error"] == "").all()
    assert kept() == COUNT
    here = evaluate([contestant("clahe")[0]], [from_folder(night)], [get_metric("loe")])
    assert frame["value"].tolist() == pytest.approx(here["value"].tolist(), rel=1e-6)


def test_a_cluster_reads_and_writes_where_the_evaluation_was_called(bench, night, cluster, store):
    address, _ = cluster
    words = (*WORDS, "--method", "gamma", "--scheduler", address)
    code, out, err = bench(*words, "--save-images", "results")
    assert code == 0, out + err
    assert len(list((night.parent / "results/gamma/night").iterdir())) == COUNT
    suite = open_suite()
    (child,) = suite.children(suite.search(kind="evaluate")[0].info.run_id)
    assert len(list(suite.artifact(child.info.run_id, "samples").iterdir())) == 6


def test_a_worker_computes_by_the_code_that_is_there_now_or_not_at_all(cluster, fails, night, store, monkeypatch):
    address, _ = cluster
    with distributed.Client(address, set_as_default=False) as client:
        for older, mark in ((False, "kept"), (True, None)):
            with pool(1, address):
                client.run(lambda: setattr(importlib.import_module("bench.jobs"), "mark", "kept"))
            if older:  # as where a file has changed since
                client.run(lambda: importlib.import_module("commands.workers").IMPORTED.update(digest="older"))
            with pool(1, address):
                found = client.run(lambda: getattr(importlib.import_module("bench.jobs"), "mark", None))
            assert list(found.values()) == [mark] * 2, "what is older is imported anew, the same code stays"
    monkeypatch.setattr("bench.registry.LIBRARIES", ("numpy",))  # here alone
    told = fails(*WORDS, "--method", "gamma", "--scheduler", address)
    assert "has other code or libraries than this machine: renew it." in told


def test_float32_means_float32_in_workers_too():
    look = "[__import__('torch').backends.cudnn.allow_tf32, __import__('torch').get_num_threads()]"
    with pool(2) as (executor, _):
        assert executor.submit(eval, look).result() == [False, 1]


def kept():
    with sqlite3.connect(CELLS) as database:
        return database.execute("SELECT count(*) FROM cells").fetchone()[0]


def test_a_scheduler_that_does_not_answer_is_a_sentence(fails, night, store, monkeypatch):
    monkeypatch.setattr("commands.workers.PATIENCE", 1)
    told = fails(*WORDS, "--method", "gamma", "--scheduler", "tcp://127.0.0.1:1")
    assert told.startswith("No Dask scheduler answers at tcp://127.0.0.1:1")


def test_after_kill_9_a_second_call_does_only_what_is_missing(bench, night, store, monkeypatch):
    words = (*WORDS, "--method", "jed", "--csv", "scores.csv")
    running = start(*words, "--workers", 2, before=STALL)
    waited(lambda: CELLS.exists() and CELLS.stat().st_size and kept() >= 3)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=30)  # until the workers, which hold its pipes, are gone too
    before, done = kept(), []
    assert 3 <= before <= COUNT // 2
    monkeypatch.setattr("bench.evaluation.run_job", lambda job: (done.append(job.metrics), run_job(job))[1])
    code, _, err = bench(*words)
    assert code == 0, err
    assert sum(bool(metrics) for metrics in done) == COUNT - before
    assert read_scores(night.parent / "scores.csv")["value"].notna().sum() == kept() == COUNT


def test_two_evaluations_at_once_on_a_new_database_lose_nothing(night, workplace, monkeypatch):
    both = [start(*WORDS, "--method", method, "--csv", f"{method}.csv") for method in ("gamma", "clahe")]
    for running in both:
        out, err = running.communicate(timeout=120)
        assert running.returncode == 0, out + err
    assert kept() == 2 * COUNT
    runs = open_suite(f"sqlite:///{workplace}/runs/mlflow.db").search(kind="evaluate")
    assert [run.info.status for run in runs] == ["FINISHED"] * 2
    for method in ("gamma", "clahe"):
        frame = read_scores(workplace / f"{method}.csv")
        assert frame["value"].notna().sum() == len(frame) == COUNT
