import math

import pytest
import torch
from torch.nn import functional as F

from enlightengan.discriminators import Discriminator
from enlightengan.keys import told_key
from enlightengan.networks import (
    FLOOR,
    Generator,
    attention_map,
    initialise,
    key_of,
    pad_to_stride,
)


def seeded(network):
    initialise(network, torch.Generator().manual_seed(0))
    return network


def trainable(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(("attention", "count"), [(True, 8_636_675), (False, 8_636_387)])
def test_generator_has_the_published_number_of_parameters(attention, count):
    assert trainable(Generator(attention=attention)) == count


@pytest.mark.parametrize(("layers", "count"), [(5, 11_154_369), (4, 6_959_553)])
def test_discriminators_have_the_published_number_of_parameters(layers, count):
    assert trainable(Discriminator(layers)) == count


def test_state_dict_has_the_keys_of_the_published_checkpoint():
    keys = Generator().state_dict().keys()
    assert len(keys) == 131
    assert len([key for key in keys if not key.endswith("num_batches_tracked")]) == 114
    assert "bn9_1.weight" in keys and "bn9_2.weight" not in keys


@pytest.mark.parametrize(("layers", "size", "expected"), [(5, 320, 13), (4, 32, 5)])
def test_discriminator_maps_have_the_published_sizes(layers, size, expected):
    assert Discriminator(layers)(torch.zeros(1, 3, size, size)).shape == (1, 1, expected, expected)


def test_attention_is_one_minus_luma():
    image = torch.tensor([[-1.0, 1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0], [-1.0, 1.0, -1.0, -1.0]]).view(1, 3, 2, 2)
    expected = torch.tensor([1.0, 0.0, 1 - 0.299, 1 - 0.587])
    torch.testing.assert_close(attention_map(image).flatten(), expected, atol=1e-6, rtol=0)


def test_the_key_is_the_mean_of_the_logarithm_of_luma():
    pictures = torch.full((3, 3, 4, 6), -1.0)
    pictures[1] = 1
    pictures[2, 1, :, :3] = 1  # half of it green, half black
    expected = torch.tensor([math.log(FLOOR), math.log(1 + FLOOR), (math.log(0.587 + FLOOR) + math.log(FLOOR)) / 2])
    assert key_of(pictures).shape == (3, 1, 1, 1)
    torch.testing.assert_close(key_of(pictures).flatten(), expected / math.log(FLOOR), atol=1e-5, rtol=0)


def test_a_generator_that_is_told_the_key_gives_what_it_gave_until_it_heeds_it():
    generator = seeded(Generator()).eval()
    with torch.no_grad():
        generator.conv1_1.weight[:, 3] *= 20
        generator.conv10.weight.mul_(3000)
    image = torch.rand(1, 3, 480, 480, generator=torch.Generator().manual_seed(1)) - 1
    told, inside = told_key(generator).eval(), (..., slice(220, 260), slice(220, 260))
    with torch.no_grad():
        before, after = generator(image)[1], told(image)[1]
        assert before.std() > 0.01
        assert (after - before)[inside].abs().max() < 1e-4 * before.std()
        assert torch.equal(after, told(image, key=torch.zeros(1, 1, 1, 1))[1])
        told.conv1_1.weight[:, 3] = 0.1
        assert not torch.equal(told(image)[1], told(image, key=torch.zeros(1, 1, 1, 1))[1])
        torch.testing.assert_close(told(image)[1], told(image, key=key_of(image))[1])


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 5), (16, 16), (17, 33), (89, 77), (96, 64)])
def test_generator_keeps_any_size(size):
    enhanced, residual = seeded(Generator()).eval()(torch.zeros(2, 3, *size))
    assert enhanced.shape == residual.shape == (2, 3, *size)
    assert torch.isfinite(enhanced).all()


def test_padding_splits_as_the_authors_do_and_returns_where_the_picture_lies():
    image = torch.rand(1, 3, 25, 34)
    padded, (rows, columns) = pad_to_stride(image)
    assert padded.shape[-2:] == (32, 48)
    assert (rows.start, columns.start) == (3, 7)  # floor(7 / 2), floor(14 / 2)
    torch.testing.assert_close(padded, F.pad(image, (7, 7, 3, 4), mode="reflect"))
    torch.testing.assert_close(padded[..., rows, columns], image)


def test_sides_too_short_to_reflect_are_replicated():
    image = torch.rand(1, 3, 2, 64)
    padded, (rows, _) = pad_to_stride(image)
    assert padded.shape[-2:] == (16, 64)
    torch.testing.assert_close(padded[:, :, 0], image[:, :, 0])
    torch.testing.assert_close(padded[:, :, rows.stop], image[:, :, -1])


def test_residual_vanishes_where_attention_is_zero():
    white = torch.ones(1, 3, 32, 32)
    enhanced, residual = seeded(Generator()).eval()(white)
    assert residual.abs().max() < 1e-5
    torch.testing.assert_close(enhanced, white, atol=1e-5, rtol=0)
    without, _ = seeded(Generator(attention=False)).eval()(white)
    assert (without - white).abs().max() > 1e-3


def test_align_corners_changes_the_result():
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) - 1
    # In training mode, where batch statistics keep the signal's scale through the layers of a fresh network.
    residuals = [seeded(Generator(align_corners=flag))(image)[1] for flag in (True, False)]
    assert (residuals[0] - residuals[1]).abs().mean() > 0.01 * residuals[0].abs().mean()


def test_initialisation_follows_the_authors():
    state = seeded(Generator()).state_dict()
    weight = state["conv5_2.weight"]
    assert weight.std().item() == pytest.approx(0.02, rel=0.01) and abs(weight.mean().item()) < 1e-4
    assert state["bn5_1.weight"].mean().item() == pytest.approx(1.0, abs=0.01)
    assert state["bn5_1.bias"].abs().max() == 0
    assert 0 < state["conv5_2.bias"].abs().max().item() <= (512 * 9) ** -0.5


@pytest.mark.parametrize("attention", [True, False])
def test_memory_that_is_used_again_changes_no_result(attention):
    generator = seeded(Generator(attention=attention)).eval()
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for norm in (module for module in generator.modules() if isinstance(module, torch.nn.BatchNorm2d)):
            norm.running_mean.normal_(0, 0.2, generator=random)
            norm.running_var.uniform_(0.5, 2, generator=random)
        generator.conv10.weight.mul_(30)
        image = torch.rand((2, 3, 37, 50), generator=random) * 2 - 1
        kept, (fresh, residual) = image.clone(), generator(image)
    with torch.inference_mode():
        again, _ = generator(image)
    assert residual.abs().max() > 0.01
    assert (again - fresh).abs().max() < 1e-5
    assert torch.equal(image, kept)
