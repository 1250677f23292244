"""From a configuration to a model in training, and from a stored configuration to its class."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from bench.errors import BenchError, unknown_name
from enlightengan.beginning import begun_from
from enlightengan.checkpoint import is_state, load_dce, load_generator, read_state
from enlightengan.config import RefineConfig, TrainConfig
from enlightengan.cyclegan import CycleGan
from enlightengan.keys import told_key
from enlightengan.model import TrainedModel
from enlightengan.networks import KEY_FLOOR, Generator
from enlightengan.perceptual import describe_features, load_features
from enlightengan.refine import Refinement
from enlightengan.rivals import CycleConfig, ZeroDceConfig
from enlightengan.run_config import RunConfig
from enlightengan.step import Model
from enlightengan.zero_dce import ZeroDce

KINDS: tuple[type[RunConfig], ...] = (TrainConfig, ZeroDceConfig, CycleConfig, RefineConfig)
C = TypeVar("C", bound=RunConfig)
CONFIGS: dict[str, type[RunConfig]] = {kind.method: kind for kind in KINDS}


def restored(method: str, stored: Mapping[str, Any]) -> RunConfig:
    """The configuration that `dataclasses.asdict` and JSON made into `stored`. Raises BenchError."""
    if method not in CONFIGS:
        raise unknown_name("method to train", method, CONFIGS)
    settings: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()
    }
    try:
        return CONFIGS[method](**settings)
    except TypeError as error:
        raise BenchError(f"The stored settings are not those of {method}: {error}") from error


def features_for(config: RunConfig, weights: Path | None) -> nn.Module | None:
    """The feature network of the perceptual loss, where `config` has one. Raises BenchError when it cannot be had."""
    if not isinstance(config, TrainConfig) or not config.perceptual:
        return None
    return load_features(config.features, weights=weights, pools=config.feature_pools, seed=config.seed)


def check_features(config: RunConfig, weights: Path | None) -> None:
    """Raises BenchError where a file of features is given to a training that has no loss for them."""
    if weights is not None and isinstance(config, TrainConfig) and not config.perceptual:
        raise BenchError("Without the perceptual loss there is no use for features: leave --feature-weights out.")


def features_used(config: RunConfig, weights: Path | None) -> str:
    """Which features `features_for` gives, in words; `none` without any."""
    if not isinstance(config, TrainConfig) or not config.perceptual:
        return "none"
    return describe_features(config.features, weights)


def build(
    config: RunConfig, *, device: torch.device, features: nn.Module | None = None, init_from: Path | None = None,
    teacher: Path | None = None, continued: bool = False,
) -> TrainedModel:  # fmt: skip
    """The model that `config` trains, from `init_from` where that is given: weights, or a whole training state.

    A refinement may have another generator's weights for its `teacher`. A `continued` run is begun from nothing: it
    takes up a state of its own afterwards. Raises BenchError when a file does not hold such networks.
    """
    model: TrainedModel
    match config:
        case TrainConfig():
            model = Model(config, features, device)
        case ZeroDceConfig():
            model = ZeroDce(config, device)
        case CycleConfig():
            model = CycleGan(config, device)
        case RefineConfig():
            model = Refinement(config, device)
        case _:
            raise unknown_name("method to train", config.method, CONFIGS)
    if continued:
        return model
    check_beginning(config, init_from, teacher)
    if init_from is not None:
        start_from(model, init_from)
    if isinstance(model, Refinement) and teacher is not None:
        model.begun_from = begun_from(init_from, teacher)
        model.take_teacher(load_generator(teacher)[0])
    return model


def with_key_of(config: C, init_from: Path | None) -> C:
    """`config`, by which the generator sees the key where that in `init_from` does. Raises BenchError."""
    if init_from is None or not isinstance(config, TrainConfig | RefineConfig) or config.key:
        return config
    if is_state(init_from):
        sees = KEY_FLOOR in read_state(init_from)["networks"].get("generator", ())
    else:
        sees = load_generator(init_from)[0].key
    return replace(config, key=True) if sees else config


def check_beginning(config: RunConfig, init_from: Path | None, teacher: Path | None = None) -> None:
    """Raises BenchError, before anything is written, where `config` cannot begin from nothing or from a file of that
    kind, or a refinement not from that file or be taught by that one. What else does not fit `start_from` tells."""
    if isinstance(config, RefineConfig):
        if init_from is None:
            raise BenchError("A refinement needs the generator that it refines: give it with --init-from.")
        for file, does in ((init_from, "is refined"), *([(teacher, "teaches")] if teacher else [])):
            if is_state(file):
                raise BenchError(f"{file} is a training state: only a generator {does}, give its weights file.")
            generator, metadata = load_generator(file)
            variant = metadata.get("variant", config.variant)
            if not (generator.attention and generator.align_corners):
                lacking = "align_corners" if generator.attention else "attention"
                raise BenchError(f"{file} was trained without {lacking}, which no generator is that {does}.")
            if generator.key and config.teacher_sees == "crop":
                raise BenchError(f"{file} sees the key, which crops do not have: it {does} with --teacher-sees whole.")
            if variant != config.variant:
                raise BenchError(f"{file} holds {variant}: only a generator of the whole {config.variant} {does}.")
    elif teacher is not None:
        raise BenchError("Only a refinement has a teacher.")
    elif init_from is None and config.batch_norm == "frozen":
        raise BenchError("Without --init-from there are no statistics yet that --batch-norm frozen could keep.")
    elif init_from is not None and not is_state(init_from):
        _ = load_dce(init_from) if isinstance(config, ZeroDceConfig) else load_generator(init_from)


def start_from(model: TrainedModel, path: Path) -> None:
    """Give `model` the generator in `path`, ours or the authors'; from a training state all networks and optimisers.

    Frozen statistics are those of the state's averaged generator, for its last ones are of a few batches. Raises
    BenchError when it is of another kind.
    """
    model.begun_from = begun_from(path)
    if isinstance(model, CycleGan) and model.config.batch_norm == "frozen" and not is_state(path):
        raise BenchError(f"{path} holds no statistics of CycleGAN's other generator: freeze those of a whole state.")
    if is_state(path):
        try:
            state = read_state(path)
            if state.get("method") == RefineConfig.method:
                raise BenchError(f"{path} is of a refinement, which has no discriminators: give its weights file.")
            model.restore_networks(state)
            if model.config.batch_norm == "frozen":
                kept = {key: value for key, value in state["ema"].items() if ".running_" in key}
                model.generator.load_state_dict(kept, strict=False)
        except (RuntimeError, KeyError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise BenchError(f"{path} is not a training state of {model.config.variant}: {reason}") from error
    elif isinstance(model.generator, Generator):
        found, _ = load_generator(path)
        if found.attention != model.generator.attention:
            has = "with" if found.attention else "without"
            raise BenchError(f"{path} was trained {has} attention, this run is not: choose --without accordingly.")
        if found.align_corners != model.generator.align_corners:
            raise BenchError(f"{path} was trained with align_corners {found.align_corners}, this run is not.")
        if found.key and not model.generator.key:
            raise BenchError(f"{path} sees the key, this run does not: its key must be True.")
        told = found if found.key or not model.generator.key else told_key(found)
        model.generator.load_state_dict(told.state_dict())
        if isinstance(model, Refinement):
            model.take_teacher(found)
    else:
        model.generator.load_state_dict(load_dce(path)[0].state_dict())
