"""A run of a bare machine is continued with the settings that it began with, which its `run.jsonl` tells."""

import ast
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from enlightengan.build import CONFIGS, features_used, restored
from enlightengan.checkpoint import has_state
from enlightengan.log import read_facts, read_parameters
from enlightengan.run_config import RunConfig


def kept_config(folder: Path) -> RunConfig:
    """The configuration of the run in `folder`. Raises BenchError where none is told."""
    told = read_parameters(folder, torn=True)
    if "method" not in told:
        raise BenchError(f"{folder} does not tell its settings, which a continued run keeps: train anew elsewhere.")
    kinds = {field.name: field.type for field in fields(CONFIGS.get(told["method"], RunConfig))}
    try:
        settings = {
            name: told[name] if kind is str else ast.literal_eval(told[name])
            for name, kind in kinds.items() if name in told
        }  # fmt: skip
    except (SyntaxError, ValueError) as error:
        raise BenchError(f"The settings in {folder / 'run.jsonl'} are damaged: {error}.") from error
    return restored(told["method"], settings)


def check_continued(
    folder: Path, config: RunConfig, given: Mapping[str, Any], *, began: Mapping[str, str], weights: Path | None
) -> None:
    """Raises BenchError where what is `given` is not as in `config`, or the files are not those the run began with."""
    settings = {name: value for name, value in given.items() if value is not None}
    _refuse_another(folder, {"method": config.method}, {"method": settings.pop("method")})
    _refuse_another(folder, vars(config), vars(replace(config, **settings)))
    used = {"features_used": features_used(config, weights)}
    _refuse_another(folder, used | read_parameters(folder, torn=True), used)
    if not began and has_state(folder / "states"):
        return
    facts = read_facts(folder, torn=True)
    roles = (("begun_from", "began from", "--init-from"), ("taught_by", "is taught by", "--teacher"))
    for key, does, option in roles:
        if began.get(key) != facts.get(key):
            told = facts.get(key)
            what = f"{told}: give its file with {option}" if told else f"no weights: leave {option} out"
            raise BenchError(f"The run in {folder} {does} {what}.")


def _refuse_another(folder: Path, kept: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if value != kept[name]:
            what = f"{name.replace('_', ' ')} {_told(kept[name])}, not {_told(value)}"
            raise BenchError(f"A continued run keeps its own settings: the one in {folder} began with {what}.")


def _told(value: Any) -> str:
    if value is None or value == ():
        return "none"
    return " and ".join(map(str, value)) if isinstance(value, tuple) else str(value)
