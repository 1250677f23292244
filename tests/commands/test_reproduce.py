import numpy as np
import pytest

from bench import data, reproduction
from bench.jobs import run_job
from bench.tracking import open_suite
from commands.report_printed import published
from enlightengan.checkpoint import save_weights
from enlightengan.networks import Generator

SPEC = 'title = "T"\npaper = "-"\nlicence = "CC0"\nhomepage = "-"\nget = "-"\nrole = "test"\nlow.globs = ["*.png"]\n'
TABLE = """
[[tables]]
name = "Table 1"
citation = "Somebody 2020"
metric = "mean_brightness"
images = { night = 3, away = 2 }
[[tables.rows]]
label = "Input"
method = "identity"
tolerance = 0.01
values = { night = VALUE, away = 1.0, all = 1.0 }
[[tables.rows]]
label = "Theirs"
values = { night = 3.0 }
[[tables.rows]]
label = "SRIE"
method = "srie"
values = { night = 4.0 }
[[tables.rows]]
label = "EnlightenGAN"
method = "enlightengan"
values = { night = 4.0 }
"""


@pytest.fixture
def printed(store, workplace, photograph, monkeypatch):
    """The dataset `night` of three small pictures, and a published table about it; gives the mean brightness."""
    pixels = [photograph(workplace / f"data/night/{seed}.png", seed=seed, high=60) for seed in range(3)]
    (workplace / "specs").mkdir()
    for name in ("night", "away"):
        (workplace / f"specs/{name}.toml").write_text(SPEC)
    mean = float(np.mean(pixels))
    (workplace / "published.toml").write_text(TABLE.replace("VALUE", f"{mean + 0.004:.6f}"))
    monkeypatch.setattr(data, "SPECS", workplace / "specs")
    monkeypatch.setattr(reproduction, "FILE", workplace / "published.toml")
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    for cached in (data.specs, reproduction.published_tables):
        cached.cache_clear()
    yield mean
    for cached in (data.specs, reproduction.published_tables):
        cached.cache_clear()


def test_each_cell_is_beside_ours_with_its_verdict(bench, printed, workplace):
    code, out, err = bench("reproduce")
    assert code == 0, err
    assert "6 cells: 1 agrees, 0 differs, 5 not comparable." in out
    lines = (workplace / "runs/reproduce/table-1.csv").read_text().splitlines()
    assert lines[0] == "In print,Our method,Set,Published,Here,Here low,Here high,Here images,Images,Tolerance,Verdict"
    told = {tuple(line.split(",")[::2][:2]): line.split(",") for line in lines[1:]}
    assert float(told["Input", "night"][4]) == pytest.approx(printed, abs=1e-4)
    assert told["Input", "night"][-1] == "agrees"
    assert told["Input", "away"][-1] == "not comparable: away is not here"
    assert told["Input", "all"][-1] == "not comparable: away is not here"
    assert told["Theirs", "night"][-1] == "not comparable: there is no such method here"
    assert told["SRIE", "night"][-1] == "not comparable: ours is written from the paper without the published code"
    assert told["EnlightenGAN", "night"][-1] == "not comparable: there are no weights for enlightengan"
    (run,) = open_suite().search(kind="reproduce")
    assert run.data.metrics["difference Table 1/night/identity"] == pytest.approx(-0.004, abs=1e-4)
    assert (open_suite().artifact(run.info.run_id, "reproduce") / "table-1.md").exists()


@pytest.mark.parametrize(("metadata", "verdict"), [({"config": "{}"}, "not comparable: retrained"), ({}, "differs")])
def test_a_file_that_was_trained_here_is_not_the_published_one(bench, printed, workplace, narrow, metadata, verdict):
    save_weights(workplace / "w.safetensors", Generator().state_dict(), metadata)
    words = ("--method", "enlightengan", "--checkpoint", "enlightengan=w.safetensors")
    assert bench("reproduce", *words)[0] == 0
    row = (workplace / "runs/reproduce/table-1.csv").read_text().splitlines()[-1]
    assert row.split(",")[-1].startswith(verdict)
    assert float(row.split(",")[4]) > 0  # what was measured is told in either case


def test_photographs_without_a_score_are_an_error_at_the_end(bench, printed, workplace):
    (workplace / "data/night/1.png").write_bytes(b"no picture")
    code, out, err = bench("reproduce", "--method", "identity")
    assert code == 1 and "Tables in runs/reproduce" in out
    assert "1 of 3 scores are missing, identity on 1.png for one: " in err
    assert "The verdicts are those on the rest." in " ".join(err.split())


def test_a_second_call_computes_nothing(bench, printed, monkeypatch):
    done = []
    monkeypatch.setattr("bench.evaluation.run_job", lambda job: (done.append(job.image), run_job(job))[1])
    assert bench("reproduce", "--method", "identity")[0] == 0
    assert done == ["0.png", "1.png", "2.png"]
    assert bench("reproduce", "--method", "identity")[0] == 0
    assert len(done) == 3


def test_scores_that_come_with_the_project_are_taken_and_told(bench, printed, workplace, monkeypatch):
    words = ("--metric", "mean_brightness", "--dataset", "night", "--method", "identity", "--csv", "shipped.csv.gz")
    assert bench("evaluate", *words)[0] == 0
    (workplace / "runs/cells.db").unlink()
    monkeypatch.setattr("bench.cells.SHIPPED", workplace / "shipped.csv.gz")
    monkeypatch.setattr("bench.evaluation.run_job", lambda job: pytest.fail(job.image))
    code, out, err = bench("reproduce", "--method", "identity")
    assert code == 0, err
    (run,) = open_suite().search(kind="reproduce")
    assert "3 of 3 scores come with the project" in out and "3 of 3 scores" in run.data.tags["mlflow.note.content"]


def test_what_is_not_in_print_is_a_sentence_and_a_part_replaces_no_whole(bench, fails, printed, workplace):
    assert "no method in the published tables named 'clahe'" in fails("reproduce", "--method", "clahe")
    assert "no dataset in the published tables named 'nigth': did you mean night" in fails(
        "reproduce", "--dataset", "nigth"
    )
    assert bench("reproduce")[0] == 0
    kept, whole = (workplace / "runs/reproduce/scores.csv").read_bytes(), published(open_suite())[0][1].rows
    assert fails("reproduce", "--method", "srie", "--dataset", "away") == "Nothing is in print of srie on away."
    unknown = fails("reproduce", "--method", "srie", "--checkpoint", "enlightengan=x.pth")
    assert "no method among the cells that are chosen named 'enlightengan'" in unknown
    assert (workplace / "runs/reproduce/scores.csv").read_bytes() == kept
    assert bench("reproduce", "--method", "identity")[0] == 0
    assert published(open_suite())[0][1].rows == whole, "one of some methods takes no place of one of all"
