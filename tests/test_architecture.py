import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "cli": {"commands", "bench"},
    "commands": {"commands", "methods", "reports", "study", "enlightengan", "bench"},
    "methods": {"methods", "enlightengan", "bench"},
    "reports": {"reports", "bench"},
    "study": {"study", "bench"},
    "enlightengan": {"enlightengan", "bench"},
    "bench": {"bench"},
}
DOORS = {"mlflow": ("bench/tracking.py", "bench/run.py"), "pyiqa": ("bench/iqa.py",)}
SOURCES = [ROOT / "cli.py", *(file for name in MAY_IMPORT for file in sorted((ROOT / name).glob("*.py")))]


def is_type_checking(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(node, *, lazy=True):
    """Top-level names that the code below `node` imports; without `lazy`, not those inside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name.split(".")[0] for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative imports hide the direction"
            yield child.module.split(".")[0]
        elif not is_type_checking(child) and (lazy or not isinstance(child, ast.FunctionDef)):
            yield from imports(child, lazy=lazy)


def parsed(file):
    return ast.parse(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_one_way_and_through_the_doors(file):
    name = file.relative_to(ROOT).as_posix()
    used = set(imports(parsed(file)))
    owner = name.split("/")[0].removesuffix(".py")
    assert used & MAY_IMPORT.keys() <= MAY_IMPORT[owner]
    assert {package for package in used & DOORS.keys() if name not in DOORS[package]} == set()


@pytest.mark.parametrize("file", sorted((ROOT / "enlightengan").glob("*.py")), ids=lambda file: file.name)
def test_training_runs_on_a_bare_machine(file):
    assert not set(imports(parsed(file))) & {"mlflow", "pyiqa", "pandas", "pydantic"}
    assert "torchvision" not in set(imports(parsed(file), lazy=False))


def test_training_starts_with_nothing_but_what_a_bare_machine_has():
    code = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
import enlightengan.__main__
"""
    absent = {"mlflow", "pyiqa", "pandas", "pydantic", "psutil", "cv2", "scipy", "skimage", "matplotlib", "torchvision"}
    command = [sys.executable, "-c", code.format(absent=absent)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_rules_see_what_they_forbid():
    code = "import mlflow.entities\ndef f():\n    from pyiqa import x\nif TYPE_CHECKING:\n    import pandas\n"
    assert set(imports(ast.parse(code))) == {"mlflow", "pyiqa"}
    assert set(imports(ast.parse(code), lazy=False)) == {"mlflow"}
    assert len(SOURCES) > 40


def test_datasets_is_no_package():
    files = [file.name for file in (ROOT / "datasets").rglob("*") if file.is_file()]
    assert "dicm.toml" in files
    assert [name for name in files if name.endswith(".py")] == []


def test_the_command_line_starts_without_heavy_imports():
    heavy = ("torch", "mlflow", "pyiqa", "pandas", "pydantic", "cv2", "matplotlib", "skimage", "scipy", "fastapi")
    code = f"import sys, cli; print([name for name in {heavy} if name in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert (told.returncode, told.stdout) == (0, "[]\n"), told.stderr
