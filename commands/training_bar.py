"""The progress display of a training run."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enlightengan.run_config import RunConfig
    from enlightengan.train import Report

SHORT = {
    "global_discriminator": "D", "local_discriminator": "D local", "generator_adversarial": "G",
    "self_feature_preserving": "SFP", "normal_discriminator": "D normal", "low_discriminator": "D low",
    "spatial_consistency": "spatial", "exposure_control": "exposure", "colour_constancy": "colour",
    "illumination_smoothness": "smooth",
}  # fmt: skip
EVERY = 60.0  # seconds between the lines where there is no terminal to draw on


class TrainingBar:
    """Share done, step, losses, images a second: a bar on a terminal, elsewhere a line a minute and the last one."""

    def __init__(self, config: "RunConfig") -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        from commands.console import OUT

        columns = (TaskProgressColumn(), BarColumn(24), TimeElapsedColumn(), TextColumn("{task.description}"))
        self.drawn = OUT.is_terminal
        self.progress = Progress(*columns, console=OUT, disable=not self.drawn)
        self.task = self.progress.add_task(f"{config.variant}: starting", total=1.0)
        self.said, self.unsaid = time.monotonic(), ""

    def __enter__(self) -> "TrainingBar":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
        self._say()

    def show(self, report: "Report") -> None:
        """Draw or tell the newest report."""
        losses = "  ".join(f"{SHORT.get(name, name)} {value:.2f}" for name, value in report.losses.items())
        told = f"epoch {report.epoch} step {report.step}  {losses}  {report.images_per_second:.1f} images/s"
        self.progress.update(self.task, completed=report.done, description=told)
        if self.drawn:
            return
        self.unsaid = f"{report.done:4.0%}  {told}"
        if time.monotonic() - self.said >= EVERY:
            self._say()

    def _say(self) -> None:
        from commands.console import say

        if self.unsaid:
            say(self.unsaid)
            self.said, self.unsaid = time.monotonic(), ""
