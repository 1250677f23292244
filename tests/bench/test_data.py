import hashlib
import os
import shutil
from pathlib import Path

import pytest

from bench import data
from bench.data import Dataset, data_root, resolve, specs
from bench.digests import file_digest, files_digest
from bench.errors import BenchError, UnknownNameError

HEAD = 'title = "T"\npaper = "P"\nlicence = "L"\nhomepage = "H"\nget = "Ask for it."\n'


@pytest.fixture
def write_spec(tmp_path, monkeypatch):
    """Makes a specification the only one there is besides others so written."""
    folder = tmp_path / "specs"
    folder.mkdir()
    monkeypatch.setattr(data, "SPECS", folder)
    specs.cache_clear()

    def write(name, body, *, head=HEAD):
        (folder / f"{name}.toml").write_text(head + body)
        specs.cache_clear()

    yield write
    specs.cache_clear()


@pytest.fixture
def root(tmp_path, photograph):
    """A data root with a dataset of pairs, `tiny`."""
    for seed, name in enumerate(("b", "a", "c")):
        photograph(tmp_path / f"data/tiny/low/{name}.png", seed=seed, high=60 + 60 * seed)
        photograph(tmp_path / f"data/tiny/high/{name}.jpg", seed=seed)
    return tmp_path / "data"


def stems(files):
    return [file.stem for file in files]


@pytest.mark.parametrize("name", sorted(path.stem for path in data.SPECS.glob("*.toml")))
def test_every_shipped_specification_is_complete(name):
    spec = specs()[name]
    parts = {"": spec, **spec.splits}
    assert all((spec.title, spec.paper, spec.licence, spec.homepage, spec.get))
    assert all(part.role or spec.role for part in parts.values())
    sides = [found for part in parts.values() for side in data.SIDES if (found := part.files_of(side))]
    assert sides
    assert all(side.globs or side.lists or side.paths for side in sides)
    assert all(len(side.digest) in (0, 64) and (side.count or not side.digest) for side in sides)


def test_globs_and_pairs_are_found_in_order(write_spec, root):
    write_spec("tiny", 'role = "paired-test"\nlow.globs = ["low/*.png"]\nreference.globs = ["high/*"]\nlow.count = 3')
    found = resolve("tiny", root)
    assert (found.name, found.role, found.title, found.licence) == ("tiny", "paired-test", "T", "L")
    assert stems(found.low) == stems(found.reference) == ["a", "b", "c"]
    assert [file.suffix for file in found.reference] == [".jpg"] * 3
    assert found.normal == ()
    assert found.image_name(found.low[0]) == "low/a.png"
    assert not found.pinned


def test_lists_name_files_of_a_folder(write_spec, root):
    (root / "tiny/some.txt").write_text("c.png\n\n  a.png  \n")
    write_spec("tiny", 'role = "train"\nlow.lists = { "some.txt" = "low" }\nnormal.globs = ["high/*", "high/a.jpg"]')
    found = resolve("tiny", root)
    assert stems(found.low) == ["a", "c"]
    assert stems(found.normal) == ["a", "b", "c"]


def test_files_are_excluded_by_name_and_a_wrong_name_is_told_where_no_digest_would(write_spec, root):
    body = 'role = "train"\nlow.globs = ["low/*.png"]\nlow.exclude = ["low/{}.png"]'
    write_spec("tiny", body.format("a"))
    assert stems(resolve("tiny", root).low) == ["b", "c"]
    write_spec("tiny", body.format("A"))
    with pytest.raises(BenchError, match=r"exclude names .*A\.png, which is not among"):
        resolve("tiny", root)


def test_splits_have_their_own_files_and_roles(write_spec, root):
    body = 'role = "train"\n[splits.one.low]\nglobs = ["low/a.png"]\n[splits.two]\nrole = "test"\n'
    write_spec("tiny", body + '[splits.two.low]\nglobs = ["low/[bc].png"]')
    one, two = resolve("tiny/one", root), resolve("tiny/two", root)
    assert (one.name, one.role, stems(one.low)) == ("tiny/one", "train", ["a"])
    assert (two.name, two.role, stems(two.low)) == ("tiny/two", "test", ["b", "c"])
    with pytest.raises(UnknownNameError, match="no split of tiny named 'twoo': did you mean two"):
        resolve("tiny/twoo", root)


def test_the_brightness_rule_keeps_what_lies_below(write_spec, root):
    write_spec("tiny", 'role = "train"\nlow.globs = ["low/*.png"]\nlow.max_mean = 75.0')
    assert stems(resolve("tiny", root).low) == ["a", "b"]  # means near 30, 60 and 90


def test_the_digest_is_that_of_names_and_contents(write_spec, root):
    folder, file = root / "tiny", root / "tiny/low/a.png"
    expected = hashlib.sha256(f"low/a.png {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode()).hexdigest()
    assert files_digest(folder, (file,)) == expected
    write_spec("tiny", f'role = "test"\nlow = {{ globs = ["low/a.png"], count = 1, digest = "{expected}" }}')
    assert resolve("tiny", root).pinned
    assert resolve("tiny", root).digest == hashlib.sha256(expected.encode()).hexdigest()[:16]


def test_the_digest_changes_with_a_byte_and_with_a_name_but_not_with_the_order(root):
    folder = root / "tiny"
    a, b = folder / "low/a.png", folder / "low/b.png"
    before = files_digest(folder, (a, b))
    assert files_digest(folder, (b, a)) == before
    b.write_bytes(b.read_bytes() + b"\0")
    changed = files_digest(folder, (a, b))
    b.rename(folder / "low/bb.png")
    assert len({before, changed, files_digest(folder, (a, folder / "low/bb.png"))}) == 3


def test_a_wrong_count_is_an_error_never_a_smaller_average(write_spec, root):
    write_spec("tiny", 'role = "test"\nlow.globs = ["low/*.png"]\nlow.count = 4')
    with pytest.raises(BenchError, match=r"tiny \(low\) has 3 photographs in .*tiny where 4 belong"):
        resolve("tiny", root)


def test_a_wrong_digest_is_an_error(write_spec, root):
    write_spec("tiny", f'role = "test"\nlow = {{ globs = ["low/*.png"], digest = "{"0" * 64}" }}')
    with pytest.raises(BenchError, match=r"not the pinned ones .*expected 000000000000"):
        resolve("tiny", root)


def test_a_file_missing_from_a_list_is_named(write_spec, root):
    (root / "tiny/some.txt").write_text("a.png\nabsent.png\n")
    write_spec("tiny", 'role = "test"\nlow.lists = { "some.txt" = "low" }')
    with pytest.raises(BenchError, match=r"1 photographs are missing, .*absent\.png for one"):
        resolve("tiny", root)


def test_a_missing_list_is_named(write_spec, root):
    write_spec("tiny", 'role = "test"\nlow.lists = { "nowhere.txt" = "low" }')
    with pytest.raises(BenchError, match=r"cannot read its list .*nowhere\.txt"):
        resolve("tiny", root)


@pytest.mark.parametrize("surplus", ["low/d.png", "high/d.jpg"])
def test_unpaired_photographs_are_an_error(write_spec, root, photograph, surplus):
    photograph(root / "tiny" / surplus)
    write_spec("tiny", 'role = "paired-test"\nlow.globs = ["low/*"]\nreference.globs = ["high/*"]')
    with pytest.raises(BenchError, match="low and reference do not pair by file name"):
        resolve("tiny", root)


PAIRS = '[pairs]\n"low/c.png" = "high/a.jpg"\n"low/a.png" = "high/b.jpg"\n"low/b.png" = "high/a.jpg"\n'


def test_pairs_by_a_table_follow_it_and_one_reference_may_serve_several(write_spec, root):
    write_spec("tiny", f'role = "held-out"\nlow.count = 3\nreference.count = 2\n{PAIRS}')
    found = resolve("tiny", root)
    assert stems(found.low) == ["a", "b", "c"]
    assert stems(found.reference) == ["b", "a", "a"]


def test_the_digest_tells_how_photographs_pair(write_spec, root):
    digests = set()
    for table in (PAIRS, PAIRS.replace('b.png" = "high/a', 'b.png" = "high/b')):
        write_spec("tiny", f'role = "held-out"\nlow = {{}}\nreference = {{}}\n{table}')
        digests.add(resolve("tiny", root).digest)
    assert len(digests) == 2


@pytest.mark.parametrize("surplus", ["low", "reference"])
def test_a_table_of_pairs_names_all_photographs(write_spec, root, surplus):
    sides = {"low": "", "reference": ""} | {surplus: 'globs = ["*/*"]'}
    body = "".join(f"{side} = {{ {globs} }}\n" for side, globs in sides.items())
    write_spec("tiny", f'role = "held-out"\n{body}{PAIRS}')
    with pytest.raises(BenchError, match="its pairs are not all of its low-light and reference photographs"):
        resolve("tiny", root)


def test_a_photograph_missing_from_a_table_of_pairs_is_named(write_spec, root):
    write_spec("tiny", f'role = "held-out"\nlow = {{}}\nreference = {{}}\n{PAIRS.replace("low/c", "low/x")}')
    with pytest.raises(BenchError, match=r"1 photographs are missing, .*x\.png"):
        resolve("tiny", root)


def test_nothing_found_is_an_error(write_spec, root):
    write_spec("tiny", 'role = "test"\nlow.globs = ["low/*.gif"]')
    with pytest.raises(BenchError, match=r"tiny \(low\) has no photograph"):
        resolve("tiny", root)


def test_an_absent_dataset_says_where_to_get_it(write_spec, tmp_path):
    write_spec("tiny", 'role = "test"\nlow.globs = ["*"]')
    with pytest.raises(BenchError, match=r"tiny is not below .*: Ask for it. Put it into .*tiny"):
        resolve("tiny", tmp_path / "elsewhere")


def test_an_unknown_name_comes_with_a_suggestion(tmp_path):
    with pytest.raises(UnknownNameError, match="no dataset or folder named 'dicn': did you mean dicm"):
        resolve("dicn", tmp_path)


def test_a_slash_at_the_end_changes_no_name_and_no_name_is_no_folder(write_spec, root):
    write_spec("tiny", 'role = "train"\nlow.globs = ["low/*.png"]')
    assert resolve("tiny/", root) == resolve("tiny", root)
    with pytest.raises(BenchError, match="no dataset or folder named ''"):
        resolve("", root)


def test_hidden_files_are_found_by_no_glob(write_spec, root, photograph):
    photograph(root / "tiny/low/._a.png", seed=1)
    write_spec("tiny", 'role = "train"\nlow.globs = ["low/*.png"]')
    assert stems(resolve("tiny", root).low) == ["a", "b", "c"]


def test_a_bare_folder_is_a_dataset(root):
    found = resolve(str(root / "tiny/low"), root)
    assert (found.name, found.role, found.pinned) == ("low", "test", False)
    assert stems(found.low) == stems(found.normal) == ["a", "b", "c"]
    assert found.image_name(found.low[2]) == "c.png"
    assert found.digest == files_digest(root / "tiny/low", found.low)[:16]


def test_a_bare_folder_without_photographs_is_an_error(tmp_path):
    with pytest.raises(BenchError, match="There is no photograph in"):
        resolve(str(tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('role = "tset"\n', "role"),
        ('colour = "red"\n', "colour"),
        ('low.glob = ["*"]\n', "glob"),
        ("low.globs = [\n", "Invalid value"),
    ],
)
def test_a_wrong_specification_is_an_error_that_names_file_and_field(write_spec, body, reason):
    write_spec("wrong", body)
    with pytest.raises(BenchError, match=rf"(?s)wrong\.toml is not a dataset specification: .*{reason}"):
        specs()


def test_a_specification_needs_its_licence(write_spec):
    write_spec("wrong", 'title = "T"\n', head="")
    with pytest.raises(BenchError, match=r"(?s)licence.*required"):
        specs()


def test_names_tell_the_present_from_the_absent(write_spec, root):
    write_spec("tiny", 'role = "test"\nlow.globs = ["*"]\n[splits.day]\nlow.globs = ["*"]')
    write_spec("away", 'role = "test"\nlow.globs = ["*"]')
    more = '[splits.more]\nrole = "extra"\nlow.globs = ["*"]'  # used only where it is named
    write_spec("other", f'role = "train"\nlow.globs = ["*"]\n{more}')
    assert data.names(roles=("test",), root=root) == (["tiny", "tiny/day"], ["away"])
    assert data.names(roles=("train",), root=root) == ([], ["other"])


def test_references_of_one_name_are_not_guessed(write_spec, root, photograph):
    for name in ("low/1/a", "low/2/a", "high/1/a", "high/2/a"):
        photograph(root / f"tiny/{name}.png", seed=len(name))
    write_spec("tiny", 'role = "paired-test"\nlow.globs = ["low/*/*"]\nreference.globs = ["high/*/*"]')
    with pytest.raises(BenchError, match=r"tiny: references pair by name without extension, and two have one name"):
        resolve("tiny", root)
    photograph(root / "one/a.png", seed=1)
    photograph(root / "other/a.png", seed=2)
    assert data.from_folder(root / "one", root / "other").reference == (root / "other/a.png",)
    photograph(root / "other/a.bmp", seed=3)
    with pytest.raises(BenchError, match=r"references pair by name without extension, and two have one name: .*a\.bmp"):
        data.from_folder(root / "one", root / "other")


def test_references_that_nobody_needs_and_hidden_ones_stop_nothing(root, photograph):
    photograph(root / "one/a.png", seed=1)
    for name in ("a.png", ".thumbnails/a.png", "more.png", "more.bmp"):
        photograph(root / "other" / name, seed=2)
    assert data.from_folder(root / "one", root / "other").reference == (root / "other/a.png",)


def test_low_light_photographs_of_one_name_are_not_guessed_either(write_spec, root, photograph):
    for name in ("low/1/a", "low/2/a", "high/a", "high/b"):
        photograph(root / f"twice/{name}.png", seed=1)
    write_spec("twice", 'role = "paired-test"\nlow.globs = ["low/*/*"]\nreference.globs = ["high/*"]')
    with pytest.raises(BenchError, match=r"twice: low-light photographs pair by name .*, and two have one name"):
        resolve("twice", root)


def test_hidden_folders_are_no_part_of_a_folder(root, photograph):
    photograph(root / "one/day/a.png", seed=1)
    photograph(root / "one/.thumbnails/a.png", seed=2)
    assert data.from_folder(root / "one").low == (root / "one/day/a.png",)


def test_a_reference_of_several_counts_once_in_a_digest(root, photograph):
    photograph(root / "a.png", seed=1)
    once = files_digest(root, (root / "a.png",))
    assert files_digest(root, (root / "a.png", root / "a.png")) == once


def test_what_is_not_utf8_is_one_sentence(write_spec, root, photograph):
    photograph(root / "one/a.png", seed=1)
    try:
        (root / "one/a.png").rename(root / "one" / os.fsdecode(b"\xff.png"))
    except OSError:
        pytest.skip("the file system takes no such name")
    with pytest.raises(BenchError, match=r"udcff\.png' is not UTF-8"):
        data.from_folder(root / "one")
    write_spec("tiny", 'role = "test"\nlow.lists = {"list.txt" = "."}')
    (root / "tiny/list.txt").write_bytes("für.png".encode("latin-1"))
    with pytest.raises(BenchError, match="cannot read its list"):
        resolve("tiny", root)
    (data.SPECS / "._tiny.toml").write_bytes(b"\x00\xff")
    (data.SPECS / "broken.toml").write_bytes(b'title = "\xff"')
    data.specs.cache_clear()
    with pytest.raises(BenchError, match=r"broken\.toml is not a dataset specification"):
        data.specs()
    (data.SPECS / "broken.toml").unlink()
    assert set(data.specs()) == {"tiny"}


def test_the_data_root_is_given_or_said_by_the_environment_or_data(monkeypatch, tmp_path):
    monkeypatch.delenv("BENCH_DATA", raising=False)
    assert data_root() == Path("data")
    monkeypatch.setenv("BENCH_DATA", "")
    assert data_root() == Path("data")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    assert data_root() == tmp_path
    (tmp_path / "mine").mkdir()
    assert data_root(tmp_path / "mine") == tmp_path / "mine"


def test_a_data_root_that_is_named_must_be_there_where_sets_are_looked_for(monkeypatch, tmp_path):
    with pytest.raises(BenchError, match=r"no folder .*mine: --data-root and \$BENCH_DATA name"):
        data.names(roles=("test",), root=tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert data.names(roles=("test",), root=Path("data"))[0] == [], "the usual one need not be there"
    monkeypatch.setenv("BENCH_DATA", ".")
    assert data_root() == Path()
    (tmp_path / "dicm").mkdir()
    assert data.names(roles=("test",), root=data_root())[0] == ["dicm"]


def test_the_demo_is_made_on_the_spot(workplace, demo_photographs, monkeypatch):
    monkeypatch.setattr(
        data, "write_demo", lambda folder: shutil.copytree(demo_photographs, folder, dirs_exist_ok=True)
    )
    found = resolve("demo/test", Path("nowhere"))
    assert (found.role, len(found.low), len(found.reference)) == ("demo", 6, 6)
    assert found.folder == Path("runs/photographs/demo")
    assert stems(found.low) == stems(found.reference)
    assert len(resolve("demo", Path("nowhere")).normal) == 4


@pytest.mark.parametrize(("name", "count"), [("dicm", 64), ("lime", 10), ("lol_eval15", 15), ("sice", 429)])
def test_the_photographs_here_are_the_pinned_ones(shared, name, count):
    found = resolve(name, shared / "data")
    assert found.pinned
    assert len(found.low) == count


@pytest.mark.parametrize(("split", "count"), [("examples", 32), ("inputs", 104)])
def test_held_out_pairs_share_no_photograph_with_the_training_side_that_they_confirm(shared, split, count):
    held, trained = resolve(f"sice/{split}", shared / "data"), resolve("sice", shared / "data")
    assert held.role == "held-out"
    assert len(held.low) == len(set(held.reference)) == count
    assert held.pinned
    assert not set(held.low if split == "examples" else held.reference) & {*trained.low, *trained.normal}


def test_one_changed_pinned_photograph_is_found(shared, tmp_path):
    shutil.copytree(shared / "data/lime", tmp_path / "lime", symlinks=False)
    resolve("lime", tmp_path)
    with (tmp_path / "lime/5.png").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(BenchError, match="not the pinned ones"):
        resolve("lime", tmp_path)


def test_file_digests_are_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_digest(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_a_dataset_names_its_pictures_from_its_folder():
    dataset = Dataset("d", Path("/x/d"), "test", low=(Path("/x/d/low/1.png"),))
    assert dataset.image_name(dataset.low[0]) == "low/1.png"
