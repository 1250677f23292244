import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench import niqe
from enlightengan.scene_statistics import PATCH, in_levels, local_contrast, scene_statistics, unlike


def textured(*, size=(128, 192), seed=0, spread=12.0):
    """A picture (1, 3, H, W) in [0, 1] with noise of three pixels' width, whole levels."""
    fine = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(seed))
    coarse = F.avg_pool2d(fine, 3, stride=1, padding=1) * 3
    return ((120 + spread * coarse).round().clamp(0, 255) / 255).expand(1, 3, *size)


def test_local_contrast_is_what_niqe_looks_at():
    grey = np.random.default_rng(0).integers(0, 256, (90, 110)).astype(float)
    found = local_contrast(torch.from_numpy(grey)[None, None])[0, 0].numpy()
    assert np.abs(found - niqe.local_contrast(grey)).max() < 1e-4
    flat = local_contrast(torch.full((1, 1, 20, 20), 99.0))
    assert flat.abs().max() == 0


def test_noise_is_between_normal_and_uniform_and_its_neighbours_are_apart():
    noise = torch.randn(1, 1, 512, 512, generator=torch.Generator().manual_seed(1))
    found = scene_statistics((0.5 + 0.1 * noise).expand(1, 3, 512, 512))
    assert found.shape == (64, 28)
    spread, flatness = found[:, :2].mean(0)
    # The deviation is of the window, in which the pixel itself has the greatest share: less peaked than the normal.
    uniform = math.log(3 / 4)
    assert math.log(2 / math.pi) < flatness < uniform
    assert -0.5 < spread < 0
    assert found[:, 3].abs().mean() < 1.0 and (found[:, 3] < 0).all(), (
        "what is less than its mean is beside what is more"
    )


def test_each_square_of_each_picture_has_statistics_of_its_own():
    pictures = torch.cat([textured(size=(PATCH + 5, 2 * PATCH + 9), seed=seed) for seed in range(3)])
    found = scene_statistics(pictures)
    assert found.shape == (6, 28)
    torch.testing.assert_close(found[2:4], scene_statistics(pictures[1:2]))
    changed = pictures.clone()
    changed[2, :, :PATCH, PATCH + 5 : 2 * PATCH] = 0.5
    apart = (scene_statistics(changed) - found).abs().amax(1)
    assert (apart[:4] == 0).all() and apart[5] > 0.5


def test_texture_tells_pictures_apart_and_brightness_does_not():
    picture = textured()
    assert unlike(picture, picture) == 0
    assert unlike(picture + 20 / 255, picture) < 0.01
    blurred = F.avg_pool2d(picture, 3, stride=1, padding=1)
    sharper = (picture + (picture - blurred)).clamp(0, 1)
    noisy = picture + torch.randn(1, 1, 128, 192, generator=torch.Generator().manual_seed(2)) * 8 / 255
    for changed in (blurred, sharper, noisy):
        assert unlike(changed, picture) > 1
    less = picture + 0.3 * (blurred - picture)
    assert 0.2 < unlike(less, picture) < unlike(blurred, picture)


def test_a_picture_is_seen_in_levels_and_learns_as_if_it_were_not():
    values = torch.tensor([0.1, 0.5019, 1.2, -0.1], requires_grad=True)
    seen = in_levels(values)
    assert seen.tolist() == pytest.approx([26 / 255, 128 / 255, 1, 0])
    seen.sum().backward()
    assert (values.grad == 1).all()


def test_a_blurred_picture_becomes_as_textured_as_its_target_without_its_place():
    target = textured()
    shifted = torch.roll(target, (5, 7), (2, 3))  # the same texture elsewhere: no distance of values finds it
    picture = F.avg_pool2d(shifted, 3, stride=1, padding=1).clone().requires_grad_()
    optimiser = torch.optim.Adam([picture], lr=3e-3)
    first = unlike(picture, target).item()
    for _ in range(40):
        optimiser.zero_grad()
        unlike(picture, target).backward()
        assert picture.grad.isfinite().all()
        optimiser.step()
    assert unlike(picture, target) < 0.3 * first


def test_flat_pictures_have_finite_statistics_and_gradients():
    flat = torch.full((1, 3, 64, 64), 0.3, requires_grad=True)
    unlike(flat, textured(size=(64, 64))).backward()
    assert flat.grad.isfinite().all()
    assert scene_statistics(torch.zeros(1, 3, 64, 64)).isfinite().all()
