import pytest

from bench.errors import BenchError
from bench.tracking import open_suite
from bench.trainings import find_training, last_state, newest_weights


@pytest.fixture
def suite(store):
    return open_suite()


def trained(suite, folder, *, variant="enlightengan", preset="fast", trusted="yes", name="night", content="weights"):
    weights = folder / "weights.safetensors"
    weights.write_text(content)
    with suite.run(name, kind="train", tags={"variant": variant, "preset": preset, "trusted": trusted}) as run:
        run.artifact(weights)
    return run.id


def test_what_is_spare_is_moved_to_a_local_store_and_the_last_state_is_found(suite, tmp_path):
    with suite.run("r", kind="train") as run:
        assert last_state(suite, run.id) is None
        for name in ("state-00000009.pt", "state-00000010.pt", "weights.safetensors"):
            (tmp_path / name).write_text(name)
            run.artifact(tmp_path / name, spare=name.endswith(".pt"))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["weights.safetensors"]
    assert last_state(suite, run.id).read_text() == "state-00000010.pt"


def test_a_run_goes_by_its_id_or_by_the_newest_training_of_its_name(suite):
    ids = []
    for name, kind in (("night", "train"), ("it's", "train"), ("night", "train"), ("night", "evaluate")):
        with suite.run(name, kind=kind) as run:
            ids.append(run.id)
    with pytest.raises(KeyboardInterrupt), suite.run("night", kind="train") as stopped:
        raise KeyboardInterrupt
    words = (ids[3], "night", "it's")
    assert [find_training(suite, word, finished=True).info.run_id for word in words] == [ids[3], ids[2], ids[1]]
    assert [find_training(suite, word, finished=False).info.run_id for word in words] == [ids[3], stopped.id, ids[1]]
    for unknown in ("nigh", "0" * 32):
        with pytest.raises(BenchError, match=f"There is no run {unknown} in"):
            find_training(suite, unknown, finished=True)


def test_a_training_goes_by_the_beginning_of_its_id_where_no_other_has_it(suite, monkeypatch):
    with suite.run("evaluated", kind="evaluate") as other, suite.run("first", kind="train") as first:
        pass
    with suite.run(first.id[:8], kind="train") as named:
        pass
    assert find_training(suite, first.id[:6], finished=True).info.run_id == first.id
    assert find_training(suite, first.id[:8], finished=True).info.run_id == named.id, "a name comes first"
    for word in (first.id[:5], other.id[:8]):  # too short to be meant; no training
        with pytest.raises(BenchError, match=f"There is no run {word} in"):
            find_training(suite, word, finished=True)
    twice = [run for run in suite.search(kind="train") if run.info.run_id == first.id] * 2
    monkeypatch.setattr(type(suite), "search", lambda *_, **__: twice)
    with pytest.raises(BenchError, match=f"2 runs begin with {first.id[:6]}: {first.id}, "):
        find_training(suite, first.id[:6], finished=True)


def test_the_newest_finished_trusted_run_gives_the_weights(suite, tmp_path):
    trained(suite, tmp_path, content="old")
    newest = trained(suite, tmp_path, preset="paper", content="new")
    trained(suite, tmp_path, preset="smoke", trusted="no", content="smoke")
    trained(suite, tmp_path, variant="enlightengan_no_attention", content="other variant")
    with suite.run(
        "no weights yet", kind="train", tags={"variant": "enlightengan", "preset": "fast", "trusted": "yes"}
    ):
        pass
    path, source = newest_weights("enlightengan")
    assert path.read_text() == "new"
    assert source == f"run night ({newest[:8]}, preset paper)"
    assert newest_weights("enlightengan_no_attention")[0].read_text() == "other variant"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_unfinished_runs_give_no_weights(suite, tmp_path, error):
    (tmp_path / "weights.safetensors").write_text("half")
    wanted = {"variant": "enlightengan", "preset": "fast", "trusted": "yes"}
    with pytest.raises(error), suite.run("r", kind="train", tags=wanted) as run:
        run.artifact(tmp_path / "weights.safetensors")
        raise error
    assert newest_weights("enlightengan") is None
    with suite.run("r", kind="train", tags=wanted) as running:
        running.artifact(tmp_path / "weights.safetensors")
        assert newest_weights("enlightengan") is None


def test_looking_for_weights_makes_no_database(workplace):
    assert newest_weights("enlightengan") is None
    assert list(workplace.iterdir()) == []
