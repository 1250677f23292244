import pytest
import torch
from torch import nn

from enlightengan.losses import discriminator_loss, relativistic, self_feature_preserving, take_windows, toward


def maps(*values):
    return torch.tensor(values).view(len(values), 1, 1, 1)


def test_relativistic_average_matches_numbers_by_hand():
    # winner - mean(loser) = 1, 3; loser - mean(winner) = -3, -1
    assert relativistic(maps(2.0, 4.0), maps(0.0, 2.0)).item() == pytest.approx(((0 + 4) / 2 + (9 + 1) / 2) / 2)


def test_gradient_flows_through_both_relativistic_means():
    winner, loser = maps(1.0, 2.0).requires_grad_(), maps(0.5, 0.0).requires_grad_()
    relativistic(winner, loser).backward()
    # By hand: d/dw_i of the loss, with W = mean(w), L = mean(l), over n = 2 items.
    w, lo = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.0])
    expected = (w - lo.mean() - 1) / 2 - (lo - w.mean()).mean() / 2
    torch.testing.assert_close(winner.grad.flatten(), expected)
    assert loser.grad.abs().min() > 0


def test_least_squares_terms():
    assert toward(maps(0.0, 3.0), 1.0).item() == pytest.approx((1 + 4) / 2)
    assert discriminator_loss(maps(1.0), maps(2.0)).item() == pytest.approx((0 + 4) / 2)


def test_windows_are_the_same_for_every_image_of_the_batch():
    image = torch.arange(2 * 3 * 8 * 10, dtype=torch.float32).view(2, 3, 8, 10)
    taken = take_windows(image, [(1, 2), (6, 4)], 4)
    assert taken.shape == (4, 3, 4, 4)
    torch.testing.assert_close(taken[1], image[1, :, 2:6, 1:5])
    torch.testing.assert_close(taken[2], image[0, :, 4:8, 6:10])


def test_self_feature_preserving_ignores_contrast_and_reaches_only_the_enhanced():
    low = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    enhanced = (low.detach() * 3 + 0.5).requires_grad_()
    same = self_feature_preserving(enhanced, low, nn.Identity())
    assert same.item() < 1e-3  # instance normalisation takes scale and offset away
    other = self_feature_preserving(enhanced.flip(3), low, nn.Identity())
    other.backward()
    assert other.item() > 0.5 and low.grad is None and enhanced.grad is not None
