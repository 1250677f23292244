"""A real server process, real connections, kill -9; in a real browser too, where there is one."""

import importlib.util
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from study.exchange import export, import_votes
from study.store import Store
from study.votes import votes_of

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
READY = "#choose-left[aria-disabled=false]"
FILE = Path(__file__).parents[2] / "benchmarks/study_load.py"
SPEC = importlib.util.spec_from_file_location("study_load", FILE)
load = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(load)
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no chromium here")


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def serve(port, tmp_path):
    """Starts `bench study serve` in `tmp_path`; whatever still runs at the end is killed."""
    started = []

    def start(name):
        started.append(load.start(tmp_path, name, port))
        return started[-1]

    yield start
    for server in started:
        kill(server)


def kill(server):
    if server.poll() is None:
        os.kill(server.pid, signal.SIGKILL)
    server.wait()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


def test_ten_observers_at_once_and_a_kill_lose_no_vote(study, serve, port):
    folder = study(methods=("a", "b", "c", "d"), names=("one", "two", "three", "four"))  # 24 pairs
    server = serve("tiny")
    panel = [load.Observer(port) for _ in range(10)]
    with ThreadPoolExecutor(10) as threads:
        assert sum(threads.map(lambda observer: observer.judge(12), panel)) == 120
    last = panel[0].state("GET", "/api/state")
    answer = {"trial": last["trial"]["token"], "choice": "tie", "milliseconds": 1}
    assert panel[0].state("POST", "/api/vote", answer)["done"] == 13
    os.kill(server.pid, signal.SIGKILL)  # right after the acknowledgement
    server.wait()
    with Store(folder) as store:
        votes = votes_of(store)
        assert votes.groupby("observer").size().sort_values().tolist() == [12] * 9 + [13]
        assert votes.duplicated(["observer", "position"]).sum() == 0
    serve("tiny")
    for number, observer in enumerate(panel):
        observer.close()  # it opens anew with what it asks next
        assert observer.state("GET", "/api/state")["done"] == (13 if number == 0 else 12)
    assert panel[0].state("POST", "/api/vote", answer)["done"] == 13  # sent again: counted once
    following = panel[0].state("GET", "/api/state")["trial"]["token"]
    assert panel[0].state("POST", "/api/vote", answer | {"trial": following})["done"] == 14
    for observer in panel:
        observer.close()


@needs_chromium
def test_an_observer_votes_by_keyboard_and_touch_is_cut_off_and_goes_on(browser, study, serve, port):
    folder = study(names=("one", "two", "three"), low=True)  # 9 pairs
    server = serve("tiny")
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Security" in message.text else None)
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_role("button", name="Start").tap()
    assert page.get_by_role("alert").filter(has_text="tick the box").is_visible()
    page.get_by_role("checkbox").first.press("Space")
    page.get_by_role("button", name="Start").press("Enter")
    page.wait_for_selector(READY)
    for key in ("ArrowLeft", "ArrowRight", "ArrowDown", "u", "Space"):
        page.keyboard.press(key)
        page.wait_for_selector(READY)
    assert page.locator("#count").inner_text() == "Pair 4 of 9"
    assert page.get_by_role("status").inner_text() == "Pair 4 of 9."
    page.get_by_role("button", name="B is better").tap()
    page.wait_for_selector(READY)
    kill(server)
    page.get_by_role("button", name="A is better").tap()
    page.get_by_role("alert").filter(has_text="No connection").wait_for()
    serve("tiny")
    page.wait_for_selector(READY, timeout=20_000)  # by itself: the vote is sent again
    assert page.locator("#count").inner_text() == "Pair 6 of 9"
    page.close()
    page = context.new_page()  # comes back another day
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector(READY)
    assert page.locator("#count").inner_text() == "Pair 6 of 9"
    for left in range(4, 0, -1):
        page.get_by_role("button", name="No difference").tap()
        page.wait_for_selector(READY if left > 1 else "#end:not([hidden])", state="attached")
    assert page.get_by_role("heading", name="Done. Thank you!").is_visible()
    assert complaints == []
    context.close()
    with Store(folder) as store:
        assert votes_of(store)["choice"].tolist() == ["left", "right", "tie", "right", "left"] + ["tie"] * 4
        assert len(store.rows("SELECT * FROM votes WHERE undone IS NOT NULL")) == 1


@needs_chromium
def test_a_pause_holds_while_a_vote_is_on_its_way_and_who_comes_next_is_asked_anew(browser, study, serve, port):
    folder = study(names=("one", "two", "three"))  # 9 pairs
    server = serve("tiny")
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    page.check("#agree")
    page.click("#start")
    page.wait_for_selector(READY)
    kill(server)
    page.keyboard.press("ArrowLeft")
    page.get_by_role("alert").filter(has_text="No connection").wait_for()
    page.click("#pause")
    serve("tiny")
    page.wait_for_selector("#trouble", state="hidden", timeout=20_000)  # the vote is kept
    page.wait_for_timeout(500)
    assert page.get_by_role("heading", name="Paused").is_visible()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_selector(READY)
    assert page.locator("#count").inner_text() == "Pair 2 of 9"
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(READY)
    page.keyboard.press("p")
    page.get_by_role("button", name="Another person").click()
    page.get_by_role("heading", name="Which picture do you prefer?").wait_for()
    assert not page.locator("#agree").is_checked()
    page.check("#agree")
    page.click("#start")
    page.wait_for_selector(READY)
    assert page.locator("#count").inner_text() == "Pair 1 of 9"
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(READY)
    context.close()
    with Store(folder) as store:
        assert votes_of(store).groupby("observer", sort=False)["choice"].agg(list).tolist() == [
            ["left", "right"],
            ["left"],
        ]


@pytest.fixture
def folder_page(browser, opened, tmp_path):
    """The page of an exported folder, at its first pair, from disk; and the store of its study."""
    store = opened(names=("one", "two", "three"), low=True)
    export(store, tmp_path / "folder")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.requests, page.complaints = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto((tmp_path / "folder/index.html").as_uri())
    page.check("#agree")
    page.click("#start")
    page.wait_for_selector(READY)
    yield page, store
    page.close()


@needs_chromium
def test_the_folder_works_from_disk_and_its_votes_come_back(folder_page, tmp_path):
    page, store = folder_page
    for key in ("ArrowLeft", "u", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
        page.wait_for_selector(READY)
    page.reload()
    page.wait_for_selector(READY)
    assert page.locator("#count").inner_text() == "Pair 3 of 9"
    page.keyboard.press("p")
    assert not page.locator("#leave-early").is_visible()  # nor does an early end lose votes
    page.get_by_role("button", name="Go on").click()
    for left in range(7, 0, -1):
        page.wait_for_selector(READY)
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector(READY if left > 1 else "#end:not([hidden])", state="attached")
    assert not page.locator("#leave").is_visible()  # not before the votes are saved
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the votes file").click()
    saved.value.save_as(tmp_path / "votes.json")
    assert page.locator("#leave").is_visible()
    assert import_votes(tmp_path / "votes.json", store)[1] == 9
    assert votes_of(store)["choice"].tolist() == ["right", "tie"] + ["left"] * 7
    page.evaluate("for (const _ of [1, 2]) document.getElementById('undo-end').click()")  # a double click is one
    page.wait_for_selector(READY)
    assert page.locator("#count").inner_text() == "Pair 9 of 9"
    assert page.complaints == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in page.requests)


@needs_chromium
def test_pictures_zoom_and_pan_in_step_and_the_original_is_a_key_away(folder_page):
    page, _ = folder_page

    def transforms():
        return [page.locator(f"#{side}").evaluate("e => e.style.transform") for side in ("left", "right")]

    assert set(transforms()) == {"translate(0%, 0%) scale(1)"}
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -500)
    page.wait_for_selector(".stage.zoomed")
    zoomed = transforms()
    assert zoomed[0] == zoomed[1] != "translate(0%, 0%) scale(1)"
    page.mouse.down()
    page.mouse.move(200, 260)
    page.mouse.up()
    assert transforms()[0] == transforms()[1] != zoomed[0]
    page.keyboard.press("0")
    assert set(transforms()) == {"translate(0%, 0%) scale(1)"}
    lows = page.locator("img.low")
    page.keyboard.down("i")
    assert [lows.nth(k).is_visible() for k in range(2)] == [True, True]
    page.keyboard.up("i")
    assert not lows.first.is_visible()
    page.locator("#input").press("Enter")  # a screen reader presses, it does not hold
    assert page.locator("#input").get_attribute("aria-pressed") == "true"
    assert page.locator("#count").inner_text() == "Pair 1 of 9"  # none of this was a vote


@needs_chromium
def test_single_keys_can_be_turned_off_and_focus_follows(folder_page):
    page, _ = folder_page
    assert page.evaluate("document.activeElement.id") == "question"
    page.get_by_role("button", name="Keys").press("Enter")
    page.get_by_role("checkbox", name="Use single keys").press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(400)
    assert page.locator("#count").inner_text() == "Pair 1 of 9"
    page.get_by_role("button", name="A is better").press("Enter")
    page.wait_for_selector("text=Pair 2 of 9")
    assert page.evaluate("document.activeElement.id") == "choose-left"  # it stays for the next pair
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Pause").press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Paused"


@needs_chromium
@pytest.mark.parametrize(("width", "height"), [(390, 844), (844, 390), (320, 568), (768, 1024), (1280, 800)])
def test_no_screen_scrolls_sideways_or_hides_a_choice(folder_page, width, height):
    page, _ = folder_page
    page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("left", "tie", "right"):
        box = page.locator(f"#choose-{name}").bounding_box()
        assert box["y"] + box["height"] <= height
        assert box["height"] >= 38
    frames = page.locator(".frame")
    sizes = [frames.nth(k).bounding_box() for k in range(2)]
    assert sizes[0]["width"] == pytest.approx(sizes[1]["width"], abs=1)
    assert sizes[0]["height"] == pytest.approx(sizes[1]["height"], abs=1)
    assert min(sizes[0]["height"], sizes[0]["width"]) > 100
