import json
import re

import pytest

from bench.errors import BenchError
from study.exchange import ORDERS, design_digest, export, import_votes, orders
from study.store import LONGEST_VOTE
from study.votes import votes_of

OBSERVER = "0123456789abcdef" * 2
AT = "2026-03-01T10:00:00.000Z"


@pytest.fixture
def votes_file(tmp_path):
    """Writes what the folder's page saves for `store`; `changes` replace its parts."""

    def write(store, count=6, name="votes.json", **changes):
        votes = [{"position": k, "choice": ("left", "tie", "right")[k % 3], "milliseconds": 900, "at": AT}
                 for k in range(count)]  # fmt: skip
        usual = {"format": "bench study votes", "version": 1, "study": store.id, "design": design_digest(store),
                 "observer": OBSERVER, "order": 3, "votes": votes}  # fmt: skip
        path = tmp_path / name
        path.write_text(json.dumps(usual | changes))
        return path

    return write


def test_a_votes_file_counts_like_votes_on_the_page(opened, votes_file):
    store = opened()
    assert import_votes(votes_file(store), store) == ("file 0123456789ab", 6)
    votes = votes_of(store)
    assert votes["choice"].tolist() == ["left", "tie", "right"] * 2
    methods = {token: store.methods[row["method"]] for token, row in store.pictures.items()}
    shown = [(methods[left], methods[right]) for left, right, _ in orders(store)[3]]
    assert list(zip(votes["left"], votes["right"], strict=True)) == shown


def test_undone_votes_are_kept_as_undone(opened, votes_file):
    store = opened()
    first = {"position": 0, "choice": "left", "milliseconds": 1, "at": AT}
    path = votes_file(store, votes=[first | {"undone": AT}, first | {"choice": "right"}])
    assert import_votes(path, store)[1] == 1
    assert votes_of(store)["choice"].tolist() == ["right"]
    assert len(store.rows("SELECT * FROM votes WHERE undone IS NOT NULL")) == 1


def test_doubles_are_refused_unless_they_replace(opened, votes_file):
    store = opened()
    import_votes(votes_file(store, 2), store)
    with pytest.raises(BenchError, match="here already, as file 0123456789ab"):
        import_votes(votes_file(store, 6), store)
    assert len(votes_of(store)) == 2
    import_votes(votes_file(store, 6), store, replace=True)
    assert len(votes_of(store)) == 6
    assert len(store.rows("SELECT * FROM observers")) == 1
    older = [vote(at="2026-03-01T09:59:59"), vote(position=1, at=AT.replace("10:00:00", "09:00:00"))]
    with pytest.raises(BenchError, match=r"older than those that are here, as file 0123456789ab"):
        import_votes(votes_file(store, votes=older), store, replace=True)
    assert len(votes_of(store)) == 6
    import_votes(votes_file(store, votes=[*older, older[1] | {"undone": "2026-03-02T00:00:00Z"}]), store, replace=True)
    assert len(votes_of(store)) == 2, "what was taken back last is the newest"


def test_a_pair_left_open_over_the_weekend_is_a_vote(opened, votes_file):
    store = opened()
    import_votes(votes_file(store, votes=[vote(milliseconds=3 * LONGEST_VOTE)]), store)
    assert votes_of(store)["choice"].tolist() == ["left"]
    assert store.rows("SELECT milliseconds FROM votes")[0]["milliseconds"] == LONGEST_VOTE


def test_files_of_other_studies_are_refused(opened, votes_file):
    store, other = opened("ours"), opened("theirs")
    with pytest.raises(BenchError, match="belongs to another study, not to ours"):
        import_votes(votes_file(other), store)
    with pytest.raises(BenchError, match="other pictures or another design"):
        import_votes(votes_file(store, design="0" * 16), store)


def vote(**changes):
    return {"position": 0, "choice": "left", "milliseconds": 1, "at": AT} | changes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": "something else"}, "format"),
        ({"version": 2}, "version"),
        ({"observer": "../../x"}, "observer"),
        ({"observer": OBSERVER.upper()}, "observer"),
        ({"order": ORDERS}, "order"),
        ({"extra": 1}, "extra"),
        ({"votes": []}, "holds no vote"),
        ({"votes": [vote(choice="both")]}, "votes.0.choice"),
        ({"votes": [vote(position="0")]}, "votes.0.position"),
        ({"votes": [vote(milliseconds=-1)]}, "votes.0.milliseconds"),
        ({"votes": [vote(milliseconds=10**18)]}, "votes.0.milliseconds"),
        ({"votes": [vote(at="yesterday")]}, "votes.0.at"),
        ({"votes": [vote(method="alpha")]}, "votes.0.method"),
        ({"votes": [vote(), vote()]}, "has been changed"),
        ({"votes": [vote(position=1)]}, "has been changed"),
        ({"votes": [vote(), vote(position=6, undone=AT)]}, "has been changed"),
        ({"votes": [vote(position=k) for k in range(7)]}, "has been changed"),
    ],
)
def test_what_was_tampered_with_is_refused_and_changes_nothing(opened, votes_file, changes, told):
    store = opened()
    with pytest.raises(BenchError, match=re.escape(told)) as error:
        import_votes(votes_file(store, **changes), store)
    assert "\n" not in str(error.value)
    assert votes_of(store).empty
    assert store.rows("SELECT * FROM observers") == []


@pytest.mark.parametrize("text", ["", "not json", "[]", "null", '{"votes": NaN}', "\ud800"])
def test_what_is_no_votes_file_is_said_so(opened, tmp_path, text):
    path = tmp_path / "x.json"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(BenchError, match=r"x\.json is no votes file") as error:
        import_votes(path, opened())
    assert "\n" not in str(error.value)


def test_an_absent_file_is_named(opened, tmp_path):
    with pytest.raises(BenchError, match=r"Cannot read .*absent\.json"):
        import_votes(tmp_path / "absent.json", opened())


def test_the_folder_holds_the_page_and_the_pictures_and_no_methods(opened, tmp_path):
    store = opened(low=True, catches=2, repeats=0.5)
    export(store, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"index.html", "style.css", "study.js", "local.js", "viewer.js", "page.js", "pictures"}
    text = "".join(path.read_text() for path in (tmp_path / "out").glob("*.*"))
    for secret in (*store.methods, "catch", "repeat", store.name):
        assert secret not in (tmp_path / "out/study.js").read_text()
    assert "http://" not in text
    assert "https://" not in text
    shown = json.loads((tmp_path / "out/study.js").read_text().removeprefix("const STUDY = ").rstrip(";\n"))
    tokens = {token for order in shown["orders"] for trial in order for token in trial if token}
    assert tokens == {path.stem for path in (tmp_path / "out/pictures").iterdir()}
    assert len({json.dumps(order) for order in shown["orders"]}) == ORDERS
    with pytest.raises(BenchError, match="is there already"):
        export(store, tmp_path / "out")
