import json
import re
import sqlite3

import pytest
from fastapi.testclient import TestClient

from study.server import is_loopback, make_app
from study.votes import votes_of

HERE = "http://127.0.0.1:8000"
TOKEN = "abcdefgh12345678"


@pytest.fixture
def store(opened):
    return opened(low=True)


@pytest.fixture
def visit(store):
    """A new browser on the study; POSTs carry the Origin that browsers send."""

    def make(*, token=None, base=HERE, origin=HERE):
        return TestClient(make_app(store, token=token), base_url=base, headers={"Origin": origin})

    return make


def cast(browser, trial, choice="left", **more):
    return browser.post("/api/vote", json={"trial": trial, "choice": choice, "milliseconds": 5} | more)


def test_an_observer_joins_judges_and_comes_back(visit, store):
    browser = visit()
    assert browser.get("/api/state").json() == {"joined": False, "pairs": 6}
    state = browser.post("/api/join", json={}).json()
    for done in range(6):
        assert state["done"] == done
        state = cast(browser, state["trial"]["token"]).json()
    assert (state["trial"], state["done"]) == (None, 6)
    assert len(votes_of(store)) == 6
    again = visit()
    again.cookies = browser.cookies
    assert again.get("/api/state").json()["done"] == 6
    assert again.post("/api/join", json={}).json()["done"] == 6  # no second observer for the same cookie


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_other_studies(visit, store):
    cookie = visit().post("/api/join", json={}).headers["set-cookie"]
    assert re.match(rf"observer-{store.id}=[\w-]{{43}};", cookie)
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


def test_nobody_votes_for_somebody_else_or_without_joining(visit, store):
    one, other = visit(), visit()
    theirs = one.post("/api/join", json={}).json()["trial"]["token"]
    other.post("/api/join", json={})
    refused = cast(other, theirs)
    assert (refused.status_code, refused.json()["detail"]) == (409, "This pair is not one of yours.")
    assert cast(visit(), theirs).status_code == 401
    forged = visit()
    forged.cookies.set(f"observer-{store.id}", "A" * 43)
    assert cast(forged, theirs).status_code == 401
    assert forged.post("/api/undo", json={"done": 1}).status_code == 401
    assert votes_of(store).empty


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": ""},
        {"Origin": HERE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": HERE, "Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/api/join", "/api/vote", "/api/undo", "/api/leave"])
def test_other_sites_cannot_act(visit, store, headers, path):
    assert visit().post(path, json={}, headers=headers).status_code == 403
    assert store.rows("SELECT * FROM observers") == []


def test_another_name_for_this_machine_is_refused(visit):
    assert visit(base="http://evil.example:8000", origin="http://evil.example:8000").get("/").status_code == 421
    assert visit(base="http://127.0.0.1.evil.example:8000").get("/").status_code == 421
    for wrong in ("", "[::1", "[evil]:8000"):
        assert visit().get("/", headers={"Host": wrong}).status_code == 421
    assert visit().get("/", headers={"Host": "[::1]"}).status_code == 200  # as port 80 has it
    for name in ("localhost", "127.0.0.1", "127.0.0.2", "[::1]"):
        assert visit(base=f"http://{name}:8000").get("/").status_code == 200


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"trial": 1, "choice": "left", "milliseconds": 1}',
     '{"trial": "x", "choice": "both", "milliseconds": 1}', '{"trial": "x", "choice": "left", "milliseconds": -1}',
     '{"trial": "x", "choice": "left", "milliseconds": 1, "observer": 2}',
     '{"trial": "x", "choice": "left", "milliseconds": 1e400}'],
)  # fmt: skip
def test_what_is_no_vote_is_refused(visit, store, body):
    browser = visit()
    browser.post("/api/join", json={})
    answer = browser.post("/api/vote", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "This is not a vote.")
    assert votes_of(store).empty


def test_a_huge_body_is_not_read(visit):
    browser = visit()
    browser.post("/api/join", json={})
    assert browser.post("/api/vote", content=b"x" * 5000).status_code == 413
    assert browser.post("/api/vote", content=iter([b"x"] * 10)).status_code == 413  # of unknown length


def test_pictures_are_given_by_token_to_observers_alone(visit, store):
    browser = visit()
    token = browser.post("/api/join", json={}).json()["trial"]["left"]
    answer = browser.get(f"/pictures/{token}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == store.picture_file(token).read_bytes()
    assert visit().get(f"/pictures/{token}").status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/pictures/../study.db", "/pictures/..%2Fstudy.db", "/pictures/%2e%2e%2fstudy.db", "/pictures/study.db",
     "/page/../store.py", "/page/..%2F..%2Fstore.py", "/page/local.js", "/page/page.html", "/study.db", "/etc/passwd",
     "/pictures/%00", "/api/votes", "/docs", "/openapi.json", "//etc/passwd"],
)  # fmt: skip
def test_no_file_but_pages_and_pictures_is_given_out(visit, path):
    browser = visit()
    browser.post("/api/join", json={})
    answer = browser.get(path)
    assert answer.status_code in (404, 405)
    assert b"SQLite" not in answer.content


def test_the_page_tells_no_method_and_no_other_votes(visit, store):
    one, other = visit(), visit()
    state = one.post("/api/join", json={}).json()
    cast(one, state["trial"]["token"])
    told = json.dumps(other.post("/api/join", json={}).json()) + other.get("/").text
    for secret in (*store.methods, "catch", "repeat", state["trial"]["token"], "observer 1"):
        assert secret not in told


def test_headers_shut_out_what_is_not_ours(visit):
    for path in ("/", "/page/page.js", "/api/state", "/nowhere"):
        headers = visit().get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    page = visit().get("/").text
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|https?://", page)


def test_beyond_this_machine_every_request_needs_the_token(visit):
    base = "http://study.example:8000"
    browser = visit(token=TOKEN, base=base, origin=base)
    for path in ("/", "/page/page.js", "/api/state", "/pictures/x", "/?token=wrong", "/?token=" + TOKEN[:-1]):
        assert browser.get(path).status_code == 403
    assert browser.post("/api/join", json={}).status_code == 403
    welcome = browser.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/")  # out of the address bar
    assert "HttpOnly" in welcome.headers["set-cookie"]
    assert browser.get("/").status_code == 200
    assert browser.post("/api/join", json={}).json()["joined"]
    assert browser.post("/api/join", json={}, headers={"Origin": "http://evil.example"}).status_code == 403


def test_undo_gives_the_pair_back_and_leaving_forgets_the_cookie(visit):
    browser = visit()
    first = browser.post("/api/join", json={}).json()["trial"]
    cast(browser, first["token"])
    second = cast(browser, browser.get("/api/state").json()["trial"]["token"]).json()
    assert second["done"] == 2
    for _ in range(2):  # sent again, since the answer was lost on its way
        assert browser.post("/api/undo", json={"done": 2}).json()["done"] == 1
    undone = browser.post("/api/undo", json={"done": 1}).json()
    assert (undone["trial"], undone["done"]) == (first, 0)
    assert browser.post("/api/undo", json={"done": 0}).status_code == 422
    browser.post("/api/leave", json={})
    assert browser.get("/api/state").json()["joined"] is False


def test_a_full_disk_is_said_and_the_vote_can_be_sent_again(visit, store, monkeypatch):
    browser = visit()
    trial = browser.post("/api/join", json={}).json()["trial"]["token"]
    with monkeypatch.context() as full:

        def no_room(*_, **__):
            raise sqlite3.OperationalError("database or disk is full")

        full.setattr("study.store.insert_vote", no_room)
        answer = cast(browser, trial)
        assert answer.status_code == 503
        assert "disk is full" in answer.json()["detail"]
    assert cast(browser, trial).json()["done"] == 1


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.4", False), ("study.example", False), ("", False)],
)  # fmt: skip
def test_which_addresses_need_a_token(host, local):
    assert is_loopback(host) == local
