"""The progress display of a training run."""

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


class TrainingBar:
    """Share done, step, losses, images a second."""

    def __init__(self, config: "RunConfig") -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        from commands.console import OUT

        columns = (TaskProgressColumn(), BarColumn(24), TimeElapsedColumn(), TextColumn("{task.description}"))
        self.progress = Progress(*columns, console=OUT)
        self.task = self.progress.add_task(f"{config.variant}: starting", total=1.0)

    def __enter__(self) -> "TrainingBar":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, report: "Report") -> None:
        """Draw the newest report."""
        losses = "  ".join(f"{SHORT.get(name, name)} {value:.2f}" for name, value in report.losses.items())
        told = f"epoch {report.epoch} step {report.step}  {losses}  {report.images_per_second:.1f} images/s"
        self.progress.update(self.task, completed=report.done, description=told)
