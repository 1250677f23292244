import pytest

from bench.errors import BenchError, MissingWeightsError, UnknownNameError
from enlightengan.config import TrainConfig, without_of
from methods import METHODS, contestant

BOTH = "enlightengan_no_attention_no_local_discriminator"


def test_a_combination_is_a_method_by_its_name_and_not_listed(random_weights):
    assert BOTH not in list(METHODS) and BOTH in METHODS
    assert METHODS.card(BOTH).title == "EnlightenGAN without attention, local discriminator"
    made, _ = contestant(BOTH, random_weights(BOTH))
    assert made.name == BOTH and made.digest.startswith(METHODS.source_digest(BOTH))
    with pytest.raises(BenchError, match="with attention"):
        METHODS[BOTH](weights=random_weights("enlightengan"))


@pytest.mark.parametrize(
    "name",
    [
        "enlightengan_no_local_discriminator_no_attention",  # not in the usual order
        "cyclegan_no_attention_no_perceptual",
        "enlightengan_no_attention_no_sense",
        "enlightengan_no_",
        "clahe_guided",  # sees the photograph as it is already
        "enlightengan_guided_guided",
        "enlightengan_guided_natural",
        "enlightengan_natural_guided",
        "clahe_natural",
        "_guided",
    ],
)
def test_other_names_stay_unknown(name):
    with pytest.raises(UnknownNameError):
        METHODS[name]


def test_any_learned_method_can_be_guided_by_its_own_weights(random_weights):
    name = "enlightengan_no_attention_guided"
    assert name not in list(METHODS) and METHODS.card(name).title == "EnlightenGAN without attention, guided"
    made, _ = contestant(name, random_weights("enlightengan_no_attention"))
    base, _ = contestant("enlightengan_no_attention", random_weights("enlightengan_no_attention"))
    assert made.checkpoint == base.checkpoint and made.digest != base.digest
    assert made.load().source == base.load().source
    with pytest.raises(BenchError, match="without attention"):
        METHODS["enlightengan_guided"](weights=random_weights("enlightengan_no_attention"))


def test_a_natural_form_differs_from_a_guided_one_by_texture_alone(random_weights):
    forms = {e: METHODS[f"enlightengan_no_attention_{e}"](weights=random_weights("enlightengan_no_attention"))
             for e in ("guided", "natural")}  # fmt: skip
    assert METHODS.card("enlightengan_no_attention_natural").title == "EnlightenGAN without attention, natural"
    assert (forms["guided"].texture, forms["natural"].texture) == (1.0, 0.0)
    assert METHODS["enlightengan_natural"](weights=random_weights("enlightengan")).texture == 0.0
    assert METHODS["enlightengan_guided"](weights=random_weights("enlightengan")).texture == 1.0


def test_names_and_parts_belong_to_each_other():
    config = TrainConfig(without=("relativistic", "attention"))
    assert without_of(config.variant) == ("attention", "relativistic")
    assert without_of("enlightengan") == () and without_of("zero_dce") is None


def test_missing_weights_say_how_to_train_it(workplace, monkeypatch):
    monkeypatch.setattr("bench.weights.SHIPPED", workplace)
    with pytest.raises(
        MissingWeightsError, match="train enlightengan --without attention --without local-discriminator"
    ):
        METHODS[BOTH]()
    with pytest.raises(MissingWeightsError, match="bench train zero_dce --preset"):
        METHODS["zero_dce"]()
