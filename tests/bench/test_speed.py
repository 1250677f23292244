import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from bench import speed
from bench.errors import BenchError
from bench.speed import Speed, measure, operations, parse_size, peak_memory, picture

ROW = Speed("m", (100, 50), 0.02, 0.01, 5, 10**9, 7, 1.0)


class Slow(nn.Module):
    """Sleeps and leaves the picture as it is."""

    def forward(self, image):
        time.sleep(0.03)
        return image


@pytest.mark.parametrize(("size", "out"), [((20, 10), 4), ((7, 9), 2)])
def test_multiply_accumulates_are_half_of_what_torch_counts(size, out):
    convolution = nn.Conv2d(3, out, 3, padding=1)
    assert operations(convolution, picture(size)) == size[0] * size[1] * out * 3 * 9


def test_the_row_of_a_method(monkeypatch):
    row = measure("slow", nn.Sequential(Slow(), nn.Conv2d(3, 3, 1)), (40, 30), repeats=3)
    assert (row.method, row.size, row.repeats, row.parameters) == ("slow", (40, 30), 3, 12)
    assert row.macs == 40 * 30 * 9
    assert 0.03 <= row.fastest <= row.seconds < 3
    assert measure("slow", Slow(), (4, 3), repeats=1).macs is None


def test_peak_memory_is_what_the_call_had_at_most():
    if not speed.CLEAR.exists():
        pytest.skip("only Linux tells")

    def hungry():
        for _ in range(2):
            np.ones(80 * 2**20, np.uint8).sum()

    assert 70 < peak_memory(hungry, "cpu") < 130
    assert peak_memory(lambda: None, "cpu") < 20


def test_where_the_system_does_not_tell_there_is_no_number(monkeypatch, tmp_path):
    monkeypatch.setattr(speed, "CLEAR", tmp_path / "absent" / "clear_refs")
    called = []
    assert math.isnan(peak_memory(lambda: called.append(1), "cpu"))
    assert called == [1]


def test_a_time_beyond_the_peak_is_a_warning():
    assert ROW.beyond(1e11) == ""
    assert ROW.beyond(0.99e11).startswith(
        "m at 100x50: 0.01 s would take 100 G multiply-accumulates a second, more than"
    )
    assert replace(ROW, macs=None).beyond(1.0) == ""


def test_a_real_convolution_is_below_the_measured_peak():
    kernel = nn.Conv2d(3, 64, 3, padding=1)
    image = torch.rand(1, 3, 128, 128)
    rate = operations(kernel, image) / speed._fastest(lambda: kernel(image), "cpu")
    peak = max(speed.peak_rate.__wrapped__("cpu") for _ in range(5))  # other work may slow some of the measurements
    assert 1e6 < rate < 2 * peak


def test_the_peak_is_the_better_of_a_matrix_product_and_a_convolution(monkeypatch):
    took = iter([2.0, 8.0])  # 2^30 and 9 * 2^28 multiply-accumulates
    monkeypatch.setattr(speed, "_fastest", lambda call, device: next(took))
    assert speed.peak_rate.__wrapped__("cpu") == 2**29


@pytest.mark.parametrize("text", ["600", "600x", "0x5", "axb", "1x2x3", "99999x1"])
def test_a_size_is_width_times_height(text):
    assert parse_size("600x400") == (600, 400)
    with pytest.raises(BenchError, match="--size takes WIDTHxHEIGHT"):
        parse_size(text)


def test_the_picture_has_the_size_asked_for():
    assert picture((60, 40)).shape == (1, 3, 40, 60)
    assert 0 < picture((60, 40)).mean() < 0.25


def test_memory_that_the_library_kept_counts_again():
    if not speed.CLEAR.exists():
        pytest.skip("only Linux tells")
    blocks = [np.ones(2**20, np.uint8) for _ in range(60)]
    last = np.ones(64, np.uint8)  # above them in the heap, so that freeing them returns nothing
    del blocks
    assert 45 < peak_memory(lambda: [np.ones(2**20, np.uint8) for _ in range(50)], "cpu") < 70
    assert last.sum() == 64
