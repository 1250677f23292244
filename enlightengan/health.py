"""How a run fares, seen while it runs: losses and health into the log, and a word when training has stopped teaching.

The rules. A loss that is not finite ends the run. A discriminator whose loss stays below COLLAPSED for COLLAPSE_WINDOW
steps ends it, too: its gradient has vanished. A discriminator that has judged at least WON of its logits rightly at
every look for WON_WINDOW steps has won for now; that is said once, and the run goes on, for balance may come back.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bench.errors import BenchError
from enlightengan.log import RunLog

LOG_EVERY = 10  # steps between two looks at the losses, each of which waits for the device
COLLAPSED = 1e-3
COLLAPSE_WINDOW = 300  # steps
WON = 0.95
WON_WINDOW = 500  # steps


class Health:
    """Takes what each step tells, logs it every LOG_EVERY steps and applies the rules above."""

    def __init__(self, log: RunLog) -> None:
        self.log = log
        self.losses: dict[str, float] = {}
        """Means since the look before."""
        self._pending: list[Mapping[str, Tensor]] = []
        self._told: list[dict[str, float]] = []
        self._recent = deque[Mapping[str, float]](maxlen=max(1, COLLAPSE_WINDOW // LOG_EVERY))
        self._sure: dict[str, int] = {}
        self._warned: set[str] = set()

    def take(self, losses: Mapping[str, Tensor]) -> None:
        """Keep the losses of a step until they are looked at."""
        self._pending.append(losses)

    def tell(self, step: int) -> None:
        """Log all losses up to `step` that are not logged yet, without looking at them."""
        if not self._pending:
            return
        names = list(self._pending[0])
        rows = _numbers([[losses[name] for name in names] for losses in self._pending])
        for number, row in enumerate(rows, start=step - len(rows) + 1):
            self.log.metrics({f"loss/{name}": value for name, value in zip(names, row, strict=True)}, number)
        self._pending.clear()
        self._told += [dict(zip(names, row, strict=True)) for row in rows]

    def look(self, step: int, *, rate: float, health: Mapping[str, Tensor]) -> None:
        """Log all losses up to `step`, the learning `rate` and `health` (see `model.TrainedModel`); apply the rules.

        Raises BenchError when training has diverged or a discriminator has collapsed.
        """
        self.tell(step)
        (values,) = _numbers([list(health.values())]) if health else [[]]
        told = dict(zip(health, values, strict=True))
        self.log.metrics({"learning_rate": rate, **told}, step)
        self.losses = {name: sum(row[name] for row in self._told) / len(self._told) for name in self._told[0]}
        self._told.clear()
        self._recent.append(self.losses)
        self._check(step)
        self._warn(told, step)

    def _check(self, step: int) -> None:
        for name, value in self.losses.items():
            if not math.isfinite(value):
                raise BenchError(f"Training diverged: {name} is {value} at step {step}. Lower --learning-rate.")
        for name in self.losses:
            full = len(self._recent) == self._recent.maxlen and name.endswith("discriminator")
            if full and max(row[name] for row in self._recent) < COLLAPSED:
                raise BenchError(
                    f"The {name.replace('_', ' ')} has won: its loss stayed below {COLLAPSED} for {COLLAPSE_WINDOW} "
                    f"steps up to step {step}, so it no longer teaches the generator. Use more normal-light "
                    "photographs of the same kind as the low-light ones, or lower --learning-rate."
                )

    def _warn(self, told: Mapping[str, float], step: int) -> None:
        for key, value in told.items():
            name = key.removeprefix("health/").removesuffix("_accuracy")
            if not key.endswith("_accuracy") or name in self._warned:
                continue
            self._sure[name] = self._sure.get(name, 0) + LOG_EVERY if value >= WON else 0
            if self._sure[name] >= WON_WINDOW:
                self._warned.add(name)
                self.log.note(
                    f"The {name} discriminator has been right on {WON:.0%} and more of what it saw for {WON_WINDOW} "
                    f"steps up to step {step}: it has won for now, and the generator learns little from it. Look at "
                    "the probe pictures; more normal-light photographs of the same kind, or a lower --learning-rate, "
                    "help."
                )


def _numbers(rows: Sequence[Sequence[Tensor]]) -> list[list[float]]:
    """The scalars' values, fetched from the device at once."""
    return torch.stack([torch.stack([value.detach().float() for value in row]) for row in rows]).tolist()
