"""The options that every `bench train METHOD` has, declared once."""

from pathlib import Path
from typing import Annotated

import typer

Low = Annotated[list[str] | None, typer.Option("--low", help="Low-light side: dataset or folder; repeatable.")]
Normal = Annotated[list[str] | None, typer.Option("--normal", help="Normal-light side, likewise.")]
PresetName = Annotated[str | None, typer.Option("--preset", help="paper, fast, smoke; fast unless there is no data.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Passes over the longer side (paper: 200).")]
Minutes = Annotated[float | None, typer.Option("--minutes", help="End after so many minutes instead.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Pictures a step.")]
Crop = Annotated[int | None, typer.Option("--crop", help="Side of the crops, pixels.")]
SmallestScale = Annotated[
    float | None,
    typer.Option("--smallest-scale", help="Shrink photographs before they are cropped, by a factor from here on."),
]
LargestScale = Annotated[
    float | None, typer.Option("--largest-scale", help="The largest such factor; 1 without. Below 1: always shrink.")
]
BrightInputs = Annotated[
    float | None,
    typer.Option(
        "--bright-inputs",
        help="Share of normal-light photographs among the inputs: bright ones should stay.",
    ),
]
Darkening = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--darkening", metavar="LEAST MOST", help="Half of the inputs are divided by a number between these two."
    ),
]
LearningRate = Annotated[float | None, typer.Option("--learning-rate", help="Of Adam.")]
Snapshots = Annotated[
    bool | None,
    typer.Option(
        "--snapshots/--no-snapshots",
        help="Keep the generator at each look at the probe, for bench publish RUN@STEP.",
    ),
]
Pairing = Annotated[str | None, typer.Option("--pairing", help="fixed, as EnlightenGAN's authors do, or random.")]
Precision = Annotated[str | None, typer.Option("--precision", help="auto, float32, bfloat16.")]
Features = Annotated[str | None, typer.Option("--features", help="vgg16, vgg19-distilled, random.")]
FeatureWeights = Annotated[Path | None, typer.Option("--feature-weights", help="Weights file of the features.")]
Accumulate = Annotated[
    int | None, typer.Option("--accumulate", help="Work through each batch in so many parts: less memory.")
]
Checkpointing = Annotated[
    bool, typer.Option("--checkpointing", help="Compute activations twice instead of keeping them: less memory.")
]
Devices = Annotated[int | None, typer.Option("--devices", help="Processes that share every batch, a device each.")]
BatchNorm = Annotated[
    str | None,
    typer.Option(
        "--batch-norm",
        help="With several devices: synchronised (default) or per-device; frozen: keep the statistics of --init-from.",
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Of weights, crops and order.")]
InitFrom = Annotated[
    Path | None,
    typer.Option(
        "--init-from",
        help="Start from this generator, ours or a published file, or RUN@STEP; or from a run (ID or name), with all "
        "networks and optimisers of its last state.",
    ),
]
RefinedFrom = Annotated[
    Path | None,
    typer.Option("--init-from", help="The generator to refine: a weights file, or that of a run; RUN or RUN@STEP."),
]
AdaptedFrom = Annotated[
    Path | None,
    typer.Option(
        "--init-from",
        help="Start from this generator: a file, ours or published, or RUN or RUN@STEP; else from scratch.",
    ),
]
Teacher = Annotated[
    Path | None,
    typer.Option("--teacher", help="Likewise the generator that tells what is wanted; that of --init-from without it."),
]
Noise = Annotated[
    float | None, typer.Option("--noise", help="Most noise of inputs, a standard deviation in levels of 255.")
]
Huber = Annotated[
    float | None,
    typer.Option("--huber", help="Differences of values, of 1, below this count by their square; 0: none."),
]
Structure = Annotated[
    float | None,
    typer.Option("--structure", help="Weight of the structure of crops beside the distance of their values."),
]
Statistics = Annotated[
    float | None,
    typer.Option(
        "--statistics",
        help="Weight of how strong and grained the texture of crops is, of their whole squares of 64 pixels.",
    ),
]
Looks = Annotated[
    float | None,
    typer.Option("--looks", help="Weight of what small copies of whole photographs teach, as many as crops; 0: none."),
]
Keeps = Annotated[
    float | None,
    typer.Option(
        "--keeps", help="Weight of small copies of dark photographs, wanted as the teacher has them; 0: none."
    ),
]
TeacherSees = Annotated[
    str | None,
    typer.Option(
        "--teacher-sees", help="whole: crops are taught by what the guided form makes of whole photographs; or crop."
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        help="Leave out: attention, local-discriminator, perceptual, darkening, relativistic; repeatable.",
    ),
]
Key = Annotated[
    bool,
    typer.Option("--key", help="The generator sees how light the whole photograph is, in the place of attention."),
]
RefinePreset = Annotated[str | None, typer.Option("--preset", help="fast or smoke; fast unless there is no data.")]
Resume = Annotated[
    str | None, typer.Option("--resume", help="Continue this interrupted run (its MLflow run ID or name).")
]
Name = Annotated[str | None, typer.Option("--name", help="Name of the run in MLflow.")]
