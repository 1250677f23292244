import sys

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
