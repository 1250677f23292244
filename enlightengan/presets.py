"""The presets of everything that can be trained, and what `paper` cannot have as its authors had it. No torch here."""

from collections.abc import Mapping

from enlightengan.config import PRESETS as ENLIGHTENGAN_PRESETS
from enlightengan.config import REFINE_PRESETS, RefineConfig, TrainConfig, departures
from enlightengan.rivals import CYCLEGAN_PRESETS, ZERO_DCE_PRESETS, rival_departures
from enlightengan.run_config import RunConfig

PRESETS: dict[str, Mapping[str, RunConfig]] = {
    "enlightengan": ENLIGHTENGAN_PRESETS,
    "zero_dce": ZERO_DCE_PRESETS,
    "cyclegan": CYCLEGAN_PRESETS,
    "refine": REFINE_PRESETS,
}


def all_departures(config: RunConfig, features_used: str) -> list[str]:
    """What the `paper` preset of any method has otherwise than its authors, in sentences; refinement has no authors."""
    if isinstance(config, RefineConfig):
        return []
    return departures(config, features_used) if isinstance(config, TrainConfig) else rival_departures(config)
