import pandas as pd
import pytest

from bench.metrics import get_metric
from bench.tracking import open_suite
from commands.report_printed import published

HEADER = "In print,Set,Published,Here,Here low,Here high,Here images,Images,Tolerance,Verdict\n"
TABLE_1 = (
    "Input,mef,4.265,,,,,17,0.01,not comparable: mef is not here\n"
    "Input,lime,4.438,4.35,3.5,5.4,10,10,0.01,differs\n"
    "Input,all,4.134,,,,,123,0.01,not comparable: mef is not here\n"
    "LLNet,lime,4.94,,,,,10,0.01,not comparable: there is no such method here\n"
    "CycleGAN,lime,3.276,5.2,4.0,6.7,10,10,0.05,not comparable: retrained weights\n"
    "EnlightenGAN,lime,3.719,,,,,10,0.05,not comparable: there are no weights for enlightengan\n"
)


@pytest.fixture
def kept(store, workplace):
    """Keeps tables by stem, and perhaps scores by method and checkpoint, as `bench reproduce` does."""

    def keep(tables, scores=None, **tags):
        with open_suite().run("reproduce", kind="reproduce", tags=tags) as run:
            for stem, text in tables.items():
                (workplace / f"{stem}.csv").write_text(text)
                run.artifact(workplace / f"{stem}.csv", "reproduce")
            if scores:
                common = {"dataset": "d", "image": "a", "metric": "niqe", "value": 1.0, "seconds": 0.1}
                rows = [{"method": name, "checkpoint": digest, **common, "metric_digest": "v", "error": ""}
                        for name, digest in scores.items()]  # fmt: skip
                pd.DataFrame(rows).to_csv(workplace / "scores.csv", index=False)
                run.artifact(workplace / "scores.csv")

    return keep


def texts(table):
    return [[cell.text(column) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]


def test_only_cells_with_a_number_here_are_shown_and_the_rest_is_told(kept):
    kept({"table-1": HEADER + TABLE_1})
    ((stem, found),) = published(open_suite())
    assert stem == "published-table-1"
    assert found.caption.startswith("Table 1: Y. Jiang et al., EnlightenGAN")
    assert found.caption.endswith("; mean niqe; 95 % intervals in brackets")
    assert texts(found) == [
        ["Input", "identity", "lime", "4.438", "4.350", "0.010", "differs"],
        ["CycleGAN", "cyclegan", "lime", "3.276", "5.200", "0.050", "not comparable: retrained weights"],
    ]
    assert found.notes[0].startswith("Retraining the authors' code")
    assert found.notes[1:] == (
        "4 of 6 cells have no counterpart here: there is no method here for LLNet; nothing was measured on mef, so "
        "there is no mean over all sets either; nothing was measured of EnlightenGAN on lime.",
    )


@pytest.mark.parametrize(("digest", "told"), [(get_metric("niqe").digest, False), ("older", True)])
def test_numbers_by_another_variant_of_a_metric_say_so(kept, digest, told):
    kept({"table-1": HEADER + TABLE_1}, **{"digest niqe": digest})
    ((_, found),) = published(open_suite())
    assert any(note.startswith("Here is by another variant of niqe") for note in found.notes) == told


def test_of_what_is_in_print_only_what_was_asked_for_is_shown(kept):
    mef = "Input,mef,4.265,,,,,17,0.01,not comparable: mef is not here"
    both = TABLE_1.replace(mef, "Input,dicm,4.3,4.2,4,5,1,1,1,agrees")
    kept({"table-1": HEADER + both})
    ((_, every),) = published(open_suite(), metrics=["psnr", "niqe"])
    assert [row[2] for row in texts(every)] == ["dicm", "lime", "lime"]
    ((_, part),) = published(open_suite(), datasets=["dicm"])
    assert texts(part) == [["Input", "identity", "dicm", "4.300", "4.200", "1.000", "agrees"]]
    assert len(part.notes) == 1, "nothing is said of cells that were not asked for"
    assert published(open_suite(), datasets=["lol_eval15"]) == []
    assert published(open_suite(), metrics=["psnr"]) == []


def test_other_weights_than_the_reports_are_named_where_they_stand_behind_a_row(kept):
    scores = {"identity": "", "cyclegan": "older", "enlightengan": "same", "zero_dce": "older"}
    kept({"table-1": HEADER + TABLE_1}, scores)
    notes = "cyclegan: scored with other weights than elsewhere in this report."
    report = {"identity": "", "cyclegan": "newer", "enlightengan": "same", "zero_dce": "newer"}
    assert published(open_suite(), report)[0][1].notes[2:] == (notes,)
    assert published(open_suite(), report | {"cyclegan": "older"})[0][1].notes[2:] == ()
    assert published(open_suite(), {"identity": ""})[0][1].notes[2:] == (), "elsewhere there are none"


def test_the_newest_run_counts_and_a_table_that_is_no_more_in_the_file_has_its_stem(kept):
    kept({"table-1": HEADER + TABLE_1})
    rows = "LIME,lime,4.155,4.1,4.0,4.2,10,10,0.01,differs\nLIME,npe,4,,,,,8,0.01,not comparable: x\n"
    kept({"table-i": HEADER + rows})
    ((stem, found),) = published(open_suite())
    assert (stem, found.caption) == ("published-table-i", "table i; 95 % intervals in brackets")
    assert texts(found) == [["LIME", "lime", "4.155", "4.100", "0.010", "differs"]]
    assert found.notes == ("1 of 2 cells has no counterpart here: nothing was measured on npe.",)


def test_a_table_of_nothing_measured_says_so_and_a_newer_one_names_our_methods_itself(kept):
    bare = HEADER.replace("Here low,Here high,Here images,", "").replace("In print,", "In print,Our method,")
    kept({"table-1": f"{bare}Input,,lime,4.438,,10,0.01,not comparable: there is no such method here\n"})
    ((_, found),) = published(open_suite())
    assert found.rows == ()
    assert found.notes[-1] == "1 of 1 cells has no counterpart here: there is no method here for Input."


def test_without_a_run_there_is_nothing(store):
    assert published(open_suite()) == []
