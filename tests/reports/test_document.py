"""results.md: the comparison as one document."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from bench.statistics import Interval
from reports.ablations import Effect
from reports.blocks import Made
from reports.document import ANCHORS, document, public
from reports.layout import Cell, Column, Table
from reports.material import Adaptation, Material
from reports.page import SECTIONS, write_report

HOSTILE = "<b>|x"
DIRECTIONS = {"niqe": True, "psnr": False}


@pytest.fixture
def scores(table):
    """Two methods on two sets of eight photographs, by both metrics."""
    eight = np.linspace(0, 1, 8)
    starts = {("clahe", "niqe"): 3.0, ("gamma", "niqe"): 4.0, ("clahe", "psnr"): 21.0, ("gamma", "psnr"): 20.0}
    return table({
        (method, dataset, metric): start + shift + eight
        for (method, metric), start in starts.items() for dataset, shift in (("dicm", 0.0), ("lime", 0.5))
    })  # fmt: skip


def written(material):
    return document([section for build in SECTIONS if (section := build(material)) is not None], material)


def everything(table, name):
    """Material with data for every section of the document, and `name` wherever a name goes."""
    held_out = table({(name, name, "niqe"): np.linspace(3, 4, 8), ("b", name, "niqe"): np.linspace(4, 5, 8)})
    words = Table(name, (Column(name), Column(name, words=True)), ((Cell(name), Cell(name)),), (name,))
    timed = {"method": [name, "b"], "width": 6, "height": 4, "seconds": [1.0, 2.0], "macs": [1e9, np.nan]}
    return Material(
        held_out, {"niqe": True}, title=name, baseline="", notes=[name],
        speed=pd.DataFrame(timed | {"parameters": 0, "peak_mib": 1.0, "device": name}),
        seeds=pd.concat([held_out, held_out.assign(checkpoint="w")], ignore_index=True),
        adaptations=[Adaptation(name, name, name, name, held_out, {"niqe": True})],
        training_costs={name: {"cost/parameters": 1.0}},
        ablations=[Effect(name, "niqe", name, Interval(1.0, 0.5, 1.5, 2), 0)],
        published=[("published-one", words)], provenance={name: name}, origins={"origin-photographs": words},
        cards={name: {"title": f"{name.upper()} of 2020", "year": "2020", "trust": "from the paper", "licence": ""}},
        made={kind: Made(f"bench {kind}", 2, 3.2) for kind in
              ("evaluate", "speed", "reproduce", "ablations", "seeds", "adapt", "train")},
    )  # fmt: skip


def headings(text):
    return [(len(line) - len(line.lstrip("#")), line.lstrip("# ")) for line in text.splitlines() if line[:1] == "#"]


def test_every_mean_of_the_leaderboards_is_there_with_its_interval(scores):
    material = Material(scores, DIRECTIONS)
    text = written(material)
    for board in material.boards:
        digits = 3 if board.metric == "niqe" else 2
        for interval in [*board.overall.values(), *board.on("dicm").values(), *board.on("lime").values()]:
            mean, low, high = (f"{value:.{digits}f}" for value in (interval.mean, interval.low, interval.high))
            assert re.search(rf"{re.escape(mean)}(\*\*|</ins>) \\\[{re.escape(low)}, {re.escape(high)}\\\]", text)
    plain = written(Material(scores, DIRECTIONS, intervals=False))
    assert "3.750" in plain
    assert "\\[" not in plain
    assert "in brackets" not in plain


def test_the_verdict_is_in_words(scores):
    text = written(Material(scores, DIRECTIONS))
    title, scope = text.split("\n\n")[:2]
    assert title == "# Low-light image enhancement, compared"
    assert scope == "2 methods, 2 datasets, 16 photographs, 2 metrics."
    assert "clahe wins by every metric: niqe and psnr." in text
    assert "### niqe, lower is better: clahe leads\n\nclahe has a mean of 3.750 over 16 images, against 4.750" in text
    assert "- clahe has the best mean on every dataset." in text


def test_with_data_for_all_every_section_is_there_in_order_and_says_how_it_was_made(table):
    text = written(everything(table, "x"))
    assert [title for level, title in headings(text) if level == 2] == [
        "Verdict", "How to read this", "Leaderboard", "Who can be told apart", "Cost against quality",
        "Published numbers beside ours", "What each part is worth", "What the seed alone moves",
        "Adapted to another domain", "Training", "Methods", "Dataset by dataset", "Notes", "Provenance",
    ]  # fmt: skip
    assert len(ANCHORS) == 14
    assert "## Leaderboard\n\n*Made by `bench evaluate` (2 runs, 3 minutes in all).*" in text
    made = re.findall(r"^\*Made by `bench (\w+)` ", text, re.MULTILINE)
    assert made == ["evaluate", "evaluate", "speed", "reproduce", "ablations", "seeds", "adapt", "train", "evaluate"]
    assert "“Made by” counts finished runs" in text and "or, where it did not tell, the time from its first" in text
    assert "- x: X of 2020; 2020; from the paper\n" in text
    assert re.search(r"Written by `bench report`\. Its HTML page also has: Stability.*\.\n$", text)


def test_headings_nest_and_every_table_stands_alone(table):
    text = written(everything(table, "x"))
    levels = [level for level, _ in headings(text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(levels) == 3
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    lines = text.splitlines()
    for before, after in itertools.pairwise(lines):
        if before.startswith("|") != after.startswith("|"):
            assert "" in (before, after)
    captions = [line for line in lines if line.endswith("in brackets.")]
    assert len(captions) == len(set(captions)) + 1  # the adaptation's set has the name of a usual one here
    assert "\n\n\n" not in text


def test_a_hostile_name_breaks_no_table_and_is_text(table):
    tokens = MarkdownIt("commonmark").enable("table").parse(written(everything(table, HOSTILE)))
    usual = MarkdownIt("commonmark").enable("table").parse(written(everything(table, "x")))
    assert [token.type for token in tokens] == [token.type for token in usual]
    inline = [child for token in tokens for child in token.children or []]
    assert {child.content for child in inline if child.type == "html_inline"} <= {"<ins>", "</ins>"}
    shown = ["".join(child.content for child in token.children) for token in tokens if token.type == "inline"]
    assert shown.count(HOSTILE) > 15


def test_sections_without_data_are_absent(table):
    text = written(Material(table({("clahe", "dicm", "niqe"): [3.1]}), {"niqe": True}))
    assert [title for level, title in headings(text) if level == 2] == [
        "Verdict", "How to read this", "Leaderboard", "Dataset by dataset"]  # fmt: skip
    assert "Made by" not in text
    assert "nan" not in text
    assert "Two plots" not in text
    curves = pd.DataFrame({"run": "a", "step": [1, 2], "name": "loss", "value": [2.0, 1.0]})
    assert "## Training" not in written(Material(table({("a", "d", "niqe"): [3.1]}), {"niqe": True}, curves=curves))


def test_a_leaderboard_of_one_dataset_stands_in_its_own_table_alone(table):
    eight = np.linspace(0, 1, 8)
    values = {(m, d, "niqe"): eight + k for k, m in enumerate("ab") for d in ("dicm", "lime")}
    values |= {(m, "dicm", "psnr"): eight + 20 + k for k, m in enumerate("ab")}
    text = written(Material(table(values), DIRECTIONS))
    leaderboards, datasets = text.split("## Leaderboard")[1].split("## Dataset by dataset")
    assert "Mean niqe of each method" in leaderboards and "Mean psnr of each method" not in leaderboards
    assert "psnr ↑ (8 images)" in datasets


def test_a_leaderboard_of_one_dataset_stays_for_its_notes_and_where_there_is_no_other(table):
    eight = np.linspace(0, 1, 8)
    values = {(m, "dicm", metric): eight + k for k, m in enumerate("ab") for metric in ("niqe", "psnr")}
    lacking = written(Material(table(values | {("b", "dicm", "niqe"): [*eight[:7], np.nan]}), DIRECTIONS))
    assert "over 7 of 8 images, those that all of them" in lacking and "Mean psnr of each method" not in lacking
    alone = written(Material(table({k: v for k, v in values.items() if k[0] == "a"}), DIRECTIONS))
    assert "Mean niqe of each method" in alone and "Mean psnr of each method" in alone


def test_seconds_of_a_busy_machine_are_left_out_where_every_method_was_timed(table):
    values = {(m, "dicm", "niqe"): np.linspace(3, 4, 8) for m in "ab"}
    timed = pd.DataFrame({"method": ["a", "b"], "width": 6, "height": 4, "seconds": 1.0, "macs": np.nan,
                          "parameters": 0, "peak_mib": 1.0, "device": "cpu"})  # fmt: skip
    assert "Seconds per image" in written(Material(table(values), {"niqe": True}, speed=timed[:1]))
    assert "Seconds per image" not in written(Material(table(values), {"niqe": True}, speed=timed))


def test_a_note_is_given_once(table):
    values = {(method, dataset, "niqe"): [3.0, 4.0] for method in "ab" for dataset in ("dicm", "lime")}
    assert written(Material(table(values), {"niqe": True})).count("whatever else the machine did meanwhile") == 1


def test_what_each_comparison_found_stands_below_its_own_table(table):
    values = {
        (method, "dicm", metric): [3.0 + k / 9] * 7 for k, method in enumerate("ab") for metric in ("niqe", "psnr")
    }
    found = written(Material(table(values), {"niqe": True, "psnr": False}))
    assert found.count("Every other method is told apart from") == 2


@pytest.mark.parametrize("told", ["/home/me/photographs", "from ~/x.pth", "C:\\Users\\me", "file:///srv/x"])
def test_what_tells_of_a_machine_is_left_out(told):
    facts = {"machine": "AMD EPYC, 2 cores", "git commit": "0123abc+", "report": "x at https://example.org/a"}
    assert public({**facts, "data": told, "platform": "Linux-6.1-myhost-x86_64"}) == facts


def test_a_note_keeps_the_machines_folders_to_itself(table):
    values = {(method, "dicm", "niqe"): [3.0, 4.0] for method in "ab"}
    why = "clahe is not shown on 3 photographs: There is no folder /home/me/secret/dicm."
    text = written(
        Material(table(values), {"niqe": True}, notes=[why, "/srv/x is gone.", "Read https://example.org/a."])
    )
    assert "- clahe is not shown on 3 photographs.\n" in text and "example" in text
    assert "secret" not in text and "srv" not in text


@pytest.mark.parametrize(
    ("made", "counts"),
    [
        (Made("c", 1), "1 run"),
        (Made("c", 1, 0.2), "1 run, less than a minute"),
        (Made("c", 1, 1.2), "1 run, 1 minute"),
        (Made("c", 3, 42.4), "3 runs, 42 minutes in all"),
        (Made("c", 8, 1234, "training"), "8 trainings, 1,234 minutes in all"),
    ],
)
def test_runs_and_minutes_in_words(made, counts):
    assert made.counts == counts


def test_the_report_writes_it_and_the_same_for_the_same_material(table, tmp_path):
    material = everything(table, "x")
    pages = [write_report(tmp_path / name, material) for name in ("one", "two")]
    first, second = ((page.parent / "results.md").read_text(encoding="utf-8") for page in pages)
    assert first == second == written(material)
    assert "Made by <code>bench speed</code> (2 runs, 3 minutes in all)." in pages[0].read_text(encoding="utf-8")
