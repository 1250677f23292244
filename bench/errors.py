"""The one error that people see: a sentence that says what is wrong and what to do next."""

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """What the user can mend. `cli.main` prints it as one sentence and exits with 1; anything else is a bug."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class UnknownNameError(BenchError, KeyError):
    """A name that nothing is registered under."""


class MissingWeightsError(BenchError):
    """A learned method was asked for, and there are no weights for it."""


class MissingScoresError(BenchError):
    """Some photographs have no score; all others have, and theirs are kept."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that nothing is registered under, with the closest names as suggestions."""
    names = sorted(known)
    folded: dict[str, list[str]] = {}
    for one in names:
        folded.setdefault(one.casefold(), []).append(one)
    close = [one for match in difflib.get_close_matches(name.casefold(), folded, n=3) for one in folded[match]]
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    else:
        hint = f"there are: {', '.join(names)}." if names else "there is none."
    return UnknownNameError(f"There is no {kind} named '{name}': {hint}")
