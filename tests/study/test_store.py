import sqlite3

import pytest

from bench.errors import BenchError
from study.store import Store, VoteRefused
from study.votes import votes_of


def vote_all(store, observer, choice="left"):
    while pair := store.state(observer)["trial"]:
        store.vote(observer, pair["token"], choice, 700)


def test_a_vote_is_kept_with_what_was_shown(opened):
    store = opened()
    observer = store.observer(store.join())
    pair = store.state(observer)["trial"]
    store.vote(observer, pair["token"], "right", 1234)
    (row,) = votes_of(store).itertuples()
    assert (row.observer, row.position, row.kind, row.choice, row.milliseconds) == (
        "observer 1",
        0,
        "pair",
        "right",
        1234,
    )
    shown = {store.methods[store.pictures[pair[side]]["method"]] for side in ("left", "right")}
    assert {row.left, row.right} == shown
    assert row.left == store.methods[store.pictures[pair["left"]]["method"]]


def test_the_next_pair_is_told_ahead_and_comes_next(opened):
    store = opened()
    observer = store.observer(store.join())
    ahead = None
    for done in range(6):
        state = store.state(observer)
        assert (state["done"], state["total"]) == (done, 6)
        assert ahead in (None, state["trial"])
        ahead = state["next"]
        store.vote(observer, state["trial"]["token"], "tie", 1)
    assert store.state(observer)["trial"] is None


def test_a_vote_sent_twice_counts_once_and_another_pair_is_refused(opened):
    store = opened()
    observer = store.observer(store.join())
    first, second = store.state(observer)["trial"], store.state(observer)["next"]
    with pytest.raises(VoteRefused, match="judged already"):
        store.vote(observer, second["token"], "left", 1)
    store.vote(observer, first["token"], "left", 1)
    store.vote(observer, first["token"], "left", 1)
    with pytest.raises(VoteRefused, match="judged already"):
        store.vote(observer, first["token"], "right", 1)
    assert store.state(observer)["done"] == len(votes_of(store)) == 1
    with pytest.raises(VoteRefused, match="one of left, right, tie"):
        store.vote(observer, second["token"], "both", 1)


def test_nobody_votes_for_somebody_else(opened):
    store = opened()
    one, other = (store.observer(store.join()) for _ in range(2))
    with pytest.raises(VoteRefused, match="not one of yours"):
        store.vote(one, store.state(other)["trial"]["token"], "left", 1)
    # And the file itself does not take such a row, whoever writes it.
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), store.transaction() as database:
        database.execute(
            "INSERT INTO votes (observer, trial, choice, milliseconds, at) VALUES (?, ?, 'left', 1, '')",
            (one, store.state(other)["trial"]["token"]),
        )
    assert votes_of(store).empty


def test_the_file_takes_one_vote_a_pair(opened):
    store = opened()
    observer = store.observer(store.join())
    token = store.state(observer)["trial"]["token"]
    insert = "INSERT INTO votes (observer, trial, choice, milliseconds, at) VALUES (?, ?, 'left', 1, '')"
    with store.transaction() as database:
        database.execute(insert, (observer, token))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), store.transaction() as database:
        database.execute(insert, (observer, token))


def test_an_undone_vote_stays_on_record(opened):
    store = opened()
    observer = store.observer(store.join())
    store.undo(observer, 1)  # nothing to take back
    first = store.state(observer)["trial"]["token"]
    store.vote(observer, first, "left", 1)
    store.undo(observer, 1)
    assert store.state(observer)["trial"]["token"] == first
    store.vote(observer, first, "right", 1)
    second = store.state(observer)["trial"]["token"]
    store.vote(observer, second, "tie", 1)
    for _ in range(2):  # the answer to the first sending was lost on its way
        store.undo(observer, 2)
    store.undo(observer, 3)
    assert store.state(observer)["trial"]["token"] == second
    assert votes_of(store)["choice"].tolist() == ["right"]
    kept = store.rows("SELECT choice, undone IS NULL AS counts FROM votes ORDER BY id")
    assert [(row["choice"], row["counts"]) for row in kept] == [("left", 0), ("right", 1), ("tie", 0)]


def test_secrets_are_not_kept_and_pictures_are_only_those_of_the_study(opened):
    store = opened()
    secret = store.join()
    assert secret.encode() not in (store.folder / "study.db-wal").read_bytes()
    assert store.observer(secret) is not None
    assert store.observer(secret[:-1]) is None
    assert store.picture_file("../study.db") is None
    token = next(iter(store.pictures))
    assert store.picture_file(token).is_file()


def test_a_vote_is_written_through_to_the_disk(opened):
    store = opened()
    with store.transaction() as database:
        assert database.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert store.rows("PRAGMA journal_mode")[0][0] == "wal"


def test_a_second_process_sees_each_vote(opened):
    store = opened()
    secret = store.join()
    vote_all(store, store.observer(secret))
    with Store(store.folder) as second:
        assert second.state(second.observer(secret))["done"] == 6


def test_what_is_no_study_is_said_so(tmp_path):
    with pytest.raises(BenchError, match="There is no study absent"):
        Store(tmp_path / "absent")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/study.db").write_text("not a database, but long enough to look at " * 40)
    with pytest.raises(BenchError, match="Cannot open the study"):
        Store(tmp_path / "odd")
    (tmp_path / "old").mkdir()
    sqlite3.connect(tmp_path / "old/study.db").close()
    (tmp_path / "old/study.db").touch()
    with pytest.raises(BenchError, match="no study that this version can read"):
        Store(tmp_path / "old")
