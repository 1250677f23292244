"""Which weights a learned method gets when none are given."""

from pathlib import Path

from bench.errors import MissingWeightsError
from bench.tracking import newest_weights

SHIPPED = Path(__file__).resolve().parent.parent / "weights"


def find_weights(variant: str, tracking_uri: str | None = None) -> tuple[Path, str]:
    """The weights of `variant` and where they come from, in words.

    The newest finished `fast` or `paper` run in the store at `tracking_uri`, else those shipped with the project.
    Raises MissingWeightsError.
    """
    found = newest_weights(variant, tracking_uri)
    if found is not None:
        return found
    shipped = SHIPPED / f"{variant}.safetensors"
    if shipped.is_file():
        return shipped, "shipped with the project"
    method, *left_out = variant.split("_no_")
    options = "".join(f" --without {part.replace('_', '-')}" for part in left_out)
    raise MissingWeightsError(
        f"There are no weights for {variant}: train it (bench train {method}{options} --preset fast), give a file "
        f"(--weights FILE to enhance, --checkpoint {variant}=FILE to evaluate) or use --method clahe."
    )
