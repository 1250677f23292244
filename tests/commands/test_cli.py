import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import cli
from bench.errors import BenchError
from bench.metrics import known_metrics
from methods import METHODS

BENCH = Path(sys.executable).with_name("bench")


def command_lines(command, words=()):
    """The words of every command and group below `command`."""
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from command_lines(below, (*words, name))


COMMANDS = list(command_lines(typer.main.get_command(cli.app)))


def installed(*words, cwd):
    return subprocess.run([BENCH, *words], check=False, capture_output=True, text=True, cwd=cwd)


def test_the_commands_are_those_of_the_manual():
    told = {" ".join(words) for words in COMMANDS}
    wanted = {"demo", "train enlightengan", "evaluate", "report", "data list", "data verify", "data darken", "methods"}
    wanted |= {f"study {name}" for name in ("new", "serve", "import", "rank", "simulate")}
    assert wanted | {"metrics", "ui"} <= told


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(words, flag):
    told = CliRunner().invoke(cli.app, [*words, flag])
    assert told.exit_code == 0
    assert f"Usage: bench {' '.join(words)}".strip() in told.output
    options = [line for line in told.output.splitlines() if line.startswith("  -")]
    assert all(len(line.split(maxsplit=2)) == 3 for line in options), "an option without a word of help"


def test_the_version_is_that_of_the_project(bench):
    with Path("pyproject.toml").open("rb") as file:
        told = tomllib.load(file)["project"]["version"]
    assert bench("--version")[:2] == (0, f"bench {told}\n")


def test_without_a_command_the_help_is_shown(bench):
    code, out, err = bench()
    assert code == 2
    assert "evaluate" in out + err


@pytest.mark.parametrize(
    "words", [("evaluate", "--colour", "red"), ("evaluat",), ("evaluate", "--workers", "many"), ("data", "darken")]
)
def test_a_wrong_command_line_exits_with_2(bench, words):
    code, _, err = bench(*words)
    assert code == 2
    assert err.startswith("Usage: ")
    assert "Traceback" not in err


def test_an_interrupt_is_one_sentence(bench, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.data.specs", interrupted)  # inside a command, as a person's Ctrl-C comes
    told = "Interrupted. What was finished is kept; --resume continues a training run.\n"
    assert bench("data", "list") == (130, "", told)


def test_an_error_is_one_sentence_and_a_bug_is_not_hidden(bench, monkeypatch):
    def wrong():
        raise BenchError("The lens cap is on.")

    monkeypatch.setattr(cli, "app", wrong)
    assert bench() == (1, "", "Error: The lens cap is on.\n")
    monkeypatch.setattr(cli, "app", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bench()


def test_the_installed_command_exits_with_1_and_one_sentence(workplace):
    told = installed("evaluate", "--method", "clahee", cwd=workplace)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "Error: There is no method named 'clahee': did you mean clahe?\n"
    assert list(workplace.iterdir()) == []


def test_the_installed_command_exits_with_2_on_a_wrong_option(workplace):
    told = installed("evaluate", "--colour", "red", cwd=workplace)
    assert told.returncode == 2
    assert "No such option: --colour" in told.stderr


def test_without_options_runs_lie_below_the_current_directory(workplace):
    told = installed("report", cwd=workplace)
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith("Error: Nothing has been evaluated yet: run bench evaluate first")
    assert "Traceback" not in told.stderr
    assert (workplace / "runs/mlflow.db").stat().st_size > 0


def entries(out, names):
    """What is printed of each name: from the line that starts with it to the next one's."""
    found, name = {}, None
    for line in out.strip().splitlines():
        name = line.strip() if line.strip() in names else name
        found[name] = f"{found.get(name, '')} {line.strip()}"
    return found


def test_methods_are_all_listed_with_their_cards(bench, workplace, monkeypatch):
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    code, out, _ = bench("methods")
    assert code == 0
    told = entries(out, set(METHODS))
    assert told.keys() == set(METHODS)
    for name, text in told.items():
        card = METHODS.card(name)
        assert all(word in text for word in (card.title, card.family, str(card.year or ""), *card.trust.split()))
        assert ("There are no weights for" in text) == card.learned


def test_metrics_are_all_listed_with_their_directions_and_digests(bench):
    code, out, _ = bench("metrics")
    assert code == 0
    told = entries(out, set(known_metrics()))
    assert told.keys() == set(known_metrics())
    for name, metric in known_metrics().items():
        assert metric.digest in told[name]
        assert metric.direction in told[name].replace("Lower", "lower").replace("Higher", "higher").replace(
            "A d", "a d"
        )
    assert "musiq" in out and "cannot be had offline: musiq_koniq_ckpt-e95806b9.pth" in out
