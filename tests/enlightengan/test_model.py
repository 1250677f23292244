"""Less memory, the same gradients: accumulation and activation checkpointing."""

import pytest
import torch

from bench.errors import BenchError
from enlightengan.batch import Batch
from enlightengan.build import build, restored
from enlightengan.config import preset
from enlightengan.networks import Generator, initialise
from enlightengan.rivals import ZERO_DCE_PRESETS
from enlightengan.run_config import choose_preset

CPU = torch.device("cpu")


def batch_of(count=3, size=40):
    low, normal = (
        torch.rand((count, 3, size, size), generator=torch.Generator().manual_seed(k)) * 2 - 1 for k in (0, 1)
    )
    return Batch(low, low * 0.5 - 0.5, normal, [(0, 0), (5, 3)])


def gradients(config, *, plain_norm=False):
    model = build(config, device=CPU)
    if plain_norm:
        model.generator.eval()
        with torch.no_grad():
            model.global_d.model[-1].weight.mul_(100)  # logits that differ from picture to picture
    losses = model.step(batch_of())
    return losses, {
        f"{name}.{key}": p.grad for name, net in model.networks().items() for key, p in net.named_parameters()
    }


def healthy(config):
    model = build(config, device=CPU)
    model.step(batch_of())
    return {name: value.item() for name, value in model.health.items()}


def apart(first, second):
    return max(float((first[key] - second[key]).abs().max() / first[key].abs().max().clamp(min=1e-9)) for key in first)


def test_parts_of_a_batch_give_its_gradients_where_no_mean_couples_the_pictures():
    settings = {"crop": 40, "batch_size": 3, "precision": "float32"}
    whole = gradients(choose_preset(ZERO_DCE_PRESETS, "smoke", settings))
    parts = gradients(choose_preset(ZERO_DCE_PRESETS, "smoke", settings | {"accumulate": 2}))
    assert apart(whole[1], parts[1]) < 1e-3
    assert all(parts[0][name].item() == pytest.approx(value.item(), rel=1e-4) for name, value in whole[0].items())
    healths = [healthy(choose_preset(ZERO_DCE_PRESETS, "smoke", settings | more)) for more in ({}, {"accumulate": 2})]
    assert healths[0] and healths[1] == pytest.approx(healths[0], rel=1e-4)


@pytest.mark.parametrize(("without", "couples"), [(("perceptual", "relativistic"), False), (("perceptual",), True)])
def test_relativistic_means_are_those_of_the_parts(without, couples):
    settings = {"without": without, "crop": 40, "batch_size": 3, "precision": "float32"}
    whole, _ = gradients(preset("smoke", **settings), plain_norm=True)
    parts, _ = gradients(preset("smoke", **settings, accumulate=3), plain_norm=True)
    name = "global_discriminator"
    assert (abs(float(parts[name] / whole[name]) - 1) > 1e-5) == couples


def test_all_processes_cut_their_share_of_a_short_batch_into_as_many_parts(monkeypatch):
    from enlightengan import group

    monkeypatch.setattr(group, "add_up", lambda tensors: None)
    monkeypatch.setattr(group, "size", lambda: 2)
    for count, expected in ((3, 1), (4, 2), (1, 1)):
        seen = []
        for rank in range(min(2, count)):
            monkeypatch.setattr(group, "rank", lambda rank=rank: rank)
            model = build(preset("smoke", without=("perceptual",), accumulate=2, devices=2), device=CPU)
            parts = []
            monkeypatch.setattr(model, "gradients", lambda part, parts=parts, **_: parts.append(len(part.low)) or {})
            model.step(batch_of(count=count))
            seen.append(parts)
        assert {len(parts) for parts in seen} == {expected} and sum(map(sum, seen)) == count


def test_a_clip_cuts_the_gradient_of_each_network_and_its_absence_cuts_none():
    settings = {"without": ("perceptual",), "crop": 40, "batch_size": 3, "precision": "float32"}

    def norms(clip):
        _, found = gradients(preset("smoke", **settings, clip=clip))
        networks = dict.fromkeys(key.partition(".")[0] for key in found)
        return {
            name: float(torch.stack([g.norm() for key, g in found.items() if key.startswith(name)]).norm())
            for name in networks
        }

    free, cut = norms(None), norms(0.01)
    assert set(free) == {"generator", "global_discriminator", "local_discriminator"}
    assert min(free.values()) > 0.01
    assert cut == pytest.approx(dict.fromkeys(free, 0.01), rel=1e-3)
    assert norms(1e6) == pytest.approx(free)


def test_checkpointing_changes_no_gradient_and_counts_statistics_once_and_keeps_less():
    image, told = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(0)) * 2 - 1, []
    for checkpointing in (False, True):
        generator = Generator(checkpointing=checkpointing)
        initialise(generator, torch.Generator().manual_seed(0))
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, kept=kept: kept.append(t.numel()) or t, lambda t: t):
            enhanced, _ = generator(image)
        amount = sum(kept)
        enhanced.square().mean().backward()
        told.append((amount, [p.grad for p in generator.parameters()], dict(generator.named_buffers())))
    (much, plain, before), (little, again, after) = told
    assert all(torch.equal(first, second) for first, second in zip(plain, again, strict=True))
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert int(after["bn1_1.num_batches_tracked"]) == 1
    assert little < 0.5 * much


def test_a_batch_that_cannot_be_cut_is_an_error():
    with pytest.raises(BenchError, match="cannot be cut into 3 parts on 2 devices"):
        preset("smoke", batch_size=4, accumulate=3, devices=2)


def test_stored_settings_come_back_and_others_are_refused():
    import json
    from dataclasses import asdict

    config = preset("smoke", without=("attention",))
    assert restored("enlightengan", json.loads(json.dumps(asdict(config)))) == config
    with pytest.raises(BenchError, match="not those of zero_dce"):
        restored("zero_dce", asdict(config))
    with pytest.raises(BenchError, match="no method to train named 'gan'"):
        restored("gan", {})
