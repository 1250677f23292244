import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from reports.study import headline, rank_figure, study_block

FACTS = {
    "study": "people",
    "dataset": "dicm",
    "observers": 9,
    "images": 23,
    "votes": 2070,
    "notes": ["One is left out."],
}
HOSTILE = "<script>alert(1)</script> $x$"


def tables(methods=("best", "next", "last"), decided=(True, True, True)):
    pairs = [(methods[0], methods[1]), (methods[0], methods[2]), (methods[1], methods[2])]
    return {
        "strengths": pd.DataFrame({"method": methods, "strength": [1.0, 0.2, -1.2], "low": [0.9, 0.1, -1.3],
                                   "high": [1.1, 0.3, -1.1], "wins": [0.8, 0.5, 0.2], "votes": [1380] * 3}),
        "differences": pd.DataFrame([(*pair, 1.0, 0.5, 1.5, flag) for pair, flag in zip(pairs, decided, strict=True)],
                                    columns=["method", "other", "difference", "low", "high", "decided"]),
        "ranks": pd.DataFrame({"method": methods, "1": [15, 8, 0], "2": [8, 12, 3], "3": [0, 3, 20]}),
        "observers": pd.DataFrame({"observer": ["observer 1"], "repeats": [23], "agreed": [20], "excluded": [""]}),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("decided", "told"),
    [
        ((True, True, False), "People prefer best"),
        ((False, True, True), "best is ahead, but not told apart from next"),
        ((False, False, True), "No method can be told apart from the most preferred"),
    ],
)
def test_the_headline_names_a_winner_only_where_votes_decide(decided, told):
    found = tables(decided=decided)
    assert headline(found["strengths"], found["differences"]) == told


def test_the_section_has_the_numbers():
    section = study_block(FACTS, tables())
    assert section.text == "9 observers judged 3 methods pairwise on 23 images of dicm: 2070 votes."
    assert section.notes == ("Shown again with sides swapped, 20 of 23 pairs were judged alike.", "One is left out.")
    (table,) = section.tables.values()
    assert [cell.text(column) for cell, column in zip(table.rows[0], table.columns, strict=True)] == [
        "best", "1.00", "80.0", "1.35", "1380"]  # fmt: skip
    assert table.rows[0][1].bounds(table.columns[1]) == "[0.90, 1.10]"
    assert [plot.stem for plot in section.plots] == ["study--people--ranks", "study--people--strengths"]
    assert "best 15, 8, 0; next 8, 12, 3" in section.plots[0].alt


def test_agreement_is_a_table_of_its_own():
    names = ["spearman", "kendall", "share"]
    numbers = {f"{name}{part}": [value] for name in names for part, value in (("", 0.5), ("_low", 0.1), ("_high", 0.9))}
    agreement = pd.DataFrame({"metric": ["niqe"], "images": [23]} | numbers)
    table = study_block(FACTS, tables() | {"agreement": agreement}).tables["study--people--agreement"]
    told = [cell.text(column) for cell, column in zip(table.rows[0], table.columns, strict=True)]
    assert told == ["niqe", "0.50", "0.50", "0.50"]


def test_bars_are_as_long_as_the_counts_and_labelled():
    axes = rank_figure(tables()["ranks"]).axes[0]
    assert [[bar.get_width() for bar in group] for group in axes.containers] == [[15, 8, 0], [8, 12, 3], [0, 3, 20]]
    assert [text.get_text() for text in axes.texts] == ["15", "8", "", "8", "12", "3", "", "3", "20"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["best", "next", "last"]
    assert len({bar.patches[0].get_facecolor() for bar in axes.containers}) == 3


def test_without_intervals_points_are_drawn_alone():
    found = tables()
    found["strengths"][["low", "high"]] = np.nan
    section = study_block(FACTS, found)
    assert section.plots[1].alt.endswith("best 1.00, next 0.20, last -1.20.")
    assert "nan" not in section.plots[1].svg


def test_hostile_names_are_text():
    section = study_block(FACTS | {"study": HOSTILE}, tables((HOSTILE, "_x", "c")))
    for plot in section.plots:
        assert "<script" not in plot.svg
        assert "&lt;script&gt;" in plot.svg
        assert plot.stem.replace("-", "").replace("_", "").isalnum()


def test_tables_of_something_else_are_refused():
    found = tables()
    del found["ranks"]
    with pytest.raises(BenchError, match="lacks the table ranks"):
        study_block(FACTS, found)
    with pytest.raises(BenchError, match="lacks the table strengths"):
        study_block(FACTS, tables() | {"strengths": pd.DataFrame({"method": ["a"]})})
