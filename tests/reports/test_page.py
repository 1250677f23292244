import base64
import csv
import hashlib
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from reports.material import Material
from reports.page import write_report
from reports.pictures import GalleryItem

DIRECTIONS = {"niqe": True, "psnr": False}
HOSTILE = "<script>alert('x')</script> & \"q\" 名前 $5_% -->"
VOID = {"meta", "img", "input", "br", "wbr", "link", "hr"}


class Page(HTMLParser):
    """What a test asks of a page; fails where tags do not nest."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text, self.ids = [], [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def report(tmp_path, table, gallery):
    """Writes a report into tmp_path/out and gives the parsed page; arguments replace the usual ones."""

    def write(**changes):
        values = {
            ("clahe", "dicm", "niqe"): np.linspace(3, 4, 12),
            ("gamma", "dicm", "niqe"): np.linspace(3.5, 4.7, 12),
        }
        usual = {
            "scores": table(values),
            "directions": DIRECTIONS,
            "cards": {"clahe": {"title": "CLAHE", "paper": "https://doi.org/10.1016/x", "licence": ""}},
            "gallery": gallery,
            "curves": pd.DataFrame({"run": "seed 0", "step": [1, 2], "name": "loss", "value": [2.0, 1.0]}),
            "provenance": {"Commit": "0123abc"},
            "notes": ["sice was left out."],
        }
        path = write_report(tmp_path / "out", Material(**(usual | changes)))
        assert path == tmp_path / "out" / "index.html"
        return Page(path.read_text(encoding="utf-8"))

    return write


def sections(page):
    return [attributes["id"] for attributes in page.named("section")]


def test_the_page_has_every_section_and_the_contents_lead_to_them(report):
    page = report()
    assert sections(page) == [
        "verdict", "leaderboard", "pictures", "comparison", "stability", "datasets", "training", "methods", "notes",
        "reading", "provenance",
    ]  # fmt: skip
    links = [attributes["href"] for attributes in page.named("a") if attributes["href"].startswith("#")]
    assert {link[1:] for link in links} == set(sections(page))
    assert "clahe leads" in page.text
    assert "3.500" in page.text
    assert "1 of 1 photograph shown" in page.text


def test_sections_without_data_are_absent(report, table):
    scores = table({("clahe", "dicm", "niqe"): [3.1]})
    page = report(scores=scores, cards={}, gallery=[], curves=None, provenance={}, notes=[])
    assert sections(page) == ["verdict", "leaderboard", "datasets", "reading"]
    assert "nan" not in page.text


def test_a_table_of_errors_alone_has_no_leaderboard_but_reasons(report, table, tmp_path):
    scores = table({("clahe", "dicm", "niqe"): [np.nan, np.nan]}, error="Too small for NIQE.")
    page = report(scores=scores, gallery=[], curves=None)
    assert {"leaderboard", "datasets"}.isdisjoint(sections(page))
    assert "missing" in sections(page)
    assert "2 rows of the score table have no value" in page.text
    assert "Too small for NIQE." in page.text
    assert [path.name for path in (tmp_path / "out" / "tables").iterdir()] == ["summary.csv"]


def test_missing_values_are_counted_explained_and_left_out_of_the_mean(report, table):
    values = {("clahe", "dicm", "niqe"): [3.0, 5.0, np.nan], ("gamma", "dicm", "niqe"): [4.0, 5.0, 90.0]}
    page = report(scores=table(values))
    assert "compared over 2 of 3 images" in page.text
    assert "1 row of the score table has no value" in page.text
    assert "4.500" in page.text
    assert "33.0" not in page.text


def test_nothing_is_loaded_from_elsewhere(report):
    page = report()
    for tag, attributes in page.tags:
        loads = tag not in ("a", "use")
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            if loads and name in attributes:
                assert attributes[name].startswith("data:"), (tag, name)
    policy = page.named("meta")[-1]["content"]
    assert policy.startswith("default-src 'none'")
    assert page.named("link") == []


def test_the_page_can_be_read_aloud(report):
    page = report()
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(attributes.get("alt") for attributes in page.named("img"))
    assert all(attributes.get("aria-label") for attributes in page.named("figure") if attributes.get("role") == "img")
    assert len(page.named("caption")) == len(page.named("table"))
    assert {attributes.get("scope") for attributes in page.named("th")} == {"col", "row"}
    assert page.named("html")[0]["lang"] == "en"
    assert len(page.ids) == len(set(page.ids))


def test_hostile_names_are_text_everywhere(report, table, gallery, tmp_path):
    values = {(HOSTILE, HOSTILE, "niqe"): [1.0, 2.0, np.nan], ("b", HOSTILE, "niqe"): [2.0, 3.0, 4.0]}
    page = report(
        scores=table(values, error=HOSTILE),
        cards={HOSTILE: {"title": HOSTILE, "paper": "javascript:alert(1)"}},
        gallery=[GalleryItem(HOSTILE, HOSTILE, gallery[0].low, {HOSTILE: gallery[0].low, "b": gallery[0].low})],
        curves=pd.DataFrame({"run": HOSTILE, "step": [1, 2], "name": HOSTILE, "value": [2.0, 1.0]}),
        provenance={HOSTILE: HOSTILE},
        notes=[HOSTILE],
        title=HOSTILE,
    )
    assert len(page.named("script")) == 1
    assert page.text.count(HOSTILE) > 12
    assert not any(attributes.get("href", "").startswith("javascript") for attributes in page.named("a"))
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", path.name) for path in written)
    for path in written:
        if path.suffix in (".md", ".tex"):
            assert "<script" not in path.read_text(encoding="utf-8")


def test_only_our_own_script_is_allowed_to_run(report, tmp_path):
    page = report()
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.named("meta")[-1]["content"]


def test_links_are_made_of_web_addresses_only(report):
    links = [attributes["href"] for attributes in report().named("a") if not attributes["href"].startswith("#")]
    assert links == ["https://doi.org/10.1016/x"]


def test_the_tables_and_figures_lie_beside_the_page(report, tmp_path):
    report()
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names == {
        "index.html",
        "tables/summary.csv",
        *(
            f"tables/{stem}.{kind}"
            for stem in ("leaderboard--niqe", "dataset--dicm", "comparison--niqe", "ranks--niqe")
            for kind in ("csv", "md", "tex")
        ),
        *(
            f"figures/{stem}.{kind}"
            for stem in ("dicm--niqe--distribution", "dicm--niqe--means", "training", "contact-sheet", "ranks--niqe")
            for kind in ("png", "pdf")
        ),
    }
    with (tmp_path / "out" / "tables" / "summary.csv").open() as stream:
        rows = {row["method"]: row for row in csv.DictReader(stream)}
    assert float(rows["clahe"]["mean"]) == pytest.approx(3.5)
    assert rows["clahe"]["images"] == "12"


def test_twenty_methods_use_a_list_and_the_limit_is_said(report, table, gallery):
    methods = [f"method_{i:02d}" for i in range(20)]
    values = {(method, "dicm", "niqe"): [3.0 + place, 4.0 + place] for place, method in enumerate(methods)}
    item = GalleryItem("dicm", "x.png", gallery[0].low, dict.fromkeys(methods, gallery[0].low))
    page = report(scores=table(values), gallery=[item] * 5, gallery_limit=2)
    assert "2 of 5 photographs shown" in page.text
    assert len(page.named("select")) == 2
    assert len(page.named("option")) == 40


def test_a_second_report_replaces_the_first_and_leaves_nothing_half_done(report, tmp_path):
    report()
    page = report(title="Again")
    assert "Again" in page.text
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_a_failed_report_leaves_the_old_page(report, tmp_path, monkeypatch):
    report(title="Old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.page.save", full)
    with pytest.raises(BenchError, match="No space left on device"):
        report(title="New")
    assert "Old" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_a_file_in_the_way_and_wrong_curves_are_errors_in_one_sentence(report, tmp_path):
    with pytest.raises(BenchError, match="columns run, step, name, value"):
        report(curves=pd.DataFrame({"step": [1]}))
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BenchError, match="Cannot write the report"):
        report()
