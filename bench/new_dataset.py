"""A specification for photographs that lie below the data root: `datasets/NAME.toml`, pinned as they are now."""

import json
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from bench import data
from bench.digests import files_digest
from bench.errors import BenchError, unknown_name
from bench.folders import in_hidden
from bench.images import FORMATS
from bench.weights import write_text

OWN = "# Made by bench data add.\n"
FIELDS = ("title", "paper", "licence", "homepage", "get", "role")
IN_SIDES = ("globs", "exclude", "count", "digest")


def earlier_spec(name: str) -> dict[str, Any]:
    """What the specification `name` that is to be replaced says; nothing where there is none.

    Raises BenchError where it has what `write_spec` would lose: whatever was put in by hand but for `exclude`.
    """
    path = data.SPECS / f"{name}.toml"
    if not path.exists() or not path.read_bytes().startswith(OWN.encode()):
        return {}
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"{path} is damaged, remove it first: {error}") from error
    lost = [key for key in told if key not in (*FIELDS, *data.SIDES)]
    lost += [f"{side}.{key}" for side in data.SIDES for key in told.get(side, {}) if key not in IN_SIDES]
    if lost:
        raise BenchError(f"{path} has what would be lost, {', '.join(lost)}: change it by hand, or remove it first.")
    return told


def write_spec(
    name: str, root: Path, *, sides: Mapping[str, Sequence[str]], told: Mapping[str, str], force: bool = False,
    exclude: Mapping[str, Sequence[str]] | None = None,
) -> Path:  # fmt: skip
    """Pin what the globs of `sides` (of `data.SIDES`) find below `root`/`name`, without the files that are to be left
    out of a side (`exclude`); returns the file written.

    `told` has FIELDS. Raises BenchError, and writes nothing, where the name is unfit, or taken unless `force`, a side
    finds nothing, or low and reference do not pair. A specification that was not made here is not replaced.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BenchError(f"A dataset's name is small letters, digits and underscores, such as my_walks, not '{name}'.")
    path = data.SPECS / f"{name}.toml"
    roles = [role for role in get_args(data.Role) if role != "demo"]
    if told["role"] not in roles:
        raise unknown_name("role", told["role"], roles)
    if path.exists() and not path.read_bytes().startswith(OWN.encode()):
        raise BenchError(f"There is a dataset {name} already, {path}, which bench data add did not make.")
    if path.exists() and not force:
        raise BenchError(f"There is a dataset {name} already, {path}: --force replaces it.")
    folder = root / name
    if not folder.is_dir():
        raise BenchError(f"There is no folder {folder}: datasets lie below the data root, put the photographs there.")
    lines = [f"{field} = {_quoted(told[field])}" for field in FIELDS]
    for side, globs in sides.items():
        away = (exclude or {}).get(side, ())
        files = _found(folder, globs, {folder / one for one in away})
        lines += ["", f"[{side}]", f"globs = [{', '.join(map(_quoted, globs))}]"]
        lines += [f"exclude = [{', '.join(map(_quoted, away))}]"] if away else []
        lines += [f"count = {len(files)}", f"digest = {_quoted(files_digest(folder, files))}"]
    text = OWN + "\n".join([*lines, ""])
    try:
        data.specs()[name] = data.Spec.model_validate(tomllib.loads(text))  # until it is checked, in memory alone
        data.resolve(name, root)
        write_text(path, text)
    finally:
        data.specs.cache_clear()
    return path


def _found(folder: Path, globs: Sequence[str], away: Collection[Path]) -> tuple[Path, ...]:
    try:
        found = {file for glob in globs for file in folder.glob(glob) if file.is_file()}
        files = sorted(file for file in found if file not in away and not in_hidden(file, folder))
    except (ValueError, NotImplementedError) as error:  # nothing, or an absolute path
        raise BenchError(f"{' or '.join(globs)} is no pattern of files below {folder}: {error}") from error
    if not files:
        raise BenchError(f"{' or '.join(globs)} finds no file in {folder}.")
    if strange := next((file for file in files if file.suffix.lower() not in FORMATS), None):
        raise BenchError(f"{strange} is no photograph: give patterns that end in .jpg, .png and the like.")
    return tuple(files)


def _quoted(text: str) -> str:
    """A TOML basic string, which JSON's are, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")
