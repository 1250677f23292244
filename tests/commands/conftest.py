import sys
from dataclasses import replace
from functools import partial

import pytest

import cli


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr("bench.iqa.online", lambda: False)


@pytest.fixture
def bench(monkeypatch, capsys):
    """Runs a command line as `bench` does; gives exit status, standard output and standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def fails(bench):
    """Runs a command line that must end with 1 and one sentence; gives the sentence."""

    def run(*words):
        code, _, err = bench(*words)
        assert code == 1, err
        assert err.startswith("Error: ")
        assert err.count("\n") == 1
        return err.removeprefix("Error: ").strip()

    return run


@pytest.fixture
def brief(monkeypatch, narrow):
    """Presets of two steps on small crops, small probe pictures, a cheap stand-in for the probe's NIQE."""
    from enlightengan import config, train
    from enlightengan.probe import Probe

    for name in ("fast", "smoke"):
        tiny = replace(config.PRESETS[name], minutes=None, max_steps=2, crop=48, batch_size=2, features="random")
        monkeypatch.setitem(config.PRESETS, name, tiny)
    monkeypatch.setattr(train, "Probe", partial(Probe, size=(32, 48), count=2))
    monkeypatch.setattr("commands.training._probe_niqe", lambda: lambda pictures: {"niqe": float(len(pictures))})


@pytest.fixture
def sides(workplace, photograph):
    """The words that name three dark and three bright photographs."""
    for seed in range(3):
        photograph(workplace / f"dark/{seed}.png", seed=seed, size=(60, 64), high=50)
        photograph(workplace / f"bright/{seed}.png", seed=seed, size=(60, 64), low=100)
    return ("--low", "dark", "--normal", "bright")
