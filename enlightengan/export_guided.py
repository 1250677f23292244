"""A guided method as an ONNX graph that takes photographs of any size: small copy, looks, noise, gain and texture.

It is put together of five: how often the sides are divided, in ONNX's own text, for that hangs on the size; `Overview`;
`Noise`; the network as `enlightengan.export` has it; and `Application`, which is what `enlightengan.guided` does on a
whole photograph. So a photograph is in memory as a whole, some fifteen times over.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from enlightengan.guided import CAPS, LOOK, Seen, brightened, looks, to_look_at
from enlightengan.noise import BLOCK, QUIETEST, unevenness

SIZES = """
    size = Shape<start=2, end=4>(image)
    longer = ReduceMax<keepdims=0>(size)
    length = Cast<to=1>(longer)
    look = Constant<value_float = {look}>()
    ratio = Div(length, look)
    rounded = Round(ratio)
    nearest = Cast<to=7>(rounded)
    one = Constant<value_int = 1>()
    nought = Constant<value_int = 0>()
    factor = Max(nearest, one)
    block = Constant<value_int = {block}>()
    left = Sub(factor, one)
    filled = Add(size, left)
    small_size = Div(filled, factor)
    blocks = Div(size, block)
    fewest = ReduceMin<keepdims=0>(blocks)
    some = Min(fewest, one)
    counts = Cast<to=1>(some)
    at_least_one = Max(blocks, one)
    level_size = Mul(at_least_one, block)
    difference = Sub(level_size, size)
    lacking = Max(difference, nought)
    no_padding = Constant<value_ints = [0, 0, 0, 0, 0, 0]>()
    padding = Concat<axis=0>(no_padding, lacking)
    filled_up = Pad(image, padding)
    first = Constant<value_ints = [0]>()
    second = Constant<value_ints = [1]>()
    third = Constant<value_ints = [2]>()
    from_first = Constant<value_ints = [0, 0]>()
    both = Constant<value_ints = [2, 3]>()
    whole = Slice(filled_up, from_first, level_size, both)
    small_height = Slice(small_size, first, second)
    small_width = Slice(small_size, second, third)
    row_end = Squeeze(small_height)
    column_end = Squeeze(small_width)
    rows = Range(nought, row_end, one)
    columns = Range(nought, column_end, one)
"""


class Overview(nn.Module):
    """`guided.reduced`, and what the network is shown; `rows` and `columns` count those of the small copy."""

    def forward(self, image: Tensor, factor: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        small = averages(image.shape[-2], factor, rows) @ image @ averages(image.shape[-1], factor, columns).T
        return small, to_look_at(small)


def averages(length: int, factor: Tensor, places: Tensor) -> Tensor:
    """The matrix (places, length) that takes the means of `factor` neighbours, the last ones of those that are left."""
    inside = (torch.arange(length) // factor == places[:, None]).float()
    return inside / inside.sum(1, keepdim=True)


class Noise(nn.Module):
    """`noise.level` of a photograph whose sides are whole multiples of BLOCK; where it `counts`, 1 or 0, times that."""

    def forward(self, whole: Tensor, counts: Tensor) -> Tensor:
        """The deviations, (B, 4, 1, 1), of `whole`, (B, 3, 16 h, 16 w) in [0, 1]."""
        found = unevenness(whole)
        told = ~found.isnan()
        last = (told.sum(-1, keepdim=True) - 1).clamp_min(0).float()
        ordered = torch.where(told, found, torch.inf).sort(-1).values
        place = last * QUIETEST
        below = place.floor()
        lower, upper = (ordered.gather(-1, one.long()) for one in (below, torch.minimum(below + 1, last)))
        level = torch.lerp(lower, upper, place - below)
        return torch.where(told.any(-1, keepdim=True), level * counts, 0.0)[..., None]


class Application(nn.Module):
    """What `guided` makes of a photograph, with so much `texture`, after the network has made `results` of copies."""

    def __init__(self, texture: float) -> None:
        super().__init__()
        self.texture = texture

    def forward(self, image: Tensor, small: Tensor, results: Tensor, factor: Tensor, noise: Tensor) -> Tensor:
        """The result for `image` (B, 3, H, W), whose sides are `factor` times those of `small`, with its `noise`."""
        seen = Seen(1, looks(small, to_look_at(small), results), noise, self.texture)
        rows, columns = (torch.arange(length) for length in image.shape[-2:])

        def enlarge(values: Tensor) -> Tensor:
            return between(between(values, rows, factor, dim=-2), columns, factor, dim=-1)

        return brightened(image, seen, enlarge)


def between(values: Tensor, places: Tensor, factor: Tensor, *, dim: int) -> Tensor:
    """`values` at `places` along `dim`, each the mean of `factor` places: linear between their middles."""
    at = ((places + 0.5) / factor - 0.5).clamp_min(0)
    lower = at.floor().long()
    last = values.shape[dim] - 1
    share = (at - lower).reshape(-1, 1) if dim == -2 else at - lower
    lower, upper = lower.clamp_max(last), (lower + 1).clamp_max(last)
    return torch.lerp(values.index_select(dim, lower), values.index_select(dim, upper), share)


def around(network: Any, *, texture: float) -> Any:
    """The model of a guided method whose network is the model `network`, from `image` to `enhanced`."""
    import onnx

    from enlightengan.export import model_of

    batch, height, width, rows, columns, taller, wider = (
        torch.export.Dim(name, min=1, max=1 << 15) for name in ("b", "h", "w", "rows", "columns", "taller", "wider")
    )
    photograph, small = torch.rand(2, 3, 176, 272), torch.rand(2, 3, 88, 136)
    shape, reduced = {0: batch, 2: height, 3: width}, {0: batch, 2: rows, 3: columns}
    factor: tuple[Tensor, dict[int, Any]] = torch.tensor(2), {}
    parts = (
        ("overview", model_of(Overview(), {
            "image": (photograph, shape), "factor": factor,
            "rows": (torch.arange(88), {0: rows}), "columns": (torch.arange(136), {0: columns}),
        }, ["small", "copies"])),
        ("noise", model_of(Noise(), {
            "whole": (photograph, {0: batch, 2: BLOCK * taller, 3: BLOCK * wider}), "counts": (torch.tensor(1.0), {}),
        }, ["noise"])),
        ("network", network),
        ("application", model_of(Application(texture), {
            "image": (photograph, shape), "small": (small, reduced),
            "results": (torch.rand(6, 3, 88, 136), {0: (len(CAPS) + 1) * batch, 2: rows, 3: columns}),
            "factor": factor, "noise": (torch.rand(2, 4, 1, 1) * 0.02, {0: batch}),
        }, ["enhanced"])),
    )  # fmt: skip
    head = "(float[batch, 3, height, width] image) => (float[batch, 3, height, width] enhanced)"
    graph = onnx.parser.parse_graph(f"guided {head} {{ {SIZES.format(look=float(LOOK), block=BLOCK)} }}")
    known = {"network": {"image": "copies", "enhanced": "results"}}
    for name, model in parts:
        _add(graph, model.graph, name, known.get(name, {}))
    return onnx.helper.make_model(graph, opset_imports=network.opset_import, ir_version=network.ir_version)


def _add(graph: Any, part: Any, prefix: str, renamed: Mapping[str, str]) -> None:
    """Add the nodes of `part` to `graph`: its inputs and outputs keep their names, or as `renamed`, others get one."""
    outside = {value.name: renamed.get(value.name, value.name) for value in [*part.input, *part.output]}

    def named(name: str) -> str:
        return outside.get(name, f"{prefix}_{name}") if name else name

    for node in part.node:
        node.input[:], node.output[:] = map(named, list(node.input)), map(named, list(node.output))
        node.name = f"{prefix}_{node.name}" if node.name else ""
    for tensor in part.initializer:
        tensor.name = named(tensor.name)
    graph.node.extend(part.node)
    graph.initializer.extend(part.initializer)
