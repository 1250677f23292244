import pytest
import torch

from bench.errors import BenchError
from enlightengan import zero_dce
from enlightengan.batch import Batch
from enlightengan.build import build
from enlightengan.checkpoint import load_dce
from enlightengan.dce_net import DceNet
from enlightengan.rivals import ZERO_DCE_PRESETS, rival_departures
from enlightengan.run_config import choose_preset

CPU = torch.device("cpu")


def rand(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def batch_of(low):
    return Batch(low, low, low[:0], [])


def test_the_network_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in DceNet().parameters()) == 79_416


def test_curves_of_zero_keep_the_picture_and_a_known_curve_applies_eight_times():
    network, image = DceNet(), rand(1, 3, 5, 7) * 2 - 1
    torch.nn.init.zeros_(network.e_conv7.weight)
    torch.nn.init.zeros_(network.e_conv7.bias)
    torch.testing.assert_close(network(image)[0], image)
    torch.nn.init.constant_(network.e_conv7.bias, -0.5)
    expected = (image + 1) / 2
    for _ in range(8):
        expected = expected + torch.tanh(torch.tensor(0.5)) * expected * (1 - expected)
    torch.testing.assert_close((network(image)[0] + 1) / 2, expected)


def test_spatial_consistency_sees_contrast_between_regions_and_nothing_within():
    low = torch.zeros(1, 3, 8, 8)
    enhanced = low.clone()
    enhanced[..., :4] = 0.5  # the left regions rise by 0.5: two pairs across, each seen from both sides, four regions
    assert zero_dce.spatial_consistency(enhanced, low).item() == pytest.approx(2 * 2 * 0.25 / 4)
    assert zero_dce.spatial_consistency(low + 0.3, low).item() == pytest.approx(0, abs=1e-12)


def test_exposure_is_the_squared_distance_of_regions_from_the_level():
    image = torch.full((2, 3, 32, 16), 0.2)
    image[:, :, 16:] = 0.6
    assert zero_dce.exposure_control(image, 0.6).item() == pytest.approx(0.16 / 2, rel=1e-5)


def test_colour_constancy_of_known_means_and_of_grey():
    image = torch.tensor([0.5, 0.3, 0.2]).view(1, 3, 1, 1).expand(1, 3, 4, 4).clone().requires_grad_()
    loss = zero_dce.colour_constancy(image)
    assert loss.item() == pytest.approx((0.04**2 + 0.09**2 + 0.01**2) ** 0.5, rel=1e-5)
    grey = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    zero_dce.colour_constancy(grey).backward()
    assert torch.isfinite(grey.grad).all()


def test_smoothness_sums_over_the_maps():
    ramp = torch.arange(5.0).view(1, 1, 1, 5).expand(2, 24, 4, 5)
    assert zero_dce.illumination_smoothness(ramp).item() == pytest.approx(2 * 24)


def test_the_losses_carry_the_authors_weights():
    config = choose_preset(ZERO_DCE_PRESETS, "paper", {"crop": 32, "batch_size": 2})
    assert (config.spatial, config.exposure, config.colour, config.smoothness) == (1, 10, 5, 200)
    assert (config.level, config.learning_rate, config.weight_decay, config.clip) == (0.6, 1e-4, 1e-4, 0.1)
    model, low = build(config, device=CPU), rand(2, 3, 32, 32) * 0.4 - 1
    with torch.no_grad():
        pictures, curves = model.generator(low)
    enhanced, dark = (pictures + 1) / 2, (low + 1) / 2
    losses = model.gradients(batch_of(low))
    assert losses["exposure_control"].item() == pytest.approx(10 * zero_dce.exposure_control(enhanced, 0.6).item())
    assert losses["colour_constancy"].item() == pytest.approx(5 * zero_dce.colour_constancy(enhanced).item())
    assert losses["spatial_consistency"].item() == pytest.approx(zero_dce.spatial_consistency(enhanced, dark).item())
    smooth = 200 * zero_dce.illumination_smoothness(curves).item()
    assert losses["illumination_smoothness"].item() == pytest.approx(smooth)


def test_the_gradient_is_cut_to_its_norm():
    config = choose_preset(ZERO_DCE_PRESETS, "smoke", {"crop": 32, "batch_size": 2, "precision": "float32"})
    model = build(config, device=CPU)
    model.step(batch_of(rand(2, 3, 32, 32) * 0.4 - 1))
    norm = torch.stack([p.grad.norm() for p in model.generator.parameters()]).norm()
    assert norm.item() == pytest.approx(0.1, rel=1e-3)


def test_the_smallest_crop_is_one_region_of_the_exposure_control():
    config = choose_preset(ZERO_DCE_PRESETS, "smoke", {"crop": zero_dce.EXPOSED, "batch_size": 2})
    losses = build(config, device=CPU).step(batch_of(rand(2, 3, zero_dce.EXPOSED, zero_dce.EXPOSED) * 0.4 - 1))
    assert all(torch.isfinite(loss) for loss in losses.values())
    with pytest.raises(BenchError, match="crop must be at least 16 for the exposure control, not 15"):
        choose_preset(ZERO_DCE_PRESETS, "smoke", {"crop": 15})


def test_training_brightens():
    config = choose_preset(ZERO_DCE_PRESETS, "smoke", {"crop": 32, "batch_size": 2, "learning_rate": 3e-3})
    model, low = build(config, device=CPU), rand(2, 3, 32, 32) * 0.3 - 1
    first = model.step(batch_of(low))["exposure_control"]
    for _ in range(12):
        last = model.step(batch_of(low))["exposure_control"]
    assert last < 0.5 * first
    assert model.health["health/brightness"] > 2 * (low.mean() + 1) / 2


def test_published_files_load_and_others_are_named(tmp_path):
    torch.save({f"module.{k}": v for k, v in DceNet().state_dict().items()}, tmp_path / "Epoch99.pth")
    assert load_dce(tmp_path / "Epoch99.pth")[1] == {}
    torch.save({"conv1_1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(BenchError, match=r"other.pth does not hold a Zero-DCE network: e_conv1.weight"):
        load_dce(tmp_path / "other.pth")


def test_paper_says_where_it_departs():
    told = " ".join(rival_departures(choose_preset(ZERO_DCE_PRESETS, "paper", {"crop": 128})))
    assert "over-exposed" in told and "crop is 128, theirs 256" in told
    assert rival_departures(ZERO_DCE_PRESETS["fast"]) == []
