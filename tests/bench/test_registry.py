import importlib
import re
import sys

import pytest

from bench import registry
from bench.errors import BenchError, UnknownNameError
from bench.registry import Registry


@pytest.fixture
def filled():
    registry = Registry("thing")
    registry.register("beta", "card of beta")(lambda: 2)
    registry.register("alpha", "card of alpha")(lambda: 1)
    return registry


PLUGIN = """
from {package}.registered import THINGS

@THINGS.register("{name}", "{name}'s card")
def make():
    return "{name}"
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with two plugins on sys.path, and its name."""
    name = "scanned_plugins"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "registered.py").write_text(
        f"from bench.registry import Registry\nTHINGS = Registry('thing', package='{name}')\n"
    )
    for plugin in ("first", "second"):
        (folder / f"{plugin}.py").write_text(PLUGIN.format(package=name, name=plugin))
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]


RETINEX = {"msr", "msrcp", "msrcr", "msrcr_bimef", "ssr"}  # what builds on bench.retinex


def test_it_is_a_sorted_mapping_with_cards(filled):
    assert list(filled) == ["alpha", "beta"]
    assert len(filled) == 2
    assert filled["beta"]() == 2
    assert filled.card("alpha") == "card of alpha"
    assert "alpha" in filled
    assert "gamma" not in filled


def test_the_decorator_gives_the_function_back():
    def factory():
        return 3

    assert Registry("thing").register("three", None)(factory) is factory


def test_duplicates_raise_and_the_first_stays(filled):
    with pytest.raises(BenchError, match="Two things are named 'alpha'"):
        filled.register("alpha", "another")(lambda: 9)
    assert filled["alpha"]() == 1
    assert filled.card("alpha") == "card of alpha"


@pytest.mark.parametrize("look", [Registry.__getitem__, Registry.card, Registry.source_digest])
def test_every_look_up_suggests_a_close_name(filled, look):
    with pytest.raises(UnknownNameError, match="There is no thing named 'alpa': did you mean alpha"):
        look(filled, "alpa")


def test_the_folder_is_the_list(package):
    things = __import__(f"{package}.registered").registered.THINGS
    assert f"{package}.first" not in sys.modules  # nothing is imported before the first look-up
    assert list(things) == ["first", "second"]
    assert things["second"]() == "second"
    assert things.card("first") == "first's card"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def make(:\n", "line 1 cannot be imported: SyntaxError: invalid syntax"),
        ("import math\n\nmath.nothing\n", "line 3 cannot be imported: AttributeError: "),
        ("import math\nimport no_such_library\n", "line 2 cannot be imported: ModuleNotFoundError: No module named"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_its_line(package, tmp_path, source, said):
    things = importlib.import_module(f"{package}.registered").THINGS
    file = tmp_path / package / "broken.py"
    file.write_text(source)
    importlib.invalidate_caches()
    for _ in range(2):
        with pytest.raises(BenchError, match=re.escape(f"{file}, {said}")):
            list(things)
    with pytest.raises(BenchError, match=re.escape(str(file))):
        things["broken"]
    (tmp_path / package / "beside.py").write_text("\n\n\n\nx = = 1\n")
    file.write_text(f"import math\nfrom {package} import beside\n")
    with pytest.raises(BenchError, match=r"broken\.py, line 2 cannot be imported: SyntaxError: .*beside\.py, line 5"):
        things["broken"]
    (tmp_path / package / "beside.py").unlink()
    assert things["first"]() == "first"
    file.unlink()
    importlib.invalidate_caches()
    assert list(things) == ["first", "second"]


def test_the_source_digest_follows_the_file(package, tmp_path):
    things = __import__(f"{package}.registered").registered.THINGS
    file = tmp_path / package / "first.py"
    before, other = things.source_digest("first"), things.source_digest("second")
    assert len({before, other}) == 2
    assert re.fullmatch("[0-9a-f]{16}", before)
    assert things.source_digest("first") == before
    file.write_text(file.read_text() + "# changed\n")
    assert things.source_digest("first") != before
    assert things.source_digest("second") == other


@pytest.mark.parametrize(
    "words",
    [
        "from nets_of_mine.net import GAIN",
        "from whole_of_mine.part import GAIN",
        "import helper_of_mine",
        "from helper_of_mine import GAIN",
        "from . import beside",
        "from .beside import GAIN",
    ],
)
def test_the_source_digest_follows_what_nobody_installed(package, tmp_path, monkeypatch, words):
    for known in [name for name in sys.modules if "_of_mine" in name]:
        monkeypatch.delitem(sys.modules, known)
    things = __import__(f"{package}.registered").registered.THINGS
    helpers = {
        "helper_of_mine": tmp_path / "helper_of_mine.py", "beside": tmp_path / package / "beside.py",
        "nets_of_mine.net": tmp_path / "nets_of_mine/net.py",  # a folder without __init__.py
        "whole_of_mine": tmp_path / "whole_of_mine/__init__.py",
    }  # fmt: skip
    for helper in helpers.values():
        helper.parent.mkdir(exist_ok=True)
        helper.write_text("import numpy\nGAIN = 1\n")
    (tmp_path / "whole_of_mine/part.py").write_text("from whole_of_mine import GAIN\n")
    importlib.invalidate_caches()
    file = tmp_path / package / "first.py"
    file.write_text(f"{file.read_text()}\n{words}\n")
    before, other = things.source_digest("first"), things.source_digest("second")
    (helper,) = (file for name, file in helpers.items() if name in words)
    helper.write_text("import numpy\nGAIN = 2\n")
    assert things.source_digest("first") != before
    assert things.source_digest("second") == other


def test_what_cannot_be_read_or_imported_costs_no_digest(package, tmp_path):
    things = __import__(f"{package}.registered").registered.THINGS
    (tmp_path / "raises_of_mine.py").write_text("raise RuntimeError\n")
    (tmp_path / "broken_of_mine.py").write_text("x = = 1\n")
    file = tmp_path / package / "first.py"
    lazy = "def late():\n    from raises_of_mine.part import y\n    import broken_of_mine\n"
    file.write_text(f"{file.read_text()}\n{lazy}")
    importlib.invalidate_caches()
    before = things.source_digest("first")
    (tmp_path / "broken_of_mine.py").write_bytes(b"\xff\xfe")  # as a compiled module
    assert things.source_digest("first") != before


def test_names_that_one_rule_makes_differ_and_follow_what_they_build_on(monkeypatch, tmp_path):
    from methods import METHODS

    derived = ("zero_dce_guided", "zero_dce_natural", "cyclegan_guided")
    before = {name: METHODS.source_digest(name) for name in derived}
    assert len(set(before.values())) == 3
    assert before == {name: METHODS.source_digest(name) for name in derived}
    changed = tmp_path / "zero_dce.py"
    changed.write_text("# another curve\n")
    lies_elsewhere(monkeypatch, "methods.zero_dce", changed)
    assert {name for name in derived if METHODS.source_digest(name) != before[name]} == set(derived[:2])


def lies_elsewhere(monkeypatch, module, file):
    lies = registry._file
    monkeypatch.setattr(registry, "_file", lambda name: file if name == module else lies(name))


@pytest.mark.parametrize("module", ["bench.photograph", "bench.jobs"])  # one is imported late, one is what is asked for
def test_a_digest_does_not_hang_on_what_is_loaded_already(monkeypatch, module):
    importlib.import_module(module)
    loaded = registry.code_digest("bench.jobs", libraries=["numpy"])
    monkeypatch.delitem(sys.modules, module)
    assert registry.code_digest("bench.jobs", libraries=["numpy"]) == loaded
    lies_elsewhere(monkeypatch, module, None)
    assert registry.code_digest("bench.jobs", libraries=["numpy"]) != loaded, "it belongs to it"


def test_the_source_digest_follows_a_method_that_another_builds_on_and_the_libraries(tmp_path, monkeypatch):
    from methods import METHODS

    before = {name: METHODS.source_digest(name) for name in ("dual", "exposure_fusion", "lime")}
    changed = tmp_path / "exposure_fusion.py"
    changed.write_text("# another fusion\n")
    with monkeypatch.context() as patched:
        lies_elsewhere(patched, "methods.exposure_fusion", changed)
        after = {name: METHODS.source_digest(name) for name in before}
    assert {name for name in before if after[name] != before[name]} == {"dual", "exposure_fusion"}
    monkeypatch.setattr("bench.registry.version", lambda name: f"{name} of tomorrow")
    assert not set(before.values()) & {METHODS.source_digest(name) for name in before}


def test_the_source_digest_follows_the_modules_that_a_method_builds_on(tmp_path, monkeypatch):
    from methods import METHODS

    before = {name: METHODS.source_digest(name) for name in METHODS}
    changed = tmp_path / "retinex.py"
    changed.write_text("# other arithmetic\n")
    lies_elsewhere(monkeypatch, "bench.retinex", changed)
    assert {name for name in METHODS if METHODS.source_digest(name) != before[name]} == RETINEX
