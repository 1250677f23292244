"""A learned method as an ONNX file that takes any batch, height and width, with the padding inside the graph.

The graph maps float32 RGB (B, 3, H, W) in [0, 1] to the same. It is compared with torch by ONNX Runtime before the file
gets its name. Of a guided method it is that of `enlightengan.export_guided` around the network's.
"""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.images import beside
from enlightengan.enhancer import LearnedEnhancer, TrainedEnhancer
from enlightengan.guided import GuidedEnhancer
from enlightengan.networks import FLOOR, LUMA, STRIDE, Generator, Whole, attention_map

TOLERANCE = 1e-4
CHECKED = ((1, 1, 1), (1, 5, 40), (2, 33, 17), (3, 64, 48), (1, 90, 123), (1, 150, 290))
"""(batch, height, width) that the file is compared at."""
OPSET = 18
MOST = 1 << 12  # of a batch, and of the steps of 16 pixels a side
MISSING = "ONNX is not installed: install the extra, for example with pip install --editable '.[onnx]'."


PAD = """
    {name}_size = Shape<start={axis}, end={beyond}>(image)
    {name}_rest = Mod({name}_size, sixteen)
    {name}_lacking = Sub(sixteen, {name}_rest)
    {name}_extra = Mod({name}_lacking, sixteen)
    {name}_before = Div({name}_extra, two)
    {name}_after = Sub({name}_extra, {name}_before)
    {name}_sum = Add({name}_size, {name}_extra)
    {name}_total = Squeeze({name}_sum)
    {name}_range = Range(zero, {name}_total, step)
    {name}_place = Sub({name}_range, {name}_before)
    {name}_last = Sub({name}_size, one)
    {name}_folded = Abs({name}_place)
    {name}_behind = Sub({name}_last, {name}_folded)
    {name}_distance = Abs({name}_behind)
    {name}_mirrored = Sub({name}_last, {name}_distance)
    {name}_raised = Max({name}_place, zero)
    {name}_repeated = Min({name}_raised, {name}_last)
    {name}_short = GreaterOrEqual({name}_after, {name}_size)
    {name}_index = Where({name}_short, {name}_repeated, {name}_mirrored)
    {output} = Gather<axis={axis}>({input}, {name}_index)
"""
"""One axis of `networks.pad_to_stride` in ONNX's text: mirrored, or repeated where the axis is too short to mirror."""
CROP = """
    {name}_length = Squeeze({name}_size)
    {name}_own = Range(zero, {name}_length, step)
    {name}_inside = Add({name}_own, {name}_before)
    {output} = Gather<axis={axis}>({input}, {name}_inside)
"""
NUMBERS = """
    zero = Constant<value_int = 0>()
    step = Constant<value_int = 1>()
    one = Constant<value_ints = [1]>()
    two = Constant<value_ints = [2]>()
    sixteen = Constant<value_ints = [16]>()
"""


KEY = """
    luma_weights = Constant<value = float[1, 3, 1, 1] {{{weights}}}>()
    floor = Constant<value_float = {floor}>()
    whole_scale = Constant<value_float = {scale}>()
    weighed = Mul(image, luma_weights)
    channels = Constant<value_ints = [1]>()
    luma = ReduceSum(weighed, channels)
    raised = Add(luma, floor)
    logarithm = Log(raised)
    places = Constant<value_ints = [2, 3]>()
    mean_light = ReduceMean(logarithm, places)
    key = Mul(mean_light, whole_scale)
"""
"""`networks.key_of` of values in [0, 1]."""


class Core(nn.Module):
    """The generator between its padding and its cropping: (B, 3, 16 h, 16 w) in [0, 1], and the key where it sees one,
    to (B, 3, 16 h, 16 w) in [0, 1]."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, padded: Tensor, key: Tensor | None = None) -> Tensor:
        x = padded * 2 - 1
        attention = attention_map(x) if self.generator.attention else None
        enhanced, _ = self.generator.unet(x, attention, Whole(self.generator.align_corners), key)
        return ((enhanced + 1) / 2).clamp(0, 1)


def export(enhancer: nn.Module, path: Path, told: Mapping[str, str] | None = None) -> float:
    """Write `enhancer` to `path` and return the largest deviation from torch over the sizes of CHECKED.

    The file's metadata has the digest of the weights, the range of its values, and what else is `told`.
    Raises BenchError, and leaves no file, when the extra `onnx` is missing, when it has no network, or the deviation
    exceeds TOLERANCE.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise BenchError(MISSING) from error
    with beside(path) as partial:
        try:
            model = graph_of(enhancer)
            onnx.helper.set_model_props(
                model, {**(told or {}), "checkpoint": enhancer.checkpoint, "range": "RGB in [0, 1]"}
            )
            onnx.checker.check_model(model)
            onnx.save(model, str(partial))
            apart = deviation(enhancer, partial)
            if not apart <= TOLERANCE:
                raise BenchError(f"The exported graph differs from torch by {apart:.2g}, more than {TOLERANCE:g}.")
        except Exception:
            partial.unlink(missing_ok=True)
            raise
    return apart


def network_of(enhancer: nn.Module) -> TrainedEnhancer:
    """The network that `enhancer` is, or sees a photograph through. Raises BenchError where there is none."""
    network = enhancer.base if isinstance(enhancer, GuidedEnhancer) else enhancer
    if not isinstance(network, TrainedEnhancer):
        raise BenchError(
            "ONNX is written of what has a network of enlightengan.enhancer.TrainedEnhancer: this method has none."
        )
    return network


def graph_of(enhancer: nn.Module) -> Any:
    """The ONNX model of `enhancer`, from `image` to `enhanced`. Raises BenchError where it has none."""
    from enlightengan.export_guided import around

    trained, free = network_of(enhancer), {0: torch.export.Dim("batch", min=1, max=MOST)}
    height, width = (torch.export.Dim(name, min=1, max=MOST) for name in ("rows", "columns"))
    if isinstance(trained, LearnedEnhancer):
        of = trained.generator
        generator = Generator(attention=of.attention, align_corners=of.align_corners, key=of.key)
        generator.load_state_dict(of.state_dict())
        inputs = {"padded": (torch.zeros(2, 3, 48, 64), free | {2: STRIDE * height, 3: STRIDE * width})}
        if of.key:
            inputs["key"] = torch.zeros(2, 1, 1, 1), free
        network = _padded(model_of(Core(generator), inputs, ["brightened"]), key=of.key)
    else:
        image = torch.zeros(2, 3, 48, 64), free | {2: height, 3: width}
        network = model_of(trained, {"image": image}, ["enhanced"])
    return around(network, texture=enhancer.texture) if isinstance(enhancer, GuidedEnhancer) else network


def model_of(module: nn.Module, inputs: Mapping[str, tuple[Tensor, dict[int, Any]]], outputs: Sequence[str]) -> Any:
    """The ONNX model of `module`; `inputs` are examples by name with their free sizes, by axis."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own deprecations, while it exports
        program = torch.onnx.export(
            module.eval(), tuple(example for example, _ in inputs.values()), dynamo=True,
            dynamic_shapes={name: free for name, (_, free) in inputs.items()},
            input_names=list(inputs), output_names=list(outputs), opset_version=OPSET, verbose=False, optimize=False,
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    for told in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del told.metadata_props[:]  # where in our code each comes from, with the paths of this machine
    return model


def _padded(model: Any, *, key: bool) -> Any:
    """The model with padding, and the key if it takes one, before it, cropping behind it, and sizes that are free."""
    import onnx

    before = NUMBERS + PAD.format(name="rows", axis=2, beyond=3, input="image", output="taller")
    before += PAD.format(name="columns", axis=3, beyond=4, input="taller", output="padded")
    if key:
        before += KEY.format(weights=", ".join(map(str, LUMA)), floor=FLOOR, scale=1 / math.log(FLOOR))
    after = CROP.format(name="rows", axis=2, input="brightened", output="lower")
    after += CROP.format(name="columns", axis=3, input="lower", output="enhanced")
    head = "(float[batch, 3, height, width] image) => (float[batch, 3, height, width] enhanced)"
    shell = onnx.parser.parse_graph(f"shell {head} {{ {before} {after} }}")
    split = next(place for place, node in enumerate(shell.node) if "brightened" in node.input)
    nodes = [*shell.node[:split], *model.graph.node, *shell.node[split:]]
    for field, values in (("node", nodes), ("input", shell.input), ("output", shell.output), ("value_info", [])):
        kept = list(values)
        del getattr(model.graph, field)[:]
        getattr(model.graph, field).extend(kept)
    return model


def session(path: Path, *, threads: int = 0) -> Any:
    """ONNX Runtime on the CPU with `path`; 0 threads are as many as it likes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def deviation(enhancer: nn.Module, path: Path) -> float:
    """The largest absolute difference between the graph in `path` and `enhancer`, on noise of the sizes of CHECKED."""
    graph, largest = session(path), 0.0
    for batch, height, width in CHECKED:
        image = torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(height))
        result = torch.from_numpy(graph.run(None, {"image": image.numpy()})[0])
        with torch.inference_mode():
            expected = enhancer(image)
        if result.shape != expected.shape:
            return float("inf")
        largest = max(largest, float((result - expected).abs().max()))
    return largest
