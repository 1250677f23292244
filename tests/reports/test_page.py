import base64
import csv
import hashlib
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.statistics import Interval
from reports.ablations import Effect
from reports.layout import Cell, Column, Table
from reports.material import Adaptation, Failure, Material
from reports.page import write_report
from reports.pictures import GalleryItem
from reports.writers import file_name

DIRECTIONS = {"niqe": True, "psnr": False}
LOW = file_name("low light")
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


def everything(table, gallery, name="x"):
    """Material with data for every section; `name` is in every place that takes a name."""
    values = np.linspace(3, 4, 8)
    held_out = table({(name, name, "niqe"): values, ("b", name, "niqe"): values + 1})
    item = GalleryItem(name, name, gallery[0].low, {name: gallery[0].low, "b": gallery[0].low})
    lone = GalleryItem(name, name, gallery[0].low, {name: gallery[0].low})
    speed = {"method": [name, "b"], "width": 6, "height": 4, "seconds": [1.0, 2.0], "macs": [1e9, np.nan]}
    probes = {
        "metric": ["niqe"],
        "probe": name,
        "difference": 1.0,
        "low": 0.5,
        "high": 1.5,
        "images": 8,
        "better": True,
    }
    scores = {(name, name, "niqe"): [*values, np.nan], ("b", name, "niqe"): [*(values + 1), 9.0]}
    words = Table(name, (Column(name), Column(name, words=True)), ((Cell(name), Cell(name)),))
    return {
        "scores": table(scores, error=name),
        "cards": {name: {"title": name, "paper": "javascript:alert(1)"}},
        "gallery": [item],
        "failures": [Failure(name, name, lone), Failure(name, name, None, name)],
        "speed": pd.DataFrame(speed | {"parameters": 0, "peak_mib": 1.0, "device": name}),
        "seeds": pd.concat([held_out, held_out.assign(checkpoint="w")], ignore_index=True),
        "diagnostics": table({(name, name, name): [1.0]}),
        "adaptations": [Adaptation(name, name, name, name, held_out, {"niqe": True})],
        "curves": pd.DataFrame({"run": name, "step": [1, 2], "name": name, "value": [2.0, 1.0]}),
        "training_costs": {name: {"cost/parameters": 1.0}},
        "ablations": [Effect(name, "niqe", name, Interval(1.0, 0.5, 1.5, 2), 0)],
        "gaming": (pd.DataFrame(probes), {"niqe": True}, "dicm"),
        "published": [("published-one", words)],
        "provenance": {name: name},
        "origins": {"origin-photographs": words},
        "notes": [name],
        "title": name,
    }


def test_with_data_for_all_every_section_is_there_in_order(report, table, gallery):
    page = report(**everything(table, gallery))
    assert sections(page) == [
        "verdict", "leaderboard", "pictures", "comparison", "stability", "cost", "failures", "datasets",
        "diagnostics", "probes", "published", "parts", "seeds", "adaptation", "training", "methods", "missing",
        "notes", "reading", "provenance",
    ]  # fmt: skip
    assert len(page.ids) == len(set(page.ids))


def test_pictures_lie_in_full_size_beside_the_page_on_demand(report, tmp_path):
    assert not any("full" in (attributes.get("class") or "") for attributes in report().named("p"))
    page = report(full_size=True)
    links = [attributes["href"] for attributes in page.named("a") if attributes["href"].startswith("pictures/")]
    assert links == [f"pictures/dicm--street.png/{name}.png" for name in (LOW, "clahe", "gamma")]
    with Image.open(tmp_path / "out" / links[1]) as picture:
        assert picture.size == (48, 32)


def test_intervals_can_be_left_out_of_markdown_and_latex(report, tmp_path):
    report(intervals=False)
    folder = tmp_path / "out" / "tables"
    assert "[3." not in (folder / "leaderboard--niqe.md").read_text("utf-8")
    assert "scriptsize" not in (folder / "leaderboard--niqe.tex").read_text("utf-8")
    assert "dicm low" in (folder / "leaderboard--niqe.csv").read_text("utf-8")


def test_many_metrics_are_folded_and_seen_at_a_glance(report, table):
    names = ["m1", "m2", "m3", "m4"]
    values = {(method, "d", name): np.arange(8.0) + place for name in names for place, method in enumerate("ab")}
    page = report(scores=table(values), directions=dict.fromkeys(names, True), gallery=[], curves=None)
    assert len(page.named("details")) == 4 + 3 + 3 + 4  # leaderboards, comparisons, ranks, plots
    assert "methods by their mean rank" in page.text


def test_every_row_of_a_csv_has_the_header_s_columns_and_who_has_no_rank_keeps_his_place(report, table, tmp_path):
    values = {(method, "d", name): np.arange(8.0) + place for name in DIRECTIONS for place, method in enumerate("abc")}
    values[("late", "d", "niqe")] = np.arange(8.0)
    page = report(scores=table(values), baseline="c", gallery=[], curves=None)
    for file in (tmp_path / "out" / "tables").glob("*.csv"):
        lengths = {len(row) for row in csv.reader(file.read_text("utf-8").splitlines())}
        assert len(lengths) == 1, file.name
    found = pd.read_csv(tmp_path / "out" / "tables" / "overview.csv", index_col="Method")
    assert list(found.index) == ["a", "b", "late", "c"]
    assert found["Mean rank"].notna().tolist() == [True, True, False, False]
    assert found["niqe"].tolist() == [3.5, 4.5, 3.5, 5.5] and found["niqe images"].tolist() == [8] * 4
    assert "95 % of 2,000 new draws of the images" in page.text


def test_without_a_method_that_all_metrics_have_nobody_has_a_mean_rank(report, table, tmp_path):
    values = {(method, "d", name): np.arange(8.0) for name, both in (("niqe", "ab"), ("psnr", "cd")) for method in both}
    page = report(scores=table(values), gallery=[], curves=None)
    assert pd.read_csv(tmp_path / "out" / "tables" / "overview.csv")["Mean rank"].isna().all()
    assert "new draws" not in page.text


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
    page = report(**everything(table, gallery, HOSTILE))
    assert len(page.named("script")) == 1
    assert page.text.count(HOSTILE) > 40
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
        "results.md",
        "files.txt",
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


def test_what_an_earlier_report_wrote_and_this_one_has_not_is_gone(report, table, tmp_path):
    out = tmp_path / "out"
    both = {(name, "dicm", metric): [2.0, 3.0] for name in ("a", "b") for metric in DIRECTIONS}
    report(scores=table(both), gallery=[])
    (out / "tables/mine.csv").write_text("mine")
    (tmp_path / "beside.txt").write_text("not a report's")
    with (out / "files.txt").open("a") as stream:
        stream.write("../beside.txt\n")
    before = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert before == {*(out / "files.txt").read_text().split(), "files.txt", "tables/mine.csv"} - {"../beside.txt"}
    report(scores=table({key: value for key, value in both.items() if key[2] == "psnr"}), gallery=[])
    after = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert after == {*(out / "files.txt").read_text().split(), "files.txt", "tables/mine.csv"}
    assert "tables/leaderboard--niqe.csv" in before - after and after - {"tables/mine.csv"} <= before
    assert (tmp_path / "beside.txt").exists()


def test_a_list_of_somebody_elses_is_no_list_of_a_report(report, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "photo.png").write_bytes(b"mine")
    (out / "files.txt").write_text("photo.png\n")
    with pytest.raises(BenchError, match=r"files.txt, which a report writes, is no report's"):
        report()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "photo.png": b"mine", "files.txt": b"photo.png\n"
    }  # fmt: skip


def test_a_page_of_somebody_elses_is_not_written_over(report, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/index.html").write_text("mine")
    with pytest.raises(BenchError, match=r"has an index\.html and no files\.txt of a report"):
        report()
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_tables_of_somebody_elses_are_not_written_over_and_empty_folders_go(report, tmp_path, gallery):
    (tmp_path / "out/tables").mkdir(parents=True)
    (tmp_path / "out/tables/summary.csv").write_text("mine")
    with pytest.raises(BenchError, match=r"summary\.csv is there and no report wrote it: choose another folder"):
        report()
    assert {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()} == {"summary.csv"}
    (tmp_path / "out/tables/summary.csv").unlink()
    report(gallery=gallery, full_size=True)
    assert (tmp_path / "out/pictures").is_dir()
    report()
    assert not (tmp_path / "out/pictures").exists() and (tmp_path / "out/tables/summary.csv").is_file()


def test_a_list_that_was_cut_short_stops_no_report(report, tmp_path):
    report()
    (tmp_path / "out/files.txt").write_text("")
    report(title="Again")
    assert "index.html" in (tmp_path / "out/files.txt").read_text().split()


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
