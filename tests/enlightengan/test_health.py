import pytest
import torch

from bench.errors import BenchError
from enlightengan import health
from enlightengan.health import Health
from enlightengan.model import balance, picture_health


class Heard:
    """A log that keeps metrics and notes."""

    def __init__(self):
        self.told, self.notes = [], []

    def metrics(self, values, step):
        self.told.append((step, values))

    def note(self, sentence):
        self.notes.append(sentence)


def loss(value):
    return {"global_discriminator": torch.tensor(value)}


def accuracy(value):
    return {"health/global_accuracy": torch.tensor(value)}


def test_what_is_told_before_a_look_is_not_told_again_and_counts_in_its_means():
    watch = Health(log := Heard())
    for step in (1, 2, 3):
        watch.take(loss(float(step)))
        if step == 2:
            watch.tell(step)
            watch.tell(step)
    watch.look(3, rate=1e-4, health={})
    assert [(step, told["loss/global_discriminator"]) for step, told in log.told[:-1]] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert watch.losses == {"global_discriminator": 2.0}


def test_a_discriminator_that_is_right_for_long_is_told_of_once(monkeypatch):
    monkeypatch.setattr(health, "WON_WINDOW", 40)
    watch = Health(log := Heard())
    for step, right in enumerate([0.99, 0.99, 0.99, 0.9, 0.96, 0.96, 0.99, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], start=1):
        watch.take(loss(0.2))
        watch.look(10 * step, rate=1e-4, health=accuracy(right))
        assert bool(log.notes) == (step >= 8)  # three looks, a lapse, then four in a row
    assert len(log.notes) == 1 and "The global discriminator has been right on 95%" in log.notes[0]
    assert "up to step 80" in log.notes[0]


def test_health_is_logged_beside_the_losses_of_every_step():
    watch = Health(log := Heard())
    watch.take(loss(1.0))
    watch.take(loss(3.0))
    watch.look(20, rate=0.5, health=accuracy(0.75))
    assert log.told[:2] == [(19, {"loss/global_discriminator": 1.0}), (20, {"loss/global_discriminator": 3.0})]
    assert log.told[2] == (20, {"learning_rate": 0.5, "health/global_accuracy": 0.75})
    assert watch.losses == {"global_discriminator": 2.0}


def test_a_loss_that_is_not_finite_ends_the_run():
    watch = Health(Heard())
    watch.take(loss(float("nan")))
    with pytest.raises(BenchError, match="diverged: global_discriminator is nan at step 10"):
        watch.look(10, rate=1.0, health={})


def test_balance_counts_logits_on_their_side():
    real, fake = torch.tensor([0.9, 0.6, 0.4, 0.8]), torch.tensor([0.1, 0.7, 0.2, 0.3])
    told = balance("global", real, fake, relative=False)
    assert told["health/global_real"].item() == pytest.approx(0.675)
    assert told["health/global_fake"].item() == pytest.approx(0.325)
    assert told["health/global_accuracy"].item() == pytest.approx((3 / 4 + 3 / 4) / 2)
    relative = balance("global", real, fake, relative=True)  # against the other's mean: 0.325 and 0.675
    assert relative["health/global_accuracy"].item() == pytest.approx((4 / 4 + 3 / 4) / 2)


def test_brightness_and_saturation_of_pictures():
    picture = torch.tensor([-1.5, -1.0, 0.0, 1.0]).view(1, 1, 2, 2)
    told = picture_health(picture)
    assert told["health/brightness"].item() == pytest.approx(0.375)
    assert told["health/saturated"].item() == pytest.approx(0.75)
