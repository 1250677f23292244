"""What a method's training costs: the argument for one path instead of two, measured in every run."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils.flop_counter import FlopCounterMode

from enlightengan import group
from enlightengan.batch import Batch
from enlightengan.log import RunLog
from enlightengan.model import TrainedModel

WARM_UP = 3  # steps, of this process, that are not timed


class Cost:
    """Counts the first step of a process, times those after the warm-up and logs both."""

    def __init__(self, model: TrainedModel) -> None:
        self.model = model
        self.counted: dict[str, float] = {}
        self._steps, self._since, self._aside = 0, 0.0, 0.0

    def step(self, batch: Batch, *, precision: str) -> dict[str, torch.Tensor]:
        """`model.step`, watched."""
        if not self._steps:
            with FlopCounterMode(display=False) as counter:
                losses = self.model.step(batch, precision=precision)
            own = batch.parts(group.size())[group.rank()]
            # The counter takes a multiply-accumulate for two operations.
            self.counted["cost/gmac_per_sample"] = counter.get_total_flops() / 2 / len(own.low) / 1e9
        else:
            losses = self.model.step(batch, precision=precision)
        self._steps += 1
        if self._steps == WARM_UP:
            self._wait()
            self._since = time.monotonic()
        return losses

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is done meanwhile belongs to no step: its time does not count."""
        self._wait()
        begun = time.monotonic()
        yield
        if self._steps >= WARM_UP:
            self._aside += time.monotonic() - begun

    def tell(self, log: RunLog, step: int) -> None:
        """Log seconds a step (once some were timed), peak memory in MiB, parameters, multiply-accumulates a sample.

        Memory is the device's for CUDA, else that of the whole process with its photographs.
        """
        parameters = sum(p.numel() for network in self.model.networks().values() for p in network.parameters())
        told = self.counted | {"cost/parameters": float(parameters), "cost/peak_memory_mib": self._peak()}
        if self._steps > WARM_UP:
            self._wait()
            told["cost/seconds_per_step"] = (time.monotonic() - self._since - self._aside) / (self._steps - WARM_UP)
        log.metrics(told, step)

    def _wait(self) -> None:
        if self.model.device.type == "cuda":
            torch.cuda.synchronize(self.model.device)

    def _peak(self) -> float:
        if self.model.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.model.device) / 2**20
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
