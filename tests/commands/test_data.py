import numpy as np
import pytest

from bench import data
from bench.data import specs
from bench.digests import files_digest
from bench.images import list_images, read_rgb
from bench.new_dataset import OWN

SPEC = """
title = "Tiny"
paper = "-"
licence = "CC0"
homepage = "https://example.test"
get = "Ask for it."
role = "test"
[low]
globs = ["*.png"]
count = 3
digest = "{digest}"
"""


@pytest.fixture
def tiny(workplace, photograph, monkeypatch):
    """A data root with the pinned dataset `tiny`; another, `away`, is not there."""
    folder = workplace / "data/tiny"
    for seed, name in enumerate("abc"):
        photograph(folder / f"{name}.png", seed=seed)
    (workplace / "specs").mkdir()
    spec = SPEC.format(digest=files_digest(folder, tuple(list_images(folder))))
    for name in ("tiny", "away"):
        (workplace / f"specs/{name}.toml").write_text(spec)
    monkeypatch.setattr(data, "SPECS", workplace / "specs")
    specs.cache_clear()
    yield folder
    specs.cache_clear()


def test_own_photographs_become_a_dataset_that_is_pinned(bench, tiny, photograph):
    walks = tiny.parent / "walks"
    for place in ("dark/1.jpg", "dark/2.png", "day/1.png", "day/2.png"):
        photograph(walks / place, seed=len(place))
    words = ("--low", "dark/*.jpg", "--low", "dark/*.png", "--reference", "day/*.png")
    code, out, err = bench("data", "add", "walks", *words, "--title", 'Walks "by night" \\ 夜')
    assert code == 0, err
    assert out.endswith("bench data verify walks checks it.\n")
    spec = specs()["walks"]
    assert (spec.title, spec.role, spec.licence) == ('Walks "by night" \\ 夜', "paired-test", "not stated")
    assert (spec.low.count, spec.reference.count) == (2, 2)
    found = data.resolve("walks", tiny.parent)
    assert found.pinned and [file.name for file in found.reference] == ["1.png", "2.png"]
    assert bench("data", "verify", "walks")[0] == 0
    photograph(walks / "dark/2.png", seed=99)
    assert bench("data", "verify", "walks")[0] == 1


def test_a_dataset_that_has_grown_is_pinned_anew_by_force(bench, fails, tiny, photograph):
    photograph(tiny / "d.png", seed=9)
    path, old = data.SPECS / "tiny.toml", OWN + (data.SPECS / "tiny.toml").read_text()
    words = ("data", "add", "tiny", "--low", "*.png")
    foreign = f"There is a dataset tiny already, {path}, which bench data add did not make."
    assert fails(*words) == fails(*words, "--force") == foreign
    path.write_text(old)
    assert fails(*words) == f"There is a dataset tiny already, {path}: --force replaces it."
    photograph(tiny / "day/other.png")
    assert fails(*words, "--reference", "day/*.png", "--force").startswith("tiny: low and reference do not pair")
    assert path.read_text() == old and specs()["tiny"].low.count == 3
    code, _, err = bench(*words, "--force")
    assert code == 0, err
    assert specs()["tiny"].low.count == 4 and bench("data", "verify", "tiny")[0] == 0


def test_what_is_not_given_stays_when_a_dataset_is_pinned_anew(bench, fails, tiny, photograph):
    walks = tiny.parent / "walks"
    for number in range(3):
        photograph(walks / f"low/{number}.png", seed=number)
    words, more = (
        ("data", "add", "walks", "--low", "low/*.png"),
        ("--title", "Walks", "--licence", "CC0", "--role", "held-out"),
    )
    assert bench(*words, *more)[0] == 0
    path = data.SPECS / "walks.toml"
    path.write_text(path.read_text().replace("count =", 'exclude = ["low/0.png"]\ncount ='))
    photograph(walks / "low/3.png", seed=9)
    code, out, err = bench(*words, "--licence", "CC BY 4.0", "--force")
    assert code == 0, err
    assert "Kept of the specification before: title, role, exclude of low." in " ".join(out.split())
    spec = specs()["walks"]
    assert (spec.title, spec.licence, spec.role) == ("Walks", "CC BY 4.0", "held-out")
    found = data.resolve("walks", tiny.parent)
    assert found.pinned and [file.name for file in found.low] == ["1.png", "2.png", "3.png"]
    path.write_text(path.read_text() + "max_mean = 40.0\n")
    before = path.read_bytes()
    assert "has what would be lost, low.max_mean: change it by hand" in fails(*words, "--force")
    assert path.read_bytes() == before
    path.write_text(path.read_text() + "max_mean =\n")
    assert "is damaged, remove it first" in fails(*words, "--force")


def test_a_specification_is_replaced_only_when_the_new_one_is_checked(bench, tiny, photograph, monkeypatch):
    path, old, seen = data.SPECS / "tiny.toml", OWN + (data.SPECS / "tiny.toml").read_text(), list[str]()
    path.write_text(old)
    photograph(tiny / "d.png", seed=9)
    resolve = data.resolve
    monkeypatch.setattr(data, "resolve", lambda *given: seen.append(path.read_text()) or resolve(*given))
    assert bench("data", "add", "tiny", "--low", "*.png", "--force")[0] == 0
    assert seen == [old] and path.read_text() != old


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("walks",), "Say which files belong to which side, for example --low '*.jpg'."),
        (("Walks!", "--low", "*.png"), "A dataset's name is small letters, digits and underscores, such as my_walks"),
        (("tiny", "--low", "*.png"), "There is a dataset tiny already"),
        (("nowhere", "--low", "*.png"), "There is no folder data/nowhere: datasets lie below the data root"),
        (("walks", "--low", "*.jpg"), "*.jpg finds no file in data/walks."),
        (("walks", "--low", "*"), "data/walks/notes.txt is no photograph"),
        (("walks", "--low", "/*.png"), "/*.png is no pattern of files below data/walks"),
        (("walks", "--low", "*.png", "--role", "exam"), "There is no role named 'exam'"),
        (("walks", "--low", "*.png", "--reference", "day/*.png"), "walks: low and reference do not pair"),
        (("walks", "--reference", "day/*.png"), "walks has references and no low-light photographs"),
    ],
)
def test_what_makes_no_dataset_is_a_sentence_and_leaves_no_file(fails, tiny, photograph, words, told):
    photograph(tiny.parent / "walks/1.png")
    photograph(tiny.parent / "walks/day/other.png")
    (tiny.parent / "walks/notes.txt").write_text("no picture")
    assert fails("data", "add", *words).startswith(told)
    assert not (data.SPECS / "walks.toml").exists() and "walks" not in specs()


def test_list_tells_what_is_here_and_where_the_rest_is(bench, tiny):
    code, out, _ = bench("data", "list")
    assert code == 0
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert rows["tiny"] == ["tiny", "test", "low", "3", "yes", "yes", "CC0"]
    assert "away: Ask for it. https://example.test" in out
    assert "tiny: Ask" not in out


def test_list_knows_every_shipped_dataset(bench, workplace):
    _, out, _ = bench("data", "list")
    first = {line.split()[0] for line in out.splitlines() if line.strip()}
    assert {name for name, spec in specs().items() if not spec.splits} <= first
    assert {"amos_night/train", "demo/test"} <= first


def test_verify_prints_the_digest_of_a_good_dataset(bench, tiny):
    code, out, err = bench("data", "verify")
    assert (code, err) == (0, "")
    assert out.split() == ["ok", "tiny", "low", "3", files_digest(tiny, tuple(list_images(tiny)))]


@pytest.mark.parametrize("damage", ["changed", "missing", "surplus"])
def test_verify_finds_a_damaged_dataset(bench, tiny, photograph, damage):
    if damage == "missing":
        (tiny / "b.png").unlink()
    else:
        photograph(tiny / ("b.png" if damage == "changed" else "d.png"), seed=99)
    code, out, err = bench("data", "verify", "tiny")
    assert code == 1
    assert out.startswith("WRONG       tiny (low)")
    assert err == "Error: 1 of 1 datasets are wrong: tiny.\n"


def test_verify_goes_on_after_a_missing_dataset(bench, tiny):
    code, out, err = bench("data", "verify", "away", "tiny")
    assert code == 1
    assert "WRONG       The dataset away is not below data" in out
    assert "ok          tiny" in out
    assert "1 of 2 datasets are wrong: away" in err


def test_verify_says_that_a_bare_folder_is_not_pinned(bench, tiny):
    code, out, _ = bench("data", "verify", tiny)
    assert code == 0
    assert out.startswith("not pinned")


def test_verify_without_any_dataset_says_what_to_do(bench, fails, tiny, workplace):
    assert "There is no folder" in fails("data", "verify", "--data-root", workplace / "empty")
    assert bench("data", "list", "--data-root", workplace / "empty")[0] == 0, "it says where to get them"
    (workplace / "empty").mkdir()
    assert "give --data-root, or set BENCH_DATA" in fails("data", "verify", "--data-root", workplace / "empty")


def test_verify_of_an_unknown_name_suggests_a_close_one(bench, tiny):
    code, out, _ = bench("data", "verify", "tinny")
    assert code == 1
    assert "did you mean tiny" in out


def test_the_data_root_comes_from_the_environment(bench, tiny, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tiny.parent))
    monkeypatch.chdir(tiny)
    assert bench("data", "verify", "tiny")[0] == 0


def test_darken_keeps_the_tree_and_darkens(bench, workplace, photograph):
    for seed, name in enumerate(("a.png", "sub/b.jpg")):
        photograph(workplace / "in" / name, seed=seed)
    code, out, _ = bench("data", "darken", "in", "out", "--exposure", 0.1)
    assert code == 0
    assert "2 pictures made in out" in out
    results = list_images(workplace / "out")
    assert [p.relative_to(workplace / "out").as_posix() for p in results] == ["a.png", "sub/b.png"]
    assert read_rgb(results[0]).mean() < 0.5 * read_rgb(workplace / "in/a.png").mean()


def test_darken_writes_one_picture_for_each_exposure(bench, workplace, photograph):
    photograph(workplace / "in/a.png")
    bench("data", "darken", "in", "out", "--exposure", 0.5, "--exposure", 0.1)
    means = {path.name: read_rgb(path).mean() for path in list_images(workplace / "out")}
    assert means.keys() == {"a_0.5.png", "a_0.1.png"}
    assert means["a_0.1.png"] < means["a_0.5.png"]


def test_darken_does_not_darken_its_own_results(bench, workplace, photograph):
    photograph(workplace / "in/a.png", seed=1)
    for _ in range(2):
        assert bench("data", "darken", "in", "in/night")[0] == 0
    assert [path.relative_to(workplace).as_posix() for path in sorted(workplace.rglob("*.png"))] == [
        "in/a.png", "in/night/a.png",
    ]  # fmt: skip


def test_darken_never_writes_over_what_it_darkens(bench, fails, workplace, photograph):
    photograph(workplace / "in/sub/a.png", seed=1)
    before = (workplace / "in/sub/a.png").read_bytes()
    (workplace / "link").symlink_to("in")
    for out in ("in", "in/.", "link"):
        assert "would take the place of photographs in in" in fails("data", "darken", "in", out, "--force")
    photograph(workplace / "in/sub/sub/a.png", seed=2)  # whose result would lie where the first one is
    assert "would take the place" in fails("data", "darken", "in/sub", "in", "--force")
    (workplace / "in/sub/sub/a.png").unlink()
    assert (workplace / "in/sub/a.png").read_bytes() == before
    assert bench("data", "darken", "in/sub", "in")[0] == 0, "a folder above holds no results"
    assert (workplace / "in/a.png").exists() and (workplace / "in/sub/a.png").read_bytes() == before


def test_darken_refuses_exposures_that_are_named_alike(fails, workplace, photograph):
    photograph(workplace / "bright/a.png", seed=1)
    for second in ("0.1", "0.10000001"):
        words = ("data", "darken", "bright", "dark", "--exposure", "0.1", "--exposure", second)
        assert "Two exposures are named alike" in fails(*words)
    assert not (workplace / "dark").exists()


def test_darken_follows_its_seed_and_leaves_what_is_finished(bench, workplace, photograph):
    photograph(workplace / "in/a.png")
    for out, seed in (("one", 1), ("again", 1), ("two", 2)):
        bench("data", "darken", "in", out, "--seed", seed)
    one, again, two = (read_rgb(workplace / out / "a.png") for out in ("one", "again", "two"))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, two)
    bench("data", "darken", "in", "one", "--seed", 2)
    assert np.array_equal(read_rgb(workplace / "one/a.png"), one)
    bench("data", "darken", "in", "one", "--seed", 2, "--force")
    assert np.array_equal(read_rgb(workplace / "one/a.png"), two)


def test_darken_reports_a_broken_picture_and_does_the_rest(bench, workplace, photograph):
    photograph(workplace / "in/a.png")
    (workplace / "in/b.png").write_text("not a picture")
    code, out, err = bench("data", "darken", "in", "out")
    assert code == 1
    assert "in/b.png is not a picture that can be read." in out
    assert err == "Error: 1 of 2 pictures could not be made.\n"
    assert [path.name for path in list_images(workplace / "out")] == ["a.png"]


def test_darken_keeps_pictures_apart_that_differ_in_suffix(bench, workplace, photograph):
    photograph(workplace / "in/a.png")
    photograph(workplace / "in/a.jpg", seed=1)
    code, _, _ = bench("data", "darken", "in", "out")
    assert code == 1 or len(list_images(workplace / "out")) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("absent", "out"), "There is no folder absent"),
        (("in", "out", "--exposure", "2"), "An exposure lies above 0 and is at most 1, not 2."),
        (("in", "out", "--bits", "40"), "1 to 16 bits"),
        (("in", "out", "--full-well", "nan"), "a full well above 0"),
        (("in", "out", "--full-well", "1e20"), "at most 1,000,000,000 electrons"),
        (("in", "out", "--read-noise", "nan"), "a read noise of at least 0"),
    ],
)
def test_darken_refuses_what_cannot_be(fails, workplace, photograph, words, sentence):
    photograph(workplace / "in/a.png")
    assert sentence in fails("data", "darken", *words)


def test_darken_of_an_empty_folder_is_an_error(fails, workplace):
    (workplace / "in").mkdir()
    assert "in" in fails("data", "darken", "in", "out")


def test_overlap_names_the_training_photograph_of_a_test_scene(bench, fails, tiny, workplace, photograph):
    photograph(workplace / "train/own.png", seed=20, size=(120, 160))
    code, out, err = bench("data", "overlap", "train", "--against", "tiny")
    assert code == 0, err
    assert "No scene is in both (1 training photographs, 3 test photographs; whole pictures" in out
    (workplace / "train/again.png").write_bytes((tiny / "b.png").read_bytes())
    code, out, err = bench("data", "overlap", "train", "--against", "tiny", "--parts")
    assert code == 1 and err.startswith("Error: 1 training photographs show test scenes (2 training photographs, 3")
    assert "train/again.png shows what" in out and "tiny/b.png shows: hashes differ in 0 of 63 bits" in out
    (workplace / "nothing").mkdir()
    assert "no training set or no test set" in fails("data", "overlap", "--data-root", "nothing")


def test_what_a_specification_excludes_is_no_part_of_the_dataset(bench, tiny, workplace):
    spec = (workplace / "specs/tiny.toml").read_text()
    kept = files_digest(tiny, (tiny / "a.png", tiny / "c.png"))
    spec = spec.replace("count = 3", 'exclude = ["b.png"]\ncount = 2').rpartition("digest")[0] + f'digest = "{kept}"\n'
    (workplace / "specs/tiny.toml").write_text(spec)
    specs.cache_clear()
    assert [path.name for path in data.resolve("tiny", workplace / "data").low] == ["a.png", "c.png"]
