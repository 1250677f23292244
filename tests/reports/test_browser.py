"""The page in a real browser, opened from disk."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from reports.material import Failure, Material
from reports.page import write_report
from reports.pictures import GalleryItem

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no chromium here")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def address(tmp_path, table, gallery):
    values = {("clahe", "dicm", "niqe"): np.linspace(3, 4, 12), ("gamma", "dicm", "niqe"): np.linspace(3.5, 4.7, 12)}
    low = gallery[0].results["clahe"]
    path = write_report(
        tmp_path / "out",
        Material(
            table(values),
            {"niqe": True},
            cards={"clahe": {"title": "CLAHE"}},
            gallery=gallery,
            full_size=True,
            failures=[Failure("Worst", "It is bad.", GalleryItem("dicm", "x.png", gallery[0].low, {"clahe": low}))],
            provenance={"Commit": "0123abc"},
        ),
    )
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    shown = browser.new_page(viewport={"width": 1280, "height": 900})
    shown.complaints, shown.requests = [], []
    shown.on("console", lambda message: shown.complaints.append(message.text))
    shown.on("pageerror", lambda error: shown.complaints.append(str(error)))
    shown.on("request", lambda request: shown.requests.append(request.url))
    shown.goto(address)
    yield shown
    shown.close()


def colours(page):
    """Red, green and blue a quarter from the left and from the right of the first picture, as a person sees them."""
    stage = page.locator(".stage").first
    picture = Image.open(io.BytesIO(stage.screenshot())).convert("RGB")
    width, height = picture.size
    return picture.getpixel((width // 4, height // 4)), picture.getpixel((3 * width // 4, height // 4))


def near(colour, expected):
    return max(abs(a - b) for a, b in zip(colour, expected, strict=True)) < 12


DARK, RED, GREEN = (20, 20, 30), (200, 40, 40), (40, 200, 40)


def test_the_slider_uncovers_the_picture_by_keyboard(page):
    left, right = colours(page)
    assert near(left, DARK)
    assert near(right, RED)
    slider = page.locator(".stage input[type=range]").first
    slider.focus()
    slider.press("Home")
    assert all(near(colour, RED) for colour in colours(page))
    slider.press("End")
    assert all(near(colour, DARK) for colour in colours(page))
    assert slider.get_attribute("aria-valuetext") == "100 % low light"


def test_the_slider_follows_the_pointer(page):
    stage = page.locator(".stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] / 2)
    page.mouse.up()
    page.mouse.move(0, 0)
    assert 7 <= int(page.locator(".stage input[type=range]").first.input_value()) <= 13
    assert near(colours(page)[0], RED)


def test_the_switch_shows_another_method(page):
    visible = page.locator("#pictures .stage img.result:visible")
    before = visible.get_attribute("src")
    page.get_by_role("radio", name="gamma").focus()
    page.keyboard.press("Space")
    assert visible.get_attribute("alt") == "street.png enhanced by gamma"
    assert visible.get_attribute("src") != before
    assert near(colours(page)[1], GREEN)
    assert page.locator(".tag.right").first.inner_text() == "gamma"


def test_the_link_to_the_full_picture_follows_the_switch(page):
    link = page.locator(".full a.result:visible")
    assert link.inner_text() == "clahe"
    page.get_by_role("radio", name="gamma").focus()
    page.keyboard.press("Space")
    assert link.inner_text() == "gamma"
    link.click()
    page.wait_for_url("**/gamma.png")
    assert page.url.endswith("/gamma.png")


def test_printing_opens_what_is_folded_and_closes_it_again(page):
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<details><summary>s</summary>x</details>')")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details[open]").count() == page.locator("details").count()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_a_failure_has_a_slider_of_its_own(page):
    slider = page.locator("#failures .stage input[type=range]")
    slider.focus()
    slider.press("End")
    assert page.locator("#failures .stage").evaluate("stage => stage.style.getPropertyValue('--split')") == "100%"
    assert page.locator("#failures figcaption").inner_text() == "clahe. It is bad."


def test_the_page_asks_the_network_for_nothing_and_does_not_complain(page):
    assert page.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in page.requests)


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_width_scrolls_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page, scheme):
    page.emulate_media(color_scheme=scheme)
    pairs = page.evaluate(
        """() => {
            const style = getComputedStyle(document.documentElement);
            const channels = (name) => {
                const probe = document.body.appendChild(document.createElement("i"));
                probe.style.color = style.getPropertyValue(name);
                const found = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
                probe.remove();
                return found;
            };
            return ["--ink", "--muted", "--accent"].flatMap(
                (text) => ["--ground", "--card"].map((ground) => [channels(text), channels(ground)]));
        }"""
    )

    def luminance(colour):
        linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for text, ground in pairs:
        light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_printed_pictures_lie_side_by_side(page):
    page.emulate_media(media="print")
    low = page.locator(".stage img.low").first.bounding_box()
    result = page.locator(".stage img.result:visible").first.bounding_box()
    assert low["x"] + low["width"] <= result["x"] + 1
    assert abs(low["y"] - result["y"]) < 2
