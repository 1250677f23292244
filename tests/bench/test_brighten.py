import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from bench import brighten as module
from bench import device
from bench.brighten import brighten, brighten_like, brightened, window_side
from bench.errors import BenchError
from bench.photograph import Photograph

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (23, 31, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (23, 31, 3), dtype=np.uint16)


class Root(nn.Module):
    """Square root: in windows, or whole."""

    def forward(self, image):
        return image.sqrt()


class WindowedRoot(Root):
    """The same, and it can be asked for windows; it keeps those that it was asked for."""

    def __init__(self):
        super().__init__()
        self.windows = []

    def enhance_window(self, read, size, window):
        self.windows.append(window)
        return read(*(np.arange(part.start, part.stop) for part in window)).sqrt()

    def window_bytes(self, size):
        return size[0] * size[1] * 1000


def expected(pixels, bits, strength=1.0):
    low = pixels / np.iinfo(pixels.dtype).max
    return np.rint((low + strength * (np.sqrt(low) - low)) * (2**bits - 1)).astype(int)


@pytest.mark.parametrize("pixels", [COLOUR, DEEP], ids=["8", "16"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_values_depth_and_strength(pixels, bits, strength):
    result = brighten(Root(), pixels, bits=bits, strength=strength)
    assert result.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert np.abs(result.astype(int) - expected(pixels, bits, strength)).max() <= 1
    if strength == 0 and pixels.dtype == result.dtype:
        assert np.array_equal(result, pixels)


def test_tiles_give_what_the_whole_gives():
    enhancer = WindowedRoot()
    assert np.array_equal(brighten(enhancer, DEEP, tile=16), brighten(Root(), DEEP))
    assert [(w[0].start, w[1].start) for w in enhancer.windows] == [(0, 0), (0, 16), (16, 0), (16, 16)]


def test_grey_stays_grey():
    result = brighten(Root(), COLOUR[..., :1])
    assert result.shape == (23, 31, 1)
    assert np.abs(result.astype(int) - expected(COLOUR[..., :1], 8)).max() <= 1


def test_memory_decides_how_large_a_window_is(monkeypatch):
    enhancer = WindowedRoot()
    assert window_side(enhancer, (800, 800)) == 800  # 0.64 of 0.65 GB
    assert window_side(enhancer, (3000, 3000)) == 800
    monkeypatch.setattr(module.psutil, "virtual_memory", lambda: type("Memory", (), {"available": 500_000_000}))
    assert window_side(enhancer, (3000, 3000)) == 480
    assert window_side(enhancer, (3000, 3000), 64) == 64
    assert window_side(Root(), (3000, 2000)) == 3000


def test_what_needs_the_whole_picture_refuses_tiles():
    with pytest.raises(BenchError, match="looks at the whole picture"):
        brighten(Root(), COLOUR, tile=16)
    with pytest.raises(BenchError, match="at least 16"):
        brighten(WindowedRoot(), COLOUR, tile=3)
    with pytest.raises(BenchError, match="from 0 to 1"):
        brighten(Root(), COLOUR, strength=1.5)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_is_one_sentence(error, monkeypatch):
    enhancer = Root()
    monkeypatch.setattr(enhancer, "forward", lambda image: (_ for _ in ()).throw(error))
    with pytest.raises(BenchError, match="does not fit into memory"):
        brighten(enhancer, COLOUR)


def test_a_result_that_is_no_picture_is_refused(monkeypatch):
    enhancer = Root()
    monkeypatch.setattr(enhancer, "forward", lambda image: image * torch.nan)
    with pytest.raises(BenchError, match="not finite"):
        brighten(enhancer, COLOUR)


@pytest.fixture
def precision_anew():
    yield
    device.fast_precision.cache_clear()


@pytest.mark.usefixtures("precision_anew")
def test_bfloat16_is_for_cpus_where_it_is_faster_and_for_those_who_ask(monkeypatch):
    class Kind(nn.Module):
        def forward(self, image):
            self.dtype = nn.functional.conv2d(image, torch.ones(3, 3, 1, 1)).dtype
            return image

    enhancer = Kind()
    for taken, capability, kind in (
        ((3.0, 1.0), "avx512_bf16", torch.bfloat16),
        ((1.0, 1.8), "avx512_bf16", torch.float32),  # as a Xeon without tiles
        ((1.1, 1.0), "amx_bf16", torch.float32),  # no more than two measurements differ by
        ((3.0, 1.0), "avx2", torch.float32),
    ):
        monkeypatch.setattr(device, "_seconds", lambda work, taken=taken: taken[work().dtype == torch.bfloat16])
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda capability=capability: {capability: True})
        device.fast_precision.cache_clear()
        assert device.fast_precision() == kind
        for fast, used in ((True, kind), (False, torch.float32)):
            brighten(enhancer, COLOUR, fast=fast)
            assert enhancer.dtype == used


def test_a_comparison_is_upright_with_before_to_the_left():
    given = Photograph(COLOUR, "JPEG", alpha=COLOUR[..., 0], orientation=6, exif=b"x", icc=b"profile")
    both = brightened(given, np.zeros((31, 23, 3), np.uint16), compare=True)
    assert both.pixels.shape == (31, 46, 3)
    assert np.array_equal(both.pixels[:, :23], np.rot90(COLOUR, -1).astype(np.uint16) * 257)
    assert both.pixels[:, 23:].max() == 0
    assert both.alpha.shape == (31, 46)
    assert (both.orientation, both.exif, both.icc) == (1, b"", b"profile")


@pytest.mark.parametrize("shape", [(23, 31), (23, 31, 1), (23, 31, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_an_array_comes_back_as_it_was(shape, dtype):
    floats = RNG.random(shape)
    given = (floats * np.iinfo(dtype).max).astype(dtype) if np.issubdtype(dtype, np.integer) else floats.astype(dtype)
    before = given.copy()
    result = brighten_like(Root(), given, strength=0.5)
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    assert (result.dtype, result.shape) == (given.dtype, shape)
    low = given / top
    assert np.abs(result / top - (low + np.sqrt(low)) / 2).max() < (1.1 / top if top > 1 else 1e-5)
    assert np.array_equal(given, before)


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 3, 5, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_a_tensor_comes_back_as_it_was(shape, dtype):
    given = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    result = brighten_like(Root(), given)
    assert (result.dtype, result.shape) == (dtype, given.shape)
    assert (result.double() - given.double().sqrt()).abs().max() < 1e-3


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_an_image_comes_back_as_it_was(mode):
    given = Image.fromarray(np.dstack([COLOUR, COLOUR[..., 1]])).convert(mode)
    result = brighten_like(Root(), given)
    assert (result.mode, result.size) == (mode, given.size)
    if mode.endswith("A"):
        assert np.array_equal(np.asarray(result)[..., -1], np.asarray(given)[..., -1])
    assert np.asarray(result).mean() > np.asarray(given).mean()


def test_a_16_bit_grey_image_comes_back_as_it_was():
    result = brighten_like(Root(), Image.fromarray(DEEP[..., 0]))
    assert result.mode == "I;16"
    assert np.abs(np.asarray(result).astype(int) - expected(DEEP[..., 0], 16)).max() <= 1


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.int64), np.full((4, 4, 3), 1.5), np.zeros((0, 4, 3)),
        np.full((4, 4), np.nan), torch.zeros(4, 4), torch.zeros(3, 4, 4, dtype=torch.uint8), torch.ones(3, 4, 4) * 2,
        Image.new("CMYK", (4, 4)), "photo.jpg", None,
    ],
    ids=["4 channels", "int64", "above 1", "empty", "nan", "2-d", "uint8", "tensor above 1", "cmyk", "str", "none"],
)  # fmt: skip
def test_what_is_no_picture_is_refused(given):
    with pytest.raises(BenchError):
        brighten_like(Root(), given)
