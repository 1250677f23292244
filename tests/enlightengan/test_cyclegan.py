import pytest
import torch

from bench.errors import BenchError
from enlightengan.batch import Batch
from enlightengan.build import build
from enlightengan.checkpoint import save_state, save_weights
from enlightengan.cyclegan import History
from enlightengan.discriminators import Discriminator
from enlightengan.networks import kept_statistics
from enlightengan.rivals import CYCLEGAN_PRESETS
from enlightengan.run_config import choose_preset

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model():
    return build(choose_preset(CYCLEGAN_PRESETS, "smoke", {"crop": 32, "batch_size": 2}), device=CPU)


@pytest.fixture(scope="module")
def batch():
    low, normal = (torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(k)) * 2 - 1 for k in range(2))
    return Batch(low * 0.3 - 0.6, low * 0.3 - 0.6, normal, [])


def test_a_state_begins_another_training_with_networks_and_optimisers_and_without_its_pictures(narrow, tmp_path, batch):
    config = choose_preset(CYCLEGAN_PRESETS, "smoke", {"crop": 32, "batch_size": 2})
    first = build(config, device=CPU)
    first.step(batch)
    path = save_state(tmp_path, 1, {"step": 1, "ema": first.generator.state_dict(), **first.state()})
    second = build(choose_preset(CYCLEGAN_PRESETS, "smoke", {"crop": 48}), device=CPU, init_from=path)
    frozen = choose_preset(CYCLEGAN_PRESETS, "smoke", {"batch_norm": "frozen"})
    assert build(frozen, device=CPU, init_from=path).begun_from
    save_weights(tmp_path / "generator.safetensors", first.generator.state_dict(), {})
    with pytest.raises(BenchError, match="no statistics of CycleGAN's other generator"):
        build(frozen, device=CPU, init_from=tmp_path / "generator.safetensors")
    for name, network in first.networks().items():
        ours = second.networks()[name].state_dict()
        assert all(torch.equal(value, ours[key]) for key, value in network.state_dict().items())
        assert second.optimisers[name].state_dict()["state"][0]["step"] == 1
    assert len(first.histories["low"].kept) == 2 and second.histories["low"].kept == []  # of another crop


def test_capacity_is_the_one_path_model_s_twice_and_the_discriminators_are_the_paper_s(model):
    counts = {name: sum(p.numel() for p in network.parameters()) for name, network in model.networks().items()}
    assert counts["generator"] == counts["darkener"] == 8_636_387
    assert counts["normal_discriminator"] == counts["low_discriminator"] == 2_764_737
    kinds = [type(module).__name__ for module in model.normal_d.model]
    assert kinds.count("InstanceNorm2d") == 3 and kinds[:3] == ["Conv2d", "LeakyReLU", "Conv2d"]


def test_a_logit_sees_70_pixels():
    network, image = Discriminator(3), torch.zeros(1, 3, 128, 128, requires_grad=True)
    logits = network(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    seen = (image.grad[0].abs().sum((0, 1)) > 0).nonzero()
    assert int(seen.max() - seen.min()) + 1 == 70


def test_constants_are_the_paper_s():
    paper = CYCLEGAN_PRESETS["paper"]
    assert (paper.cycle, paper.identity, paper.pool, paper.learning_rate, paper.epochs) == (10, 5, 50, 2e-4, 200)


def test_cycle_and_identity_losses_of_a_constant_shift(model, batch):
    for generator in (model.generator, model.darkener):
        torch.nn.init.zeros_(generator.conv10.weight)
        torch.nn.init.zeros_(generator.conv10.bias)
    before = {key: value.clone() for key, value in model.generator.state_dict().items() if "running" in key}
    torch.nn.init.constant_(model.generator.conv10.bias, 0.1)
    losses = model.gradients(batch, share=1.0, precision="float32")
    assert losses["cycle"].item() == pytest.approx(10 * (0.1 + 0.1), rel=1e-5)
    assert losses["identity"].item() == pytest.approx(5 * 0.1, rel=1e-5)
    after = model.generator.state_dict()
    assert any(not torch.equal(value, after[key]) for key, value in before.items())
    assert int(after["bn1_1.num_batches_tracked"]) == 1  # of the passes, only the one from dark to bright


def test_a_crop_of_which_nothing_can_be_normalised_is_refused():
    with pytest.raises(BenchError, match="crop must exceed 16"):
        choose_preset(CYCLEGAN_PRESETS, "smoke", {"crop": 16})
    assert choose_preset(CYCLEGAN_PRESETS, "smoke", {"crop": 17}).crop == 17


def test_statistics_can_be_kept():
    norm = torch.nn.BatchNorm2d(2)
    with kept_statistics(norm):
        norm(torch.randn(4, 2, 3, 3) + 5)
    assert torch.equal(norm.running_mean, torch.zeros(2)) and int(norm.num_batches_tracked) == 0
    norm(torch.full((4, 2, 3, 3), 5.0))
    assert norm.running_mean[0].item() == pytest.approx(0.5)


def test_history_fills_then_shows_old_results_at_even_odds_and_continues_where_it_was():
    history = History(50, seed=0)
    first = torch.arange(50.0).view(50, 1, 1, 1).expand(50, 3, 2, 2)
    assert torch.equal(history.exchange(first), first)
    stored = history.state()
    new = torch.arange(100.0, 500.0).view(400, 1, 1, 1).expand(400, 3, 2, 2)
    shown = history.exchange(new)
    old = (shown[:, 0, 0, 0] != new[:, 0, 0, 0]).float().mean().item()
    assert old == pytest.approx(0.5, abs=0.08) and len(history.kept) == 50
    other = History(50, seed=9)
    other.restore(stored, CPU)
    assert torch.equal(other.exchange(new), shown)


def test_a_step_moves_every_network(model, batch):
    before = {name: digest(network) for name, network in model.networks().items()}
    losses = model.step(batch)
    assert set(losses) == {
        "generator_adversarial", "cycle", "identity", "normal_discriminator", "low_discriminator",
    }  # fmt: skip
    assert all(before[name] != digest(network) for name, network in model.networks().items())


def digest(network):
    return [float(p.detach().double().sum()) for p in network.parameters()]


@pytest.mark.parametrize(("instance_norm", "least", "most"), [(True, 0.0, 0.4), (False, 0.7, 1.0)])
def test_without_instance_normalisation_the_discriminators_see_contrast(instance_norm, least, most):
    changes = {"crop": 64, "batch_size": 2, "instance_norm": instance_norm}
    judge = build(choose_preset(CYCLEGAN_PRESETS, "smoke", changes), device=CPU).normal_d
    image = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(3)) * 2 - 1
    grey, full, faint = (judge(image * contrast)[..., 5:-5, 5:-5] for contrast in (0.0, 1.0, 0.2))
    lost = 1 - ((faint - grey).norm() / (full - grey).norm()).item()
    assert least <= lost <= most


def test_where_identity_weighs_nothing_it_is_not_computed(batch):
    model = build(choose_preset(CYCLEGAN_PRESETS, "smoke", {"crop": 32, "batch_size": 2, "identity": 0.0}), device=CPU)
    passes = []
    model.generator.register_forward_hook(lambda *_: passes.append("bright"))
    assert "identity" not in model.step(batch)
    assert len(passes) == 2  # of the dark photographs, and of what was darkened
