"""Named plugins: a mapping that is filled by decorators and whose list is the folder that the modules lie in."""

import ast
import hashlib
import importlib
import pkgutil
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar

from bench.errors import BenchError, unknown_name

SHARED = ("bench", "enlightengan")  # the packages that plugins build on
INSTALLED_AS = {"site-packages", "dist-packages"}  # wherever a system or a user has them
INSTALLED = tuple({sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")})
LIBRARIES = ("numpy", "opencv-python-headless", "scikit-image", "scipy", "torch")
T = TypeVar("T")
C = TypeVar("C")
Rule = Callable[[str], tuple[T, C, str | None] | None]
"""The entry and card of a name that is made up of others', and the name that it builds on, if any; or None."""


class Registry(Mapping[str, T], Generic[T, C]):
    """Things of one `kind` by name, each with a card; unknown names suggest close ones, duplicates raise.

    `package` is the package whose modules register themselves, each under its own name: a look-up imports that one
    module, and only a listing imports all. A rule makes things whose names are made up of others', which are therefore
    found by name and not listed.
    """

    def __init__(self, kind: str, package: str | None = None) -> None:
        self.kind, self._package = kind, package
        self._entries: dict[str, T] = {}
        self._cards: dict[str, C] = {}
        self._modules: dict[str, str] = {}
        self._rules: list[Rule[T, C]] = []
        self._made: dict[str, T] = {}
        self._bases: dict[str, str | None] = {}

    def register(self, name: str, card: C) -> Callable[[T], T]:
        """Decorator that registers a factory as `name`. Raises BenchError when the name is taken."""

        def add(entry: T) -> T:
            if name in self._entries:
                raise BenchError(f"Two {self.kind}s are named '{name}'.")
            self._entries[name], self._cards[name] = entry, card
            self._modules[name] = getattr(entry, "__module__", "")
            return entry

        return add

    def rule(self, make: Rule[T, C]) -> Rule[T, C]:
        """Decorator for a function that gives what a `Rule` gives of a name that is not registered."""
        self._rules.append(make)
        return make

    def _derive(self, name: str) -> T | None:
        for make in self._rules:
            derived = make(name)
            if derived is not None:
                self._made[name], self._cards[name], self._bases[name] = derived
                self._modules[name] = make.__module__
                return self._made[name]
        return None

    def _scan(self) -> None:
        if self._package is not None:
            package, self._package = importlib.import_module(self._package), None
            try:
                for module in pkgutil.iter_modules(package.__path__):
                    _load(f"{package.__name__}.{module.name}")
            except BenchError:
                self._package = package.__name__  # the next listing must not pass over the rest
                raise

    def _import(self, name: str) -> None:
        """The module that is called `name`, if there is one."""
        if self._package is not None:
            package = importlib.import_module(self._package)
            if name in {module.name for module in pkgutil.iter_modules(package.__path__)}:
                _load(f"{package.__name__}.{name}")

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            self._import(name)
        if name in self._entries:
            return self._entries[name]
        self._scan()
        derived = self._made.get(name) or self._derive(name)
        if derived is None:
            raise unknown_name(self.kind, name, self._entries)
        return derived

    def __iter__(self) -> Iterator[str]:
        self._scan()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._scan()
        return len(self._entries)

    def card(self, name: str) -> C:
        """The card that `name` was registered with."""
        self[name]
        return self._cards[name]

    def source_digest(self, name: str) -> str:
        """16 hex digits that change when the module that defines `name` does, or what it builds on.

        That are modules of ours, modules that nobody installed, and the versions of the libraries that compute. Names
        that one rule makes differ.
        """
        self[name]
        code = code_digest(self._modules[name], libraries=LIBRARIES)
        if name not in self._made:
            return code
        base = self._bases[name]
        told = f"{name} {code} {self.source_digest(base) if base else ''}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]


def _load(module: str) -> None:
    """Import `module`. Raises BenchError that says where it fails, for it may be somebody's first method."""
    try:
        importlib.import_module(module)
    except BenchError:
        raise
    except Exception as error:
        file = _file(module)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        told, line = str(error), lines[-1] if lines else None
        if isinstance(error, SyntaxError) and error.filename == str(file):
            told, line = error.msg, error.lineno
        place = f"{file}, line {line}" if line else str(file)
        raise BenchError(f"{place} cannot be imported: {type(error).__name__}: {told}") from error


def code_digest(module: str, *, libraries: Sequence[str]) -> str:
    """16 hex digits that change with `module`, what of ours or of what nobody installed it builds on, and the
    `libraries`' versions."""
    sources = _sources(module, found={}, packages=(*SHARED, module.partition(".")[0]), root=module.partition(".")[0])
    told = [f"{key}\n{sources[key]}" for key in sorted(sources)] + [f"{name} {version(name)}" for name in libraries]
    return hashlib.sha256("".join(told).encode()).hexdigest()[:16]


def _sources(module: str, *, found: dict[str, str], packages: tuple[str, ...], root: str) -> dict[str, str]:
    """The sources of `module`, of its imports from modules of `packages` or that nobody installed, and of theirs within
    their own package.

    The `root` of the package that registers is left out, and so are ours: that is where they register.
    """
    file = _file(module)
    if module in found or file is None:
        return found
    found[module], tree = _read(file)
    own = module.partition(".")[0]
    roots = {root, own} if own in SHARED else {root}
    for node in ast.walk(tree):
        for name in _imported(node, module if file.name == "__init__.py" else module.rpartition(".")[0]):
            package = name.partition(".")[0]
            if name in roots or _file(name) is None:
                continue
            if package in packages or _is_own(name):
                known = package in SHARED or package not in packages
                _sources(name, found=found, packages=(package,) if known else packages, root=root)
    return found


def _read(file: Path) -> tuple[str, ast.AST]:
    """A source and what it consists of; of what is no Python, as a compiled module, its digest and nothing."""
    try:
        text = file.read_text(encoding="utf-8")
        return text, ast.parse(text)
    except (ValueError, SyntaxError):
        return hashlib.sha256(file.read_bytes()).hexdigest(), ast.Module([], [])


def _is_own(module: str) -> bool:
    """Whether a module is somebody's own file: not ours, and neither Python's nor installed."""
    package = module.partition(".")[0]
    file = None if package in (*SHARED, *sys.stdlib_module_names) else _file(module)
    if file is None or not file.is_file() or INSTALLED_AS & set(file.parts):
        return False
    return not any(map(file.is_relative_to, INSTALLED))


def _file(module: str) -> Path | None:
    """Where `module` lies, loaded or not: what is only imported when it is needed belongs to it, too. None: is none."""
    try:
        spec = find_spec(module)
    except Exception:  # whatever the package around it raises on import
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def _imported(node: ast.AST, package: str) -> list[str]:
    """What a module in `package` imports, and what may be a module in it."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1] if node.level else []
    source = ".".join([*above, *([node.module] if node.module else [])])
    return [source, *(f"{source}.{alias.name}" for alias in node.names)]
