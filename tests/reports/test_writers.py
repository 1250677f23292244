import csv
import io
import re

import numpy as np
import pytest

from reports.layout import dataset_table, decimals, leaderboard_table
from reports.tables import leaderboard, summary
from reports.writers import file_name, latex, markdown, printable, to_csv, to_latex, to_markdown

DIRECTIONS = {"niqe": True, "psnr": False}


@pytest.fixture
def two_datasets(table):
    """Means on dicm 3.0, 4.0, 5.0; on lime 5.0, 4.0, 6.0; over all three images a 3.667, b 4.0, c 5.333."""
    rows = {"a": ([2.0, 4.0], [5.0]), "b": ([3.0, 5.0], [4.0]), "c": ([4.0, 6.0], [6.0])}
    values = {(m, d, "niqe"): v for m, pair in rows.items() for d, v in zip(("dicm", "lime"), pair, strict=True)}
    return leaderboard_table(leaderboard(table(values), directions=DIRECTIONS, metric="niqe"))


def test_latex_marks_the_best_bold_and_the_second_underlined(two_datasets):
    text = to_latex(two_datasets, label="niqe")
    rows = [line.strip() for line in text.splitlines() if re.match(r"\s+[abc] &", line)]
    assert rows[0].startswith(r"a & \textbf{3.000} & \underline{5.000} & \textbf{3.667} {\scriptsize")
    assert rows[1].startswith(r"b & \underline{4.000} & \textbf{4.000} & \underline{4.000} {\scriptsize")
    assert rows[2].startswith(r"c & 5.000 & 6.000 & 5.333 {\scriptsize")
    assert r"Method & dicm $\downarrow$ & lime $\downarrow$ & All images $\downarrow$ \\" in text
    assert r" & (2) & (1) & (3) \\" in text
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    assert text.count("{") == text.count("}")


def test_markdown_marks_and_counts(two_datasets):
    lines = to_markdown(two_datasets).splitlines()
    assert lines[2] == "| Method | dicm ↓ (2 images) | lime ↓ (1 image) | All images ↓ (3 images) |"
    assert lines[4].startswith("| a | **3.000** | <ins>5.000</ins> | **3.667** ")
    assert {line.count("|") for line in lines[2:7]} == {5}


def test_csv_has_every_digit_the_interval_and_the_count(two_datasets):
    rows = list(csv.DictReader(io.StringIO(to_csv(two_datasets))))
    assert [row["Method"] for row in rows] == ["a", "b", "c"]
    assert float(rows[0]["All images"]) == 11 / 3
    assert rows[0]["All images images"] == "3"
    assert float(rows[0]["dicm low"]) <= 3.0 <= float(rows[0]["dicm high"])
    assert rows[0]["lime low"] == ""  # one image has no interval


def test_higher_is_better_points_up(table):
    scores = table({("a", "d", "psnr"): [20.0, 22.0], ("b", "d", "psnr"): [25.0, 26.0]})
    text = to_latex(leaderboard_table(leaderboard(scores, directions=DIRECTIONS, metric="psnr")), label="x")
    assert r"d $\uparrow$" in text
    assert r"b & \textbf{25.50}" in text
    assert r"a & \underline{21.00}" in text


def test_what_prints_alike_is_marked_alike_and_a_lone_method_is_not_marked(table):
    tied = {("a", "d", "niqe"): [3.00001], ("b", "d", "niqe"): [3.00002], ("c", "d", "niqe"): [4.0]}
    cells = leaderboard_table(leaderboard(table(tied), directions=DIRECTIONS, metric="niqe")).rows
    assert [row[1].mark for row in cells] == ["best", "best", "second"]
    alone = table({("a", "d", "niqe"): [3.0]})
    assert leaderboard_table(leaderboard(alone, directions=DIRECTIONS, metric="niqe")).rows[0][1].mark == ""


def test_a_missing_mean_is_a_dash_and_never_marked(table):
    values = {("a", "d", "niqe"): [3.0], ("b", "d", "niqe"): [np.nan], ("c", "d", "niqe"): [4.0]}
    text = to_latex(leaderboard_table(leaderboard(table(values), directions=DIRECTIONS, metric="niqe")), label="x")
    assert r"b & -- \\" in text
    assert "nan" not in text


def test_a_dataset_table_has_a_column_a_metric_and_counts_missing_values(table):
    values = {("a", "d", "niqe"): [3.0, 5.0, np.nan], ("b", "d", "niqe"): [4.0, 5.0, 6.0]}
    values |= {("a", "d", "psnr"): [20.0, 21.0, 22.0], ("b", "d", "psnr"): [22.0, 23.0, 24.0]}
    scores = table(values)
    boards = [leaderboard(scores, directions=DIRECTIONS, metric=metric) for metric in DIRECTIONS]
    result = dataset_table("d", boards=boards, summary=summary(scores, directions=DIRECTIONS))
    names = [(column.name, column.sub) for column in result.columns]
    assert names[1:3] == [("niqe", "2 of 3 images"), ("psnr", "3 images")]
    assert names[3:] == [("Missing values", ""), ("Seconds per image", "")]
    first = dict(zip([name for name, _ in names], result.rows[0], strict=True))
    assert first["Method"].value == "a"
    assert first["niqe"].value.mean == 4.0
    assert first["Missing values"].text(result.columns[3]) == "1"
    assert first["Seconds per image"].text(result.columns[4]) == "0.500"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("zero_dce & 5%", r"zero\_dce \& 5\%"),
        ("$x^2$ #~{}\\", r"\$x\textasciicircum{}2\$ \#\textasciitilde{}\{\}\textbackslash{}"),
        ("[a]*", "{[}a{]}{*}"),
        ("a--b---c - `d`", r"a-{}-b-{}-{}-c - \textasciigrave{}d\textasciigrave{}"),
        ("<b>|", r"\textless{}b\textgreater{}\textbar{}"),
        ("two\nlines", "two lines"),
        ("10⁹ of −1", r"10\textsuperscript{9} of $-$1"),
    ],
)
def test_latex_prints_exactly_the_name(text, escaped):
    assert latex(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("a|b_c*d*`e`", r"a\|b\_c\*d\*\`e\`"),
        ("[x](javascript:y)", r"\[x\](javascript:y)"),
        ("&lt;", "&amp;lt;"),
        ("two\r\nlines", "two  lines"),
    ],
)
def test_markdown_shows_exactly_the_name(text, escaped):
    assert markdown(text) == escaped


def test_file_names_are_safe_and_tell_names_apart():
    assert file_name("dicm", "niqe") == "dicm--niqe"
    nasty = ["../../etc/passwd", "a/b", "a b", "a-b", "<script>", "名前", "", ".", "a--b", "x" * 300, "\ud800"]
    made = [file_name(name) for name in nasty]
    assert len(set(made)) == len(nasty)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}", name) for name in made)


def test_long_names_keep_both_ends():
    assert printable("enlightengan_without_attention", most=15) == "enlight…tention"
    assert printable("a\x00b\u202ec\nd") == "a b c d"


def test_four_digits_are_printed():
    assert [decimals([value]) for value in (0.8, 3.4, 21.5, 512.0, np.nan)] == [4, 3, 2, 1, 3]
