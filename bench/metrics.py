"""The metrics. Every name of pyiqa that scores one picture works; ours register themselves below.

A metric scores a picture after it was rounded to 8 bits, so a number here equals the number of the saved file.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

from bench import diagnostics, fidelity, halo, iqa, loe, niqe
from bench.errors import BenchError, unknown_name
from bench.iqa import Scorer

PRISTINE = Path(__file__).parent / "niqe_pristine" / "niqe_pristine.mat"
OF_SETS = ("FID", "InceptionScore")  # pyiqa's types


@dataclass(frozen=True)
class Metric:
    """A metric: its direction, whether it needs a reference, which variant it is, and how to load its function."""

    name: str
    lower_is_better: bool
    needs_reference: bool
    variant: str
    """Implementation, colour conversion and parameters, in words."""
    load: Callable[[], Scorer]
    parameters: str = ""
    """Digest of the parameter file, if it has one."""
    needs_input: bool = False
    """Compares with the low-light input, which then takes the place of the reference."""
    diagnostic: bool = False
    """Describes a picture: neither direction is better, whatever `lower_is_better` says."""

    @property
    def digest(self) -> str:
        """16 hex digits that change with the variant or the parameters."""
        return hashlib.sha256(f"{self.name}|{self.variant}|{self.parameters}".encode()).hexdigest()[:16]

    @property
    def direction(self) -> str:
        """`lower is better` or `higher is better`, or that neither is."""
        if self.diagnostic:
            return "a diagnostic, neither direction is better"
        return "lower is better" if self.lower_is_better else "higher is better"


def _through_pyiqa() -> list[Metric]:
    def plain(name: str, detail: str, *, lower: bool = False, reference: bool = False) -> Metric:
        return Metric(name, lower, reference, iqa.variant(name, detail), partial(iqa.scorer, name))

    parameters = hashlib.sha256(PRISTINE.read_bytes()).hexdigest()[:16]
    rest = "double precision as MATLAB's, original pristine parameters, blocks of 96 x 96, no border cropped"
    grey, limited = "grey as MATLAB's rgb2gray", "Y of YCbCr, 16 to 235, as BasicSR's default"
    return [
        Metric("niqe", True, False, iqa.variant("niqe's block features", f"{grey}, {rest}"),
               lambda: niqe.scorer(PRISTINE, niqe.rgb2gray), parameters),
        Metric("niqe_y", True, False, iqa.variant("niqe's block features", f"{limited}, {rest}"),
               lambda: niqe.scorer(PRISTINE, niqe.limited_luma), parameters),
        plain("piqe", "no parameters", lower=True),
        plain("entropy", "no parameters"),
        plain("psnr", "over RGB", reference=True),
        plain("ssim", "on Y of YCbCr", reference=True),
    ]  # fmt: skip


def _ours() -> list[Metric]:
    skimage = f"scikit-image {version('scikit-image')}"
    ssim = f"{skimage}, 7 x 7, mean over RGB"
    scaled = "of the result scaled to the reference's mean grey and clipped (Retinexformer's GT_mean)"

    def paired(name: str, variant: str, function: Scorer) -> Metric:
        return Metric(name, False, True, variant, lambda: function)

    def seen(name: str, variant: str, function: Scorer, *, needs_input: bool = False) -> Metric:
        return Metric(name, False, False, variant, lambda: function, needs_input=needs_input, diagnostic=True)

    return [
        Metric("loe", True, False, "100 x 100 samples, lightness max(R, G, B)", lambda: loe.score, needs_input=True),
        Metric("halo", True, False, "surround of lamps against background, stops from 0, luma", lambda: halo.score,
               needs_input=True),
        paired("ssim_rgb", ssim, fidelity.ssim_rgb),
        paired("psnr_gtmean", f"{skimage} over RGB, {scaled}", fidelity.psnr_gtmean),
        paired("ssim_gtmean", f"{ssim}, {scaled}", fidelity.ssim_gtmean),
        seen("colourfulness", "M3 of Hasler and Suesstrunk 2003, on 0 to 255", diagnostics.colourfulness),
        seen("mean_brightness", "mean over RGB, 0 to 255", diagnostics.mean_brightness),
        seen("clipped_dark", "share of pixels whose three channels are 0", diagnostics.clipped_dark),
        seen("clipped_bright", "share of pixels of which a channel is 255", diagnostics.clipped_bright),
        seen("dark_noise", "deviation of luma, 0 to 255, by Immerkaer's mask and the median, in the smoother half of "
             "the input's darkest quarter", diagnostics.dark_noise, needs_input=True),
    ]  # fmt: skip


def known_metrics() -> dict[str, Metric]:
    """The metrics that need no download, by name; found without importing pyiqa."""
    return dict(_all_known())


def _known() -> dict[str, Metric]:
    return {metric.name: metric for metric in (*_through_pyiqa(), *_ours())}


@cache
def _all_known() -> dict[str, Metric]:
    return _known()


@cache
def get_metric(name: str) -> Metric:
    """The metric called `name`: one of ours, else pyiqa's of that name with pyiqa's defaults. Raises BenchError.

    Answers without importing pyiqa; the scorer imports it.
    """
    known = _all_known()
    if name in known:
        return known[name]
    if name not in iqa.settings():
        raise unknown_name("metric", name, {*iqa.settings(), *known})
    chosen = iqa.settings()[name]
    if chosen["metric_opts"]["type"] in OF_SETS:
        raise BenchError(f"{name} compares whole sets of pictures, and bench scores each picture: choose another.")
    files = ", ".join(Path(file).name for file in iqa.WEIGHTS.get(name, ()))
    return Metric(
        name, chosen.get("lower_better", False), chosen["metric_mode"] == "FR",
        iqa.variant(name, f"defaults, {files}" if files else "defaults"), partial(iqa.scorer, name, downloads=True),
    )  # fmt: skip
