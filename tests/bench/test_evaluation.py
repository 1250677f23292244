import multiprocessing
import os
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from bench import jobs
from bench.cells import CellStore
from bench.data import Dataset
from bench.errors import BenchError
from bench.evaluation import evaluate, suits
from bench.images import read_rgb, to_pixels, to_tensor, write_rgb
from bench.jobs import Contestant, enhance, single_threaded
from bench.metrics import Metric
from methods import contestant

LEVELS = {"low/a.png": 40, "low/b.png": 90, "low/c.png": 140}


def fail(image, reference):
    raise ZeroDivisionError("nothing to divide by\nsecond line")


SCORERS = {
    "level": (lambda image, reference: float(image.mean() * 255), False),
    "distance": (lambda image, reference: float((image - reference).abs().mean() * 255), True),
    "failing": (fail, False),
    "infinite": (lambda image, reference: float("inf"), False),
}
METRICS = {name: Metric(name, True, needs, "fake", lambda f=f: f) for name, (f, needs) in SCORERS.items()}
LEVEL, DISTANCE = METRICS["level"], METRICS["distance"]


@pytest.fixture
def fakes(monkeypatch):
    monkeypatch.setattr(jobs, "get_metric", METRICS.__getitem__)
    for cached in (jobs._scorer, jobs._loaded):  # fakes of one name are different things in each test
        cached.cache_clear()
    yield
    jobs._scorer.cache_clear()


def make_dataset(folder, name="flat", reference=True):
    """Three flat pictures; every reference is 50 levels brighter."""
    for image, level in LEVELS.items():
        write_rgb(np.full((12, 16, 3), level, np.uint8), folder / image)
        write_rgb(np.full((12, 16, 3), level + 50, np.uint8), folder / image.replace("low", "high"))
    low = tuple(folder / image for image in LEVELS)
    high = tuple(folder / image.replace("low", "high") for image in LEVELS)
    return Dataset(name, folder, "test", low=low, reference=high if reference else ())


@pytest.fixture
def dataset(tmp_path, fakes):
    return make_dataset(tmp_path / "flat")


class Method(nn.Module):
    """Applies a function and remembers on what."""

    def __init__(self, function):
        super().__init__()
        self.function, self.seen = function, []

    def forward(self, image):
        self.seen.append(round(float(image.mean() * 255)))
        return self.function(image)


def brighter(levels):
    return Method(lambda image: image + levels / 255)


def entrant(method, name="fake", digest="v1", checkpoint=""):
    return Contestant(name, digest, lambda: method, checkpoint)


def values(frame, **chosen):
    for column, value in chosen.items():
        frame = frame[frame[column] == value]
    return frame["value"].tolist()


def test_every_picture_is_scored_by_every_metric(dataset):
    frame = evaluate([entrant(brighter(20), checkpoint="w1")], [dataset], [LEVEL, DISTANCE])
    assert len(frame) == 6
    assert values(frame, metric="level") == pytest.approx([60, 110, 160], abs=1e-3)
    assert values(frame, metric="distance") == pytest.approx([30, 30, 30], abs=1e-3)
    assert frame["image"].tolist() == [*LEVELS] * 2
    assert set(frame["metric_digest"]) == {LEVEL.digest, DISTANCE.digest}
    assert (frame[["method", "checkpoint", "dataset", "error"]] == ["fake", "w1", "flat", ""]).all(axis=None)
    assert (frame["seconds"] > 0).all()


def test_scores_are_of_the_picture_as_it_is_saved(dataset):
    frame = evaluate([entrant(brighter(20.4))], [dataset], [LEVEL])
    assert values(frame) == pytest.approx([60, 110, 160], abs=1e-3)  # rounded to 8 bits
    clipped = evaluate([entrant(brighter(200), digest="v2")], [dataset], [LEVEL])
    assert values(clipped)[2] == pytest.approx(255)


def test_rows_follow_the_order_asked_for(tmp_path, fakes):
    datasets = [make_dataset(tmp_path / name, name) for name in ("second", "first")]
    entrants = [entrant(brighter(1), "z"), entrant(brighter(2), "a", "v2")]
    frame = evaluate(entrants, datasets, [LEVEL, DISTANCE])
    order = frame[["dataset", "method", "metric"]].drop_duplicates().agg(" ".join, axis=1).tolist()
    assert order == [f"{d} {m} {s}" for d in ("second", "first") for m in ("z", "a") for s in ("level", "distance")]


def test_metrics_that_need_references_are_left_out_without(tmp_path, fakes):
    bare = make_dataset(tmp_path / "bare", "bare", reference=False)
    assert [suits(metric, bare) for metric in (LEVEL, DISTANCE)] == [True, False]
    assert set(evaluate([entrant(brighter(1))], [bare], [LEVEL, DISTANCE])["metric"]) == {"level"}


def test_a_metric_may_compare_with_the_input(dataset, monkeypatch):
    gain = Metric("gain", False, False, "fake", lambda: SCORERS["distance"][0], needs_input=True)
    monkeypatch.setitem(METRICS, "gain", gain)
    frame = evaluate([entrant(brighter(20))], [dataset], [gain, DISTANCE])
    assert values(frame, metric="gain") == pytest.approx([20] * 3, abs=1e-3)  # the reference is 50 brighter
    assert values(frame, metric="distance") == pytest.approx([30] * 3, abs=1e-3)


def test_nothing_is_computed_twice(dataset, tmp_path):
    method, cells = brighter(20), CellStore(tmp_path / "cells.db")
    told = []
    first = evaluate([entrant(method)], [dataset], [LEVEL, DISTANCE], cells=cells)
    second = evaluate(
        [entrant(method)],
        [dataset],
        [LEVEL, DISTANCE],
        cells=cells,
        on_picture=lambda c, d, reused: told.append(reused),
    )
    assert method.seen == [40, 90, 140]
    assert told == [True] * 3
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_force_computes_again(dataset, tmp_path):
    method, cells = brighter(20), CellStore(tmp_path / "cells.db")
    for _ in range(2):
        evaluate([entrant(method)], [dataset], [LEVEL], cells=cells, force=True)
    assert method.seen == [40, 90, 140] * 2


@pytest.mark.parametrize("changed", ["method", "metric", "picture", "reference"])
def test_a_changed_digest_computes_again_what_it_concerns(dataset, tmp_path, changed):
    method, cells = brighter(20), CellStore(tmp_path / "cells.db")
    evaluate([entrant(method)], [dataset], [LEVEL], cells=cells)
    write = partial(write_rgb, np.full((12, 16, 3), 7, np.uint8))
    if changed in ("picture", "reference"):
        write((dataset.low if changed == "picture" else dataset.reference)[1])
    metric = Metric("level", True, False, "another variant", LEVEL.load) if changed == "metric" else LEVEL
    evaluate([entrant(method, digest="v2" if changed == "method" else "v1")], [dataset], [metric], cells=cells)
    again = {"picture": [7], "reference": [90]}.get(changed, [40, 90, 140])
    assert method.seen == [40, 90, 140, *again]


def test_a_new_metric_leaves_finished_ones_alone(dataset, tmp_path):
    method, cells = brighter(20), CellStore(tmp_path / "cells.db")
    first = evaluate([entrant(method)], [dataset], [LEVEL], cells=cells)
    both = evaluate([entrant(method)], [dataset], [LEVEL, DISTANCE], cells=cells)
    assert method.seen == [40, 90, 140] * 2
    pd.testing.assert_frame_equal(both[both["metric"] == "level"].reset_index(drop=True), first, check_exact=True)
    evaluate([entrant(method)], [dataset], [LEVEL, DISTANCE], cells=cells)
    assert len(method.seen) == 6


def break_on_b(kind):
    """A method that goes wrong on the picture of level 90 only."""

    def function(image):
        if round(float(image.mean() * 255)) != 90:
            return image
        if kind == "raises":
            raise RuntimeError("out of memory\nwith a long story")
        return {"nan": image * float("nan"), "infinite": image / 0, "shape": image[..., 1:]}[kind]

    return Method(function)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("raises", "RuntimeError: out of memory"),
        ("nan", "The result holds values that are not finite."),
        ("infinite", "The result holds values that are not finite."),
        ("shape", "The result has shape (1, 3, 12, 15), the picture (1, 3, 12, 16)."),
    ],
)
def test_a_method_that_fails_leaves_a_row_that_says_why_and_the_rest_is_done(dataset, tmp_path, kind, reason):
    method, cells = break_on_b(kind), CellStore(tmp_path / "cells.db")
    entrants = [entrant(method), entrant(brighter(1), "other", "v2")]
    frame = evaluate(entrants, [dataset], [LEVEL, DISTANCE], cells=cells)
    bad = frame[frame["error"] != ""]
    assert bad["image"].tolist() == ["low/b.png"] * 2
    assert set(bad["error"]) == {reason}
    assert bad["value"].isna().all()
    assert len(frame) == 12
    assert frame["value"].notna().sum() == 10
    evaluate(entrants, [dataset], [LEVEL, DISTANCE], cells=cells)
    assert method.seen == [40, 90, 140, 90]  # a failure is not kept: it is tried again


def test_a_method_that_cannot_be_loaded_leaves_rows(dataset):
    def load():
        raise BenchError("There are no weights.")

    frame = evaluate([Contestant("broken", "v", load)], [dataset], [LEVEL])
    assert frame["error"].tolist() == ["There are no weights."] * 3


@pytest.mark.parametrize(
    ("metric", "reason"),
    [("failing", "ZeroDivisionError: nothing to divide by"), ("infinite", "infinite gave inf")],
)
def test_a_metric_that_fails_leaves_rows_and_the_others_score(dataset, metric, reason):
    frame = evaluate([entrant(brighter(20))], [dataset], [METRICS[metric], LEVEL])
    assert frame[frame["metric"] == metric]["error"].tolist() == [reason] * 3
    assert np.isnan(values(frame, metric=metric)).all()
    assert values(frame, metric="level") == pytest.approx([60, 110, 160], abs=1e-3)


@pytest.mark.parametrize("side", ["low", "high"])
def test_an_unreadable_picture_is_named_and_the_rest_is_done(dataset, side):
    path = dataset.folder / side / "b.png"
    path.write_bytes(b"not a picture")
    frame = evaluate([entrant(brighter(20))], [dataset], [LEVEL])
    assert frame["error"].tolist() == ["", f"{path} is not a picture that can be read.", ""]
    assert values(frame.drop(index=1)) == pytest.approx([60, 160], abs=1e-3)


def test_results_are_written_where_asked_although_all_is_scored(dataset, tmp_path):
    method, cells, out = brighter(20), CellStore(tmp_path / "cells.db"), tmp_path / "out"

    def save(contestant, dataset, image):
        path = out / contestant.name / image
        return () if path.exists() else (path,)

    evaluate([entrant(method)], [dataset], [LEVEL], cells=cells, save=save)
    assert read_rgb(out / "fake/low/b.png")[0, 0].tolist() == [110] * 3
    (out / "fake/low/b.png").unlink()
    evaluate([entrant(method)], [dataset], [LEVEL], cells=cells, save=save)
    assert method.seen == [40, 90, 140, 90]
    assert read_rgb(out / "fake/low/b.png")[0, 0].tolist() == [110] * 3


def test_a_file_that_cannot_be_written_costs_no_score_and_is_told(dataset, tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    troubles, cells = [], CellStore(tmp_path / "cells.db")

    def save(contestant, dataset, image):
        return (tmp_path / "out" / image,)

    for _ in range(2):  # computed, then found in the cells
        frame = evaluate([entrant(brighter(20))], [dataset], [LEVEL], cells=cells, save=save, troubles=troubles)
        assert values(frame) == pytest.approx([60, 110, 160], abs=1e-3)
    assert len(troubles) == 6 and all("Cannot write" in sentence for sentence in troubles)


def test_a_worker_knows_a_method_again_that_came_by_another_pickle():
    made, _ = contestant("clahe")
    again, once_more = (pickle.loads(pickle.dumps(made)) for _ in range(2))
    assert again == once_more and hash(again) == hash(once_more)


def test_what_was_finished_before_an_interrupt_is_kept(dataset, tmp_path):
    cells, done = CellStore(tmp_path / "cells.db"), []

    def stop(*_):
        done.append(1)
        if len(done) == 2:
            raise KeyboardInterrupt

    method = brighter(20)
    with pytest.raises(KeyboardInterrupt):
        evaluate([entrant(method)], [dataset], [LEVEL], cells=cells, on_picture=stop)
    evaluate([entrant(method)], [dataset], [LEVEL], cells=cells)
    assert method.seen == [40, 90, 140]


def test_a_pool_of_threads_gives_the_same_table(dataset):
    entrants = [entrant(brighter(20)), entrant(break_on_b("nan"), "bad", "v2")]
    with ThreadPoolExecutor(2) as executor:
        spread = evaluate(entrants, [dataset], [LEVEL, DISTANCE], executor=executor)
    here = evaluate(entrants, [dataset], [LEVEL, DISTANCE])
    pd.testing.assert_frame_equal(spread.drop(columns="seconds"), here.drop(columns="seconds"), check_exact=True)


def processes():
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=single_threaded)


def test_a_pool_of_processes_gives_the_same_table(tmp_path, photograph):
    for seed, name in enumerate("abc"):
        photograph(tmp_path / f"low/{name}.png", seed=seed, high=80)
        photograph(tmp_path / f"high/{name}.png", seed=seed)
    sides = {side: tuple(sorted((tmp_path / side).iterdir())) for side in ("low", "high")}
    dataset = Dataset("noise", tmp_path, "test", low=sides["low"], reference=sides["high"])
    entrants = [contestant(name)[0] for name in ("gamma", "clahe", "msrcr")]
    ssim = jobs.get_metric("ssim_rgb")
    with processes() as executor:
        spread = evaluate(entrants, [dataset], [ssim], executor=executor)
    here = evaluate(entrants, [dataset], [ssim])
    assert spread["value"].between(0, 1, inclusive="neither").all()
    pd.testing.assert_frame_equal(spread.drop(columns="seconds"), here.drop(columns="seconds"), rtol=1e-6)


def test_a_killed_worker_is_one_sentence(dataset):
    killer = Contestant("killer", "v", partial(os._exit, 1))
    with processes() as executor, pytest.raises(BenchError):
        evaluate([killer], [dataset], [LEVEL], executor=executor)


class Breaking(Executor):
    """Does three jobs; then no more are taken, or the fourth is lost before the others are asked for."""

    def __init__(self, refuses):
        self.refuses, self.jobs = refuses, 0

    def submit(self, work, /, *arguments):
        self.jobs += 1
        future = Future()
        if self.jobs <= 3:
            future.set_result(work(*arguments))
        elif self.refuses:
            raise BrokenProcessPool
        else:
            future.set_exception(BrokenProcessPool())
        return future


@pytest.mark.parametrize("refuses", [True, False])
def test_what_was_finished_when_a_worker_was_lost_is_kept(dataset, tmp_path, refuses):
    cells = CellStore(tmp_path / "cells.db")
    methods = brighter(20), brighter(30)
    entrants = [entrant(methods[0]), entrant(methods[1], "more", "v2")]
    with pytest.raises(BenchError, match="What was finished is kept"):
        evaluate(entrants, [dataset], [LEVEL], cells=cells, executor=Breaking(refuses), window=8)
    assert [method.seen for method in methods] == [[40, 90], [40]]
    evaluate(entrants, [dataset], [LEVEL], cells=cells)
    assert [method.seen for method in methods] == [[40, 90, 140]] * 2, "none of the three was computed again"


def test_enhance_gives_the_picture_and_its_seconds():
    low = to_tensor(np.full((5, 7, 3), 30, np.uint8))
    result, seconds = enhance(brighter(10), low)
    assert (to_pixels(result) == 40).all()
    assert 0 < seconds < 60
    assert not result.requires_grad
    with pytest.raises(BenchError, match="not finite"):
        enhance(Method(torch.log), low * 0)
